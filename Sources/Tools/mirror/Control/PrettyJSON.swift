// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Lays out JSON as Go's `MarshalIndent` does with two spaces, which is what tunasynctl prints.
enum PrettyJSON {
    /// Lays out a JSON text.
    ///
    /// - Parameter json: a compact JSON text.
    /// - Returns: the same with lines and spaces.
    static func indent(_ json: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(json.count * 2)
        var depth = 0
        var isInString = false
        var isEscaped = false
        for (index, byte) in json.enumerated() {
            if isInString {
                text.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""):
                isInString = true
                text.append(byte)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                text.append(byte)
                // Nothing inside: Go leaves {} and [] closed.
                if index + 1 < json.count, json[index + 1] == byte + 2 { continue }
                depth += 1
                line(depth, &text)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if index > 0, json[index - 1] != byte - 2 {
                    depth -= 1
                    line(depth, &text)
                }
                text.append(byte)
            case UInt8(ascii: ","):
                text.append(byte)
                line(depth, &text)
            case UInt8(ascii: ":"):
                text += [byte, UInt8(ascii: " ")]
            case 0x20, 0x09, 0x0A, 0x0D: continue
            default: text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func line(_ depth: Int, _ text: inout [UInt8]) {
        text.append(0x0A)
        text += [UInt8](repeating: 0x20, count: 2 * depth)
    }
}
