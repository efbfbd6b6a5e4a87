// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Picks fields out of a header, for HEADER.FIELDS and HEADER.FIELDS.NOT (RFC 3501 section 6.4.5).
///
/// Kept fields are as they are stored, folding and line ends included, in their order. The empty line that ends the
/// header is always kept; a header without one gives a result without one, as section 6.4.5 says. Lines that are no
/// field have no name: they are kept only when excluding.
///
/// The header goes in with any chunking, and the output can be sent on piece by piece: at most
/// ``maximumNameBytes`` octets are held.
public struct HeaderFilter: Sendable {
    /// The longest field name, white space before its colon included, that can match; a longer one has no name.
    public static let maximumNameBytes = 998

    private enum State {
        case lineStart
        /// In a name, all of which is held.
        case name
        /// In the rest of a line.
        case value
        /// Behind the empty line.
        case end
    }

    private let wanted: Set<[UInt8]>
    private let isExcluding: Bool
    private var state = State.lineStart
    private var keepsField: Bool
    private var held: [UInt8] = []
    /// Whether a carriage return ended a line, so that a line feed still belongs to it; and whether that line was kept.
    private var pendingReturn: Bool?

    /// A filter at the start of a header.
    ///
    /// - Parameters:
    ///   - names: field names in any case.
    ///   - excluding: whether the named fields are left out instead of kept.
    public init(names: [[UInt8]], excluding: Bool) {
        wanted = Set(names.map { MailASCII.lowercased($0) })
        isExcluding = excluding
        keepsField = excluding
    }

    /// Filters a header that is in memory.
    ///
    /// - Parameters:
    ///   - header: the header as it is stored, with the empty line behind it.
    ///   - names: field names in any case.
    ///   - excluding: whether the named fields are left out instead of kept.
    /// - Returns: the kept fields.
    /// - Complexity: O(n) in the header and the names.
    public static func filter(_ header: [UInt8], names: [[UInt8]], excluding: Bool) -> [UInt8] {
        var filter = HeaderFilter(names: names, excluding: excluding)
        var output: [UInt8] = []
        filter.consume(header.span, into: &output)
        filter.finish(into: &output)
        return output
    }

    /// Takes the next bytes of the header.
    ///
    /// - Parameters:
    ///   - bytes: any number of bytes.
    ///   - output: what is known to be kept is appended here.
    public mutating func consume(_ bytes: borrowing Span<UInt8>, into output: inout [UInt8]) {
        for index in bytes.indices { push(bytes[index], into: &output) }
    }

    /// Ends the header.
    ///
    /// - Parameter output: what was still held and is kept is appended here.
    public mutating func finish(into output: inout [UInt8]) {
        if state == .name { settleName(isNamed: false, into: &output) }
        state = .end
    }

    private mutating func push(_ byte: UInt8, into output: inout [UInt8]) {
        if let isKept = pendingReturn {
            pendingReturn = nil
            if byte == MailASCII.lineFeed {
                if isKept { output.append(byte) }
                return
            }
        }
        let isLineEnd = byte == MailASCII.lineFeed || byte == MailASCII.carriageReturn
        switch state {
        case .end: return
        case .lineStart:
            if isLineEnd {
                keepsField = true
                endLine(byte, into: &output)
                state = .end
            } else if MailASCII.isBlank(byte) {
                state = .value
                if keepsField { output.append(byte) }
            } else {
                state = .name
                takeName(byte, isLineEnd: false, into: &output)
            }
        case .name: takeName(byte, isLineEnd: isLineEnd, into: &output)
        case .value: if isLineEnd { endLine(byte, into: &output) } else if keepsField { output.append(byte) }
        }
    }

    private mutating func takeName(_ byte: UInt8, isLineEnd: Bool, into output: inout [UInt8]) {
        if isLineEnd {
            settleName(isNamed: false, into: &output)
            endLine(byte, into: &output)
            return
        }
        if byte == MailASCII.colon {
            var name = held[...]
            while let last = name.last, MailASCII.isBlank(last) { name.removeLast() }
            settleName(isNamed: wanted.contains(MailASCII.lowercased(Array(name))), into: &output)
            if keepsField { output.append(byte) }
            return
        }
        held.append(byte)
        if held.count > Self.maximumNameBytes { settleName(isNamed: false, into: &output) }
    }

    private mutating func settleName(isNamed: Bool, into output: inout [UInt8]) {
        keepsField = isNamed != isExcluding
        if keepsField { output.append(contentsOf: held) }
        held.removeAll(keepingCapacity: true)
        state = .value
    }

    private mutating func endLine(_ byte: UInt8, into output: inout [UInt8]) {
        if keepsField { output.append(byte) }
        if byte == MailASCII.carriageReturn { pendingReturn = keepsField }
        state = .lineStart
    }
}
