// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Turns text of a character set into UTF-8, chunk by chunk.
///
/// Any split of the input gives the same output; the output is always valid UTF-8, with U+FFFD for what has no
/// character. State is at most four octets. Cost is linear in the input.
public struct CharsetDecoder: Sendable {
    private enum Method {
        case utf8
        case latin1
        case table([Unicode.Scalar])
        case utf16
    }

    private let method: Method
    private var utf8 = UTF8Repair()
    private var isLittleEndian = false
    private var awaitsByteOrderMark = false
    private var firstByte: UInt8?
    private var highSurrogate: UInt16?

    /// A decoder at the start of a text.
    ///
    /// - Parameter charset: the character set of the text.
    public init(charset: Charset) {
        if let table = charset.upperHalf {
            method = .table(table)
            return
        }
        switch charset {
        case .usASCII, .utf8: method = .utf8
        case .utf16, .utf16BigEndian, .utf16LittleEndian:
            method = .utf16
            awaitsByteOrderMark = charset == .utf16
            isLittleEndian = charset == .utf16LittleEndian
        case .latin1, .unknown, .latin2, .cyrillic, .greek, .turkish, .latin9, .koi8R, .koi8U, .windows1250,
            .windows1251, .windows1252:
            method = .latin1
        }
    }

    /// Decodes a whole text at once.
    ///
    /// - Parameters:
    ///   - bytes: the text.
    ///   - charset: its character set.
    /// - Returns: the text in UTF-8.
    public static func decode(_ bytes: [UInt8], charset: Charset) -> [UInt8] {
        var decoder = CharsetDecoder(charset: charset)
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        decoder.decode(bytes.span, into: &output)
        decoder.finish(into: &output)
        return output
    }

    /// Decodes the next octets.
    ///
    /// - Parameters:
    ///   - bytes: octets of the text, any number of them.
    ///   - output: the UTF-8 that is decided so far is appended here.
    public mutating func decode(_ bytes: borrowing Span<UInt8>, into output: inout [UInt8]) {
        switch method {
        case .utf8:
            utf8.push(bytes, into: &output)
        case .latin1:
            for index in bytes.indices { UTF8Repair.append(Unicode.Scalar(bytes[index]), to: &output) }
        case .table(let upper):
            for index in bytes.indices {
                let byte = bytes[index]
                if byte < 0x80 {
                    output.append(byte)
                } else {
                    UTF8Repair.append(upper[Int(byte) - 0x80], to: &output)
                }
            }
        case .utf16:
            for index in bytes.indices { pushUTF16(bytes[index], into: &output) }
        }
    }

    /// Ends the text.
    ///
    /// - Parameter output: U+FFFD for an incomplete character is appended here.
    public mutating func finish(into output: inout [UInt8]) {
        utf8.finish(into: &output)
        if highSurrogate != nil || firstByte != nil { UTF8Repair.append(UTF8Repair.replacement, to: &output) }
        highSurrogate = nil
        firstByte = nil
    }

    private mutating func pushUTF16(_ byte: UInt8, into output: inout [UInt8]) {
        guard let first = firstByte else {
            firstByte = byte
            return
        }
        firstByte = nil
        if awaitsByteOrderMark {
            awaitsByteOrderMark = false
            if first == 0xFE, byte == 0xFF { return }
            if first == 0xFF, byte == 0xFE {
                isLittleEndian = true
                return
            }
        }
        let unit = isLittleEndian ? UInt16(byte) << 8 | UInt16(first) : UInt16(first) << 8 | UInt16(byte)
        if let high = highSurrogate {
            highSurrogate = nil
            if unit & 0xFC00 == 0xDC00 {
                let value = 0x10000 + (UInt32(high & 0x3FF) << 10 | UInt32(unit & 0x3FF))
                UTF8Repair.append(Unicode.Scalar(value) ?? UTF8Repair.replacement, to: &output)
                return
            }
            UTF8Repair.append(UTF8Repair.replacement, to: &output)
        }
        if unit & 0xFC00 == 0xD800 {
            highSurrogate = unit
        } else {
            UTF8Repair.append(Unicode.Scalar(UInt32(unit)) ?? UTF8Repair.replacement, to: &output)
        }
    }
}
