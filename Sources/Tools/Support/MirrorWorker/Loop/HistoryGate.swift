// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// Holds up the start of the first runs until a manager has said how it remembers the mirrors, or it is clear that none will.
final class HistoryGate: Sendable {
    private struct State {
        var answer: ManagerLink.Knowledge?
        var silent: Set<String> = []
        var isCancelled = false
    }

    private let state = Mutex(State())
    private let flag = WakeFlag()

    /// A manager has answered, or, with nothing, has not.
    func offer(_ manager: String, _ knowledge: ManagerLink.Knowledge?) {
        state.withLock { state in
            if let knowledge {
                if state.answer == nil { state.answer = knowledge }
            } else {
                state.silent.insert(manager)
            }
        }
        flag.raise()
    }

    /// Ends the wait.
    func cancel() {
        state.withLock { $0.isCancelled = true }
        flag.raise()
    }

    /// Whether the wait was ended.
    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Waits for the first answer.
    ///
    /// - Parameters:
    ///   - managers: who may answer.
    ///   - isMemoryComplete: whether the worker itself remembers every mirror; then silence of all managers is enough.
    ///   - patience: how long at most.
    /// - Returns: the first answer; nothing when nobody gave one.
    func wait(
        for managers: [String], isMemoryComplete: Bool, patience: Duration
    ) async -> ManagerLink.Knowledge? {
        let end = ContinuousClock.now + patience
        while !Task.isCancelled, !managers.isEmpty {
            let (answer, isOver) = state.withLock { state in
                let areSilent = isMemoryComplete && state.silent.isSuperset(of: managers)
                return (state.answer, state.isCancelled || areSilent)
            }
            if let answer { return answer }
            let left = end - .now
            if isOver || left <= .zero { return nil }
            await flag.wait(atMost: left)
        }
        return nil
    }
}
