// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Puts FETCH responses together from what the shell loads (RFC 3501 sections 6.4.5 and 7.4.2).
///
/// The shell makes one composer for a ``FetchRequest`` and, for each target, loads what ``needs`` says, asks for the
/// pieces and writes them in order. Bodies never pass through the composer: a piece names the range of the stored message,
/// and the shell streams it.
///
/// What the shell gives as structure depends on ``needs``:
/// - `attributes`: nothing.
/// - `header`: the structure of the header alone, ``MessageScanner/scan(_:limits:)`` of the bytes up to
///   ``HeaderBoundary/byteCount``; reading the rest of the message is not needed.
/// - `structure`: the structure of the whole message.
public struct FetchComposer: Sendable {
    /// What has to be loaded for one response; each case includes those before it.
    public enum Needs: Int, Comparable, Sendable, CaseIterable {
        /// What the store knows without reading the message.
        case attributes
        /// The header of the message.
        case header
        /// The structure of the whole message.
        case structure

        /// Orders by cost.
        ///
        /// - Parameters:
        ///   - left: one need.
        ///   - right: another need.
        /// - Returns: whether the left one is cheaper.
        public static func < (left: Needs, right: Needs) -> Bool { left.rawValue < right.rawValue }
    }

    /// What has to be loaded for every response.
    public let needs: Needs
    /// Whether a response is made of attributes alone, so that ``append(_:_:announcesFlags:to:)`` writes all of it.
    public let isOfAttributes: Bool
    /// Whether a response has the envelope.
    public let hasEnvelope: Bool
    private let items: [FetchItem]
    /// Whether a response that tells of flags also tells UID and modification sequence.
    private let announcesModSequence: Bool

    /// Prepares the responses of one FETCH.
    ///
    /// - Parameter request: the request of the session machine.
    public init(_ request: FetchRequest) {
        self.init(
            items: request.items, includeUID: request.includeUID, announcesModSequence: request.announcesModSequence)
    }

    /// Prepares responses.
    ///
    /// - Parameters:
    ///   - items: the items that the client wants.
    ///   - includeUID: whether every response carries the UID, wanted or not.
    ///   - announcesModSequence: whether a response that tells of flags that this FETCH has set carries the UID and the
    ///     modification sequence (RFC 7162 section 3.2.4).
    public init(items: [FetchItem], includeUID: Bool, announcesModSequence: Bool = false) {
        self.items = includeUID && !items.contains(.uid) ? [.uid] + items : items
        self.announcesModSequence = announcesModSequence
        needs = items.map(\.needs).max() ?? .attributes
        isOfAttributes = items.allSatisfy(\.isAttribute)
        hasEnvelope = items.contains(.envelope)
    }

    /// The pieces of one response line, in order.
    ///
    /// - Parameters:
    ///   - target: the message.
    ///   - attributes: what the store knows of it, after `\Seen` was set.
    ///   - structure: what ``needs`` asks for; without it sections are NIL and the envelope is empty.
    ///   - announcesFlags: whether the flags are sent even if the client did not ask, because this FETCH has set `\Seen` (RFC
    ///     3501 section 6.4.5).
    /// - Returns: the pieces; their bytes in a row are one legal response.
    public func pieces(
        for target: MessageTarget, attributes: MessageAttributes, structure: MessageStructure?,
        announcesFlags: Bool = false
    ) -> [FetchPiece] {
        pieces(for: target, attributes, FetchPieceWriter.Content(structure: structure), announcesFlags)
    }

    /// The pieces of one response line of which ``needs`` is `header`.
    ///
    /// - Parameters:
    ///   - target: the message.
    ///   - attributes: what the store knows of it, after `\Seen` was set.
    ///   - header: what there is to know of its header.
    ///   - announcesFlags: whether the flags are sent even if the client did not ask.
    /// - Returns: the pieces; their bytes in a row are one legal response.
    public func pieces(
        for target: MessageTarget, attributes: MessageAttributes, header: FetchHeader, announcesFlags: Bool = false
    ) -> [FetchPiece] {
        pieces(for: target, attributes, FetchPieceWriter.Content(header: header), announcesFlags)
    }

    /// Writes one response line that ``isOfAttributes``; of others only the attributes.
    ///
    /// - Parameters:
    ///   - target: the message.
    ///   - attributes: what the store knows of it, after `\Seen` was set.
    ///   - announcesFlags: whether the flags are sent even if the client did not ask.
    ///   - output: where it is written to.
    public func append(
        _ target: MessageTarget, _ attributes: MessageAttributes, announcesFlags: Bool = false,
        to output: inout [UInt8]
    ) {
        var encoder = FetchEncoder(target.sequenceNumber, into: &output)
        for item in items { _ = encoder.attribute(item, attributes, into: &output) }
        if announcesFlags {
            for item in announced { _ = encoder.attribute(item, attributes, into: &output) }
        }
        encoder.finish(into: &output)
    }

