// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Commands on messages. Each checks all its preconditions, then issues and applies; when it throws, nothing has changed.
///
/// - Precondition: the mailboxes that a command names are resident.
extension AccountState {
    /// APPEND (RFC 3501 section 6.3.11); the owner of the mailbox assigns a UID at once.
    ///
    /// - Parameters:
    ///   - facts: what never changes about the message.
    ///   - flags: its first flags.
    ///   - mailbox: where it goes.
    ///   - batch: takes the operation.
    /// - Returns: the new message.
    /// - Throws: ``CRDTError`` with `noSuchMailbox`, or `limitExceeded` if the mailbox has no UID left or there are too many keywords.
    @discardableResult
    public mutating func append(
        _ facts: MessageFacts, flags: FlagSet = FlagSet(), to mailbox: MailboxID, batch: inout OperationBatch
    ) throws(CRDTError) -> PlacedMessage {
        let slot = try aliveSlot(mailbox)
        if flags.hasKeywords { try checkKeywords(flags.keywords.count) }
        try checkUIDs(1, slot, batch)
        return place(nil, facts, flags, mailbox, slot, &batch)
    }

    /// EXPUNGE of the given messages (RFC 3501 section 6.4.3, RFC 4315 section 2.1).
    ///
    /// - Parameters:
    ///   - messages: the messages.
    ///   - mailbox: where they are.
    ///   - batch: takes one operation for each.
    /// - Throws: ``CRDTError`` with `noSuchMailbox` or `noSuchMessage`.
    public mutating func expunge(
        _ messages: [Dot], in mailbox: MailboxID, batch: inout OperationBatch
    ) throws(CRDTError) {
        let slot = try aliveSlot(mailbox)
        for message in messages { _ = try presentRecord(message, slot) }
        for message in messages {
            batch.issue(
                Operation(
                    dot: batch.nextDot, timestamp: batch.timestamp, account: batch.account, .expunge, mailbox: mailbox,
                    message: message), inSlot: slot, of: &self)
        }
    }

    /// STORE for one message (RFC 3501 section 6.4.6).
    ///
    /// - Parameters:
    ///   - change: the change of flags.
    ///   - message: the message.
    ///   - mailbox: where it is.
    ///   - batch: takes the operation; none if the flags are what they shall be.
    /// - Returns: whether anything changed.
    /// - Throws: ``CRDTError`` with `noSuchMailbox`, `noSuchMessage`, or `limitExceeded` if the message would have too many keywords.
    @discardableResult
    public mutating func store(
        _ change: FlagChange, message: Dot, in mailbox: MailboxID, batch: inout OperationBatch
    ) throws(CRDTError) -> Bool {
        let slot = try aliveSlot(mailbox)
        let record = try presentRecord(message, slot)
        if let flags = change.systemFlags, !record.overflows {
            let (adding, removing) = change.difference(flags.intersection(.known), record.flags)
            if adding.isEmpty && removing.isEmpty { return false }
            batch.issue(
                Operation(
                    dot: batch.nextDot, timestamp: batch.timestamp, account: batch.account, .store, mailbox: mailbox,
                    message: message, adding: adding, removing: removing), inSlot: slot, of: &self)
            return true
        }
        let present = FlagSet(record.flags, keywords: slots[slot].messages.keywords(of: record))
        var adding = FlagSet()
        var removing = FlagSet()
        switch change {
        case .add(let flags): adding = flags.subtracting(present)
        case .remove(let flags): removing = flags.subtracting(flags.subtracting(present))
        case .replace(let flags):
            adding = flags.subtracting(present)
            removing = present.subtracting(flags)
        }
        adding.system.formIntersection(.known)
        if adding.isEmpty && removing.isEmpty { return false }
        if adding.hasKeywords {
            try checkKeywords(present.subtracting(removing).keywords.count + adding.keywords.count)
        }
        batch.issue(
            .store(mailbox: mailbox, message: message, adding: adding, removing: removing), to: &self)
        return true
    }

