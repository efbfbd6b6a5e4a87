// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// How long to wait before the next attempt: twice as long from attempt to attempt, within limits, and never in step with others.
///
/// A wait is drawn evenly from the upper half of its ceiling, so that the peers of a node that comes back do not all arrive in the same instant.
package struct ReconnectBackoff: Sendable {
    private let base: Duration
    private let maximum: Duration
    private var ceiling: Duration

    /// Makes the first wait.
    ///
    /// - Parameters:
    ///   - base: the longest first wait.
    ///   - maximum: the longest wait of all.
    package init(base: Duration, maximum: Duration) {
        self.base = base
        self.maximum = max(base, maximum)
        ceiling = base
    }

    /// The next wait.
    ///
    /// - Parameter generator: where chance comes from.
    /// - Returns: between half of the ceiling and the ceiling, which then doubles.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let wait = ceiling * Double.random(in: 0.5...1, using: &generator)
        ceiling = min(ceiling * 2, maximum)
        return wait
    }

    /// Goes to the longest waits.
    package mutating func exhaust() { ceiling = maximum }

    /// Begins again with the first wait.
    package mutating func reset() { ceiling = base }
}
