// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// The way into the worker's loop: anybody posts, the loop takes all there is at once.
final class WorkerInbox: Sendable {
    private struct State {
        var inputs: [WorkerInput] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let flag = WakeFlag()

    /// Queues an input; when the loop has ended, whoever waits for an answer gets it at once.
    func post(_ input: WorkerInput) {
        let isAccepted = state.withLock { state in
            guard !state.isClosed else { return false }
            state.inputs.append(input)
            return true
        }
        if isAccepted { flag.raise() } else { Self.refuse(input) }
    }

    /// Takes all inputs, after waiting for the first.
    ///
    /// - Parameter limit: how long to wait at most.
    /// - Returns: the inputs in their order; none when the time is over or the task is cancelled.
    func next(atMost limit: Duration) async -> [WorkerInput] {
        let inputs = take()
        if !inputs.isEmpty { return inputs }
        await flag.wait(atMost: limit)
        return take()
    }

    /// Ends the way in.
    func close() {
        let rest = state.withLock { state in
            state.isClosed = true
            let rest = state.inputs
            state.inputs = []
            return rest
        }
        for input in rest { Self.refuse(input) }
    }

    private func take() -> [WorkerInput] {
        state.withLock { state in
            let inputs = state.inputs
            state.inputs = []
            return inputs
        }
    }

    private static func refuse(_ input: WorkerInput) {
        switch input {
        case .command(_, _, _, let answer): answer.resume(returning: .refused("the worker is stopping"))
        case .explain(_, let answer): answer.resume(returning: nil)
        case .apply(_, let answer): answer.resume()
        case .stepEnded, .known, .stop: break
        }
    }
}
