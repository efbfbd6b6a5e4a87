// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import MirrorWire
internal import Synchronization

/// Keeps records as long as the process lives: for tests and demonstrations.
package final class MemoryStore: ManagerStore {
    private struct State {
        var workers: [String: WorkerRecord] = [:]
        var mirrors: [MirrorKey: MirrorRecord] = [:]
        /// The newest first.
        var runs: [MirrorKey: [RunRecord]] = [:]
    }

    private let state = Mutex(State())

    /// Creates an empty store.
    package init() {}

    package func load() async throws -> StoredRecords {
        state.withLock { state in
            var records = StoredRecords()
            records.workers = Array(state.workers.values)
            records.mirrors = Array(state.mirrors.values)
            return records
        }
    }

    package func apply(_ batch: StoreBatch) async throws {
        state.withLock { state in
            for (id, record) in batch.workers { state.workers[id] = record }
            for (key, record) in batch.mirrors {
                state.mirrors[key] = record
                if record == nil { state.runs[key] = nil }
            }
            for run in batch.runs { Self.insert(run, keeping: batch.keptRuns, into: &state.runs[run.key, default: []]) }
        }
    }

    package func runs(of key: MirrorKey, limit: Int) async throws -> [RunRecord] {
        state.withLock { Array($0.runs[key, default: []].prefix(limit)) }
    }

    package func close() async {}

    private static func insert(_ run: StoreBatch.Run, keeping kept: Int, into runs: inout [RunRecord]) {
        runs.removeAll { $0.started.isSameInstant(as: run.record.started) && $0.run == run.record.run }
        let position = runs.firstIndex { isOlder($0, run.record) } ?? runs.endIndex
        runs.insert(run.record, at: position)
        if runs.count > kept { runs.removeLast(runs.count - kept) }
    }

    private static func isOlder(_ left: RunRecord, _ right: RunRecord) -> Bool {
        left.started.isSameInstant(as: right.started) ? left.run < right.run : left.started.isBefore(right.started)
    }
}
