// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Synchronization

extension MailStore {
    /// The time between two marks among the modification sequences of a replica whose clients are told new ones.
    static let modSeqMarkMilliseconds: UInt64 = 60_000

    /// Sets a mark among the modification sequences if one is due, so that other replicas can tell what a client knows that comes from this one; to be called
    /// now and then.
    ///
    /// - Throws: ``MailStoreError``; it is tried again with the next call.
    package func markModSeqs() async throws {
        guard core.withLock({ $0.isMarkDue(now: now()) }) else { return }
        let stripe = UInt8(truncatingIfNeeded: options.uidStripe.index)
        try await issue(on: groupAccount()) { core, box, unit in
            // Something else may have come in between.
            guard core.isMarkDue(now: self.now()) else { return }
            box.state.markModSeqs(stripe: stripe, batch: &unit.batch)
            core.group.modSeqs.floor = unit.batch.timestamp.rawValue
            core.group.hasToldModSeqs = false
        }
    }

    /// A modification sequence that a client presents, in terms of this replica (RFC 7162 sections 3.1.3, 3.1.4 and 3.1.5).
    ///
    /// - Parameter presented: what the client presents; whichever replica of the group told it.
    /// - Returns: the modification sequence here above which lies all that the client may not know: the same if this replica told it.
    /// - Throws: ``MailStoreError``.
    package func localModSeq(_ presented: UInt64) async throws -> UInt64 {
        // A node that is alone told it itself.
        guard core.withLock({ $0.group.stable != nil }) else { return presented }
        let stripe = UInt8(truncatingIfNeeded: options.uidStripe.index)
        return try await read(groupAccount()) { core, box in
            box.state.localModSeq(presented, at: core.replica.own, stripe: stripe)
        }
    }
}

extension StoreCore {
    /// Whether clients were told new modification sequences, and the last mark is long ago.
    func isMarkDue(now: UInt64) -> Bool {
        guard group.stable != nil, group.hasToldModSeqs, !group.isImporting, !isBehindSnapshot, failure == nil,
            !isClosed,
            isWritable(now: now)
        else { return false }
        let last = HybridTimestamp(rawValue: group.modSeqs.floor).milliseconds
        return last == 0 || now >= last + MailStore.modSeqMarkMilliseconds
    }
}
