// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The effectors of one mailbox. All are total: what they do not know they leave alone.
extension Mailbox {
    /// Applies an append, an expunge or a store, which all want the mailbox.
    ///
    /// - Returns: whether UIDs are to be assigned or a fork to be merged then.
    mutating func applyToMessages(
        _ operation: UnsafePointer<Operation>, context: borrowing ApplyContext, tally: inout Tally,
        changes: inout StateChanges
    ) -> Bool {
        touch(operation.pointee.dot, context: context, tally: &tally)
        changes.append(.mailboxChanged(id))
        apply(operation, context: context, tally: &tally, changes: &changes)
        return hasUIDWork
    }

    /// Applies an operation on messages, which are here.
    ///
    /// - Parameters:
    ///   - operation: where the operation is: it is too large to be handed on by value.
    ///   - context: its causal past.
    ///   - tally: what is counted.
    ///   - changes: what changed is appended.
    mutating func apply(
        _ operation: UnsafePointer<Operation>, context: borrowing ApplyContext, tally: inout Tally,
        changes: inout StateChanges
    ) {
        if operation.pointee.whole != nil {
            applyWhole(operation, context: context, tally: &tally, changes: &changes)
            return
        }
        let timestamp = operation.pointee.timestamp
        switch operation.pointee.kind {
        case .append:
            append(operation, flags: nil, context: context, tally: &tally, changes: &changes)
        case .expunge:
            expunge(
                operation.pointee.message, timestamp: timestamp, context: context, tally: &tally, changes: &changes)
        case .store:
            store(
                operation.pointee.dot, operation.pointee.message, adding: operation.pointee.adding,
                removing: operation.pointee.removing, keywords: nil, timestamp: timestamp, context: context,
                tally: &tally, changes: &changes)
        case .assign:
            assign(
                operation.pointee.message, operation.pointee.assignment, timestamp: timestamp, context: context,
                tally: &tally, changes: &changes)
        case .create, .delete, .rename, .subscribe, .unsubscribe, .epoch, .member, .mark: break
        }
    }

    /// The same for an operation that does not lie flat: it has keywords.
    @inline(never)
    private mutating func applyWhole(
        _ operation: UnsafePointer<Operation>, context: borrowing ApplyContext, tally: inout Tally,
        changes: inout StateChanges
    ) {
        switch operation.pointee.body {
        case .append(let mailbox, let facts, let flags, let assignment):
            var flat = Operation(
                dot: operation.pointee.dot, timestamp: operation.pointee.timestamp, account: operation.pointee.account,
                .append, mailbox: mailbox, adding: flags.system, facts: facts, assignment: assignment ?? .none)
            append(&flat, flags: flags, context: context, tally: &tally, changes: &changes)
        case .store(_, let message, let adding, let removing):
            store(
                operation.pointee.dot, message, adding: adding.system, removing: removing.system,
                keywords: (adding, removing), timestamp: operation.pointee.timestamp, context: context, tally: &tally,
                changes: &changes)
        case .create, .delete, .rename, .expunge, .assign, .subscribe, .unsubscribe, .epoch, .member, .mark: break
        }
    }

    /// Every operation that wants the mailbox leaves its counter, so that a concurrent DELETE cannot make the mailbox vanish.
    @inline(__always)
    mutating func touch(_ dot: Dot, context: borrowing ApplyContext, tally: inout Tally) {
        let old = liveness[dot.replica]
        if dot.counter <= old { return }
        let key = livenessKey(dot.replica, context)
        if !isAlive {
            tally.digest.add(headerElement())
        } else if old > 0 {
            tally.digest.subtract(key.term(.liveness, old))
        }
        liveness.put(dot)
        tally.digest.add(key.term(.liveness, dot.counter))
    }

    /// Takes over a name, if no later one is known, and a creation, if it is greater than the known one.
    mutating func changeHeader(
        name newName: String, stamp: NameStamp, birth newBirth: MailboxBirth?, timestamp: HybridTimestamp,
        context: borrowing ApplyContext, tally: inout Tally, changes: inout StateChanges
    ) {
        let element = isAlive ? headerElement() : nil
        if nameStamp.map({ $0 < stamp }) ?? true {
            name = newName
            nameStamp = stamp
        } else if name != newName {
            tally.concurrency.conflicts += 1
        }
        let before = messages.count > 0 ? epochs : nil
        if let newBirth { enter(newBirth) }
        if let element {
            tally.digest.subtract(element)
            tally.digest.add(headerElement())
        }
        if newBirth != nil, let before {
            recount(after: before, timestamp: timestamp, tally: &tally, changes: &changes)
        }
    }

