// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// Marks among the modification sequences.
extension SimulatedStore {
    /// Reads which mark this replica set last.
    func readMark() {
        modSeqs.floor = groupBox?.state.lastModSeqMark(of: replica.own) ?? 0
    }

    /// Sets a mark now and then if anything was told since the last one.
    func markModSeqs() {
        guard isReady, hasToldModSeqs, arriving == nil, modSeqs.floor == 0 || world.once(in: 4) else { return }
        let stripe = modSeqs.tag
        issue(GroupAccount.name) { (state, batch) throws(CRDTError) in
            state.markModSeqs(stripe: stripe, batch: &batch)
        } done: { _ in
        }
        readMark()
        hasToldModSeqs = false
    }

    /// What a MODSEQ that a client presents now means here.
    func translation() -> (UInt64) -> UInt64 {
        if world.mutant == .believesForeignModSeqs { return { $0 } }
        guard let box = groupBox else { return { _ in 0 } }
        let (marks, own, stripe) = (box.state.modSeqMarks, replica.own, modSeqs.tag)
        return { marks.local($0, at: own, stripe: stripe) }
    }
}
