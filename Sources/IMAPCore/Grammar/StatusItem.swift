// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A data item of STATUS (RFC 3501 section 6.3.10, RFC 8438, RFC 7889, RFC 7162 section 3.1.7).
public enum StatusItem: String, Hashable, Sendable, CaseIterable {
    /// The number of messages.
    case messages = "MESSAGES"
    /// The number of messages with `\Recent`.
    case recent = "RECENT"
    /// The next unique identifier.
    case uidNext = "UIDNEXT"
    /// The generation of the unique identifiers.
    case uidValidity = "UIDVALIDITY"
    /// The number of messages without `\Seen`.
    case unseen = "UNSEEN"
    /// The size of all messages in bytes.
    case size = "SIZE"
    /// The largest message that APPEND takes.
    case appendLimit = "APPENDLIMIT"
    /// The modification sequence of the mailbox.
    case highestModSequence = "HIGHESTMODSEQ"
}

/// A data item of a STATUS response with its value.
public enum StatusValue: Hashable, Sendable {
    /// The number of messages.
    case messages(Int)
    /// The number of messages with `\Recent`.
    case recent(Int)
    /// The next unique identifier.
    case uidNext(UID)
    /// The generation of the unique identifiers.
    case uidValidity(UIDValidity)
    /// The number of messages without `\Seen`.
    case unseen(Int)
    /// The size of all messages in bytes.
    case size(Int)
    /// The largest message that APPEND takes, in bytes; nil for no limit.
    case appendLimit(Int?)
    /// The modification sequence of the mailbox.
    case highestModSequence(ModSequence)
}

/// A STATUS response (RFC 3501 section 7.2.4).
public struct MailboxStatus: Hashable, Sendable {
    /// The mailbox.
    public let mailbox: MailboxName
    /// The items in the order in which they were asked for.
    public let values: [StatusValue]

    /// Makes a response.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - values: the items.
    public init(mailbox: MailboxName, values: [StatusValue]) {
        self.mailbox = mailbox
        self.values = values
    }
}