    /// Adds a message; `flags` are given if there are keywords among them.
    @inline(__always)
    private mutating func append(
        _ operation: UnsafePointer<Operation>, flags: FlagSet?, context: borrowing ApplyContext, tally: inout Tally,
        changes: inout StateChanges
    ) {
        let dot = operation.pointee.dot
        var record = MessageRecord(id: dot)
        if let (uid, epoch) = note(operation.pointee.assignment) { (record.uid, record.epoch) = (uid, epoch) }
        noteAppender(dot.replica)
        record.presence = dot
        record.flags = operation.pointee.adding.intersection(.known)
        if !record.flags.isEmpty { (record.firstEnabler, record.firstFlags) = (dot, record.flags) }
        record.modSeq = modSeq(at: operation.pointee.timestamp, tally.modSeqs)
        record.place = isExposable(record) ? .visible : .waiting
        let facts = operation.pointee.facts
        guard messages.insert(record, facts, work: &tally.work) else { return }
        changes.append(.bodyRetained(facts.body, size: facts.size))
        if record.place == .visible {
            highestModSeq = record.modSeq
            exposedUID = record.uid
            changes.append(.messageAppeared(id, dot, uid: record.uid, modSeq: record.modSeq))
        }
        if let flags { setKeywords(flags, ofNew: &record, work: &tally.work) }
        let key = messageKey(dot, context)
        var sum = Mailbox.factsElement(facts, key)
        sum.add(dotsElement(record, key, context))
        sum.add(assignmentElement(record, key))
        tally.digest.add(sum)
        counts.add(record, size: facts.size)
        changes.append(.recordChanged(id, dot))
    }

    /// Gives a message that came just now its keywords.
    @inline(never)
    private mutating func setKeywords(_ flags: FlagSet, ofNew record: inout MessageRecord, work: inout WorkCounters) {
        guard let position = messages.position(of: record.id, work: &work) else { return }
        record = messages[position]
        var dots = MessageDots()
        dots.store(record.id, past: VersionVector(), adding: flags, removing: FlagSet())
        messages.setDots(dots, of: &record)
        messages[position] = record
    }

    mutating func expunge(
        _ message: Dot, timestamp: HybridTimestamp, context: borrowing ApplyContext, tally: inout Tally,
        changes: inout StateChanges
    ) {
        guard let position = messages.position(of: message, work: &tally.work) else { return }
        let modSeq = modSeq(at: timestamp, tally.modSeqs)
        let record = lift(position, modSeq: modSeq, tally: &tally, changes: &changes)
        if record.place != .buried { tally.digest.subtract(messageElement(record, context)) }
        let body = messages.facts(of: record).body
        messages.forget(record)
        messages.compactIfSparse(work: &tally.work)
        changes.append(.recordRemoved(id, message))
        changes.append(.bodyReleased(body))
    }

    /// Changes flags; `keywords` are all to set and to clear if there are keywords among them.
    @inline(__always)
    private mutating func store(
        _ dot: Dot, _ message: Dot, adding: SystemFlags, removing: SystemFlags,
        keywords: (adding: FlagSet, removing: FlagSet)?, timestamp: HybridTimestamp, context: borrowing ApplyContext,
        tally: inout Tally, changes: inout StateChanges
    ) {
        guard let position = messages.position(of: message, work: &tally.work) else {
            // Its source had seen the message, and so has this replica: it was expunged meanwhile.
            tally.concurrency.conflicts += 1
            return
        }
        tally.work.slotsTouched += 1
        let old = messages[position]
        let key = messageKey(message, context)
        var record = old
        if old.place != .buried { tally.digest.subtract(dotsElement(old, key, context)) }
        let isInPlace =
            keywords == nil
            && record.storeInPlace(dot, past: context.past, adding: adding.intersection(.known), removing: removing)
        if !isInPlace {
            var dots = messages.dots(of: record)
            dots.store(
                dot, past: context.past, adding: keywords?.adding ?? FlagSet(adding),
                removing: keywords?.removing ?? FlagSet(removing))
            messages.setDots(dots, of: &record)
        }
        if old.place == .buried {
            // The flag change was not seen by the DELETE that buried the message: the message comes back.
            tally.concurrency.conflicts += 1
            _ = lift(position, modSeq: old.modSeq, tally: &tally, changes: &changes)
            record.modSeq = modSeq(at: timestamp, tally.modSeqs)
            tally.digest.add(messageElement(record, context))
            settle(record, modSeq: record.modSeq, tally: &tally, changes: &changes)
            return
        }
        // Also if it changes nothing here, because a concurrent one did: a client that comes from elsewhere may know other flags.
        record.modSeq = modSeq(at: timestamp, tally.modSeqs)
        highestModSeq = record.modSeq
        if record.place == .visible {
            changes.append(.flagsChanged(id, message, uid: record.uid, modSeq: record.modSeq))
        }
        counts.changeFlags(of: record, from: old.flags)
        messages[position] = record
        tally.digest.add(dotsElement(record, key, context))
        changes.append(.recordChanged(id, message))
    }

