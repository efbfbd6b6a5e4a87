// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Writes JSON as Go's encoder does: no spaces, `<`, `>`, `&`, U+2028 and U+2029 escaped, members in the order of calls.
package struct JSONWriter {
    /// What was written.
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// Creates a writer.
    ///
    /// - Parameter capacity: how many bytes to have room for.
    package init(capacity: Int = 384) { bytes.reserveCapacity(capacity) }

    /// Writes an object.
    ///
    /// - Parameter body: writes its members.
    package mutating func object(_ body: (inout JSONWriter) -> Void) {
        enclose(UInt8(ascii: "{"), UInt8(ascii: "}"), body)
    }

    /// Writes an array.
    ///
    /// - Parameter body: writes its elements.
    package mutating func array(_ body: (inout JSONWriter) -> Void) {
        enclose(UInt8(ascii: "["), UInt8(ascii: "]"), body)
    }

    /// Writes the name of a member; its value must follow.
    package mutating func name(_ name: String) {
        comma()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes a string.
    package mutating func string(_ text: String) {
        comma()
        quote(text)
        needsComma = true
    }

    /// Writes a whole number.
    package mutating func number(_ value: some FixedWidthInteger) { literal(String(value)) }

    /// Writes a truth value.
    package mutating func bool(_ value: Bool) { literal(value ? "true" : "false") }

    /// Writes `null`.
    package mutating func null() { literal("null") }

    /// Writes a number or word as it is.
    package mutating func literal(_ text: String) {
        comma()
        bytes += text.utf8
        needsComma = true
    }

    /// Writes a value that is JSON already.
    package mutating func raw(_ json: some Sequence<UInt8>) {
        comma()
        bytes += json
        needsComma = true
    }

    /// Writes a moment as RFC 3339.
    package mutating func time(_ time: WireTime) { plain(time.rfc3339Bytes) }

    /// Writes a moment as tunasync's `/jobs` has it.
    package mutating func webTime(_ time: WireTime) { plain(time.webBytes) }

    /// Takes back what was written and leaves the writer empty.
    package consuming func finish() -> [UInt8] { bytes }

    private mutating func enclose(_ opening: UInt8, _ closing: UInt8, _ body: (inout JSONWriter) -> Void) {
        comma()
        bytes.append(opening)
        needsComma = false
        body(&self)
        bytes.append(closing)
        needsComma = true
    }

    private mutating func comma() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    /// A string that needs no escapes.
    private mutating func plain(_ text: [UInt8]) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        bytes += text
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { source in
            var index = 0
            while index < source.count {
                let byte = source[index]
                if byte == 0xE2, index + 2 < source.count, source[index + 1] == 0x80, source[index + 2] & 0xFE == 0xA8 {
                    bytes += (source[index + 2] == 0xA8 ? "\\u2028" : "\\u2029").utf8
                    index += 3
                } else {
                    append(byte)
                    index += 1
                }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func append(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case 0x08: bytes += "\\b".utf8
        case 0x0C: bytes += "\\f".utf8
        case 0x0A: bytes += "\\n".utf8
        case 0x0D: bytes += "\\r".utf8
        case 0x09: bytes += "\\t".utf8
        case 0..<0x20, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
            bytes += "\\u00".utf8
            bytes.append(Self.hexadecimal(byte >> 4))
            bytes.append(Self.hexadecimal(byte & 0xF))
        default: bytes.append(byte)
        }
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }
}
