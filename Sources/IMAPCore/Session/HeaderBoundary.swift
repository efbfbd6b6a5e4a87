// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Finds the end of a message's header while the message is read (RFC 5322 section 2.1).
///
/// The first empty line ends the header and belongs to it. Lines end with CRLF, LF or CR, as in ``MessageScanner``.
///
///     var boundary = HeaderBoundary()
///     while boundary.byteCount == nil, let chunk = next() { boundary.consume(chunk.span) }
///     let header = boundary.byteCount ?? everythingRead
public struct HeaderBoundary: Hashable, Sendable {
    /// The size of the header with its empty line; nil while the end has not been seen.
    ///
    /// An empty line of a single CR is only known to be complete with the byte behind it; at the end of the message such a
    /// header is the whole message, which is the same.
    public private(set) var byteCount: Int?
    private var offset = 0
    private var isLineEmpty = true
    private var followsReturn = false

    /// A search at the start of a message.
    public init() {}

    /// Looks through the next bytes.
    ///
    /// - Parameter bytes: the bytes behind those seen so far.
    /// - Complexity: linear in the bytes of the header.
    public mutating func consume(_ bytes: Span<UInt8>) {
        var index = 0
        while byteCount == nil, index < bytes.count {
            step(bytes[index])
            index += 1
        }
    }

    private mutating func step(_ byte: UInt8) {
        if followsReturn {
            followsReturn = false
            if endLine(at: byte == 0x0A ? offset + 1 : offset) { return }
            if byte == 0x0A {
                offset += 1
                return
            }
        }
        offset += 1
        switch byte {
        case 0x0D: followsReturn = true
        case 0x0A: _ = endLine(at: offset)
        default: isLineEmpty = false
        }
    }

    /// Ends a line; returns whether it was the one that ends the header.
    private mutating func endLine(at end: Int) -> Bool {
        if isLineEmpty { byteCount = end }
        isLineEmpty = true
        return byteCount != nil
    }
}
