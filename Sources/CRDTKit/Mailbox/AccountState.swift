// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Named limits of an account; they bound what generators issue, never what effectors accept.
public struct AccountLimits: Hashable, Sendable {
    /// The longest mailbox name in UTF-8 bytes.
    public var maximumNameBytes: Int
    /// The most mailboxes that an account may have.
    public var maximumMailboxes: Int
    /// The most subscriptions that an account may have.
    public var maximumSubscriptions: Int
    /// The most keywords that a message may have.
    public var maximumKeywords: Int

    /// Sets the limits.
    ///
    /// - Parameters:
    ///   - maximumNameBytes: the longest mailbox name in UTF-8 bytes; default 1,000.
    ///   - maximumMailboxes: the most mailboxes; default 20,000.
    ///   - maximumSubscriptions: the most subscriptions; default 40,000.
    ///   - maximumKeywords: the most keywords of a message; default 100.
    public init(
        maximumNameBytes: Int = 1_000, maximumMailboxes: Int = 20_000, maximumSubscriptions: Int = 40_000,
        maximumKeywords: Int = 100
    ) {
        self.maximumNameBytes = maximumNameBytes
        self.maximumMailboxes = maximumMailboxes
        self.maximumSubscriptions = maximumSubscriptions
        self.maximumKeywords = maximumKeywords
    }
}

/// The replicated state of one account: the IMAP CmRDT in production form.
///
/// Operations are applied with ``apply(_:context:changes:)``; two replicas that applied the same operations, each in an order that respects causality,
/// are in the same state and have the same ``digest``. Commands (`createMailbox`, `append`, `store` and so on) check their preconditions, issue operations
/// into an ``OperationBatch`` and apply them at once.
///
/// It differs from the verified model (``IsabelleModel``) in two points, on purpose: a flag change keeps the message's identity, so that concurrent ones never
/// duplicate it; and EXPUNGE wins over a concurrent flag change. A DELETE carries no set and leaves no tombstones: what it removes is what lies in its causal
/// past. A message that it removes is kept, invisible, until no concurrent flag change can bring it back any more (``prune(stable:changes:)``).
///
/// The messages of a mailbox may be absent (``isResident(_:)``). The header is always there; whoever applies an operation installs the messages that it
/// touches before.
public struct AccountState: ~Copyable, Sendable {
    /// The limits of what commands issue.
    public var limits: AccountLimits
    var slots: [Mailbox] = []
    private(set) var table = DotTable()
    var names = MailboxNames()
    var subscriptions = Subscriptions()
    var memberTable = Members()
    /// By convention in the account ``GroupAccount`` alone.
    var modSeqMarks = ModSeqMarks()
    /// The replicas that this node was before and of which nothing is unknown here: what the node knows for itself, and no part of the digest.
    public internal(set) var knownLives: Set<ReplicaID> = []
    /// The greatest UIDVALIDITY or number of an epoch of UIDs ever given in the account; the next one is above it, also after the mailbox that had it was
    /// forgotten.
    public internal(set) var uidValidityFloor: UInt32 = 0
    var tally = Tally()
    /// The mailboxes where UIDs wait to be assigned or a merge is due.
    var mailboxesWithUIDWork: Set<MailboxID> = []

    /// Makes the state of an account in which nothing has happened, not even INBOX.
    ///
    /// - Parameter limits: the limits of what commands issue.
    public init(limits: AccountLimits = AccountLimits()) { self.limits = limits }

    /// The digest of what replicas agree on: names, liveness, messages, flags, assignments, epochs, subscriptions, members.
    public var digest: StateDigest { tally.digest }

    /// Whether nothing is known of the account that another replica would have to be told.
    public var isBlank: Bool { slots.isEmpty && modSeqMarks.lives.isEmpty && digest == StateDigest() }

    /// The work done so far.
    public var work: WorkCounters { tally.work }

    /// What became of concurrent changes since the value was made from its records.
    public var concurrency: ConcurrencyCounters { tally.concurrency }

    /// A second state, equal to this one and independent of it.
    ///
    /// - Returns: the copy.
    /// - Complexity: O(mailboxes) now, and O(messages) of a mailbox when either is changed there.
    public borrowing func copy() -> AccountState {
        var result = AccountState(limits: limits)
        result.slots = slots
        result.table = table
        result.names = names
        result.subscriptions = subscriptions
        result.memberTable = memberTable
        result.modSeqMarks = modSeqMarks
        result.knownLives = knownLives
        result.uidValidityFloor = uidValidityFloor
        result.tally = tally
        result.mailboxesWithUIDWork = mailboxesWithUIDWork
        return result
    }

    /// The slot of a mailbox, alive or not.
    func slot(of mailbox: MailboxID) -> Int? {
        var probes = 0
        return table.position(of: mailbox.dot, probes: &probes).map(Int.init)
    }

    /// The slot of a mailbox, made if there is none.
    @inline(__always)
    mutating func slotOrNew(_ mailbox: MailboxID, context: borrowing ApplyContext) -> Int? {
        slot(of: mailbox) ?? newSlot(mailbox, context)
    }

    @inline(never)
    private mutating func newSlot(_ mailbox: MailboxID, _ context: borrowing ApplyContext) -> Int? {
        if mailbox.dot.counter == 0 { return nil }
        return addSlot(Mailbox(id: mailbox, context: context))
    }

    mutating func addSlot(_ mailbox: consuming Mailbox) -> Int {
        table.set(mailbox.id.dot, position: UInt32(truncatingIfNeeded: slots.count), probes: &tally.work.probes)
        slots.append(mailbox)
        return slots.count - 1
    }

    mutating func removeSlot(_ slot: Int) {
        table.remove(slots[slot].id.dot, probes: &tally.work.probes)
        mailboxesWithUIDWork.remove(slots[slot].id)
        slots.swapAt(slot, slots.count - 1)
        slots.removeLast()
        if slot < slots.count {
            table.set(
                slots[slot].id.dot, position: UInt32(truncatingIfNeeded: slot), probes: &tally.work.probes)
        }
    }

    /// Brings the names up to date after a mailbox's liveness or name register changed.
    mutating func refreshName(_ slot: Int, context: borrowing ApplyContext, changes: inout StateChanges) {
        let mailbox = slots[slot].id
        let claimant = MailboxNames.Claimant(mailbox, identity: slots[slot].identity, context: context)
        let wanted = slots[slot].isAlive ? slots[slot].wantedName : nil
        names.set(claimant, wants: wanted) { change in
            switch (change.from, change.to) {
            case (nil, .some(let to)): changes.append(.mailboxAppeared(change.id, name: to))
            case (.some(let from), nil): changes.append(.mailboxVanished(change.id, name: from))
            case (.some(let from), .some(let to)): changes.append(.mailboxRenamed(change.id, from: from, to: to))
            case (nil, nil): break
            }
        }
    }

    /// The digest computed anew from the whole state: equal to ``digest``.
    ///
    /// - Parameter context: the names behind the local indexes; its past does not matter.
    /// - Returns: the digest.
    /// - Precondition: every mailbox is resident.
    /// - Complexity: O(state).
    public borrowing func recomputedDigest(context: borrowing ApplyContext) -> StateDigest {
        var sum = subscriptions.wholeElement(context)
        sum.add(memberTable.wholeElement())
        for index in slots.indices {
            precondition(slots[index].isResident, "the messages of \(slots[index].id) are not installed")
            sum.add(slots[index].wholeElement(context))
        }
        return sum
    }
}
