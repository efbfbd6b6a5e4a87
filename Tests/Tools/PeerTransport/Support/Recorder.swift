// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Synchronization

/// Keeps events in order and lets tests wait for what they expect; the suites' time limit, which cancels a test, ends a wait in vain.
final class Recorder<Event: Sendable>: Sendable {
    private struct State {
        var events: [Event] = []
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter: UInt64 = 0
    }

    private let state = Mutex(State())

    var all: [Event] { state.withLock { $0.events } }

    func add(_ event: Event) {
        let waiters = state.withLock { state in
            state.events.append(event)
            let waiters = state.waiters
            state.waiters = [:]
            return waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Waits until the events so far satisfy a condition.
    func wait(until condition: ([Event]) -> Bool) async throws {
        while true {
            try Task.checkCancellation()
            let seen = all
            if condition(seen) { return }
            await waitForMore(than: seen.count)
        }
    }

    /// Waits for the first event of a kind.
    func first<Found>(_ pick: (Event) -> Found?) async throws -> Found {
        while true {
            try await wait { $0.contains { pick($0) != nil } }
            if let found = all.lazy.compactMap(pick).first { return found }
        }
    }

    /// Returns when there are more events than so many, or the task is cancelled.
    private func waitForMore(than count: Int) async {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isStale = state.withLock { state in
                    if state.events.count != count || Task.isCancelled { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if isStale { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }
}
