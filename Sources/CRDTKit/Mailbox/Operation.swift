// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One operation on one account as every replica applies it; its references are local indexes, which the codec translates.
public struct Operation: Hashable, Sendable {
    /// The operation's identity, and that of whatever it brings into being.
    public var dot: Dot
    /// The origin's hybrid time.
    public var timestamp: HybridTimestamp
    /// The account it changes.
    public var account: AccountIndex
    /// What it does.
    public var body: OperationBody

    /// Makes an operation.
    ///
    /// - Parameters:
    ///   - dot: its identity.
    ///   - timestamp: the origin's time.
    ///   - account: the account.
    ///   - body: what it does.
    public init(dot: Dot, timestamp: HybridTimestamp, account: AccountIndex, body: OperationBody) {
        self.dot = dot
        self.timestamp = timestamp
        self.account = account
        self.body = body
    }
}

/// What an operation does: the five of the IMAP CmRDT and what production adds to them.
public enum OperationBody: Hashable, Sendable {
    /// Makes a mailbox, or asserts that a known one is wanted (`create` of the model).
    ///
    /// `mailbox` is `MailboxID(dot)` of the operation itself for a new one, else a well-known or known identity.
    case create(mailbox: MailboxID, name: String, uidValidity: UInt32, use: MailboxUse)
    /// Removes what its source had observed of a mailbox: no set is carried, the operation's causal past is the set (`delete`).
    case delete(mailbox: MailboxID)
    /// Gives a mailbox a new name; the last writer wins.
    case rename(mailbox: MailboxID, name: String)
    /// Adds a message whose identity is the operation's dot (`append`; COPY and MOVE append too). The owner of the mailbox assigns a UID at once.
    case append(mailbox: MailboxID, facts: MessageFacts, flags: FlagSet, assignment: UIDAssignment?)
    /// Removes a message for good (`expunge`).
    case expunge(mailbox: MailboxID, message: Dot)
    /// Sets and clears flags (`store`); a replacement is observed removes and adds.
    case store(mailbox: MailboxID, message: Dot, adding: FlagSet, removing: FlagSet)
    /// The owner gives a message its UID.
    case assign(mailbox: MailboxID, message: Dot, assignment: UIDAssignment)
    /// Adds a name to the subscriptions (RFC 3501 section 6.3.6).
    case subscribe(name: String)
    /// Removes a name from the subscriptions.
    case unsubscribe(name: String)
    /// Opens an epoch if the origin itself is its owner: a take-over or a merge.
    ///
    /// If the owner is another replica, the origin hands the mailbox over: it assigns nothing more, and the other opens an epoch of its own.
    case epoch(mailbox: MailboxID, opening: EpochOpening)
    /// Changes the membership of the group; see ``GroupAccount``.
    case member(MemberChange)
    /// Sets a mark among the modification sequences of the origin, which has this stripe: all that it told before is below the operation's time, all that it tells
    /// later above it. In ``GroupAccount``; see ``AccountState/localModSeq(_:at:stripe:)``.
    case mark(stripe: UInt8)
}

extension OperationBody {
    /// The mailbox that the operation is about; nil for what concerns the account.
    public var mailbox: MailboxID? {
        switch self {
        case .create(let mailbox, _, _, _), .delete(let mailbox), .rename(let mailbox, _),
            .append(let mailbox, _, _, _), .expunge(let mailbox, _), .store(let mailbox, _, _, _),
            .assign(let mailbox, _, _), .epoch(let mailbox, _):
            mailbox
        case .subscribe, .unsubscribe, .member, .mark: nil
        }
    }
}

/// A UID and the epoch of the owner who gave it.
public struct UIDAssignment: Hashable, Sendable {
    /// The UID, from 1 (RFC 3501 section 2.3.1.1).
    public var uid: UInt32
    /// The epoch in which it was given.
    public var epoch: UIDEpoch

    /// Makes an assignment.
    ///
    /// - Parameters:
    ///   - uid: the UID.
    ///   - epoch: the epoch.
    public init(uid: UInt32, epoch: UIDEpoch) {
        self.uid = uid
        self.epoch = epoch
    }
}

/// The reign of one owner over a mailbox's UIDs: a higher epoch supersedes a lower one.
///
/// The number of a mailbox's first epoch is its UIDVALIDITY.
public struct UIDEpoch: Hashable, Comparable, Sendable {
    /// The number, from 1.
    public var number: UInt32
    /// The owner; the tie-break between epochs of the same number.
    public var owner: ReplicaID

    /// Makes an epoch.
    ///
    /// - Parameters:
    ///   - number: the number, from 1.
    ///   - owner: the owner.
    public init(number: UInt32, owner: ReplicaID) {
        self.number = number
        self.owner = owner
    }

    /// Orders by number, then by owner.
    public static func < (left: UIDEpoch, right: UIDEpoch) -> Bool {
        (left.number, left.owner) < (right.number, right.owner)
    }
}
