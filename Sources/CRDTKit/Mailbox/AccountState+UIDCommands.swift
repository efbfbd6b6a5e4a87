// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Commands on a mailbox's UIDs: who assigns them, and that all messages get theirs. ``UIDPolicy`` says when to call which.
///
/// - Precondition: the mailbox that a command names is resident.
extension AccountState {
    /// Gives the messages that wait for a UID theirs, in the order in which they came, if this replica is the owner.
    ///
    /// Whatever waits gets a new UID: what has none, what has one that does not count after a split brain, and what can never be shown under its own. An owner
    /// to which the mailbox was handed over opens its epoch first, and one whose mailbox is forked merges first.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - limit: the most messages to do now.
    ///   - batch: takes one operation for each, and perhaps one that opens an epoch.
    /// - Returns: how many got a UID.
    /// - Throws: ``CRDTError`` with `noSuchMailbox`, or `limitExceeded` if the mailbox has no UID left.
    @discardableResult
    public mutating func assignWaiting(
        in mailbox: MailboxID, limit: Int = .max, batch: inout OperationBatch
    ) throws(CRDTError) -> Int {
        try mergeIfForked(mailbox, batch: &batch)
        let slot = try residentAliveSlot(mailbox)
        guard slots[slot].counts.waiting > 0, slots[slot].epochs.owner == batch.origin else { return 0 }
        let waiting = slots[slot].messages.apart.filter { $0.place == .waiting }
        let next = waiting.sorted { ($0.modSeq, $0.id.packed) < ($1.modSeq, $1.id.packed) }.prefix(limit)
        try checkUIDs(next.count, slot, batch)
        var count = 0
        for record in next {
            guard let assignment = nextAssignment(slot, &batch) else { break }
            batch.issue(.assign(mailbox: mailbox, message: record.id, assignment: assignment), to: &self)
            count += 1
        }
        return count
    }

    /// Makes this replica the one that assigns the mailbox's UIDs, because the owner cannot be reached.
    ///
    /// It keeps all assignments that it knows. What the former owner assigned besides is re-issued when it comes; see ``assignWaiting(in:limit:batch:)``.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - batch: takes the operation; none if the replica is the owner already.
    /// - Returns: whether an epoch was opened.
    /// - Throws: ``CRDTError`` with `noSuchMailbox`, or `limitExceeded` if there is no number for another epoch.
    @discardableResult
    public mutating func takeOver(_ mailbox: MailboxID, batch: inout OperationBatch) throws(CRDTError) -> Bool {
        let slot = try residentAliveSlot(mailbox)
        if slots[slot].epochs.owner == batch.origin || slots[slot].epochs.current == nil { return false }
        return try open(slot, &batch)
    }

    /// Hands the mailbox over to a replica that will assign its UIDs from now on.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - successor: the replica, whose index is known to this node.
    ///   - batch: takes the operation, and perhaps one that opens an epoch before; none if this replica is not the owner, or the successor itself, or if the
    ///     mailbox is forked.
    /// - Returns: whether the mailbox was handed over.
    /// - Throws: ``CRDTError`` with `noSuchMailbox`, or `limitExceeded` if there is no number for another epoch.
    @discardableResult
    public mutating func handOver(
        _ mailbox: MailboxID, to successor: ReplicaID, batch: inout OperationBatch
    ) throws(CRDTError) -> Bool {
        let slot = try residentAliveSlot(mailbox)
        let owner = batch.origin
        guard slots[slot].epochs.owner == owner, successor != owner, !slots[slot].epochs.isForked else {
            return false
        }
        if !isOpen(slot, owner) {
            guard try open(slot, &batch) else { return false }
        }
        guard var opening = opening(slot, by: successor) else { throw AccountState.noEpochLeft() }
        // What is settled is the successor's to say.
        opening.settled = []
        batch.issue(.epoch(mailbox: mailbox, opening: opening), to: &self)
        return true
    }

