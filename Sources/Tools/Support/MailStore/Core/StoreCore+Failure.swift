// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage

extension StoreCore {
    /// The log could not make something durable: all that waits for it is void, and memory has to go back to what is durable.
    mutating func logFailed(_ error: MailStoreError, now: UInt64) {
        // A log that was closed did not fail: the core has another one, or goes.
        if error.code != .closed { noteUnwritten(now: now) }
        stateFailed(error)
        pending = []
    }

    /// Nothing of what is pending could be written.
    mutating func noteUnwritten(now: UInt64) { health.failed(pending.reduce(0) { $0 + $1.octets }, at: now) }

    /// Memory has what the log will never have; what was queued before still becomes durable and is told.
    mutating func stateFailed(_ error: MailStoreError) {
        guard failure == nil || isMakingWay else { return }
        failure = error
        isMakingWay = false
    }

    /// Nothing is taken any more, because a snapshot is about to take this core's place.
    mutating func makeWay() {
        guard failure == nil else { return }
        failure = MailStoreError(.unavailable, "a snapshot is being put in force")
        isMakingWay = true
    }

    /// Takes the place of a core that failed; who listens or reads goes on.
    ///
    /// Writing is refused for a while only after a fault: a snapshot that could not be put in force is none of the log's.
    mutating func replace(with fresh: consuming StoreCore, refusingWritesUntil time: UInt64) {
        var fresh = fresh
        fresh.listeners = listeners
        fresh.installations = installations.mapValues { $0 + 1 }
        fresh.nextListener = nextListener
        fresh.units = units
        fresh.uses = uses
        fresh.generation = generation + 1
        fresh.era = era
        fresh.bodies.takePins(of: bodies)
        fresh.uidWaits = uidWaits
        fresh.health = health
        fresh.group.takeOver(from: group)
        fresh.isClosed = isClosed
        fresh.needsWholeReplica = true
        fresh.refusal = isMakingWay ? nil : failure.map { (time, $0) }
        self = fresh
    }

    /// The names of all accounts, by ascending index.
    var accountNames: [String] {
        (0..<replica.symbols.accountCount).map { position in
            replica.symbols.name(of: AccountIndex(UInt32(truncatingIfNeeded: position))) ?? ""
        }
    }

    /// All replicas, by ascending index from 1: names outside the core refer to them.
    var replicaNames: [ReplicaID] { Array(replica.replicas.ids.dropFirst()) }

    /// Whether ``checkWritable(now:)`` would let a command pass.
    func isWritable(now: UInt64) -> Bool { !isClosed && failure == nil && (refusal.map { now >= $0.until } ?? true) }

    /// Refuses to write while the log has just failed or the disk has less than what is kept free.
    mutating func checkWritable(now: UInt64) throws(MailStoreError) {
        guard !isClosed else { throw MailStoreError(.closed, "the store is closed") }
        if let failure { throw failure }
        guard let (time, error) = refusal else { return }
        guard now >= time else { throw error }
        refusal = nil
    }
}
