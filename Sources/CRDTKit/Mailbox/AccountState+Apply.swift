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
        _ operation: borrowing Operation, context: borrowing ApplyContext, changes: inout StateChanges
    ) {
        withUnsafePointer(to: operation) { apply($0, context: context, changes: &changes) }
    }

    /// Applies an operation where it lies: handing on a value of its size would copy it.
    ///
    /// - Parameters:
    ///   - operation: where the operation is.
    ///   - context: as for a value.
    ///   - changes: what changed is appended.
    public mutating func apply(
        _ operation: UnsafePointer<Operation>, context: borrowing ApplyContext, changes: inout StateChanges
    ) {
        let dot = operation.pointee.dot
        if dot.counter == 0 { return }
        tally.modSeqs = context.modSeqs
        switch operation.pointee.kind {
        case .append, .expunge, .store:
            guard let slot = slotOrNew(operation.pointee.mailbox, context: context) else { return }
            apply(operation, toMessagesOf: slot, context: context, changes: &changes)
        case .assign:
            guard let slot = slot(of: operation.pointee.mailbox) else { return }
            requireMessages(slot)
            changes.append(.mailboxChanged(operation.pointee.mailbox))
            slots[slot].apply(operation, context: context, tally: &tally, changes: &changes)
            noteUIDWork(slot)
        case .delete:
            applyDelete(operation.pointee.mailbox, dot, operation.pointee.timestamp, context, &changes)
        case .create, .rename, .subscribe, .unsubscribe, .epoch, .member, .mark:
            apply(operation.pointee.body, dot, operation.pointee.timestamp, context, &changes)
        }
    }

    /// Applies an append, an expunge or a store to the mailbox that it names: commands have looked for it before.
    @inline(__always)
    mutating func apply(
        _ operation: UnsafePointer<Operation>, toMessagesOf slot: Int, context: borrowing ApplyContext,
        changes: inout StateChanges
    ) {
        tally.modSeqs = context.modSeqs
        requireMessages(slot)
        if !slots[slot].isAlive { revive(slot, operation.pointee.dot, context, &changes) }
        let hasUIDWork = slots[slot].applyToMessages(operation, context: context, tally: &tally, changes: &changes)
        if hasUIDWork || !mailboxesWithUIDWork.isEmpty { noteUIDWork(slot) }
    }

    /// An operation wants a mailbox that is gone: whoever issued it has seen the mailbox, which was deleted meanwhile.
    @inline(never)
    private mutating func revive(
        _ slot: Int, _ dot: Dot, _ context: borrowing ApplyContext, _ changes: inout StateChanges
    ) {
        slots[slot].touch(dot, context: context, tally: &tally)
        tally.concurrency.conflicts += 1
        refreshName(slot, context: context, changes: &changes)
    }

    /// The operations of which there are few.
    private mutating func apply(
        _ body: OperationBody, _ dot: Dot, _ timestamp: HybridTimestamp, _ context: borrowing ApplyContext,
        _ changes: inout StateChanges
    ) {
        switch body {
        case .create(let mailbox, let name, let uidValidity, let use):
            let owner = context.replica(dot.replica)
            let birth = MailboxBirth(uidValidity: uidValidity, owner: owner, use: use)
            applyName(mailbox, name, birth, dot, timestamp, context, &changes)
        case .rename(let mailbox, let name):
            applyName(mailbox, name, nil, dot, timestamp, context, &changes)
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
        case .append, .expunge, .store, .assign, .delete: break
        }
    }

    /// Applies a run of operations of one origin that follow one another, as a frame holds them.
    ///
    /// - Parameters:
    ///   - operations: the operations in the order of their counters.
    ///   - context: the names, and the causal past of the first operation; each further one has its predecessors in its past.
    ///   - changes: what changed is appended.
    /// - Precondition: as for ``apply(_:context:changes:)``.
    public mutating func apply(_ operations: [Operation], context: ApplyContext, changes: inout StateChanges) {
        var context = context
        operations.withUnsafeBufferPointer {
            guard let first = $0.baseAddress else { return }
            for index in 0..<$0.count {
                let dot = first[index].dot
                apply(first + index, context: context, changes: &changes)
                if dot.counter > context.past[dot.replica] { context.past.put(dot) }
            }
        }
    }

    /// The mailbox whose messages an operation touches and which are not resident: they are to be installed before the operation is applied.
    ///
    /// - Parameter operation: the operation.
    /// - Returns: the mailbox, or nil if the operation can be applied as things are.
    public borrowing func needsMessages(for operation: borrowing Operation) -> MailboxID? {
        let mailbox = operation.mailbox
        switch operation.kind {
        case .append, .expunge, .store, .assign, .delete: break
        case .create:
            // Only a creation that takes the place of the former one takes the former UIDs out of sight.
            guard case .create(_, _, let uidValidity, _) = operation.body, let slot = slot(of: mailbox),
                slots[slot].birth?.uidValidity ?? 0 <= uidValidity
            else { return nil }
        case .epoch:
            guard case .epoch(_, let opening) = operation.body, let slot = slot(of: mailbox),
                slots[slot].needsMessages(toOpen: opening)
            else { return nil }
        case .rename, .subscribe, .unsubscribe, .member, .mark: return nil
        }
        guard let slot = slot(of: mailbox) else { return nil }
        return slots[slot].isResident ? nil : mailbox
    }

    private mutating func applyName(
        _ mailbox: MailboxID, _ name: String, _ birth: MailboxBirth?, _ dot: Dot, _ timestamp: HybridTimestamp,
        _ context: borrowing ApplyContext, _ changes: inout StateChanges
    ) {
        if let birth { uidValidityFloor = max(uidValidityFloor, birth.uidValidity) }
        guard let slot = slotOrNew(mailbox, context: context) else { return }
        if let birth, slots[slot].birth?.uidValidity ?? 0 <= birth.uidValidity { requireMessages(slot) }
        let stamp = NameStamp(timestamp: timestamp, replica: context.replica(dot.replica), counter: dot.counter)
        // A mailbox that is not alive counts for nothing in the digest until it is touched: then its header is hashed once.
        slots[slot].changeHeader(
            name: name, stamp: stamp, birth: birth, timestamp: timestamp, context: context, tally: &tally,
            changes: &changes)
        slots[slot].touch(dot, context: context, tally: &tally)
        noteUIDWork(slot)
        changes.append(.mailboxChanged(mailbox))
        refreshName(slot, context: context, changes: &changes)
    }

    private mutating func applyDelete(
        _ mailbox: MailboxID, _ dot: Dot, _ timestamp: HybridTimestamp, _ context: borrowing ApplyContext,
        _ changes: inout StateChanges
    ) {
        guard mailbox != .inbox, let slot = slot(of: mailbox) else { return }
        requireMessages(slot)
        slots[slot].delete(dot, timestamp: timestamp, context: context, tally: &tally, changes: &changes)
        noteUIDWork(slot)
        changes.append(.mailboxChanged(mailbox))
        refreshName(slot, context: context, changes: &changes)
    }

    private borrowing func requireMessages(_ slot: Int) {
        precondition(slots[slot].isResident, "the messages of \(slots[slot].id) are not installed")
    }
}
