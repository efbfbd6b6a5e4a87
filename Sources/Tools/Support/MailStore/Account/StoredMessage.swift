// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit

/// One message as a session sees it.
package struct StoredMessage: Sendable {
    /// Its identity, the dot of its append.
    package let id: Dot
    /// Its UID.
    package let uid: UInt32
    /// Its modification sequence at this node.
    package let modSeq: UInt64
    /// What never changes about it.
    package let facts: MessageFacts
    /// Its flags.
    package let flags: MessageFlagNames
}

/// A message's flags with the keywords spelled out.
package struct MessageFlagNames: Hashable, Sendable {
    /// The system flags.
    package var system: SystemFlags
    /// The keywords.
    package var keywords: [String]

    /// Gathers flags.
    package init(system: SystemFlags = [], keywords: [String] = []) {
        self.system = system
        self.keywords = keywords
    }
}

/// How a STORE changes flags (RFC 3501 section 6.4.6).
package enum FlagEdit: Sendable {
    case add(MessageFlagNames)
    case remove(MessageFlagNames)
    case replace(MessageFlagNames)
}

/// One mailbox of an account's list.
package struct MailboxEntry: Sendable {
    /// The name.
    package let name: String
    /// The special use.
    package let use: MailboxUse
}

/// An account's mailboxes and subscriptions.
package struct MailboxListing: Sendable {
    /// The mailboxes, in the order of their names.
    package let mailboxes: [MailboxEntry]
    /// The names subscribed to, whether or not there is such a mailbox.
    package let subscriptions: [String]
}

/// What STATUS tells (RFC 3501 section 6.3.10, RFC 8438).
package struct MailboxCounts: Sendable {
    /// The visible messages.
    package var messages: Int
    /// Those without `\Seen`.
    package var unseen: Int
    /// Those with `\Deleted`.
    package var deleted: Int
    /// Their octets together.
    package var octets: UInt64
    /// The next UID.
    package var uidNext: UInt32
    /// UIDVALIDITY.
    package var uidValidity: UInt32
    /// The highest modification sequence at this node.
    package var highestModSeq: UInt64
}

/// What happened in an open mailbox.
package enum MailboxNotice: Sendable {
    case arrived(uid: UInt32, modSeq: UInt64)
    case vanished(uid: UInt32, modSeq: UInt64)
    case flagsChanged(uid: UInt32, MessageFlagNames, modSeq: UInt64, isOwn: Bool)
    /// Keywords that messages of the mailbox have now; perhaps known already.
    case keywordsSeen([String])
    case deleted
    /// More happened than is remembered: the session has to begin anew.
    case overrun
    case renamed(String)
}

/// The result of a COPY or MOVE.
package struct CopyResult: Sendable {
    /// UIDVALIDITY of the target.
    package let uidValidity: UInt32
    /// The UIDs of the messages that were copied, here.
    package let sources: [UInt32]
    /// Their UIDs there, in the same order; empty if another replica assigns them and could not be heard in time: then COPYUID (RFC 4315 section 3)
    /// cannot be told, and the messages appear when they can be.
    package let targets: [UInt32]
    /// UIDs that were gone.
    package let missing: [UInt32]

    /// The UIDs here and there; empty as ``targets`` may be.
    package var pairs: [(source: UInt32, target: UInt32)] { zip(sources, targets).map { (source: $0, target: $1) } }
}

extension SystemFlags {
    /// All five that a client can set.
    package static let all: SystemFlags = [.seen, .answered, .flagged, .deleted, .draft]
}
