// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension AccountState {
    /// Applies an operation: total, whatever the operation refers to and whatever values it carries.
    ///
    /// An operation is applied once, after all operations of its causal past. An operation that wants a mailbox (all but delete and assign) makes an unknown
    /// one known, so that no mail is ever lost; what refers to an unknown message changes no message. A DELETE of INBOX is not obeyed.
    ///
    /// - Parameters:
    ///   - operation: the operation.
    ///   - context: the operation's causal past and the names behind the local indexes.
    ///   - changes: what changed is appended.
    /// - Precondition: the mailbox that ``needsMessages(for:)`` names is resident.
    /// - Complexity: O(1) in the number of messages, but for `delete` (O(messages it removes)) and for what changes which assignments count: a take-over in a
    ///   split brain, a merge, a creation that raises UIDVALIDITY.
    public mutating func apply(
        _ operation: borrowing Operation, context: borrowing ApplyContext, changes: inout [StateChange]
    ) {
        let dot = operation.dot
        if dot.counter == 0 { return }
        tally.modSeqs = context.modSeqs
        let timestamp = operation.timestamp
        switch operation.body {
        case .create(let mailbox, let name, let uidValidity, let use):
            let owner = context.replica(dot.replica)
            let birth = MailboxBirth(uidValidity: uidValidity, owner: owner, use: use)
            applyName(mailbox, name, birth, dot, timestamp, context, &changes)
        case .rename(let mailbox, let name):
            applyName(mailbox, name, nil, dot, timestamp, context, &changes)
        case .delete(let mailbox):
            applyDelete(mailbox, dot, timestamp, context, &changes)
        case .append(let mailbox, let facts, let flags, let assignment):
            guard let slot = wanted(mailbox, dot, context, &changes) else { return }
            slots[slot].append(
                dot, facts, flags, assignment, timestamp: timestamp, context: context, tally: &tally, changes: &changes)
            noteUIDWork(slot)
        case .expunge(let mailbox, let message):
            guard let slot = wanted(mailbox, dot, context, &changes) else { return }
            slots[slot].expunge(message, timestamp: timestamp, context: context, tally: &tally, changes: &changes)
            noteUIDWork(slot)
        case .store(let mailbox, let message, let adding, let removing):
            guard let slot = wanted(mailbox, dot, context, &changes) else { return }
            slots[slot].store(
                dot, message, adding: adding, removing: removing, timestamp: timestamp, context: context, tally: &tally,
                changes: &changes)
            noteUIDWork(slot)
        case .assign(let mailbox, let message, let assignment):
            guard let slot = slot(of: mailbox) else { return }
            requireMessages(slot)
            changes.append(.mailboxChanged(mailbox))
            slots[slot].assign(
                message, assignment, timestamp: timestamp, context: context, tally: &tally, changes: &changes)
            noteUIDWork(slot)
        case .subscribe(let name):
            subscriptions.add(name, dot, context: context, digest: &tally.digest)
            changes.append(.subscriptionChanged(name: name))
        case .unsubscribe(let name):
            subscriptions.remove(name, context: context, digest: &tally.digest)
            changes.append(.subscriptionChanged(name: name))
        case .epoch(let mailbox, let opening):
            guard let slot = slot(of: mailbox) else { return }
            changes.append(.mailboxChanged(mailbox))
            uidValidityFloor = max(uidValidityFloor, opening.epoch.number)
            tally.concurrency.epochs += 1
            tally.concurrency.greatestEpoch = max(tally.concurrency.greatestEpoch, opening.epoch.number)
            slots[slot].open(
                opening, by: context.replica(dot.replica), timestamp: timestamp, tally: &tally, changes: &changes)
            noteUIDWork(slot)
        case .member(let change):
            let stamp = NameStamp(timestamp: timestamp, replica: context.replica(dot.replica), counter: dot.counter)
            memberTable.apply(change, stamp, digest: &tally.digest)
            changes.append(.memberChanged(name: change.name))
        case .mark(let stripe):
            let mark = ModSeqMarks.Mark(modSeq: timestamp.rawValue, past: context.past)
            modSeqMarks.note(dot.replica, stripe: stripe, mark)
            changes.append(.modSeqsMarked)
        }
    }

    /// Applies a run of operations of one origin that follow one another, as a frame holds them.
    ///
    /// - Parameters:
    ///   - operations: the operations in the order of their counters.
    ///   - context: the names, and the causal past of the first operation; each further one has its predecessors in its past.
    ///   - changes: what changed is appended.
    /// - Precondition: as for ``apply(_:context:changes:)``.
    public mutating func apply(_ operations: [Operation], context: ApplyContext, changes: inout [StateChange]) {
        var context = context
        for index in operations.indices {
            apply(operations[index], context: context, changes: &changes)
            let dot = operations[index].dot
            if dot.counter > context.past[dot.replica] { context.past[dot.replica] = dot.counter }
        }
    }

    /// The mailbox whose messages an operation touches and which are not resident: they are to be installed before the operation is applied.
    ///
    /// - Parameter operation: the operation.
    /// - Returns: the mailbox, or nil if the operation can be applied as things are.
    public borrowing func needsMessages(for operation: borrowing Operation) -> MailboxID? {
        let mailbox: MailboxID
        switch operation.body {
        case .append(let target, _, _, _): mailbox = target
        case .expunge(let target, _): mailbox = target
        case .store(let target, _, _, _): mailbox = target
        case .assign(let target, _, _): mailbox = target
        case .delete(let target): mailbox = target
        case .create(let target, _, let uidValidity, _):
            // Only a creation that takes the place of the former one takes the former UIDs out of sight.
            guard let slot = slot(of: target), slots[slot].birth?.uidValidity ?? 0 <= uidValidity else {
                return nil
            }
            mailbox = target
        case .epoch(let target, let opening):
            guard let slot = slot(of: target), slots[slot].needsMessages(toOpen: opening) else { return nil }
            mailbox = target
        case .rename, .subscribe, .unsubscribe, .member, .mark: return nil
        }
        guard let slot = slot(of: mailbox) else { return nil }
        return slots[slot].isResident ? nil : mailbox
    }

    private mutating func applyName(
        _ mailbox: MailboxID, _ name: String, _ birth: MailboxBirth?, _ dot: Dot, _ timestamp: HybridTimestamp,
        _ context: borrowing ApplyContext, _ changes: inout [StateChange]
    ) {
        if let birth { uidValidityFloor = max(uidValidityFloor, birth.uidValidity) }
        guard let slot = slotOrNew(mailbox, context: context) else { return }
        if let birth, slots[slot].birth?.uidValidity ?? 0 <= birth.uidValidity { requireMessages(slot) }
        slots[slot].touch(dot, context: context, tally: &tally)
        let stamp = NameStamp(timestamp: timestamp, replica: context.replica(dot.replica), counter: dot.counter)
        slots[slot].changeHeader(
            name: name, stamp: stamp, birth: birth, timestamp: timestamp, context: context, tally: &tally,
            changes: &changes)
        noteUIDWork(slot)
        changes.append(.mailboxChanged(mailbox))
        refreshName(slot, context: context, changes: &changes)
    }

    private mutating func applyDelete(
        _ mailbox: MailboxID, _ dot: Dot, _ timestamp: HybridTimestamp, _ context: borrowing ApplyContext,
        _ changes: inout [StateChange]
    ) {
        guard mailbox != .inbox, let slot = slot(of: mailbox) else { return }
        requireMessages(slot)
        slots[slot].delete(dot, timestamp: timestamp, context: context, tally: &tally, changes: &changes)
        noteUIDWork(slot)
        changes.append(.mailboxChanged(mailbox))
        refreshName(slot, context: context, changes: &changes)
    }

    /// Lets an operation that wants a mailbox leave its mark there.
    private mutating func wanted(
        _ mailbox: MailboxID, _ dot: Dot, _ context: borrowing ApplyContext, _ changes: inout [StateChange]
    ) -> Int? {
        guard let slot = slotOrNew(mailbox, context: context) else { return nil }
        requireMessages(slot)
        let wasAlive = slots[slot].isAlive
        slots[slot].touch(dot, context: context, tally: &tally)
        changes.append(.mailboxChanged(mailbox))
        if !wasAlive {
            // Whoever wants a mailbox has seen it: it was deleted meanwhile.
            tally.concurrency.conflicts += 1
            refreshName(slot, context: context, changes: &changes)
        }
        return slot
    }

    private borrowing func requireMessages(_ slot: Int) {
        precondition(slots[slot].isResident, "the messages of \(slots[slot].id) are not installed")
    }
}
