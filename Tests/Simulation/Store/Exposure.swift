// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// What a node has shown to clients and must not contradict.
enum Exposure {
    /// A mutant forgets it.
    static func forget(_ state: inout AccountState) {
        for slot in state.slots.indices {
            state.slots[slot].exposedUID = state.slots[slot].messages.ordered.last { !$0.isHole }?.uid ?? 0
        }
    }

    /// A state that came from a peer takes over what this node has shown.
    static func carryOver(from old: borrowing AccountState, to new: inout AccountState, _ modSeqs: ModSeqStamp) {
        var changes: StateChanges = []
        for mailbox in old.recordedMailboxes { new.carryOver(mailbox, from: old, modSeqs: modSeqs, changes: &changes) }
    }
}
