// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage

extension StoreCore {
    /// Gives UIDs to the messages that wait in mailboxes whose UIDs this replica assigns.
    ///
    /// - Parameters:
    ///   - mailboxes: the mailboxes; those that are not in memory, or not this replica's to assign, are passed over.
    ///   - box: their account.
    ///   - now: the wall clock, milliseconds since 1970.
    ///   - unit: takes the operations.
    /// - Throws: what leaves memory ahead of the log; the core has failed then.
    mutating func assignUIDs(
        in mailboxes: [MailboxID], of box: AccountBox, now: UInt64, _ unit: inout UnitContent
    ) throws {
        let own = replica.id
        let ready = mailboxes.filter { mailbox in
            guard let summary = box.state.summary(of: mailbox), summary.waiting > 0 else { return false }
            return box.state.isResident(mailbox) && box.state.ownsUIDs(of: mailbox, replica: own)
        }
        guard !ready.isEmpty, isUsable(box) else { return }
        try issue(on: box, now: now, into: &unit) { batch in
            for mailbox in ready.sorted(by: { $0.dot.packed < $1.dot.packed }) {
                // A mailbox without a UID left keeps its messages waiting; the others are none the worse for it.
                _ = try? box.state.assignWaiting(in: mailbox, batch: &batch)
            }
        }
    }

    /// Lets the store itself issue operations, under the lock, as a part of a unit.
    ///
    /// - Throws: what the closure throws, when it has changed nothing; else the core has failed.
    mutating func issue(
        on box: AccountBox, now: UInt64, into unit: inout UnitContent, _ body: (inout OperationBatch) throws -> Void
    ) throws {
        let point = replica.begin(nowMilliseconds: now)
        var issued = IssuedUnit(
            batch: OperationBatch(
                replica: point.replica, firstCounter: point.firstCounter, timestamp: point.timestamp,
                account: box.index, context: context(past: point.past), stripe: group.stripe))
        do { try body(&issued.batch) } catch {
            if !issued.batch.operations.isEmpty { stateFailed(MailStoreError(error)) }
            throw error
        }
        guard !issued.batch.operations.isEmpty else { return }
        try seal(&issued, issuedAt: point, box, origin: 0)
        unit.append(issued.content)
    }
}

extension UnitContent {
    /// Adds another unit's frames and effects behind this one's.
    mutating func append(_ other: UnitContent) {
        precondition(!other.effects.contains { $0.isPlaced }, "the chunks of a body lie where their unit begins")
        frames += other.frames
        effects += other.effects
        delivered += other.delivered
        ownTime = max(ownTime, other.ownTime)
    }
}

extension PendingUnit.Effect {
    fileprivate var isPlaced: Bool {
        if case .chunk = self { return true }
        return false
    }
}
