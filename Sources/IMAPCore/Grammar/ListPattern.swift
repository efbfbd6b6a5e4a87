// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A mailbox pattern of LIST and LSUB, decoded from modified UTF-7 (RFC 3501 section 6.3.8).
///
/// `*` stands for any characters, `%` for any characters but the hierarchy delimiter. Both also stand for themselves in
/// names, and cannot be escaped.
public struct ListPattern: Hashable, Sendable {
    /// The pattern in Unicode, with its wildcards.
    public let value: String
    private let bytes: [UInt8]

    /// Makes a pattern from Unicode text.
    ///
    /// - Parameters:
    ///   - value: the pattern.
    ///   - limits: the limits; `mailboxNameBytes` counts.
    /// - Throws: `invalidMailboxName` when the text is too long or holds control characters.
    public init(_ value: String, limits: IMAPLimits = IMAPLimits()) throws(IMAPError) {
        try MailboxText.validate(value, limits: limits)
        self.value = value
        self.bytes = Array(value.utf8)
    }

    /// Makes a pattern from its wire form.
    ///
    ///     list-mailbox = 1*list-char / string
    ///
    /// - Parameters:
    ///   - bytes: the pattern in modified UTF-7, without quotes.
    ///   - limits: the limits; `mailboxNameBytes` counts.
    /// - Throws: `invalidMailboxName` when the bytes are no canonical modified UTF-7 or the text is not allowed.
    public init(modifiedUTF7 bytes: [UInt8], limits: IMAPLimits = IMAPLimits()) throws(IMAPError) {
        try self.init(try ModifiedUTF7.decode(bytes), limits: limits)
    }

    /// Whether the pattern is empty, which asks for the hierarchy delimiter (RFC 3501 section 6.3.8).
    public var isEmpty: Bool { bytes.isEmpty }

    /// The pattern behind a reference: both are joined, as RFC 3501 section 6.3.8 lets a server do.
    ///
    /// - Parameters:
    ///   - reference: the reference name of LIST.
    ///   - limits: the limits; `mailboxNameBytes` counts.
    /// - Returns: the joined pattern.
    /// - Throws: `invalidMailboxName` when the result is too long.
    public func prefixed(by reference: ListReference, limits: IMAPLimits = IMAPLimits()) throws(IMAPError)
        -> ListPattern
    {
        reference.value.isEmpty ? self : try ListPattern(reference.value + value, limits: limits)
    }

    /// Whether a name matches; INBOX matches in any case.
    ///
    /// - Parameters:
    ///   - name: the name.
    ///   - delimiter: the hierarchy delimiter, an ASCII character.
    /// - Returns: whether the pattern stands for the name.
    /// - Complexity: at most the product of both lengths, whatever the wildcards are; linear without wildcards.
    public func matches(_ name: MailboxName, delimiter: UInt8) -> Bool {
        matches(Array(name.value.utf8), foldingCase: name.isInbox, delimiter: delimiter)
    }

    /// Keeps the set of places in the pattern that the name read so far can have reached, like a regular expression.
    private func matches(_ name: [UInt8], foldingCase: Bool, delimiter: UInt8) -> Bool {
        var reached = [Bool](repeating: false, count: bytes.count + 1)
        reached[0] = true
        skipWildcards(&reached)
        for byte in name {
            var next = [Bool](repeating: false, count: bytes.count + 1)
            var isAlive = false
            for place in 0..<bytes.count where reached[place] {
                switch bytes[place] {
                case UInt8(ascii: "*"):
                    next[place] = true
                case UInt8(ascii: "%"):
                    if byte != delimiter { next[place] = true }
                    if byte == UInt8(ascii: "%") { next[place + 1] = true }
                case let expected:
                    if expected == byte || foldingCase && ByteClass.lowercased(expected) == ByteClass.lowercased(byte) {
                        next[place + 1] = true
                    }
                }
                isAlive = isAlive || next[place] || next[place + 1]
            }
            guard isAlive else { return false }
            skipWildcards(&next)
            reached = next
        }
        return reached[bytes.count]
    }

    /// A wildcard also stands for nothing.
    private func skipWildcards(_ reached: inout [Bool]) {
        for place in 0..<bytes.count where reached[place] {
            if bytes[place] == UInt8(ascii: "*") || bytes[place] == UInt8(ascii: "%") { reached[place + 1] = true }
        }
    }
}

/// The reference name of LIST and LSUB: the text in front of every pattern, often empty (RFC 3501 section 6.3.8).
public struct ListReference: Hashable, Sendable {
    /// The reference in Unicode.
    public let value: String

    /// Makes a reference from Unicode text.
    ///
    /// - Parameters:
    ///   - value: the reference; may be empty.
    ///   - limits: the limits; `mailboxNameBytes` counts.
    /// - Throws: `invalidMailboxName` when the text is too long or holds control characters.
    public init(_ value: String, limits: IMAPLimits = IMAPLimits()) throws(IMAPError) {
        try MailboxText.validate(value, limits: limits)
        self.value = value
    }

    /// Makes a reference from its wire form.
    ///
    /// - Parameters:
    ///   - bytes: the reference in modified UTF-7, without quotes; may be empty.
    ///   - limits: the limits; `mailboxNameBytes` counts.
    /// - Throws: `invalidMailboxName` when the bytes are no canonical modified UTF-7 or the text is not allowed.
    public init(modifiedUTF7 bytes: [UInt8], limits: IMAPLimits = IMAPLimits()) throws(IMAPError) {
        try self.init(try ModifiedUTF7.decode(bytes), limits: limits)
    }
}
