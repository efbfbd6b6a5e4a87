// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A cursor over one complete command: the primitive elements of RFC 3501 section 9.
///
/// All functions are total: they look at no byte beyond the end, and each moves the cursor forward or throws. None backs
/// up further than the start of the element it reads, so the whole work is linear in the bytes.
struct CommandReader {
    let bytes: [UInt8]
    let limits: IMAPLimits
    /// The next byte.
    var offset = 0
    /// How deep in parentheses, NOT and OR the search keys being read are.
    var searchDepth = 0
    /// The search keys read so far.
    var searchKeyCount = 0

    init(_ bytes: [UInt8], limits: IMAPLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// The next byte, or nil at the end.
    var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    func syntaxError(_ message: String) -> IMAPError {
        IMAPError(code: .syntax, message: message, location: offset)
    }

    func tooMany(_ what: String, _ limit: Int) -> IMAPError {
        IMAPError(
            code: .tooManyElements, message: "There are more \(what) than the \(limit) allowed.", location: offset)
    }

    /// Takes the next byte if it is the given one.
    mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        offset += 1
        return true
    }

    /// Takes the given byte or fails.
    mutating func expect(_ byte: UInt8) throws(IMAPError) {
        guard take(byte) else {
            throw syntaxError("Expected \"\(Character(Unicode.Scalar(byte)))\".")
        }
    }

    /// Takes the one space between two arguments.
    mutating func space() throws(IMAPError) {
        guard take(UInt8(ascii: " ")) else {
            throw syntaxError(peek == nil ? "An argument is missing." : "Expected a space.")
        }
    }

    /// Takes the space before a further argument, if there is one; spaces at the end of the command stay for `end()`.
    mutating func takeSpaceBeforeMore() -> Bool {
        guard offset + 1 < bytes.count, bytes[offset + 1] != UInt8(ascii: " ") else { return false }
        return take(UInt8(ascii: " "))
    }

    /// Takes the end of the command.
    ///
    /// Spaces before it are tolerated: some clients write them.
    mutating func end() throws(IMAPError) {
        while take(UInt8(ascii: " ")) {}
        guard peek == nil else { throw syntaxError("There is more than the command takes.") }
    }

    /// Takes a keyword of the protocol, in upper case; empty when there is none.
    ///
    /// Longer runs than any keyword's are no keywords, so they stay where they are.
    mutating func word() -> String {
        var end = offset
        while end < bytes.count, end - offset <= 64, Self.isWord(bytes[end]) { end += 1 }
        guard end - offset <= 64 else { return "" }
        let word = String(decoding: bytes[offset..<end].map(ByteClass.uppercased), as: UTF8.self)
        offset = end
        return word
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// Takes the given keyword, in upper case letters here, if it comes next.
    mutating func takeWord(_ word: String) -> Bool {
        let start = offset
        if self.word() == word { return true }
        offset = start
        return false
    }

    /// Takes a run of bytes of a class; the result may be empty.
    mutating func run(_ isMember: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = offset
        while offset < bytes.count, isMember(bytes[offset]) { offset += 1 }
        return bytes[start..<offset]
    }

    /// Takes a number.
    ///
    ///     number = 1*DIGIT      ; unsigned 32-bit integer
    mutating func number() throws(IMAPError) -> UInt32 {
        let start = offset
        var value: UInt64 = 0
        while let byte = peek, ByteClass.isDigit(byte) {
            value = value * 10 + UInt64(byte - 0x30)
            guard value <= UInt32.max else { throw syntaxError("A number cannot be larger than 4294967295.") }
            offset += 1
        }
        guard offset > start else { throw syntaxError("Expected a number.") }
        return UInt32(truncatingIfNeeded: value)
    }

    /// Takes a number from 1.
    ///
    ///     nz-number = digit-nz *DIGIT
    mutating func nonZeroNumber() throws(IMAPError) -> UInt32 {
        guard peek != UInt8(ascii: "0") else { throw syntaxError("A number from 1 cannot begin with 0.") }
        return try number()
    }

    /// Takes a number with a fixed count of digits.
    mutating func digits(_ count: Int) throws(IMAPError) -> Int {
        var value = 0
        for _ in 0..<count {
            guard let byte = peek, ByteClass.isDigit(byte) else { throw syntaxError("Expected \(count) digits.") }
            value = value * 10 + Int(byte - 0x30)
            offset += 1
        }
        return value
    }

    /// Takes a list in parentheses, its elements separated by one space.
    ///
    ///     list = "(" [element *(SP element)] ")"
    ///
    /// - Parameters:
    ///   - limit: the most elements.
    ///   - what: what the elements are, for an error.
    ///   - allowsNone: whether the list may be empty.
    ///   - element: takes one element.
    /// - Returns: the elements.
    /// - Throws: `syntax`, `tooManyElements`, or what `element` throws.
    mutating func list<Element>(
        limit: Int, of what: String, allowsNone: Bool = false,
        _ element: (inout CommandReader) throws(IMAPError) -> Element
    ) throws(IMAPError) -> [Element] {
        try expect(UInt8(ascii: "("))
        if allowsNone, take(UInt8(ascii: ")")) { return [] }
        var elements: [Element] = []
        while true {
            guard elements.count < limit else { throw tooMany(what, limit) }
            elements.append(try element(&self))
            if take(UInt8(ascii: ")")) { return elements }
            try space()
        }
    }
}
