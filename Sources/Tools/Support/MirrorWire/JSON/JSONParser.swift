// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Reads a JSON text (RFC 8259) within limits.
///
/// As Go's decoder does, it puts U+FFFD for bytes that are not UTF-8 and for lone surrogates. Unlike it, it refuses
/// everything but white space behind the value.
package struct JSONParser {
    private let bytes: [UInt8]
    private let limits: JSONLimits
    private var position = 0
    private var values = 0

    private init(_ bytes: [UInt8], _ limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// Reads a text.
    ///
    /// - Parameters:
    ///   - bytes: the text in UTF-8.
    ///   - limits: what bounds it.
    /// - Returns: the value.
    /// - Throws: `malformed`, `limitExceeded`.
    package static func parse(
        _ bytes: [UInt8], limits: JSONLimits = JSONLimits()
    ) throws(WireError) -> JSONValue {
        guard bytes.count <= limits.maximumBytes else {
            throw WireError(.limitExceeded, "the JSON text has more than \(limits.maximumBytes) bytes")
        }
        var parser = JSONParser(bytes, limits)
        parser.skipSpace()
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.position == bytes.count else { throw parser.malformed("something follows the JSON value") }
        return value
    }

    private mutating func value(depth: Int) throws(WireError) -> JSONValue {
        values += 1
        guard values <= limits.maximumValues else {
            throw WireError(.limitExceeded, "the JSON text has more than \(limits.maximumValues) values")
        }
        guard position < bytes.count else { throw malformed("the JSON text ends too early") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw malformed("there is no JSON value")
        }
    }

    private mutating func object(depth: Int) throws(WireError) -> JSONValue {
        try enter(depth)
        var members: [JSONMember] = []
        skipSpace()
        if take("}") { return .object(members) }
        while true {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                throw malformed("a name of an object is missing")
            }
            let name = try string()
            skipSpace()
            guard take(":") else { throw malformed("a colon is missing") }
            skipSpace()
            members.append(JSONMember(name: name, value: try value(depth: depth)))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw malformed("an object does not end") }
        }
    }

    private mutating func array(depth: Int) throws(WireError) -> JSONValue {
        try enter(depth)
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") { return .array(elements) }
        while true {
            skipSpace()
            elements.append(try value(depth: depth))
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { throw malformed("an array does not end") }
        }
    }

    private mutating func enter(_ depth: Int) throws(WireError) {
        guard depth <= limits.maximumDepth else {
            throw WireError(.limitExceeded, "the JSON text is more than \(limits.maximumDepth) levels deep")
        }
        position += 1
    }

    private mutating func literal(_ text: String, _ value: JSONValue) throws(WireError) -> JSONValue {
        guard bytes[position...].starts(with: text.utf8) else { throw malformed("there is no JSON value") }
        position += text.utf8.count
        return value
    }

    /// Reads a number.
    ///
    ///     number = [ "-" ] ( "0" / 1-9 *DIGIT ) [ "." 1*DIGIT ] [ ( "e" / "E" ) [ "+" / "-" ] 1*DIGIT ]
    private mutating func number() throws(WireError) -> JSONValue {
        let start = position
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
        return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func digits() throws(WireError) {
        let start = position
        while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
        guard position > start else { throw malformed("a number has no digits") }
    }

    private mutating func string() throws(WireError) -> String {
        position += 1
        var text: [UInt8] = []
        var start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                text += bytes[start..<position]
                position += 1
                return String(decoding: text, as: UTF8.self)
            }
            guard byte >= 0x20 else { throw malformed("a string has a control character") }
            position += 1
            guard byte == UInt8(ascii: "\\") else { continue }
            text += bytes[start..<position - 1]
            try escape(into: &text)
            start = position
        }
        throw malformed("a string does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(WireError) {
        guard position < bytes.count else { throw malformed("a string does not end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text += Array(String(Character(try escapedScalar())).utf8)
        default: throw malformed("a string has an unknown escape")
        }
    }

    private mutating func escapedScalar() throws(WireError) -> Unicode.Scalar {
        let first = try hexadecimal()
        if let scalar = Unicode.Scalar(first) { return scalar }
        // A surrogate: with its partner it is one character, alone it is none.
        let isPair =
            first < 0xDC00 && position + 1 < bytes.count && bytes[position] == UInt8(ascii: "\\")
            && bytes[position + 1] == UInt8(ascii: "u")
        guard isPair else { return "\u{FFFD}" }
        let mark = position
        position += 2
        let second = try hexadecimal()
        if (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        {
            return scalar
        }
        position = mark
        return "\u{FFFD}"
    }

    private mutating func hexadecimal() throws(WireError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw malformed("a string does not end") }
        var value: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x41 + 10
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: throw malformed("a string has an unknown escape")
            }
            value = value << 4 | UInt32(digit)
        }
        position += 4
        return value
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private func malformed(_ reason: String) -> WireError {
        WireError(.malformed, "bad JSON at byte \(position): \(reason)")
    }
}
