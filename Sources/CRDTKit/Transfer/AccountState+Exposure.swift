// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension AccountState {
    /// Takes over what this node has told its clients of a mailbox, after the state was replaced by a peer's: UIDNEXT and HIGHESTMODSEQ do not fall, no message
    /// appears below a UID that was shown (it waits for a new one), and whatever is not as it was gets a MODSEQ above all that were told.
    ///
    /// To be called for each mailbox when the node's own log has been put on top of the peer's state, before anything is shown.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox; nothing happens if either state does not know it.
    ///   - old: the state that was replaced, by the same local indexes.
    ///   - modSeqs: what the modification sequences of this replica have in common.
    ///   - changes: what is to be written, and what vanished, is appended.
    /// - Precondition: the mailbox is resident in both states.
    /// - Complexity: O(messages).
    public mutating func carryOver(
        _ mailbox: MailboxID, from old: borrowing AccountState, modSeqs: ModSeqStamp, changes: inout StateChanges
    ) {
        tally.modSeqs = modSeqs
        uidValidityFloor = max(uidValidityFloor, old.uidValidityFloor)
        guard let slot = slot(of: mailbox), let oldSlot = old.slot(of: mailbox) else { return }
        precondition(slots[slot].isResident && old.slots[oldSlot].isResident, "the messages of \(mailbox) are absent")
        slots[slot].carryOver(from: old.slots[oldSlot], tally: &tally, changes: &changes)
        noteUIDWork(slot)
        changes.append(.mailboxChanged(mailbox))
    }
}

extension Mailbox {
    fileprivate mutating func carryOver(from old: Mailbox, tally: inout Tally, changes: inout StateChanges) {
        let modSeq = tally.modSeqs.value(notBelow: max(highestModSeq, old.highestModSeq) + 1)
        highestModSeq = modSeq
        guard let birth, birth.uidValidity == old.birth?.uidValidity else { return }
        uidNext = max(uidNext, old.uidNext)
        for index in 0..<messages.orderedCount {
            var record = messages[.ordered(index)]
            if record.isHole { continue }
            let known = old.messages.index(ofUID: record.uid).map { old.messages[.ordered($0)] }
            if let known, known.id == record.id {
                let isSame =
                    known.flags == record.flags && old.messages.keywords(of: known) == messages.keywords(of: record)
                record.modSeq = isSame ? known.modSeq : modSeq
            } else if record.uid <= old.exposedUID {
                var hidden = lift(.ordered(index), modSeq: modSeq, tally: &tally, changes: &changes)
                hidden.place = .waiting
                rest(hidden, tally: &tally, changes: &changes)
                continue
            } else {
                record.modSeq = modSeq
            }
            messages[.ordered(index)] = record
            changes.append(.recordChanged(id, record.id))
        }
        exposedUID = max(exposedUID, old.exposedUID)
        messages.compactIfSparse(work: &tally.work)
    }
}
