// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A strict reader of one FETCH response, which knows nothing of how the encoder made it (RFC 3501 section 9).
enum ResponseSyntax {
    /// Checks one response line with its literals.
    ///
    /// - Parameter bytes: the line, its CRLF included.
    /// - Returns: what is wrong; nil when all is well.
    static func violation(in bytes: [UInt8]) -> String? {
        var reader = Reader(bytes: bytes)
        guard reader.take("* 3 FETCH ") else { return "the response does not begin as it should" }
        if let problem = reader.list() { return "\(problem) at byte \(reader.place)" }
        guard reader.take("\r\n"), reader.place == bytes.count else { return "bytes follow at \(reader.place)" }
        return nil
    }

    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        var next: UInt8? { place < bytes.count ? bytes[place] : nil }

        mutating func take(_ text: StaticString) -> Bool {
            let wanted = Array(text.description.utf8)
            guard bytes[place...].starts(with: wanted) else { return false }
            place += wanted.count
            return true
        }

        /// Values between parentheses, one space apart; lists may touch, as the parts of a multipart do. Depth is kept in a
        /// counter, so that no input makes this check overflow the stack.
        mutating func list() -> String? {
            var depth = 0
            var isFirst = true
            repeat {
                if next == UInt8(ascii: ")") {
                    if isFirst { return "an empty list" }
                    place += 1
                    depth -= 1
                    continue
                }
                let touches = place > 0 && bytes[place - 1] == UInt8(ascii: ")") && next == UInt8(ascii: "(")
                if !isFirst, !touches, !take(" ") { return "a value without a space before it" }
                if next == UInt8(ascii: "(") {
                    place += 1
                    depth += 1
                    isFirst = true
                    continue
                }
                isFirst = false
                if let problem = value() { return problem }
            } while depth > 0
            return nil
        }

        private mutating func value() -> String? {
            switch next {
            case UInt8(ascii: "\""): return quoted()
            case UInt8(ascii: "{"): return literal()
            default: return atom()
            }
        }

        private mutating func quoted() -> String? {
            place += 1
            while let byte = next {
                place += 1
                switch byte {
                case UInt8(ascii: "\""): return nil
                case UInt8(ascii: "\\"):
                    guard let escaped = next, escaped == UInt8(ascii: "\"") || escaped == UInt8(ascii: "\\") else {
                        return "a wrong escape"
                    }
                    place += 1
                case 0x01...0x7F where byte != 0x0D && byte != 0x0A: break
                default: return "byte \(byte) in a quoted string"
                }
            }
            return "a quoted string without an end"
        }

        private mutating func literal() -> String? {
            place += 1
            var count = 0
            while let byte = next, (0x30...0x39).contains(byte), count < 1 << 40 {
                count = count * 10 + Int(byte - 0x30)
                place += 1
            }
            guard take("}\r\n"), count <= bytes.count - place else { return "a wrong literal header" }
            place += count
            return nil
        }

        /// An atom, number or item name; between brackets spaces, parentheses and strings are part of the name.
        private mutating func atom() -> String? {
            let start = place
            var isInBrackets = false
            while let byte = next {
                if byte == UInt8(ascii: "[") { isInBrackets = true }
                if byte == UInt8(ascii: "]") { isInBrackets = false }
                if !isInBrackets, [UInt8(ascii: " "), UInt8(ascii: "("), UInt8(ascii: ")")].contains(byte) { break }
                guard (0x20...0x7E).contains(byte), isInBrackets || byte != UInt8(ascii: "\"") else { break }
                place += 1
            }
            return place > start ? nil : "an empty value"
        }
    }
}
