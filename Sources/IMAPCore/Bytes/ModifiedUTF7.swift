// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The encoding of mailbox names: UTF-16 in a changed base64 between `&` and `-` (RFC 3501 section 5.1.3).
///
/// Every name has exactly one form. The decoder refuses all others, so that two spellings never name one mailbox:
/// superfluous shifts, encoded printable ASCII, unpaired surrogates, bits left over, 8-bit bytes.
public enum ModifiedUTF7 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,".utf8)

    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, byte) in alphabet.enumerated() { table[Int(byte)] = UInt8(value) }
        return table
    }()

    /// Encodes text; every text has a form.
    ///
    /// - Parameter text: the text.
    /// - Returns: printable ASCII.
    /// - Complexity: linear.
    public static func encode(_ text: String) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count)
        var bits: UInt32 = 0
        var bitCount = 0
        var isShifted = false
        func endShift() {
            guard isShifted else { return }
            if bitCount > 0 { output.append(alphabet[Int(bits << (6 - UInt32(bitCount)) & 0x3F)]) }
            output.append(UInt8(ascii: "-"))
            (bits, bitCount, isShifted) = (0, 0, false)
        }
        for unit in text.utf16 {
            if (0x20...0x7E).contains(unit) {
                endShift()
                output.append(UInt8(truncatingIfNeeded: unit))
                if unit == 0x26 { output.append(UInt8(ascii: "-")) }
                continue
            }
            if !isShifted {
                output.append(UInt8(ascii: "&"))
                isShifted = true
            }
            bits = (bits << 16 | UInt32(unit)) & 0x3F_FFFF
            bitCount += 16
            while bitCount >= 6 {
                bitCount -= 6
                output.append(alphabet[Int(bits >> UInt32(bitCount) & 0x3F)])
            }
        }
        endShift()
        return output
    }

    /// Decodes text in the one valid form.
    ///
    /// - Parameter bytes: the encoded text, without quotes.
    /// - Returns: the text.
    /// - Throws: `invalidMailboxName` for every other form.
    /// - Complexity: linear.
    public static func decode(_ bytes: [UInt8]) throws(IMAPError) -> String {
        var output = String.UnicodeScalarView()
        var index = 0
        var endOfShift: Int?
        while index < bytes.count {
            let byte = bytes[index]
            guard (0x20...0x7E).contains(byte) else {
                throw invalid("holds bytes other than printable ASCII", at: index)
            }
            guard byte == UInt8(ascii: "&") else {
                output.append(Unicode.Scalar(byte))
                index += 1
                continue
            }
            if index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "-") {
                output.append("&")
                index += 2
                continue
            }
            guard endOfShift != index else { throw invalid("has a superfluous shift", at: index) }
            index += 1
            try decodeShift(bytes, at: &index, into: &output)
            endOfShift = index
        }
        return String(output)
    }

    /// Decodes what stands between `&` and `-`, both of which are not part of the base64.
    private static func decodeShift(
        _ bytes: [UInt8], at index: inout Int, into output: inout String.UnicodeScalarView
    ) throws(IMAPError) {
        let start = index
        var bits: UInt32 = 0
        var bitCount = 0
        var highSurrogate: UInt32?
        while true {
            guard index < bytes.count else { throw invalid("has a shift without an end", at: start) }
            let byte = bytes[index]
            if byte == UInt8(ascii: "-") { break }
            let value = values[Int(byte)]
            guard value != 0xFF else { throw invalid("has a byte that is not base64 in a shift", at: index) }
            bits = (bits << 6 | UInt32(value)) & 0x3F_FFFF
            bitCount += 6
            index += 1
            guard bitCount >= 16 else { continue }
            bitCount -= 16
            let unit = bits >> UInt32(bitCount) & 0xFFFF
            guard !(0x20...0x7E).contains(unit) else { throw invalid("encodes printable ASCII", at: index) }
            highSurrogate = try append(unit, after: highSurrogate, at: index, to: &output)
        }
        guard highSurrogate == nil else { throw invalid("has an unpaired surrogate", at: index) }
        guard index > start, bitCount < 6, bits & (1 << UInt32(bitCount) - 1) == 0 else {
            throw invalid("has bits left over in a shift", at: index)
        }
        index += 1
    }

    /// Appends one UTF-16 code unit.
    ///
    /// - Returns: the unit, when it is the first of a pair.
    private static func append(
        _ unit: UInt32, after high: UInt32?, at index: Int, to output: inout String.UnicodeScalarView
    ) throws(IMAPError) -> UInt32? {
        switch (high, unit) {
        case (nil, 0xD800...0xDBFF):
            return unit
        case (.some(let high), 0xDC00...0xDFFF):
            let value = 0x10000 + (high - 0xD800) << 10 + (unit - 0xDC00)
            guard let scalar = Unicode.Scalar(value) else { throw invalid("has an invalid surrogate pair", at: index) }
            output.append(scalar)
            return nil
        case (nil, _):
            guard let scalar = Unicode.Scalar(unit) else { throw invalid("has an unpaired surrogate", at: index) }
            output.append(scalar)
            return nil
        case (.some, _):
            throw invalid("has an unpaired surrogate", at: index)
        }
    }

    private static func invalid(_ what: String, at index: Int) -> IMAPError {
        IMAPError(
            code: .invalidMailboxName, message: "The mailbox name is not modified UTF-7: it \(what).",
            responseCode: .cannot, location: index)
    }
}
