// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Synchronization

/// A timer that rings at once or never, as the test says, and remembers for what it was asked.
final class ManualTimer: Sendable {
    private struct State {
        var asked: [Duration] = []
        var rings = true
    }

    private let state = Mutex(State())

    /// The waits so far, in milliseconds.
    var asked: [Int64] { state.withLock { $0.asked.map { $0 / .milliseconds(1) }.map { Int64($0) } } }

    /// Whether a wait is over at once; else it lasts until it is cancelled.
    func set(rings: Bool) { state.withLock { $0.rings = rings } }

    func wait(_ duration: Duration) async throws {
        let rings = state.withLock { state in
            state.asked.append(duration)
            return state.rings
        }
        // Longer than any test: only its being cancelled ends it.
        if !rings { try await Task.sleep(for: .seconds(86_400)) }
    }
}
