// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One operation on one account as every replica applies it; its references are local indexes, which the codec translates.
///
/// The usual operations on messages lie flat in the value, so that making, copying and dropping one counts no references: a frame has thousands of them.
/// Whatever has a name, keywords or a list lies apart. ``body`` shows both as one.
public struct Operation: Sendable {
    /// The operation's identity, and that of whatever it brings into being.
    public var dot: Dot
    /// The origin's hybrid time.
    public var timestamp: HybridTimestamp
    /// The account it changes.
    public var account: AccountIndex
    /// What kind of operation it is.
    public private(set) var kind: OperationKind
    /// What it does, in full, if that has no place in the fields below.
    private(set) var whole: OperationBox?

    private(set) var mailbox: MailboxID
    private(set) var message: Dot
    private(set) var adding: SystemFlags
    private(set) var removing: SystemFlags
    private(set) var facts: MessageFacts
    /// UID 0 stands for none.
    private(set) var assignment: UIDAssignment

    /// Makes an operation.
    ///
    /// - Parameters:
    ///   - dot: its identity.
    ///   - timestamp: the origin's time.
    ///   - account: the account.
    ///   - body: what it does.
    public init(dot: Dot, timestamp: HybridTimestamp, account: AccountIndex, body: OperationBody) {
        switch body {
        case .append(let mailbox, let facts, let flags, let assignment)
        where !flags.hasKeywords && assignment?.uid != 0:
            self.init(
                dot: dot, timestamp: timestamp, account: account, .append, mailbox: mailbox, adding: flags.system,
                facts: facts, assignment: assignment ?? .none)
        case .store(let mailbox, let message, let adding, let removing)
        where !adding.hasKeywords && !removing.hasKeywords:
            self.init(
                dot: dot, timestamp: timestamp, account: account, .store, mailbox: mailbox, message: message,
                adding: adding.system, removing: removing.system)
        case .expunge(let mailbox, let message):
            self.init(
                dot: dot, timestamp: timestamp, account: account, .expunge, mailbox: mailbox, message: message)
        case .assign(let mailbox, let message, let assignment):
            self.init(
                dot: dot, timestamp: timestamp, account: account, .assign, mailbox: mailbox, message: message,
                assignment: assignment)
        case .delete(let mailbox):
            self.init(dot: dot, timestamp: timestamp, account: account, .delete, mailbox: mailbox)
        case .create, .rename, .append, .store, .subscribe, .unsubscribe, .epoch, .member, .mark:
            self.init(
                dot: dot, timestamp: timestamp, account: account, body.kind, mailbox: body.mailbox ?? MailboxID(.none),
                whole: OperationBox(body))
        }
    }

    /// Makes an operation of a kind whose parts are known; the codec and the commands make the usual ones so.
    @inline(__always)
    init(
        dot: Dot, timestamp: HybridTimestamp, account: AccountIndex, _ kind: OperationKind, mailbox: MailboxID,
        message: Dot = .none, adding: SystemFlags = [], removing: SystemFlags = [], facts: MessageFacts = .none,
        assignment: UIDAssignment = .none, whole: OperationBox? = nil
    ) {
        self.dot = dot
        self.timestamp = timestamp
        self.account = account
        self.kind = kind
        self.whole = whole
        self.mailbox = mailbox
        self.message = message
        self.adding = adding
        self.removing = removing
        self.facts = facts
        self.assignment = assignment
    }

    /// What it does.
    public var body: OperationBody {
        if let whole { return whole.body }
        switch kind {
        case .append:
            return .append(
                mailbox: mailbox, facts: facts, flags: FlagSet(adding),
                assignment: assignment.uid == 0 ? nil : assignment)
        case .store:
            return .store(mailbox: mailbox, message: message, adding: FlagSet(adding), removing: FlagSet(removing))
        case .expunge: return .expunge(mailbox: mailbox, message: message)
        case .assign: return .assign(mailbox: mailbox, message: message, assignment: assignment)
        case .delete: return .delete(mailbox: mailbox)
        case .create, .rename, .subscribe, .unsubscribe, .epoch, .member, .mark:
            preconditionFailure("an operation of kind \(kind) lies apart")
        }
    }
}

extension Operation: Hashable {
    /// Whether two operations are the same in all their parts.
    public static func == (left: Operation, right: Operation) -> Bool {
        left.dot == right.dot && left.timestamp == right.timestamp && left.account == right.account
            && left.body == right.body
    }

    /// Feeds all parts to a hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(dot)
        hasher.combine(timestamp)
        hasher.combine(account)
        hasher.combine(body)
    }
}

/// What an operation does, if it does not lie flat in the operation.
final class OperationBox: Sendable {
    let body: OperationBody

    init(_ body: OperationBody) { self.body = body }
}

/// The kinds of operations; the raw values are those of the frame format.
public enum OperationKind: UInt8, Sendable {
    /// See ``OperationBody/create(mailbox:name:uidValidity:use:)``.
    case create = 1
    /// See ``OperationBody/delete(mailbox:)``.
    case delete = 2
    /// See ``OperationBody/rename(mailbox:name:)``.
    case rename = 3
    /// See ``OperationBody/append(mailbox:facts:flags:assignment:)``.
    case append = 4
    /// See ``OperationBody/expunge(mailbox:message:)``.
    case expunge = 5
    /// See ``OperationBody/store(mailbox:message:adding:removing:)``.
    case store = 6
    /// See ``OperationBody/assign(mailbox:message:assignment:)``.
    case assign = 7
    /// See ``OperationBody/subscribe(name:)``.
    case subscribe = 8
    /// See ``OperationBody/unsubscribe(name:)``.
    case unsubscribe = 9
    /// See ``OperationBody/epoch(mailbox:opening:)``.
    case epoch = 10
    /// See ``OperationBody/member(_:)``.
    case member = 11
    /// See ``OperationBody/mark(stripe:)``.
    case mark = 12
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
    /// What kind of operation it is.
    public var kind: OperationKind {
        switch self {
        case .create: .create
        case .delete: .delete
        case .rename: .rename
        case .append: .append
        case .expunge: .expunge
        case .store: .store
        case .assign: .assign
        case .subscribe: .subscribe
        case .unsubscribe: .unsubscribe
        case .epoch: .epoch
        case .member: .member
        case .mark: .mark
        }
    }

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

    /// No assignment.
    static var none: UIDAssignment {
        UIDAssignment(uid: 0, epoch: UIDEpoch(number: 0, owner: ReplicaID(0, incarnation: 0)))
    }

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
