// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage

extension StoreCore {
    /// The log could not make something durable: all that waits for it is void, and memory has to go back to what is durable.
    mutating func failed(_ error: MailStoreError) {
        if failure == nil { failure = error }
        pending = []
    }

    /// Takes the place of a core that failed; who listens goes on listening.
    mutating func replace(
        with fresh: consuming StoreCore, refusingWritesUntil time: UInt64, because error: MailStoreError
    ) {
        let listeners = self.listeners
        let installations = self.installations.mapValues { $0 + 1 }
        let next = nextListener
        self = fresh
        self.listeners = listeners
        self.installations = installations
        nextListener = next
        needsWholeReplica = true
        refusal = (time, error)
    }

    /// Refuses to write while the log has just failed or the disk has less than what is kept free.
    mutating func checkWritable(now: UInt64) throws(MailStoreError) {
        guard !isClosed else { throw MailStoreError(.closed, "the store is closed") }
        if let failure { throw failure }
        guard let (time, error) = refusal else { return }
        guard now >= time else { throw error }
        refusal = nil
    }
}
