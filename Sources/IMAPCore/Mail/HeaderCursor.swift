// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Reads the lexical tokens of structured header fields (RFC 5322 section 3.2, RFC 2045 section 5.1).
///
/// The cursor only moves forward, so everything built on it is linear in the length of the value. Nothing fails: a
/// string or comment that does not end reaches to the end of the value.
struct HeaderCursor {
    let bytes: [UInt8]
    private(set) var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { index >= bytes.count }

    /// The next byte, not consumed.
    var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    mutating func advance() { index = min(index + 1, bytes.count) }

    /// Consumes the byte if it is the next one.
    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        index += 1
        return true
    }

    /// Skips white space and comments.
    ///
    /// - Returns: whether anything was skipped.
    @discardableResult
    mutating func skipWhiteAndComments() -> Bool {
        let start = index
        while let byte = next {
            if MailASCII.isWhite(byte) {
                index += 1
            } else if byte == MailASCII.openParenthesis {
                _ = comment()
            } else {
                break
            }
        }
        return index > start
    }

    /// Reads a comment whose "(" is next; the text has its quoted pairs resolved and keeps the inner parentheses.
    mutating func comment() -> [UInt8] {
        var text: [UInt8] = []
        var depth = 0
        while let byte = next {
            index += 1
            switch byte {
            case MailASCII.backslash:
                if let quoted = next {
                    text.append(quoted)
                    index += 1
                }
            case MailASCII.openParenthesis:
                if depth > 0 { text.append(byte) }
                depth += 1
            case MailASCII.closeParenthesis:
                depth -= 1
                if depth == 0 { return text }
                text.append(byte)
            default: text.append(byte)
            }
        }
        return text
    }

    /// Reads a quoted string whose quote is next; the result has no quotes and its quoted pairs are resolved.
    mutating func quotedString() -> [UInt8] {
        var text: [UInt8] = []
        advance()
        while let byte = next {
            index += 1
            if byte == MailASCII.quote { break }
            if byte == MailASCII.backslash, let quoted = next {
                text.append(quoted)
                index += 1
            } else {
                text.append(byte)
            }
        }
        return text
    }

    /// Reads bytes while they satisfy the condition.
    mutating func run(while condition: (UInt8) -> Bool) -> [UInt8] {
        let start = index
        while index < bytes.count, condition(bytes[index]) { index += 1 }
        return Array(bytes[start..<index])
    }
}
