// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire
internal import Synchronization
internal import SyncJobs

/// What is going on now, for heartbeats: the loop writes it, progress comes from the runs, every manager's heartbeat reads it.
final class RunningBoard: Sendable {
    private struct State {
        var rows: [RunNumber: Heartbeat.Running] = [:]
        var queued = 0
        var flags: [String: WakeFlag] = [:]
    }

    private let state = Mutex(State())

    /// A run begins or changes.
    func set(_ run: RunNumber, _ row: Heartbeat.Running) {
        change { state in
            var row = row
            row.progress = row.progress ?? state.rows[run]?.progress
            state.rows[run] = row
        }
    }

    /// A run is over.
    func remove(_ run: RunNumber) { change { state in state.rows[run] = nil } }

    /// How far a run is.
    func progress(_ run: RunNumber, _ progress: RunProgress) {
        change { state in state.rows[run]?.progress = progress }
    }

    /// How many jobs are due and wait.
    func setQueued(_ count: Int) { state.withLock { $0.queued = count } }

    /// What is going on, oldest run first, and how many jobs wait.
    func snapshot() -> (rows: [Heartbeat.Running], queued: Int) {
        state.withLock { state in
            (state.rows.sorted { $0.key < $1.key }.map(\.value), state.queued)
        }
    }

    /// The flag that is raised for a reader when something changes.
    func flag(for reader: String) -> WakeFlag {
        state.withLock { state in
            if let flag = state.flags[reader] { return flag }
            let flag = WakeFlag()
            state.flags[reader] = flag
            return flag
        }
    }

    /// Forgets a reader.
    func forget(reader: String) { state.withLock { $0.flags[reader] = nil } }

    private func change(_ body: (inout State) -> Void) {
        let flags = state.withLock { state in
            body(&state)
            return Array(state.flags.values)
        }
        for flag in flags { flag.raise() }
    }
}
