// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Writes the primitive elements of RFC 3501 section 9 to the end of an array.
enum ByteWriter {
    /// Longer strings are sent as literals; RFC 3501 sets no limit, but clients have buffers for lines.
    static let longestQuoted = 1_024

    /// Text that is known to be safe, such as a keyword of the protocol.
    static func text(_ text: StaticString, into output: inout [UInt8]) {
        text.withUTF8Buffer { output.append(contentsOf: $0) }
    }

    /// A decimal number; negative ones count as 0.
    static func number(_ number: some BinaryInteger, into output: inout [UInt8]) {
        guard number > 0 else {
            output.append(UInt8(ascii: "0"))
            return
        }
        let start = output.count
        var rest = UInt64(clamping: number)
        while rest > 0 {
            output.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        }
        output[start...].reverse()
    }

    /// The shortest safe form of a string.
    ///
    ///     string = quoted / literal
    static func string(_ bytes: some Collection<UInt8>, into output: inout [UInt8]) {
        if bytes.count <= longestQuoted, bytes.allSatisfy({ (0x20...0x7E).contains($0) }) {
            quoted(bytes, into: &output)
        } else {
            literalHeader(byteCount: bytes.count, into: &output)
            for byte in bytes { output.append(byte == 0 ? UInt8(ascii: "?") : byte) }
        }
    }

    /// A string or NIL.
    ///
    ///     nstring = string / nil
    static func nstring(_ bytes: (some Collection<UInt8>)?, into output: inout [UInt8]) {
        if let bytes { string(bytes, into: &output) } else { text("NIL", into: &output) }
    }

    /// An atom when every client will take it for one, else a string.
    ///
    ///     astring = 1*ASTRING-CHAR / string
    static func astring(_ bytes: some Collection<UInt8>, into output: inout [UInt8]) {
        let isPlain = bytes.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "/"), UInt8(ascii: "$"):
                true
            default: false
            }
        }
        if isPlain, !bytes.isEmpty, !isNil(bytes) {
            output.append(contentsOf: bytes)
        } else {
            string(bytes, into: &output)
        }
    }

    /// A quoted string of printable ASCII; the caller has checked the bytes.
    ///
    ///     quoted = DQUOTE *QUOTED-CHAR DQUOTE
    private static func quoted(_ bytes: some Collection<UInt8>, into output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in bytes {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { output.append(UInt8(ascii: "\\")) }
            output.append(byte)
        }
        output.append(UInt8(ascii: "\""))
    }

    /// The header of a literal whose bytes follow.
    ///
    ///     literal = "{" number "}" CRLF *CHAR8
    static func literalHeader(byteCount: Int, into output: inout [UInt8]) {
        output.append(UInt8(ascii: "{"))
        number(byteCount, into: &output)
        text("}\r\n", into: &output)
    }

    /// Text for a person, made safe: what may not stand in a line becomes a question mark, so nobody can inject lines,
    /// and a bracket at the start, which would look like a response code, becomes a parenthesis.
    ///
    ///     text = 1*TEXT-CHAR
    static func humanText(_ text: String, into output: inout [UInt8]) {
        guard !text.isEmpty else {
            Self.text("-", into: &output)
            return
        }
        var isFirst = true
        for scalar in text.unicodeScalars.prefix(1_000) {
            switch scalar {
            case "[" where isFirst: output.append(UInt8(ascii: "("))
            case " "..."~": output.append(UInt8(truncatingIfNeeded: scalar.value))
            default: output.append(UInt8(ascii: "?"))
            }
            isFirst = false
        }
    }

    private static func isNil(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.count == 3 && bytes.map(ByteClass.uppercased) == Array("NIL".utf8)
    }
}
