// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The announcement of a literal at the end of a line.
///
///     literal         = "{" number ["+"] "}" CRLF *CHAR8       ; RFC 3501 section 9, RFC 7888 section 8
enum LiteralHeader: Equatable {
    /// A literal of this many bytes.
    case literal(byteCount: Int, kind: LiteralKind)
    /// A literal larger than `number` can say, 4,294,967,295 bytes.
    case overflow(kind: LiteralKind)

    /// The most bytes a header may have, leading zeros included; longer ones are no headers.
    static let maximumBytes = 32

    /// Reads the header that ends a line.
    ///
    /// A quoted string cannot end in a brace, and a brace cannot stand in an atom, so the end of the line decides.
    ///
    /// - Parameter line: a line, or its last `maximumBytes` bytes.
    /// - Returns: nil when the line ends in anything else, such as `{-1}`.
    static func atEnd(of line: ArraySlice<UInt8>) -> LiteralHeader? {
        guard line.last == UInt8(ascii: "}") else { return nil }
        let line = line.suffix(maximumBytes)
        guard let brace = line.lastIndex(of: UInt8(ascii: "{")) else { return nil }
        return parse(line[(brace + 1)..<(line.endIndex - 1)])
    }

    /// Reads what stands between the braces.
    static func parse(_ content: ArraySlice<UInt8>) -> LiteralHeader? {
        var digits = content
        var kind = LiteralKind.synchronizing
        if digits.last == UInt8(ascii: "+") {
            kind = .nonSynchronizing
            digits.removeLast()
        }
        guard !digits.isEmpty, digits.allSatisfy(ByteClass.isDigit) else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            value = value * 10 + UInt64(digit - 0x30)
            guard value <= UInt32.max else { return .overflow(kind: kind) }
        }
        return .literal(byteCount: Int(value), kind: kind)
    }
}
