// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Synchronization

/// Keeps events in order and lets tests wait for what they expect; the suites' time limit ends a wait in vain.
final class Recorder<Event: Sendable>: Sendable {
    private struct State {
        var events: [Event] = []
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var all: [Event] { state.withLock { $0.events } }

    func add(_ event: Event) {
        let waiters = state.withLock { state in
            state.events.append(event)
            let waiters = state.waiters
            state.waiters = []
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until the events so far satisfy a condition.
    func wait(until condition: ([Event]) -> Bool) async {
        while true {
            let seen = all
            if condition(seen) { return }
            await withCheckedContinuation { continuation in
                let isStale = state.withLock { state in
                    if state.events.count != seen.count { return true }
                    state.waiters.append(continuation)
                    return false
                }
                if isStale { continuation.resume() }
            }
        }
    }

    /// Waits for the first event of a kind.
    func first<Found>(_ pick: (Event) -> Found?) async -> Found {
        while true {
            await wait { $0.contains { pick($0) != nil } }
            if let found = all.lazy.compactMap(pick).first { return found }
        }
    }
}
