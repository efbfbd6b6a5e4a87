// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What an operation changed, for the sessions that show it and for the checkpointer that keeps it.
///
/// Changes are in the order in which they happened. A change may be told more than once; to the checkpointer a change says "write what is now true".
public enum StateChange: Hashable, Sendable {
    /// The mailbox's header record is to be written.
    case mailboxChanged(MailboxID)
    /// The mailbox can be seen, under this name.
    case mailboxAppeared(MailboxID, name: String)
    /// The mailbox can no longer be seen. Its messages vanished with it; there is no change for each.
    case mailboxVanished(MailboxID, name: String)
    /// The mailbox is seen under another name, by RENAME or because a mailbox of the same name came or went.
    case mailboxRenamed(MailboxID, from: String, to: String)
    /// The header of a mailbox that was gone is no longer needed: its record is to be removed.
    case mailboxForgotten(MailboxID)
    /// A message can be seen. Its UID is above all that were ever shown under the mailbox's UIDVALIDITY.
    ///
    /// A message whose UID changes vanishes under the former one before it appears under the other.
    case messageAppeared(MailboxID, Dot, uid: UInt32, modSeq: UInt64)
    /// A message can no longer be seen under this UID.
    case messageVanished(MailboxID, Dot, uid: UInt32, modSeq: UInt64)
    /// A visible message has other flags.
    case flagsChanged(MailboxID, Dot, uid: UInt32, modSeq: UInt64)
    /// A message's record is to be written, whether the message can be seen or not.
    case recordChanged(MailboxID, Dot)
    /// A message's record is to be removed.
    case recordRemoved(MailboxID, Dot)
    /// A record that refers to a body came into being.
    case bodyRetained(BodyDigest, size: UInt64)
    /// A record that referred to a body went for good.
    case bodyReleased(BodyDigest)
    /// A name was subscribed or unsubscribed: its record is to be written, or removed if there is none.
    case subscriptionChanged(name: String)
    /// What is known of a node of the group changed: the account's record is to be written.
    case memberChanged(name: String)
    /// A replica set a mark among its modification sequences: the account's record is to be written.
    case modSeqsMarked
}

extension StateChange {
    /// The modification sequence that clients are told by it, if any.
    public var modSeq: UInt64? {
        switch self {
        case .messageAppeared(_, _, _, let modSeq), .messageVanished(_, _, _, let modSeq),
            .flagsChanged(_, _, _, let modSeq):
            modSeq
        case .mailboxChanged, .mailboxAppeared, .mailboxVanished, .mailboxRenamed, .mailboxForgotten, .recordChanged,
            .recordRemoved, .bodyRetained, .bodyReleased, .subscriptionChanged, .memberChanged, .modSeqsMarked:
            nil
        }
    }
}
