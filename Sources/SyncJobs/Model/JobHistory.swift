// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What is remembered of a job when a worker takes it over: its last public state and its last run.
public struct JobHistory: Hashable, Sendable {
    /// The last state that was reported.
    public var state: JobState
    /// When the last run ended, whatever became of it.
    public var lastEnded: JobTime?
    /// When the last successful run ended; nothing means that there was none yet.
    public var lastSuccess: JobTime?
    /// How the last run failed; nothing when it did not, or when who remembers does not know (tunasync's manager).
    public var failure: FailureClass?
    /// How many runs in a row failed.
    public var failedRuns: Int
    /// Who paused or disabled the job; empty when unknown.
    public var heldBy: String
    /// Since when it is paused or disabled.
    public var heldSince: JobTime?
    /// The run that was under way when the last worker died.
    public var interruptedRun: RunNumber?

    /// Creates a memory.
    ///
    /// - Parameters:
    ///   - state: the last state that was reported.
    ///   - lastEnded: when the last run ended.
    ///   - lastSuccess: when the last successful run ended.
    ///   - failure: how the last run failed.
    ///   - failedRuns: how many runs in a row failed.
    ///   - heldBy: who paused or disabled the job.
    ///   - heldSince: since when it is paused or disabled.
    ///   - interruptedRun: the run that was under way when the last worker died.
    public init(
        state: JobState, lastEnded: JobTime? = nil, lastSuccess: JobTime? = nil, failure: FailureClass? = nil,
        failedRuns: Int = 0, heldBy: String = "", heldSince: JobTime? = nil, interruptedRun: RunNumber? = nil
    ) {
        self.state = state
        self.lastEnded = lastEnded
        self.lastSuccess = lastSuccess
        self.failure = failure
        self.failedRuns = failedRuns
        self.heldBy = heldBy
        self.heldSince = heldSince
        self.interruptedRun = interruptedRun
    }
}
