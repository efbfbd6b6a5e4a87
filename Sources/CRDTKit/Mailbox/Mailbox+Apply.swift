// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The effectors of one mailbox. All are total: what they do not know they leave alone.
extension Mailbox {
    /// Every operation that wants the mailbox leaves its counter, so that a concurrent DELETE cannot make the mailbox vanish.
    mutating func touch(_ dot: Dot, context: borrowing ApplyContext, tally: inout Tally) {
        let old = liveness[dot.replica]
        if dot.counter <= old { return }
        if !isAlive {
            tally.digest.add(headerElement())
        } else if old > 0 {
            tally.digest.subtract(livenessElement(Dot(dot.replica, old), context))
        }
        liveness[dot.replica] = dot.counter
        tally.digest.add(livenessElement(dot, context))
    }

    /// Takes over a name, if no later one is known, and a creation, if it is greater than the known one.
    mutating func changeHeader(
        name newName: String, stamp: NameStamp, birth newBirth: MailboxBirth?, timestamp: HybridTimestamp,
        context: borrowing ApplyContext, tally: inout Tally, changes: inout [StateChange]
    ) {
        let element = isAlive ? headerElement() : nil
        if nameStamp.map({ $0 < stamp }) ?? true {
            name = newName
            nameStamp = stamp
        } else if name != newName {
            tally.concurrency.conflicts += 1
        }
        let before = epochs
        if let newBirth { enter(newBirth) }
        if let element {
            tally.digest.subtract(element)
            tally.digest.add(headerElement())
        }
        if newBirth != nil { recount(after: before, timestamp: timestamp, tally: &tally, changes: &changes) }
    }

    mutating func append(
        _ dot: Dot, _ facts: MessageFacts, _ flags: FlagSet, _ assignment: UIDAssignment?, timestamp: HybridTimestamp,
        context: borrowing ApplyContext, tally: inout Tally, changes: inout [StateChange]
    ) {
        let assigned = assignment.flatMap { note($0) }
        noteAppender(dot.replica)
        if messages.position(of: dot, work: &tally.work) != nil { return }
        var record = MessageRecord(id: dot, facts: facts)
        if let assigned { (record.uid, record.epoch) = assigned }
        if flags.keywords.isEmpty {
            record.presence = dot
            record.flags = flags.system.intersection(.known)
            if !record.flags.isEmpty { (record.firstEnabler, record.firstFlags) = (dot, record.flags) }
        } else {
            var dots = MessageDots()
            dots.store(dot, past: VersionVector(), adding: flags, removing: FlagSet())
            messages.setDots(dots, of: &record)
        }
        record.modSeq = modSeq(at: timestamp, tally)
        tally.digest.add(messageElement(record, context))
        changes.append(.bodyRetained(facts.body, size: facts.size))
        settle(record, modSeq: record.modSeq, tally: &tally, changes: &changes)
    }

    mutating func expunge(
        _ message: Dot, timestamp: HybridTimestamp, context: borrowing ApplyContext, tally: inout Tally,
        changes: inout [StateChange]
    ) {
        guard let position = messages.position(of: message, work: &tally.work) else { return }
        let modSeq = modSeq(at: timestamp, tally)
        let record = lift(position, modSeq: modSeq, tally: &tally, changes: &changes)
        if record.place != .buried { tally.digest.subtract(messageElement(record, context)) }
        messages.forgetOverflow(of: record)
        messages.compactIfSparse(work: &tally.work)
        changes.append(.recordRemoved(id, message))
        changes.append(.bodyReleased(record.facts.body))
    }

