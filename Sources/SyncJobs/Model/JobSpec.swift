// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the scheduler must know of a job.
public struct JobSpec: Hashable, Sendable {
    /// The job.
    public var name: JobName
    /// When it runs.
    public var timing: JobTiming
    /// What happens after failures.
    public var retry: RetryPolicy
    /// Jobs of a higher priority get a slot first; 0 is usual.
    public var priority: Int
    /// The upstream that it shares with others, for limits per upstream; empty when it has no part in any.
    public var upstream: String

    /// Creates a specification.
    ///
    /// - Parameters:
    ///   - name: the job.
    ///   - timing: when it runs.
    ///   - retry: what happens after failures.
    ///   - priority: higher ones get a slot first.
    ///   - upstream: the upstream that it shares with others.
    public init(
        name: JobName, timing: JobTiming, retry: RetryPolicy = RetryPolicy(), priority: Int = 0, upstream: String = ""
    ) {
        self.name = name
        self.timing = timing
        self.retry = retry
        self.priority = priority
        self.upstream = upstream
    }
}
