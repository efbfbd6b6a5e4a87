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
        for (name, dots) in subscriptions.dotsByName where dots.isEmpty { return "\(name) is subscribed by nobody" }
        return nil
    }
}

extension Mailbox {
    /// The first violation of the mailbox's own rules, or nil.
    func violation() -> String? {
        if epochs.max() != currentEpoch { return "the current epoch is not the greatest" }
        if Set(epochs).count != epochs.count { return "an epoch is repeated" }
        if let birth, !epochs.contains(birth.epoch) { return "the creator's epoch is missing" }
        if !isAlive && (counts.visible > 0 || counts.waiting > 0) {
            return "there are messages in a mailbox that is gone"
        }
        if highestModSeq == 0 || highestModSeq > Mailbox.maximumModSeq { return "a wrong HIGHESTMODSEQ" }
        if !isResident { return messages.count == 0 ? nil : "messages are here and not here" }
        if let violation = messages.violation() { return violation }
        var counted = MailboxCounts()
        for record in messages.ordered + messages.apart where !record.isHole {
            counted.add(record)
            if record.uid != 0 && Int(record.epoch) >= epochs.count { return "message \(record.id) has no epoch" }
            if UInt64(record.uid) >= uidNext { return "UID \(record.uid) is not below UIDNEXT \(uidNext)" }
            if record.place == .visible && record.modSeq > highestModSeq {
                return "HIGHESTMODSEQ is below \(record.modSeq)"
            }
            if record.place == .visible && !isExposable(record) { return "message \(record.id) should wait" }
            if record.place == .waiting && isExposable(record) { return "message \(record.id) should be visible" }
        }
        return counted == counts ? nil : "the counts are \(counts), not \(counted)"
    }
}
