// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension AccountState {
    /// Whether a mailbox's messages are here; a mailbox that is not known has none that could be absent.
    ///
    /// - Parameter mailbox: the mailbox.
    /// - Returns: false if the messages are to be installed before they can be read or changed.
    public borrowing func isResident(_ mailbox: MailboxID) -> Bool {
        slot(of: mailbox).map { slots[$0].isResident } ?? true
    }

    /// Lets go of a mailbox's messages, which the checkpoint holds; the header stays.
    ///
    /// - Parameter mailbox: the mailbox.
    public mutating func evictMessages(of mailbox: MailboxID) {
        guard let slot = slot(of: mailbox) else { return }
        slots[slot].messages = MailboxMessages()
        slots[slot].isResident = false
    }

    /// The number of records that a mailbox holds, invisible ones included; resident or not.
    ///
    /// - Parameter mailbox: the mailbox.
    /// - Returns: the number of records that ``installMessages(_:)`` expects.
    public borrowing func recordCount(of mailbox: MailboxID) -> UInt64 {
        guard let slot = slot(of: mailbox) else { return 0 }
        let counts = slots[slot].counts
        return counts.visible &+ counts.waiting &+ counts.buried
    }

    /// The identities of all records of a mailbox, invisible ones included, in no order.
    ///
    /// - Parameter mailbox: the mailbox.
    /// - Returns: the messages.
    /// - Precondition: the mailbox is resident.
    public borrowing func recordIDs(in mailbox: MailboxID) -> [Dot] {
        guard let slot = slot(of: mailbox) else { return [] }
        precondition(slots[slot].isResident, "the messages of \(mailbox) are not installed")
        return slots[slot].messages.ordered.filter { !$0.isHole }.map(\.id) + slots[slot].messages.apart.map(\.id)
    }

    /// The mailboxes in which ``prune(stable:changes:)`` would find something, resident or not.
    ///
    /// - Parameter stable: as for ``prune(stable:changes:)``.
    /// - Returns: the mailboxes.
    /// - Complexity: O(mailboxes).
    public borrowing func mailboxesToPrune(stable: VersionVector) -> [MailboxID] {
        slots.filter {
            ($0.counts.buried > 0 || !$0.isAlive || !$0.deletePasts.isEmpty) && stable.covers($0.deletes)
        }.map(\.id)
    }

    /// Drops what was kept for operations concurrent with a DELETE and can be needed no more: buried messages, what the DELETE had seen, and the headers of
    /// mailboxes that are gone.
    ///
    /// - Parameters:
    ///   - stable: operations that every replica has delivered, and before whose delivery no replica has issued anything that is not delivered
    ///     here; with a single replica, all that it delivered.
    ///   - changes: what changed is appended.
    /// - Complexity: O(mailboxes + what is dropped). Mailboxes that are not resident and hold buried messages are left for another time.
    public mutating func prune(stable: VersionVector, changes: inout StateChanges) {
        for mailbox in mailboxesToPrune(stable: stable) {
            guard let slot = slot(of: mailbox), slots[slot].isResident || slots[slot].counts.buried == 0 else {
                continue
            }
            slots[slot].deletePasts = []
            if slots[slot].counts.buried > 0 { slots[slot].forgetBuried(tally: &tally, changes: &changes) }
            changes.append(.mailboxChanged(mailbox))
            if !slots[slot].isAlive {
                removeSlot(slot)
                changes.append(.mailboxForgotten(mailbox))
            }
        }
    }
}