    /// COPY (RFC 3501 section 6.4.7): new messages with the same facts and flags, in the given order.
    ///
    /// - Parameters:
    ///   - messages: the messages, in the order in which the copies get their UIDs.
    ///   - source: where they are.
    ///   - target: where the copies go; may be the same.
    ///   - batch: takes one operation for each.
    /// - Returns: the copies.
    /// - Throws: ``CRDTError`` with `noSuchMailbox`, `noSuchMessage` or `limitExceeded`.
    @discardableResult
    public mutating func copy(
        _ messages: [Dot], from source: MailboxID, to target: MailboxID, batch: inout OperationBatch
    ) throws(CRDTError) -> [PlacedMessage] {
        let slot = try aliveSlot(source)
        let targetSlot = try aliveSlot(target)
        try checkUIDs(messages.count, targetSlot, batch)
        for message in messages { _ = try presentRecord(message, slot) }
        var result: [PlacedMessage] = []
        for message in messages {
            let record = try presentRecord(message, slot)
            let flags = FlagSet(record.flags, keywords: slots[slot].messages.keywords(of: record))
            result.append(place(message, slots[slot].messages.facts(of: record), flags, target, targetSlot, &batch))
        }
        return result
    }

    /// MOVE (RFC 6851 section 3.3): COPY, then EXPUNGE.
    ///
    /// - Parameters:
    ///   - messages: the messages, in the order in which they get their new UIDs.
    ///   - source: where they are.
    ///   - target: where they go.
    ///   - batch: takes two operations for each.
    /// - Returns: the messages in their new place.
    /// - Throws: ``CRDTError`` with `noSuchMailbox`, `noSuchMessage` or `limitExceeded`.
    @discardableResult
    public mutating func move(
        _ messages: [Dot], from source: MailboxID, to target: MailboxID, batch: inout OperationBatch
    ) throws(CRDTError) -> [PlacedMessage] {
        let result = try copy(messages, from: source, to: target, batch: &batch)
        try expunge(messages, in: source, batch: &batch)
        return result
    }
}

extension AccountState {
    /// The messages of a mailbox in the order that clients know, then those that wait.
    borrowing func presentMessages(in mailbox: MailboxID) -> [Dot] {
        guard let slot = slot(of: mailbox) else { return [] }
        let visible = slots[slot].messages.ordered.filter { !$0.isHole }
        let waiting = slots[slot].messages.apart.filter { $0.place == .waiting }
        return (visible + waiting.sorted { ($0.modSeq, $0.id.packed) < ($1.modSeq, $1.id.packed) }).map(\.id)
    }

    /// The record of a message that is neither unknown nor buried.
    @inline(__always)
    private borrowing func presentRecord(_ message: Dot, _ slot: Int) throws(CRDTError) -> MessageRecord {
        precondition(slots[slot].isResident, "the messages of \(slots[slot].id) are not installed")
        var work = WorkCounters()
        guard let position = slots[slot].messages.position(of: message, work: &work),
            slots[slot].messages[position].place != .buried
        else { throw AccountState.noSuchMessage() }
        return slots[slot].messages[position]
    }

    @inline(never)
    private static func noSuchMessage() -> CRDTError { CRDTError(.noSuchMessage, "there is no such message") }

    private borrowing func checkKeywords(_ count: Int) throws(CRDTError) {
        if count > limits.maximumKeywords {
            throw CRDTError(
                .limitExceeded,
                "the message would have \(count) keywords; at most \(limits.maximumKeywords) are allowed")
        }
    }

    /// Issues an append whose room was checked.
    private mutating func place(
        _ source: Dot?, _ facts: MessageFacts, _ flags: FlagSet, _ mailbox: MailboxID, _ slot: Int,
        _ batch: inout OperationBatch
    ) -> PlacedMessage {
        let assignment = nextAssignment(slot, &batch)
        let dot: Dot
        if flags.hasKeywords {
            dot = batch.issue(
                .append(mailbox: mailbox, facts: facts, flags: flags, assignment: assignment), to: &self)
        } else {
            dot = batch.issue(
                Operation(
                    dot: batch.nextDot, timestamp: batch.timestamp, account: batch.account, .append, mailbox: mailbox,
                    adding: flags.system, facts: facts, assignment: assignment ?? .none), inSlot: slot, of: &self)
        }
        return PlacedMessage(source: source ?? dot, id: dot, uid: assignment?.uid)
    }
}
