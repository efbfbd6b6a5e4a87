// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The effectors of epochs: who assigns a mailbox's UIDs, and what that changes about what can be seen.
extension Mailbox {
    /// Applies an epoch operation: its origin opens an epoch of its own, or hands the one that it owns over to another replica.
    mutating func open(
        _ opening: EpochOpening, by origin: ReplicaID, timestamp: HybridTimestamp, tally: inout Tally,
        changes: inout StateChanges
    ) {
        let element = isAlive ? headerElement() : nil
        let before = epochs
        if opening.epoch.owner == origin {
            guard epochs.open(opening) else { return }
            epochs.resolve(birth: birth?.epoch)
        } else {
            guard opening.parent.owner == origin, epochs.handOver(opening.parent, to: opening.epoch.owner) else {
                return
            }
        }
        // Replicas see concurrent messages in different orders: a run that began before would hand the mailbox back and forth.
        appendRun = 0
        if let element {
            tally.digest.subtract(element)
            tally.digest.add(headerElement())
        }
        recount(after: before, timestamp: timestamp, tally: &tally, changes: &changes)
    }

    /// Whether an epoch operation changes which assignments count, so that the messages are needed; it may say yes to a hand-over, which never does.
    func needsMessages(toOpen opening: EpochOpening) -> Bool {
        var after = epochs
        guard after.open(opening) else { return false }
        after.resolve(birth: birth?.epoch)
        return !epochs.countsLike(after)
    }

    /// Takes over a creation: the greatest one counts, and a greater UIDVALIDITY begins everything anew.
    mutating func enter(_ newBirth: MailboxBirth) {
        epochs.noteBirth(newBirth.epoch)
        if birth.map({ $0 < newBirth }) ?? true {
            if birth?.uidValidity ?? 0 < newBirth.uidValidity { exposedUID = 0 }
            birth = newBirth
        }
        epochs.resolve(birth: birth?.epoch)
    }

    /// Brings the messages' places up to date after a change of epochs: first vanishes what does not count any more, then appears what counts now and may be
    /// shown, in ascending order.
    ///
    /// - Complexity: O(epochs) if all assignments count as before, else O(messages).
    mutating func recount(
        after before: UIDEpochs, timestamp: HybridTimestamp, tally: inout Tally, changes: inout StateChanges
    ) {
        if messages.count == 0 || before.countsLike(epochs) { return }
        let modSeq = modSeq(at: timestamp, tally.modSeqs)
        for index in 0..<messages.orderedCount {
            let record = messages[.ordered(index)]
            if record.isHole || counts(record) { continue }
            var outdated = lift(.ordered(index), modSeq: modSeq, tally: &tally, changes: &changes)
            outdated.place = .waiting
            rest(outdated, tally: &tally, changes: &changes)
        }
        // Under a new UIDVALIDITY UIDs begin anew: no empty slot of the former may stay.
        messages.compactIfSparse(work: &tally.work)
        let arriving = messages.apart.filter { $0.place == .waiting && isExposable($0) }
        for record in arriving.sorted(by: { ($0.uid, $0.id.packed) < ($1.uid, $1.id.packed) }) {
            guard let position = messages.position(of: record.id, work: &tally.work) else { continue }
            let lifted = lift(position, modSeq: modSeq, tally: &tally, changes: &changes)
            settle(lifted, modSeq: modSeq, tally: &tally, changes: &changes)
        }
    }
}
