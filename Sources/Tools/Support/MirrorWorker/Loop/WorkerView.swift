// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorConfig
internal import Synchronization
internal import SyncJobs

/// What the HTTP interface may know without asking the loop.
final class WorkerView: Sendable {
    /// Numbers for metrics.
    struct Counts: Hashable, Sendable {
        var jobs = 0
        var running = 0
        var waiting = 0
    }

    private struct State {
        var mirrors: [JobName: MirrorSettings] = [:]
        var tokens: [TokenSettings] = []
        var allowsLegacy = false
        var counts = Counts()
    }

    private let state = Mutex(State())

    /// Whether the worker has a mirror.
    func has(_ name: JobName) -> Bool { state.withLock { $0.mirrors[name] != nil } }

    /// A mirror as it is configured.
    func mirror(_ name: JobName) -> MirrorSettings? { state.withLock { $0.mirrors[name] } }

    /// Sets the mirrors.
    func set(mirrors: [JobName: MirrorSettings]) { state.withLock { $0.mirrors = mirrors } }

    /// Sets who may do what.
    func set(tokens: [TokenSettings], allowsLegacy: Bool) {
        state.withLock { state in
            state.tokens = tokens
            state.allowsLegacy = allowsLegacy
        }
    }

    /// Who may do what.
    var access: (tokens: [TokenSettings], allowsLegacy: Bool) { state.withLock { ($0.tokens, $0.allowsLegacy) } }

    /// Sets the numbers.
    func set(counts: Counts) { state.withLock { $0.counts = counts } }

    /// The numbers.
    var counts: Counts { state.withLock { $0.counts } }
}