    /// Heals a fork, if this replica is the owner: opens an epoch that keeps only what was assigned before the branches parted.
    ///
    /// What was assigned after that waits then, and ``assignWaiting(in:limit:batch:)`` gives it new UIDs above all that anybody has shown.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - batch: takes the operation; none if there is nothing to heal.
    /// - Returns: whether an epoch was opened.
    /// - Throws: ``CRDTError`` with `noSuchMailbox`, or `limitExceeded` if there is no number for another epoch.
    @discardableResult
    public mutating func mergeIfForked(_ mailbox: MailboxID, batch: inout OperationBatch) throws(CRDTError) -> Bool {
        let slot = try residentAliveSlot(mailbox)
        guard slots[slot].epochs.isForked, slots[slot].epochs.owner == batch.origin else { return false }
        return try open(slot, &batch)
    }
}

extension AccountState {
    /// The slot of a living mailbox whose messages are here.
    private borrowing func residentAliveSlot(_ mailbox: MailboxID) throws(CRDTError) -> Int {
        let slot = try aliveSlot(mailbox)
        precondition(slots[slot].isResident, "the messages of \(mailbox) are not installed")
        return slot
    }

    /// Whether a replica has an epoch of its own to assign in.
    private borrowing func isOpen(_ slot: Int, _ owner: ReplicaID) -> Bool { slots[slot].epochs.isOpen(to: owner) }

    private borrowing func opening(_ slot: Int, by owner: ReplicaID) -> EpochOpening? {
        slots[slot].epochs.opening(by: owner, above: uidValidityFloor)
    }

    @discardableResult
    private mutating func open(_ slot: Int, _ batch: inout OperationBatch) throws(CRDTError) -> Bool {
        guard batch.mayOpenEpochs else { return false }
        guard let opening = opening(slot, by: batch.origin) else { throw AccountState.noEpochLeft() }
        batch.issue(.epoch(mailbox: slots[slot].id, opening: opening), to: &self)
        return true
    }

    /// Refuses a command for whose messages this replica, being the owner, has no UIDs.
    borrowing func checkUIDs(
        _ count: Int, _ slot: Int, _ batch: borrowing OperationBatch
    ) throws(CRDTError) {
        guard count > 0, slots[slot].epochs.owner == batch.origin else { return }
        let limit = UInt64(UInt32.max)
        let stripe = batch.stripe
        // Each block of the stripe is followed by those of the others: more than this no run of UIDs takes.
        let most = (UInt64(count) + 2 * UInt64(stripe.blockSize)) * UInt64(stripe.count)
        if slots[slot].uidNext + most <= limit { return }
        var last = lastOwnUID(slot, batch.origin)
        var next = slots[slot].uidNext
        for _ in 0..<count {
            let uid = stripe.nextUID(after: last, notBelow: next)
            if uid > limit || (!isOpen(slot, batch.origin) && opening(slot, by: batch.origin) == nil) {
                throw CRDTError(
                    .limitExceeded,
                    "the mailbox has no UID left: UIDNEXT is \(slots[slot].uidNext); create another mailbox")
            }
            (last, next) = (UInt32(truncatingIfNeeded: uid), uid + 1)
        }
    }

    /// The next UID to give if this replica is the owner; opens the epoch to which the mailbox was handed over.
    ///
    /// - Precondition: ``checkUIDs(_:_:_:)`` found no fault.
    mutating func nextAssignment(_ slot: Int, _ batch: inout OperationBatch) -> UIDAssignment? {
        let owner = batch.origin
        if !isOpen(slot, owner) {
            guard slots[slot].epochs.owner == owner else { return nil }
            do throws(CRDTError) { try open(slot, &batch) } catch { return nil }
        }
        guard let last = slots[slot].epochs.lastUID(of: owner) else { return nil }
        let uid = batch.stripe.nextUID(after: last.uid, notBelow: slots[slot].uidNext)
        guard let uid = UInt32(exactly: uid) else { return nil }
        return UIDAssignment(uid: uid, epoch: last.epoch)
    }

    /// The last UID that the replica gave in the current epoch; 0 if there is none.
    private borrowing func lastOwnUID(_ slot: Int, _ owner: ReplicaID) -> UInt32 {
        slots[slot].epochs.lastUID(of: owner)?.uid ?? 0
    }

    private static func noEpochLeft() -> CRDTError {
        CRDTError(.limitExceeded, "the mailbox has no number left for another epoch; create another mailbox")
    }
}