    mutating func store(
        _ dot: Dot, _ message: Dot, adding: FlagSet, removing: FlagSet, timestamp: HybridTimestamp,
        context: borrowing ApplyContext, tally: inout Tally, changes: inout [StateChange]
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
        let isSimple = adding.keywords.isEmpty && removing.keywords.isEmpty
        let added = adding.system.intersection(.known)
        if !isSimple || !record.storeInPlace(dot, past: context.past, adding: added, removing: removing.system) {
            var dots = messages.dots(of: record)
            dots.store(dot, past: context.past, adding: adding, removing: removing)
            messages.setDots(dots, of: &record)
        }
        if old.place == .buried {
            // The flag change was not seen by the DELETE that buried the message: the message comes back.
            tally.concurrency.conflicts += 1
            _ = lift(position, modSeq: old.modSeq, tally: &tally, changes: &changes)
            record.modSeq = modSeq(at: timestamp, tally)
            tally.digest.add(messageElement(record, context))
            settle(record, modSeq: record.modSeq, tally: &tally, changes: &changes)
            return
        }
        // Also if it changes nothing here, because a concurrent one did: a client that comes from elsewhere may know other flags.
        record.modSeq = modSeq(at: timestamp, tally)
        highestModSeq = record.modSeq
        if record.place == .visible {
            changes.append(.flagsChanged(id, message, uid: record.uid, modSeq: record.modSeq))
        }
        counts.subtract(old)
        counts.add(record)
        messages[position] = record
        tally.digest.add(dotsElement(record, key, context))
        changes.append(.recordChanged(id, message))
    }

    /// Gives a message a UID: the greatest epoch of the greatest birth wins, and within one epoch the greatest UID, which its owner gave last.
    ///
    /// An assignment that had not seen a DELETE of the message is void: if a flag change brought the message back, some replicas have shown greater UIDs since.
    mutating func assign(
        _ message: Dot, _ assignment: UIDAssignment, timestamp: HybridTimestamp, context: borrowing ApplyContext,
        tally: inout Tally, changes: inout [StateChange]
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
        let modSeq = modSeq(at: timestamp, tally)
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
        changes: inout [StateChange]
    ) {
        if deletes[dot.replica] < dot.counter {
            deletes[dot.replica] = dot.counter
            deletePasts.removeAll { $0.dot.replica == dot.replica }
            deletePasts.append(DeletePast(dot: dot, past: context.past))
        }
        if !isAlive { return }
        let dies = context.past.covers(liveness)
        let modSeq = modSeq(at: timestamp, tally)
        for index in messages.apart.indices where messages.apart[index].place == .waiting {
            bury(.apart(index), dies: dies, modSeq: modSeq, context: context, tally: &tally, changes: &changes)
        }
        for index in messages.ordered.indices where !messages.ordered[index].isHole {
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
    mutating func forgetBuried(tally: inout Tally, changes: inout [StateChange]) {
        for index in messages.apart.indices.reversed() where messages.apart[index].place == .buried {
            let record = messages.take(.apart(index), work: &tally.work)
            counts.subtract(record)
            messages.forgetOverflow(of: record)
            changes.append(.recordRemoved(id, record.id))
            changes.append(.bodyReleased(record.facts.body))
        }
    }
}

extension Mailbox {
    /// Notes that a UID is taken, whoever has it.
    ///
    /// - Returns: the UID and its epoch's index, or nil if it is no UID.
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

    private mutating func noteAppender(_ replica: ReplicaIndex) {
        appendRun = replica == lastAppender ? min(appendRun + 1, UInt32.max - 1) : 1
        lastAppender = replica
    }

    /// Takes a record out of its place; a visible one vanishes.
    mutating func lift(
        _ position: MailboxMessages.Position, modSeq: UInt64, tally: inout Tally, changes: inout [StateChange]
    ) -> MessageRecord {
        let record = messages.take(position, work: &tally.work)
        counts.subtract(record)
        if record.place == .visible {
            highestModSeq = modSeq
            changes.append(.messageVanished(id, record.id, uid: record.uid, modSeq: modSeq))
        }
        return record
    }

    /// Puts a record that no client sees where its place says.
    mutating func rest(_ record: MessageRecord, tally: inout Tally, changes: inout [StateChange]) {
        counts.add(record)
        messages.put(record, work: &tally.work)
        changes.append(.recordChanged(id, record.id))
    }

    /// Gives a present record that is in no slab its place: visible if its UID counts and is above all that were shown, else waiting.
    mutating func settle(
        _ arriving: MessageRecord, modSeq: UInt64, tally: inout Tally, changes: inout [StateChange]
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
        tally: inout Tally, changes: inout [StateChange]
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
        counts.subtract(record)
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
            counts.add(record)
            messages[position] = record
            changes.append(.recordChanged(id, record.id))
        }
    }
}
