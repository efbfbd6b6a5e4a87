// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The name of a mailbox, decoded from modified UTF-7 (RFC 3501 section 5.1).
///
/// Every spelling of INBOX is the name `INBOX`. Two names are equal when their UTF-8 bytes are. A name holds no control
/// characters and is not empty; whether its hierarchy makes sense is for the store to say (`../x` is a name like any
/// other here).
public struct MailboxName: Sendable {
    /// The name in Unicode.
    public let value: String

    /// The user's primary mailbox.
    public static let inbox = MailboxName(unchecked: "INBOX")

    private init(unchecked value: String) { self.value = value }

    /// Makes a name from Unicode text.
    ///
    /// - Parameters:
    ///   - value: the name.
    ///   - limits: the limits; `mailboxNameBytes` counts.
    /// - Throws: `invalidMailboxName` when the text is empty, too long or holds control characters.
    public init(_ value: String, limits: IMAPLimits = IMAPLimits()) throws(IMAPError) {
        try MailboxText.validate(value, limits: limits)
        guard !value.isEmpty else { throw MailboxText.invalid("A mailbox name must not be empty.") }
        self.value = MailboxText.isInbox(value) ? "INBOX" : value
    }

    /// Makes a name from its wire form.
    ///
    ///     mailbox = "INBOX" / astring
    ///
    /// - Parameters:
    ///   - bytes: the name in modified UTF-7, without quotes.
    ///   - limits: the limits; `mailboxNameBytes` counts.
    /// - Throws: `invalidMailboxName` when the bytes are no canonical modified UTF-7 or the name is not allowed.
    public init(modifiedUTF7 bytes: [UInt8], limits: IMAPLimits = IMAPLimits()) throws(IMAPError) {
        try self.init(try ModifiedUTF7.decode(bytes), limits: limits)
    }

    /// Whether this is the user's primary mailbox.
    public var isInbox: Bool { value == "INBOX" }

    /// The wire form, without quotes.
    public var modifiedUTF7: [UInt8] { ModifiedUTF7.encode(value) }
}

extension MailboxName: Hashable, Comparable, CustomStringConvertible {
    /// Compares the UTF-8 bytes: unlike strings, names that only look equal differ.
    ///
    /// - Parameters:
    ///   - left: one name.
    ///   - right: another name.
    /// - Returns: whether the bytes are equal.
    public static func == (left: MailboxName, right: MailboxName) -> Bool {
        left.value.utf8.elementsEqual(right.value.utf8)
    }

    /// Orders by the UTF-8 bytes.
    ///
    /// - Parameters:
    ///   - left: one name.
    ///   - right: another name.
    /// - Returns: whether the left one comes first.
    public static func < (left: MailboxName, right: MailboxName) -> Bool {
        left.value.utf8.lexicographicallyPrecedes(right.value.utf8)
    }

    /// Feeds the UTF-8 bytes.
    ///
    /// - Parameter hasher: the hasher to feed.
    public func hash(into hasher: inout Hasher) {
        for byte in value.utf8 { hasher.combine(byte) }
    }

    /// The name in Unicode.
    public var description: String { value }
}

/// What mailbox names, references and patterns have in common.
enum MailboxText {
    static func invalid(_ message: String) -> IMAPError {
        IMAPError(code: .invalidMailboxName, message: message, responseCode: .cannot)
    }

    static func isInbox(_ text: String) -> Bool {
        text.utf8.count == 5 && text.utf8.map(ByteClass.lowercased) == Array("inbox".utf8)
    }

    /// Refuses what RFC 5198 calls controls (C0, DEL, C1, line and paragraph separators) and overlong text.
    static func validate(_ text: String, limits: IMAPLimits) throws(IMAPError) {
        guard text.utf8.count <= limits.mailboxNameBytes else {
            throw invalid(
                "A mailbox name of \(text.utf8.count) bytes is longer than the \(limits.mailboxNameBytes) allowed.")
        }
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x00...0x1F, 0x7F...0x9F, 0x2028, 0x2029:
                throw invalid("A mailbox name must not hold control characters.")
            default: continue
            }
        }
    }
}
