// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension AccountState {
    /// Looks for the first violation of the state's own rules; for tests and simulators, after every step.
    ///
    /// - Returns: what is wrong, or nil.
    /// - Complexity: O(state).
    public borrowing func checkInvariants() -> String? {
        if let violation = table.violation() ?? names.violation() { return violation }
        if table.count != slots.count { return "the table of mailboxes has \(table.count) of \(slots.count)" }
        for index in slots.indices {
            if slot(of: slots[index].id) != index { return "mailbox \(slots[index].id) is not found" }
            if let violation = slots[index].violation() { return "mailbox \(slots[index].id): \(violation)" }
            let isNamed = names.name(of: slots[index].id) != nil
            if isNamed != slots[index].isAlive { return "mailbox \(slots[index].id) is alive or named, not both" }
            if slots[index].birth?.uidValidity ?? 0 > uidValidityFloor { return "the UIDVALIDITY floor is too low" }
        }
        if names.count != slots.count(where: { $0.isAlive }) { return "there are names without a mailbox" }
        for index in slots.indices where slots[index].hasUIDWork != mailboxesWithUIDWork.contains(slots[index].id) {
            return "mailbox \(slots[index].id) is wrongly listed among those where UIDs are to be assigned"
        }
        if mailboxesWithUIDWork.count != slots.count(where: { $0.hasUIDWork }) { return "UID work without a mailbox" }
        for (name, dots) in subscriptions.dotsByName where dots.isEmpty { return "\(name) is subscribed by nobody" }
        return nil
    }
}

extension Mailbox {
    /// The first violation of the mailbox's own rules, or nil.
    func violation() -> String? {
        if let violation = epochs.violation(birth: birth?.epoch) { return violation }
        if UInt64(exposedUID) >= uidNext { return "UID \(exposedUID) was shown, UIDNEXT is \(uidNext)" }
        if !isAlive && (counts.visible > 0 || counts.waiting > 0) {
            return "there are messages in a mailbox that is gone"
        }
        if highestModSeq == 0 || highestModSeq > Mailbox.maximumModSeq { return "a wrong HIGHESTMODSEQ" }
        if !isResident { return messages.count == 0 ? nil : "messages are here and not here" }
        if let violation = messages.violation() { return violation }
        var counted = MailboxCounts()
        for record in messages.ordered + messages.apart where !record.isHole {
            counted.add(record, size: messages.size(of: record))
            if Int(record.epoch) >= max(epochs.entries.count, 1) { return "message \(record.id) has no epoch" }
            if UInt64(record.uid) >= uidNext { return "UID \(record.uid) is not below UIDNEXT \(uidNext)" }
            if record.place == .visible && record.modSeq > highestModSeq {
                return "HIGHESTMODSEQ is below \(record.modSeq)"
            }
            if record.place == .visible && !(counts(record) && record.uid <= exposedUID) {
                return "message \(record.id) should wait"
            }
            if record.place == .waiting && isExposable(record) { return "message \(record.id) should be visible" }
        }
        return counted == counts ? nil : "the counts are \(counts), not \(counted)"
    }
}

extension UIDEpochs {
    /// The first violation of the table's own rules, or nil.
    func violation(birth: UIDEpoch?) -> String? {
        if Set(entries.map(\.epoch)).count != entries.count { return "an epoch is repeated" }
        if let birth, !entries.contains(where: { $0.epoch == birth && $0.isBirth }) {
            return "the creator's epoch is missing"
        }
        for entry in entries {
            if entry.firstUID > entry.greatestUID || (entry.firstUID == 0) != (entry.greatestUID == 0) {
                return "the UIDs of an epoch are \(entry.firstUID) to \(entry.greatestUID)"
            }
            if let parent = entry.parent, !(entries[parent].epoch < entry.epoch) {
                return "an epoch's parent is not less"
            }
        }
        var again = self
        again.resolve(birth: birth)
        if again.entries != entries || again.chain != chain { return "the chain of epochs is not up to date" }
        return again.isForked == isForked ? nil : "a fork is not noted"
    }
}
