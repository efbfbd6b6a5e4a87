// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore

/// What must hold of every decoder of text.
package enum TextProperty {
    /// Checks all decoders on the same bytes.
    ///
    /// - Parameter input: the bytes.
    /// - Returns: what is wrong; nil when all is well.
    package static func violation(in input: [UInt8]) -> String? {
        mailboxNameViolation(input) ?? base64Violation(input) ?? charsetViolation(input) ?? transferViolation(input)
            ?? foldViolation(input) ?? patternViolation(input)
    }

    private static func mailboxNameViolation(_ input: [UInt8]) -> String? {
        let text = String(decoding: input, as: UTF8.self)
        do throws(IMAPError) {
            let back = try ModifiedUTF7.decode(ModifiedUTF7.encode(text))
            if !back.utf8.elementsEqual(text.utf8) { return "modified UTF-7 changes a text" }
        } catch {
            return "modified UTF-7 refuses its own form: \(error)"
        }
        do throws(IMAPError) {
            if ModifiedUTF7.encode(try ModifiedUTF7.decode(input)) != input { return "a name has two forms" }
        } catch {
            // Most inputs are no names.
        }
        return nil
    }

    private static func base64Violation(_ input: [UInt8]) -> String? {
        do throws(IMAPError) {
            if try Base64.decode(Base64.encode(input)) != input { return "base64 changes bytes" }
        } catch {
            return "base64 refuses its own form: \(error)"
        }
        do throws(IMAPError) {
            if Base64.encode(try Base64.decode(input)) != input { return "bytes have two forms in base64" }
        } catch {
            // Most inputs are no base64.
        }
        return nil
    }

    private static func charsetViolation(_ input: [UInt8]) -> String? {
        let charsets: [Charset] = [
            .usASCII, .utf8, .latin1, .latin2, .cyrillic, .greek, .turkish, .latin9, .koi8R, .koi8U, .windows1250,
            .windows1251, .windows1252, .utf16, .utf16BigEndian, .utf16LittleEndian, .unknown,
        ]
        for charset in charsets {
            let whole = CharsetDecoder.decode(input, charset: charset)
            if String(validating: whole, as: UTF8.self) == nil { return "\(charset) gives no UTF-8" }
            var decoder = CharsetDecoder(charset: charset)
            var output: [UInt8] = []
            for piece in InputCuts.pieces(of: input) { decoder.decode(piece.span, into: &output) }
            decoder.finish(into: &output)
            if output != whole { return "the cuts change what \(charset) gives" }
        }
        if String(validating: EncodedWord.decode(input), as: UTF8.self) == nil { return "encoded words give no UTF-8" }
        return nil
    }

    private static func transferViolation(_ input: [UInt8]) -> String? {
        for encoding in [TransferEncoding.identity, .base64, .quotedPrintable] {
            var whole: [UInt8] = []
            var decoder = TransferDecoder(encoding: encoding)
            decoder.decode(input.span, into: &whole)
            decoder.finish(into: &whole)
            if whole.count > input.count { return "\(encoding) makes \(whole.count) bytes of \(input.count)" }
            var output: [UInt8] = []
            decoder = TransferDecoder(encoding: encoding)
            for piece in InputCuts.pieces(of: input) { decoder.decode(piece.span, into: &output) }
            decoder.finish(into: &output)
            if output != whole { return "the cuts change what \(encoding) gives" }
        }
        return nil
    }

    private static func foldViolation(_ input: [UInt8]) -> String? {
        let valid = Array(String(decoding: input, as: UTF8.self).utf8)
        let folded = CaseFold.fold(valid)
        if String(validating: folded, as: UTF8.self) == nil { return "folding gives no UTF-8" }
        return CaseFold.fold(folded) == folded ? nil : "folding twice changes a text"
    }

    /// Compares LIST's matcher with a plain recursive one; the input is a pattern, a line feed and a name.
    private static func patternViolation(_ input: [UInt8]) -> String? {
        guard let cut = input.firstIndex(of: 0x0A), input.count < 40 else { return nil }
        do throws(IMAPError) {
            let pattern = try ListPattern(String(decoding: input[..<cut], as: UTF8.self))
            let name = try MailboxName(String(decoding: input[(cut + 1)...], as: UTF8.self))
            if name.isInbox { return nil }
            var steps = 0
            let wanted = matches(Array(pattern.value.utf8)[...], Array(name.value.utf8)[...], &steps)
            if steps < 20_000, pattern.matches(name, delimiter: UInt8(ascii: "/")) != wanted {
                return "LIST pattern \(pattern.value) and name \(name.value) should match: \(wanted)"
            }
        } catch {
            // Not a pattern or not a name.
        }
        return nil
    }

    /// An asterisk is any run of bytes, a percent sign any run without a delimiter (RFC 3501 section 6.3.8).
    private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>, _ steps: inout Int) -> Bool {
        steps += 1
        guard steps < 20_000 else { return false }
        guard let first = pattern.first else { return name.isEmpty }
        if first == UInt8(ascii: "*") || first == UInt8(ascii: "%") {
            if matches(pattern.dropFirst(), name, &steps) { return true }
            guard let byte = name.first, first == UInt8(ascii: "*") || byte != UInt8(ascii: "/") else { return false }
            return matches(pattern, name.dropFirst(), &steps)
        }
        return name.first == first && matches(pattern.dropFirst(), name.dropFirst(), &steps)
    }
}
