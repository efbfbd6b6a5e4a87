// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the machine asks its shell to do, in order.
public enum JobDirective: Hashable, Sendable {
    /// Carry out a step and report how it ended by ``JobMachine/stepEnded(_:run:_:at:)``, once.
    case perform(JobName, run: RunNumber, JobStep)
    /// End the step that the run is at, with everything that it started; the step then ends with ``StepResult/stopped`` (or as it did when it was faster).
    ///
    /// It is about that step only: a clean-up (``JobStep/afterAttempt(_:)``) may follow. Being asked again means the step that is then performed.
    case stop(JobName, run: RunNumber)
    /// The job's public state changed; tell it durably and in this order.
    case report(JobReport)
    /// The due times changed; tell them when convenient.
    case schedulesChanged
    /// The job is gone: nothing follows of it, and what was kept for it may go.
    case removed(JobName)
}

/// A change of a job's public state.
public struct JobReport: Hashable, Sendable {
    /// The job.
    public var name: JobName
    /// Its state.
    public var state: JobState
    /// The run that it belongs to; nothing for what somebody asked for.
    public var run: RunNumber?
    /// The attempt, from 1; 0 outside of attempts.
    public var attempt: Int
    /// The size, when it became known.
    public var size: String?
    /// Why it failed; empty otherwise.
    public var message: String
    /// The kind of failure.
    public var failure: FailureClass?
    /// Whether the run is over.
    public var isFinal: Bool

    /// Creates a report.
    public init(
        name: JobName, state: JobState, run: RunNumber? = nil, attempt: Int = 0, size: String? = nil,
        message: String = "", failure: FailureClass? = nil, isFinal: Bool = false
    ) {
        self.name = name
        self.state = state
        self.run = run
        self.attempt = attempt
        self.size = size
        self.message = message
        self.failure = failure
        self.isFinal = isFinal
    }
}
