// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Names one opening of a mailbox, so that a late event of the mailbox before cannot be mistaken for a new one.
public struct MailboxHandle: Hashable, Sendable {
    /// The number that the shell chose.
    public let rawValue: UInt64

    /// Wraps a number; each ``SessionRequest/select(_:readOnly:)`` of a connection needs another one.
    ///
    /// - Parameter rawValue: the number.
    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// What happened to the selected mailbox.
///
/// Events come in the order in which they became durable, and those that a reply already reflects come before the reply.
/// The session's own changes come as events too.
public enum MailboxEvent: Hashable, Sendable {
    /// A message arrived. Identifiers come in ascending order; one below the snapshot's UIDNEXT is ignored.
    case arrived(UID)
    /// A message was removed.
    case vanished(UID)
    /// A message has other flags now, and the modification sequence that goes with them; `isOwn` when this session changed
    /// them, which then is not announced twice.
    case flagsChanged(UID, [Flag], ModSequence, isOwn: Bool)
    /// Everything that happened up to this modification sequence has been told by the events before (RFC 7162 section
    /// 3.1.2.1). A lower one than before is ignored.
    case modSequenceRaised(ModSequence)
    /// The mailbox was deleted: the session ends with a BYE after the command in progress.
    case mailboxDeleted
    /// The mailbox has another name now.
    case mailboxRenamed(MailboxName)
    /// The flags in use in the mailbox are these now: system flags and keywords.
    case keywordsChanged([Flag])
}

/// A mailbox at the moment it was opened (RFC 3501 section 6.3.1).
public struct SelectedMailbox: Hashable, Sendable {
    /// Names this opening in ``SessionMachine/notify(_:of:)``.
    public let handle: MailboxHandle
    /// The mailbox's name.
    public let name: MailboxName
    /// What stays the same when the mailbox is renamed, at every server that has it; empty where nothing does.
    public let identity: [UInt8]
    /// The generation of the unique identifiers.
    public let uidValidity: UIDValidity
    /// The next unique identifier; all messages have smaller ones.
    public let uidNext: UID
    /// The messages.
    public let uids: UIDList
    /// The modification sequence of the mailbox: no message has a greater one (RFC 7162 section 3.1.2.1).
    public let highestModSequence: ModSequence
    /// The flags in use: the system flags and the keywords.
    public let flags: [Flag]
    /// The first message without `\Seen`, or nil.
    public let firstUnseenUID: UID?
    /// Whether nothing may be changed, also when the client asked for SELECT.
    public let isReadOnly: Bool
    /// Whether clients can make new keywords.
    public let canCreateKeywords: Bool

    /// Describes an opened mailbox.
    ///
    /// - Parameters:
    ///   - handle: names this opening.
    ///   - name: the mailbox's name.
    ///   - identity: what stays the same when the mailbox is renamed.
    ///   - uidValidity: the generation of the unique identifiers.
    ///   - uidNext: the next unique identifier.
    ///   - uids: the messages.
    ///   - highestModSequence: the modification sequence of the mailbox.
    ///   - flags: the flags in use.
    ///   - firstUnseenUID: the first message without `\Seen`, or nil.
    ///   - isReadOnly: whether nothing may be changed.
    ///   - canCreateKeywords: whether clients can make new keywords.
    public init(
        handle: MailboxHandle, name: MailboxName, identity: [UInt8] = [], uidValidity: UIDValidity, uidNext: UID,
        uids: UIDList, highestModSequence: ModSequence, flags: [Flag],
        firstUnseenUID: UID?, isReadOnly: Bool, canCreateKeywords: Bool
    ) {
        self.handle = handle
        self.name = name
        self.identity = identity
        self.uidValidity = uidValidity
        self.uidNext = uidNext
        self.uids = uids
        self.highestModSequence = highestModSequence
        self.flags = flags
        self.firstUnseenUID = firstUnseenUID
        self.isReadOnly = isReadOnly
        self.canCreateKeywords = canCreateKeywords
    }
}
