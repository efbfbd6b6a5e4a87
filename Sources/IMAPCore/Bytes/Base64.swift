// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The base64 of SASL exchanges (RFC 3501 section 9, RFC 4648 section 4): padded, without line breaks.
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, byte) in alphabet.enumerated() { table[Int(byte)] = UInt8(value) }
        return table
    }()

    /// Encodes bytes.
    ///
    /// - Parameter bytes: the bytes.
    /// - Returns: the text, with padding.
    /// - Complexity: linear.
    public static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let rest = bytes.count - index
            let group =
                UInt32(bytes[index]) << 16 | (rest > 1 ? UInt32(bytes[index + 1]) << 8 : 0)
                | (rest > 2 ? UInt32(bytes[index + 2]) : 0)
            output.append(alphabet[Int(group >> 18 & 0x3F)])
            output.append(alphabet[Int(group >> 12 & 0x3F)])
            output.append(rest > 1 ? alphabet[Int(group >> 6 & 0x3F)] : UInt8(ascii: "="))
            output.append(rest > 2 ? alphabet[Int(group & 0x3F)] : UInt8(ascii: "="))
            index += 3
        }
        return output
    }

    /// Decodes the one valid form of a text.
    ///
    ///     base64          = *(4base64-char) [base64-terminal]
    ///     base64-terminal = (2base64-char "==") / (3base64-char "=")
    ///
    /// - Parameter text: the text, without spaces or line breaks.
    /// - Returns: the bytes.
    /// - Throws: `invalidBase64` for a wrong length, a foreign byte, misplaced padding or bits left over.
    /// - Complexity: linear.
    public static func decode(_ text: some Collection<UInt8>) throws(IMAPError) -> [UInt8] {
        guard text.count.isMultiple(of: 4) else { throw invalid("its length is not a multiple of 4") }
        var output: [UInt8] = []
        output.reserveCapacity(text.count / 4 * 3)
        var bits: UInt32 = 0
        var bitCount = 0
        var paddingCount = 0
        for byte in text {
            if byte == UInt8(ascii: "=") {
                paddingCount += 1
                continue
            }
            let value = values[Int(byte)]
            guard value != 0xFF, paddingCount == 0 else { throw invalid("it holds a byte that may not stand there") }
            bits = (bits << 6 | UInt32(value)) & 0x3FFF
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                output.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
            }
        }
        guard paddingCount * 2 == bitCount, bits & (1 << UInt32(bitCount) - 1) == 0 else {
            throw invalid("its end is not canonical")
        }
        return output
    }

    private static func invalid(_ what: String) -> IMAPError {
        IMAPError(code: .invalidBase64, message: "The response is not base64: \(what).")
    }
}