    /// Gives a message a UID: the greatest epoch of the greatest birth wins, and within one epoch the greatest UID, which its owner gave last.
    ///
    /// An assignment that had not seen a DELETE of the message is void: if a flag change brought the message back, some replicas have shown greater UIDs since.
    mutating func assign(
        _ message: Dot, _ assignment: UIDAssignment, timestamp: HybridTimestamp, context: borrowing ApplyContext,
        tally: inout Tally, changes: inout StateChanges
    ) {
        guard let (uid, epoch) = note(assignment),
            let position = messages.position(of: message, work: &tally.work)
        else { return }
        if isVoid(message, past: context.past) { return }
        let old = messages[position]
        if old.uid != 0 {
            if !epochs.supersedes(uid, epoch, old.uid, old.epoch) { return }
            tally.concurrency.reissues += 1
        }
        let modSeq = modSeq(at: timestamp, tally.modSeqs)
        var record = lift(position, modSeq: modSeq, tally: &tally, changes: &changes)
        let key = messageKey(message, context)
        if record.place != .buried { tally.digest.subtract(assignmentElement(record, key)) }
        (record.uid, record.epoch) = (uid, epoch)
        if record.place == .buried {
            rest(record, tally: &tally, changes: &changes)
        } else {
            tally.digest.add(assignmentElement(record, key))
            settle(record, modSeq: modSeq, tally: &tally, changes: &changes)
        }
        messages.compactIfSparse(work: &tally.work)
    }

    /// Removes what the operation's source had observed, the UIDs of messages that stay among it.
    ///
    /// No set is carried: under causal delivery it is what lies in the causal past.
    ///
    /// - Complexity: O(messages); those that go are buried one by one.
    mutating func delete(
        _ dot: Dot, timestamp: HybridTimestamp, context: borrowing ApplyContext, tally: inout Tally,
        changes: inout StateChanges
    ) {
        if deletes[dot.replica] < dot.counter {
            deletes[dot.replica] = dot.counter
            deletePasts.removeAll { $0.dot.replica == dot.replica }
            deletePasts.append(DeletePast(dot: dot, past: context.past))
        }
        if !isAlive { return }
        let dies = context.past.covers(liveness)
        let modSeq = modSeq(at: timestamp, tally.modSeqs)
        for index in messages.apart.indices where messages.apart[index].place == .waiting {
            bury(.apart(index), dies: dies, modSeq: modSeq, context: context, tally: &tally, changes: &changes)
        }
        for index in 0..<messages.orderedCount where !messages[.ordered(index)].isHole {
            bury(.ordered(index), dies: dies, modSeq: modSeq, context: context, tally: &tally, changes: &changes)
        }
        messages.compactIfSparse(work: &tally.work)
        if dies { tally.digest.subtract(headerElement()) } else { tally.concurrency.conflicts += 1 }
        for (index, counter) in liveness.counters.enumerated() where counter > 0 {
            let entry = Dot(ReplicaIndex(UInt16(truncatingIfNeeded: index)), counter)
            if !context.past.contains(entry) { continue }
            tally.digest.subtract(livenessElement(entry, context))
            liveness[entry.replica] = 0
        }
    }

    /// Drops every buried record.
    mutating func forgetBuried(tally: inout Tally, changes: inout StateChanges) {
        for index in messages.apart.indices.reversed() where messages.apart[index].place == .buried {
            let record = messages.take(.apart(index), work: &tally.work)
            let facts = messages.facts(of: record)
            counts.subtract(record, size: facts.size)
            messages.forget(record)
            changes.append(.recordRemoved(id, record.id))
            changes.append(.bodyReleased(facts.body))
        }
    }
}

