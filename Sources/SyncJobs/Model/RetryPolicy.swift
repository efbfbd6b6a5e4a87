// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What happens after a failed attempt.
public struct RetryPolicy: Hashable, Sendable {
    /// Waiting that grows with each failure in a row.
    public struct Backoff: Hashable, Sendable {
        /// The first wait in milliseconds; 0 means that the next attempt begins at once.
        public var firstMilliseconds: Int64
        /// The longest wait in milliseconds.
        public var maximumMilliseconds: Int64

        /// Creates a backoff; each further wait is twice the one before.
        public init(firstMilliseconds: Int64, maximumMilliseconds: Int64) {
            self.firstMilliseconds = firstMilliseconds
            self.maximumMilliseconds = maximumMilliseconds
        }

        /// The wait after so many failures in a row.
        ///
        /// - Parameter failures: how many there were, from 1.
        /// - Returns: the wait in milliseconds.
        public func wait(afterFailures failures: Int) -> Int64 {
            let longest = max(maximumMilliseconds, firstMilliseconds)
            var wait = max(firstMilliseconds, 0)
            var doublings = failures - 1
            while doublings > 0, wait > 0, wait < longest {
                wait = wait > longest / 2 ? longest : wait * 2
                doublings -= 1
            }
            return wait
        }

        /// No wait at all, as tunasync's worker has it.
        public static let none = Backoff(firstMilliseconds: 0, maximumMilliseconds: 0)
    }

    /// How many attempts a run has in all, at least 1, by the kind of failure; what is absent has ``attempts``.
    public var attemptsByClass: [FailureClass: Int]
    /// How many attempts a run has in all.
    public var attempts: Int
    /// The waits between attempts of a run.
    public var backoff: Backoff
    /// The wait after a run whose attempts all failed, by failed runs in a row.
    ///
    /// The next run is due after it when that is earlier than the job's timing; nothing means that the timing alone decides. It holds for failures that may pass by themselves.
    public var afterFailedRun: Backoff?

    /// Creates a policy.
    ///
    /// - Parameters:
    ///   - attempts: how many attempts a run has in all.
    ///   - attemptsByClass: the same by the kind of failure.
    ///   - backoff: the waits between attempts.
    ///   - afterFailedRun: an earlier next run after failure.
    public init(
        attempts: Int = 2, attemptsByClass: [FailureClass: Int] = [.configuration: 1, .refused: 1, .hook: 1],
        backoff: Backoff = .none, afterFailedRun: Backoff? = nil
    ) {
        self.attempts = attempts
        self.attemptsByClass = attemptsByClass
        self.backoff = backoff
        self.afterFailedRun = afterFailedRun
    }

    /// How many attempts a run has in all when its last one failed in this way.
    ///
    /// - Parameter failure: how it failed; after a hook there is never another attempt.
    /// - Returns: at least 1.
    public func attempts(after failure: FailureClass) -> Int {
        failure == .hook ? 1 : max(attemptsByClass[failure] ?? attempts, 1)
    }
}