    private func pieces(
        for target: MessageTarget, _ attributes: MessageAttributes, _ content: FetchPieceWriter.Content,
        _ announcesFlags: Bool
    ) -> [FetchPiece] {
        var writer = FetchPieceWriter(target.sequenceNumber)
        for item in items { writer.write(item, attributes, content) }
        if announcesFlags {
            for item in announced { writer.write(item, attributes, content) }
        }
        return writer.finish()
    }

    /// What tells of `\Seen` and is not there anyway.
    private var announced: [FetchItem] {
        (announcesModSequence ? [.flags, .uid, .modSequence] : [.flags]).filter { !items.contains($0) }
    }
}

/// What a FETCH that needs only the header of a message has to know of it.
public struct FetchHeader: Hashable, Sendable {
    /// The octets of the header with its empty line.
    public let byteCount: Int
    /// The value of ENVELOPE as ``MessageStructure/appendEnvelope(to:)`` writes it; nil where none is wanted.
    public let envelope: [UInt8]?

    /// Describes a header.
    ///
    /// - Parameters:
    ///   - byteCount: the octets of the header with its empty line.
    ///   - envelope: the value of ENVELOPE, or nil where none is wanted.
    public init(byteCount: Int, envelope: [UInt8]?) {
        self.byteCount = byteCount
        self.envelope = envelope
    }
}

/// A piece of a FETCH response.
public enum FetchPiece: Hashable, Sendable {
    /// These bytes.
    case bytes([UInt8])
    /// These bytes of the stored message, to be streamed; their count was announced in the piece before.
    case rawRange(Range<Int>)
    /// Some fields of a header: load ``FilteredHeader/range`` and write what ``FilteredHeader/literal(of:)`` returns.
    case filteredHeader(FilteredHeader)
}

/// A choice of header fields, `BODY[HEADER.FIELDS (...)]`, whose size is known only when the header is loaded.
public struct FilteredHeader: Hashable, Sendable {
    /// Where the header is in the stored message.
    public let range: Range<Int>
    /// The names of the fields.
    public let names: [[UInt8]]
    /// Whether the named fields are left out instead of kept.
    public let isExcluding: Bool
    /// Which part of the result is wanted; nil for all.
    public let partial: PartialRange?

    /// Makes a choice.
    ///
    /// - Parameters:
    ///   - range: where the header is in the stored message.
    ///   - names: the names of the fields.
    ///   - isExcluding: whether the named fields are left out.
    ///   - partial: which part of the result is wanted.
    public init(range: Range<Int>, names: [[UInt8]], isExcluding: Bool, partial: PartialRange?) {
        self.range = range
        self.names = names
        self.isExcluding = isExcluding
        self.partial = partial
    }

    /// The value of the item.
    ///
    /// - Parameter header: the bytes of ``range``.
    /// - Returns: a literal with the chosen fields and the empty line behind them.
    public func literal(of header: [UInt8]) -> [UInt8] {
        let chosen = HeaderFilter.filter(header, names: names, excluding: isExcluding)
        let wanted = partial.map { chosen[$0.clamped(to: chosen.count)] } ?? chosen[...]
        var output: [UInt8] = []
        output.reserveCapacity(wanted.count + 16)
        ByteWriter.literalHeader(byteCount: wanted.count, into: &output)
        output.append(contentsOf: wanted)
        return output
    }
}

extension FetchItem {
    /// Whether the store knows the value without reading the message.
    fileprivate var isAttribute: Bool {
        switch self {
        case .flags, .uid, .internalDate, .rfc822Size, .modSequence: true
        case .rfc822, .envelope, .rfc822Header, .rfc822Text, .body, .bodyStructure, .bodySection: false
        }
    }

    /// What has to be loaded for the item.
    fileprivate var needs: FetchComposer.Needs {
        switch self {
        case .flags, .uid, .internalDate, .rfc822Size, .modSequence, .rfc822: return .attributes
        case .envelope, .rfc822Header, .rfc822Text: return .header
        case .body, .bodyStructure: return .structure
        case .bodySection(let section, _, _):
            if !section.path.isEmpty { return .structure }
            return section.kind == .all ? .attributes : .header
        }
    }
}
