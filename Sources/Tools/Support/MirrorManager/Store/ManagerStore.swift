// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import MirrorWire

/// Keeps the manager's records for good.
///
/// The manager holds all workers and mirrors in memory and writes what changed; only histories are read back.
package protocol ManagerStore: Sendable {
    /// Reads all workers and mirrors. Records that cannot be read are left out and counted.
    ///
    /// - Throws: ``StoreError``.
    func load() async throws -> StoredRecords

    /// Writes changes, all or none; they outlive a crash when this returns.
    ///
    /// - Throws: ``StoreError``; nothing was changed then, or, when the connection to a server broke at the end, all was:
    ///   writing the same batch again is harmless.
    func apply(_ batch: StoreBatch) async throws

    /// The runs of a mirror, the newest first.
    ///
    /// - Parameters:
    ///   - key: the mirror.
    ///   - limit: how many at most.
    /// - Returns: the runs.
    /// - Throws: ``StoreError``.
    func runs(of key: MirrorKey, limit: Int) async throws -> [RunRecord]

    /// Ends the use of the store.
    func close() async
}

/// What a store holds.
package struct StoredRecords: Sendable {
    /// The workers.
    package var workers: [WorkerRecord] = []
    /// The mirrors.
    package var mirrors: [MirrorRecord] = []
    /// How many records could not be read.
    package var unreadable = 0

    /// Creates an empty set.
    package init() {}
}

/// Changes that are written together.
package struct StoreBatch: Sendable {
    /// A run of a mirror.
    package struct Run: Hashable, Sendable {
        /// The mirror.
        package let key: MirrorKey
        /// The run.
        ///
        /// One with the same beginning and number takes the place of an earlier one.
        package let record: RunRecord

        /// Describes a run.
        package init(key: MirrorKey, record: RunRecord) {
            self.key = key
            self.record = record
        }
    }

    /// Workers that changed; nothing removes one.
    package var workers: [String: WorkerRecord?] = [:]
    /// Mirrors that changed; nothing removes one and its history.
    package var mirrors: [MirrorKey: MirrorRecord?] = [:]
    /// Runs that ended.
    package var runs: [Run] = []
    /// How many runs of each mirror are kept.
    package var keptRuns: Int

    /// Creates an empty batch.
    ///
    /// - Parameter keptRuns: how many runs of each mirror are kept.
    package init(keptRuns: Int) { self.keptRuns = keptRuns }

    /// Whether there is nothing to write.
    package var isEmpty: Bool { workers.isEmpty && mirrors.isEmpty && runs.isEmpty }

    /// Adds a mirror that is to be removed, with what waits for it.
    mutating func remove(_ key: MirrorKey) {
        mirrors[key] = .some(nil)
        runs.removeAll { $0.key == key }
    }

    /// Adds the changes that came after these.
    mutating func add(_ later: StoreBatch) {
        for (key, record) in later.mirrors where record == nil { remove(key) }
        workers.merge(later.workers) { $1 }
        mirrors.merge(later.mirrors) { $1 }
        runs += later.runs
        keptRuns = later.keptRuns
    }
}

/// Why a store failed.
package struct StoreError: Error, Sendable, CustomStringConvertible {
    /// The sort of failure.
    package enum Code: Hashable, Sendable {
        /// It cannot be reached or used now.
        case unavailable
        /// It refused what it was asked for.
        case refused
        /// It holds something else than a manager's records.
        case foreign
        /// It was closed.
        case closed
    }

    /// The sort of failure.
    package let code: Code
    /// What happened; no password is in it.
    package let message: String
    /// The error underneath.
    package let cause: (any Error)?

    /// Creates an error.
    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { cause.map { "\(message) (cause: \($0))" } ?? message }
}
