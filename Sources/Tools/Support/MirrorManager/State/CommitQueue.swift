// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Logging
internal import MirrorWire
internal import Synchronization

/// Writes changes in groups: while one batch is being written, those of all other requests gather in the next.
///
/// Whoever finds nobody writing writes; the others wait. A batch that could not be written stays and goes with the next one, so
/// that the store never lacks what the manager knows for longer than its failure lasts.
final class CommitQueue: Sendable {
    fileprivate struct State {
        var pending: StoreBatch
        var isWriting = false
        var waiting: [CheckedContinuation<Turn, Never>] = []
    }

    fileprivate enum Turn: Sendable {
        case lead
        case done((any Error)?)
    }

    /// What is kept of runs that cannot be written, so that a store that fails for days cannot fill the memory.
    static let maximumPendingRuns = 50_000

    private let store: any ManagerStore
    private let logger: Logger
    private let state: Mutex<State>

    init(store: any ManagerStore, keptRuns: Int, logger: Logger) {
        self.store = store
        self.logger = logger
        state = Mutex(State(pending: StoreBatch(keptRuns: keptRuns)))
    }

    /// Adds changes to the next batch; call it in the order in which they were made.
    func add(_ batch: StoreBatch) {
        guard !batch.isEmpty else { return }
        state.withLock { $0.pending.add(batch) }
    }

    /// Waits until all that was added before is written for good.
    ///
    /// - Throws: what the store throws.
    func flush() async throws {
        let turn: Turn = await withCheckedContinuation { continuation in
            let turn: Turn? = state.withLock { state in
                if state.isWriting {
                    state.waiting.append(continuation)
                    return nil
                }
                guard !state.pending.isEmpty else { return .done(nil) }
                state.isWriting = true
                return .lead
            }
            if let turn { continuation.resume(returning: turn) }
        }
        switch turn {
        case .lead: try await write()
        case .done(nil): return
        case .done(let error?): throw error
        }
    }

    /// Writes one batch for all that wait, then hands the lead to one of those that came meanwhile.
    private func write() async throws {
        let (batch, followers) = state.withLock { state in
            let taken = (state.pending, state.waiting)
            state.pending = StoreBatch(keptRuns: state.pending.keptRuns)
            state.waiting = []
            return taken
        }
        var failure: (any Error)?
        do {
            if !batch.isEmpty { try await store.apply(batch) }
        } catch {
            failure = error
            logger.error("the database did not take changes", metadata: ["error": "\(error)"])
        }
        let next = state.withLock { state -> CheckedContinuation<Turn, Never>? in
            if failure != nil { state.restore(batch) }
            guard !state.waiting.isEmpty else {
                state.isWriting = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        for follower in followers { follower.resume(returning: .done(failure)) }
        if let next { next.resume(returning: Turn.lead) }
        if let failure { throw failure }
    }
}

extension CommitQueue.State {
    fileprivate mutating func restore(_ batch: StoreBatch) {
        var restored = batch
        restored.add(pending)
        let surplus = restored.runs.count - CommitQueue.maximumPendingRuns
        if surplus > 0 { restored.runs.removeFirst(surplus) }
        pending = restored
    }
}
