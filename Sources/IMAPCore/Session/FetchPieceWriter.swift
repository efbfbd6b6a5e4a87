// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Writes the pieces of one FETCH response.
struct FetchPieceWriter {
    private var pieces: [FetchPiece] = []
    private var bytes: [UInt8] = []
    private var encoder: FetchEncoder

    init(_ number: SequenceNumber) {
        encoder = FetchEncoder(number, into: &bytes)
    }

    /// Writes one item.
    mutating func write(_ item: FetchItem, _ attributes: MessageAttributes, _ structure: MessageStructure?) {
        switch item {
        case .flags: encoder.flags(attributes.flags, into: &bytes)
        case .uid: encoder.uid(attributes.uid, into: &bytes)
        case .internalDate: encoder.internalDate(attributes.internalDate, into: &bytes)
        case .rfc822Size: encoder.rfc822Size(attributes.byteCount, into: &bytes)
        case .modSequence: encoder.modSequence(attributes.modSequence, into: &bytes)
        case .envelope:
            var value: [UInt8] = []
            (structure ?? Self.empty).appendEnvelope(to: &value)
            encoder.encoded(item, value, into: &bytes)
        case .body, .bodyStructure:
            var value: [UInt8] = []
            (structure ?? Self.empty).appendBodyStructure(to: &value, extensible: item == .bodyStructure)
            encoder.encoded(item, value, into: &bytes)
        case .rfc822: range(item, 0..<attributes.byteCount, nil)
        case .rfc822Header: section(item, BodySection(path: [], kind: .header), nil, attributes, structure)
        case .rfc822Text: section(item, BodySection(path: [], kind: .text), nil, attributes, structure)
        case .bodySection(let section, _, let partial):
            self.section(item, section, partial, attributes, structure)
        }
    }

    /// Ends the response.
    mutating func finish() -> [FetchPiece] {
        encoder.finish(into: &bytes)
        flush()
        return pieces
    }

    private mutating func section(
        _ item: FetchItem, _ section: BodySection, _ partial: PartialRange?, _ attributes: MessageAttributes,
        _ structure: MessageStructure?
    ) {
        switch Self.content(of: section, attributes, structure) {
        case .missing: encoder.missing(item, into: &bytes)
        case .range(let whole): range(item, whole, partial)
        case .headerFilter(let header, let names, let excluding):
            encoder.encoded(item, [], into: &bytes)
            flush()
            pieces.append(
                .filteredHeader(
                    FilteredHeader(range: header, names: names, isExcluding: excluding, partial: partial)))
        }
    }

    /// Where a section is; for the pieces of the outermost message the structure of its header is enough.
    private static func content(
        of section: BodySection, _ attributes: MessageAttributes, _ structure: MessageStructure?
    ) -> SectionContent {
        if section.path.isEmpty, section.kind == .all { return .range(0..<attributes.byteCount) }
        guard let structure else { return .missing }
        if section.path.isEmpty, section.kind == .text {
            let start = min(structure.root.header.upperBound, attributes.byteCount)
            return .range(start..<attributes.byteCount)
        }
        return structure.content(of: SectionPath(parts: section.path, kind: section.kind.pathKind))
    }

    private mutating func range(_ item: FetchItem, _ whole: Range<Int>, _ partial: PartialRange?) {
        var wanted = whole
        if let partial {
            let inner = partial.clamped(to: whole.count)
            wanted = (whole.lowerBound + inner.lowerBound)..<(whole.lowerBound + inner.upperBound)
        }
        encoder.literal(for: item, byteCount: wanted.count, into: &bytes)
        guard !wanted.isEmpty else { return }
        flush()
        pieces.append(.rawRange(wanted))
    }

    private mutating func flush() {
        guard !bytes.isEmpty else { return }
        pieces.append(.bytes(bytes))
        bytes = []
    }

    /// The structure of a message without bytes, for values that cannot be NIL.
    private static let empty = MessageScanner.scan([])
}

extension BodySection.Kind {
    fileprivate var pathKind: SectionPath.Kind {
        switch self {
        case .all: .whole
        case .header: .header
        case .headerFields(let names): .headerFields(names)
        case .headerFieldsNot(let names): .headerFieldsNot(names)
        case .text: .text
        case .mime: .mime
        }
    }
}