extension Mailbox {
    /// Notes that a UID is taken, whoever has it.
    ///
    /// - Returns: the UID and its epoch's index, or nil if it is no UID.
    @inline(__always)
    private mutating func note(_ assignment: UIDAssignment) -> (uid: UInt32, epoch: UInt32)? {
        if assignment.uid == 0 { return nil }
        uidNext = max(uidNext, UInt64(assignment.uid) + 1)
        return (assignment.uid, UInt32(truncatingIfNeeded: epochs.note(assignment)))
    }

    /// Whether an assignment with a causal past is void for a message, because a DELETE that it had not seen had seen the message.
    private func isVoid(_ message: Dot, past: borrowing VersionVector) -> Bool {
        for delete in deletePasts where !past.contains(delete.dot) && delete.past.contains(message) { return true }
        return false
    }

    @inline(__always)
    private mutating func noteAppender(_ replica: ReplicaIndex) {
        appendRun = replica == lastAppender ? min(appendRun + 1, UInt32.max - 1) : 1
        lastAppender = replica
    }

    /// Takes a record out of its place; a visible one vanishes.
    mutating func lift(
        _ position: MailboxMessages.Position, modSeq: UInt64, tally: inout Tally, changes: inout StateChanges
    ) -> MessageRecord {
        let record = messages.take(position, work: &tally.work)
        counts.subtract(record, size: messages.size(of: record))
        if record.place == .visible {
            highestModSeq = modSeq
            changes.append(.messageVanished(id, record.id, uid: record.uid, modSeq: modSeq))
        }
        return record
    }

    /// Puts a record that no client sees where its place says.
    mutating func rest(_ record: MessageRecord, tally: inout Tally, changes: inout StateChanges) {
        counts.add(record, size: messages.size(of: record))
        messages.put(record, work: &tally.work)
        changes.append(.recordChanged(id, record.id))
    }

    /// Gives a present record that is in no slab its place: visible if its UID counts and is above all that were shown, else waiting.
    mutating func settle(
        _ arriving: MessageRecord, modSeq: UInt64, tally: inout Tally, changes: inout StateChanges
    ) {
        var record = arriving
        record.place = isExposable(record) ? .visible : .waiting
        if record.place == .visible {
            record.modSeq = modSeq
            highestModSeq = modSeq
            exposedUID = record.uid
            changes.append(.messageAppeared(id, record.id, uid: record.uid, modSeq: modSeq))
        }
        rest(record, tally: &tally, changes: &changes)
    }

    /// Removes the presence dots in the causal past of a DELETE, and buries the message if none is left.
    ///
    /// What the DELETE had seen loses its UID too, since replicas that were told of the DELETE first have taken it out of sight.
    private mutating func bury(
        _ position: MailboxMessages.Position, dies: Bool, modSeq: UInt64, context: borrowing ApplyContext,
        tally: inout Tally, changes: inout StateChanges
    ) {
        tally.work.slotsTouched += 1
        var record = messages[position]
        let isObserved = context.past.contains(record.id)
        // The usual message has one presence dot: no need to unfold it.
        if !isObserved && !record.overflows && !context.past.contains(record.presence) { return }
        var dots = messages.dots(of: record)
        let losesPresence = dots.delete(past: context.past)
        let losesUID = isObserved && record.uid != 0
        if !losesPresence && !losesUID { return }
        tally.digest.subtract(messageElement(record, context))
        let isLeaving = record.place == .visible && (losesUID || dots.presence.isEmpty)
        counts.subtract(record, size: messages.size(of: record))
        if isLeaving {
            _ = messages.take(position, work: &tally.work)
            if !dies {
                highestModSeq = modSeq
                changes.append(.messageVanished(id, record.id, uid: record.uid, modSeq: modSeq))
            }
        }
        messages.setDots(dots, of: &record)
        if isObserved || dots.presence.isEmpty { (record.uid, record.epoch) = (0, 0) }
        if dots.presence.isEmpty {
            record.place = .buried
        } else {
            if isLeaving { record.place = .waiting }
            tally.digest.add(messageElement(record, context))
        }
        if isLeaving {
            rest(record, tally: &tally, changes: &changes)
        } else {
            counts.add(record, size: messages.size(of: record))
            messages[position] = record
            changes.append(.recordChanged(id, record.id))
        }
    }
}
