// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Waits that grow with each failure in a row, up to a limit, and differ from peer to peer.
struct Backoff: Sendable {
    private let first: Duration
    private let longest: Duration
    private var next: Duration

    /// Creates a backoff that has seen no failure.
    init(first: Duration, longest: Duration) {
        self.first = first
        self.longest = longest
        next = first
    }

    /// How long to wait after another failure: between half of the wait and all of it.
    mutating func failed() -> Duration {
        let wait = next
        next = min(longest, next * 2)
        return wait * Double.random(in: 0.5...1)
    }

    /// Begins again with the shortest wait.
    mutating func succeeded() { next = first }
}
