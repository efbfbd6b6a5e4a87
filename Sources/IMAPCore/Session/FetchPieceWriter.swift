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

    /// What was loaded of the message: all of its structure, only what there is to know of the header, or nothing.
    struct Content {
        var structure: MessageStructure?
        var header: FetchHeader?

        /// Writes the envelope; that of a message without bytes where nothing was loaded, since it cannot be NIL.
        func appendEnvelope(to output: inout [UInt8]) {
            if let envelope = header?.envelope { output += envelope } else { whole.appendEnvelope(to: &output) }
        }

        /// The structure; that of a message without bytes where none was loaded.
        var whole: MessageStructure { structure ?? FetchPieceWriter.empty }
    }

    /// Writes one item.
    mutating func write(_ item: FetchItem, _ attributes: MessageAttributes, _ content: Content) {
        switch item {
        case .flags, .uid, .internalDate, .rfc822Size, .modSequence:
            _ = encoder.attribute(item, attributes, into: &bytes)
        case .envelope:
            var value: [UInt8] = []
            content.appendEnvelope(to: &value)
            encoder.encoded(item, value, into: &bytes)
        case .body, .bodyStructure:
            var value: [UInt8] = []
            content.whole.appendBodyStructure(to: &value, extensible: item == .bodyStructure)
            encoder.encoded(item, value, into: &bytes)
        case .rfc822: range(item, 0..<attributes.byteCount, nil)
        case .rfc822Header: section(item, BodySection(path: [], kind: .header), nil, attributes, content)
        case .rfc822Text: section(item, BodySection(path: [], kind: .text), nil, attributes, content)
        case .bodySection(let section, _, let partial):
            self.section(item, section, partial, attributes, content)
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
        _ content: Content
    ) {
        switch Self.content(of: section, attributes, content) {
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
        of section: BodySection, _ attributes: MessageAttributes, _ content: Content
    ) -> SectionContent {
        if section.path.isEmpty, section.kind == .all { return .range(0..<attributes.byteCount) }
        let header = content.header.map { 0..<$0.byteCount } ?? content.structure?.root.header
        if section.path.isEmpty, let header {
            switch section.kind {
            case .header: return .range(header)
            case .headerFields(let names): return .headerFilter(header: header, names: names, excluding: false)
            case .headerFieldsNot(let names): return .headerFilter(header: header, names: names, excluding: true)
            case .text: return .range(min(header.upperBound, attributes.byteCount)..<attributes.byteCount)
            case .all, .mime: break
            }
        }
        return content.structure?.content(of: SectionPath(parts: section.path, kind: section.kind.pathKind)) ?? .missing
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
    fileprivate static let empty = MessageScanner.scan([])
}

extension FetchEncoder {
    /// Writes an item whose value the store knows without reading the message.
    ///
    /// - Returns: false, and nothing is written, for other items.
    mutating func attribute(
        _ item: FetchItem, _ attributes: MessageAttributes, into output: inout [UInt8]
    ) -> Bool {
        switch item {
        case .flags: flags(attributes.flags, into: &output)
        case .uid: uid(attributes.uid, into: &output)
        case .internalDate: internalDate(attributes.internalDate, into: &output)
        case .rfc822Size: rfc822Size(attributes.byteCount, into: &output)
        case .modSequence: modSequence(attributes.modSequence, into: &output)
        case .rfc822, .envelope, .rfc822Header, .rfc822Text, .body, .bodyStructure, .bodySection: return false
        }
        return true
    }
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
