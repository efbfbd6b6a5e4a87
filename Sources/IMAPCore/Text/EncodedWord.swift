// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Decodes the encoded words of RFC 2047 in header text.
///
/// `=?charset?B?...?=` and `=?charset?Q?...?=` are decoded wherever they stand, also inside quoted strings, where real
/// mail has them. White space between two encoded words is dropped (RFC 2047 section 6.2). A language after the charset
/// is allowed (RFC 2231 section 5). Octets of adjacent words with the same charset are joined before their characters
/// are decoded, because many programs split characters between words. What is malformed stays as it is.
public enum EncodedWord {
    /// Decodes header text.
    ///
    /// Octets outside encoded words are taken as UTF-8 when all of the value is well-formed UTF-8 (RFC 6532), else as
    /// windows-1252. Linear in the length of the value.
    ///
    /// - Parameter value: an unfolded field value.
    /// - Returns: the text as UTF-8.
    public static func decode(_ value: [UInt8]) -> [UInt8] {
        let rawCharset: Charset = UTF8Repair.isWellFormed(value) ? .utf8 : .windows1252
        var output: [UInt8] = []
        output.reserveCapacity(value.count)
        var run = WordRun()
        var rawStart = 0
        var index = 0
        while index < value.count {
            guard value[index] == MailASCII.equal, let word = parse(value, at: index) else {
                index += 1
                continue
            }
            let gap = value[rawStart..<index]
            if !(run.isOpen && gap.allSatisfy(MailASCII.isWhite)) {
                run.flush(into: &output)
                output.append(contentsOf: CharsetDecoder.decode(Array(gap), charset: rawCharset))
            }
            run.append(word, into: &output)
            index = word.end
            rawStart = index
        }
        run.flush(into: &output)
        if rawStart < value.count {
            output.append(contentsOf: CharsetDecoder.decode(Array(value[rawStart...]), charset: rawCharset))
        }
        return output
    }

    private struct Word {
        var charset: [UInt8]
        var bytes: [UInt8]
        var end: Int
    }

    /// Adjacent words of one charset.
    private struct WordRun {
        var charset: [UInt8]?
        var bytes: [UInt8] = []

        var isOpen: Bool { charset != nil }

        mutating func append(_ word: Word, into output: inout [UInt8]) {
            if charset != word.charset { flush(into: &output) }
            charset = word.charset
            bytes.append(contentsOf: word.bytes)
        }

        mutating func flush(into output: inout [UInt8]) {
            guard let charset else { return }
            output.append(contentsOf: CharsetDecoder.decode(bytes, charset: Charset(name: charset)))
            self.charset = nil
            bytes.removeAll(keepingCapacity: true)
        }
    }

    // encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="
    private static func parse(_ value: [UInt8], at start: Int) -> Word? {
        guard start + 1 < value.count, value[start + 1] == MailASCII.question else { return nil }
        let nameStart = start + 2
        var nameEnd = nameStart
        while nameEnd < value.count, MailASCII.isToken(value[nameEnd]) { nameEnd += 1 }
        guard nameEnd > nameStart, nameEnd + 2 < value.count, value[nameEnd] == MailASCII.question,
            value[nameEnd + 2] == MailASCII.question
        else { return nil }
        let textStart = nameEnd + 3
        var textEnd = textStart
        while textEnd < value.count, value[textEnd] != MailASCII.question, !MailASCII.isWhite(value[textEnd]) {
            textEnd += 1
        }
        guard textEnd + 1 < value.count, value[textEnd] == MailASCII.question, value[textEnd + 1] == MailASCII.equal
        else { return nil }
        let text = Array(value[textStart..<textEnd])
        let bytes: [UInt8]
        switch MailASCII.lowercased(value[nameEnd + 1]) {
        case 0x62: bytes = decodeB(text)
        case 0x71: bytes = decodeQ(text)
        default: return nil
        }
        let name = value[nameStart..<nameEnd]
        let charset = Array(name.prefix { $0 != MailASCII.asterisk })
        return Word(charset: MailASCII.lowercased(charset), bytes: bytes, end: textEnd + 2)
    }

    private static func decodeB(_ text: [UInt8]) -> [UInt8] {
        var decoder = TransferDecoder(encoding: .base64)
        var output: [UInt8] = []
        decoder.decode(text.span, into: &output)
        decoder.finish(into: &output)
        return output
    }

    private static func decodeQ(_ text: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte == MailASCII.underscore {
                output.append(MailASCII.space)
            } else if byte == MailASCII.equal, index + 2 < text.count, let high = MailASCII.hexValue(text[index + 1]),
                let low = MailASCII.hexValue(text[index + 2])
            {
                output.append(high << 4 | low)
                index += 2
            } else {
                output.append(byte)
            }
            index += 1
        }
        return output
    }
}
