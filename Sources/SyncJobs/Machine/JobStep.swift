// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a shell does for a run, one after the other; it reports how each ended.
///
/// `beforeJob` once; then, for each attempt, `beforeAttempt`, `execute`, `afterAttempt`, and `publish` and `afterSuccess`, or `afterFailure`.
/// An attempt that could not be published has `afterFailure` too. A hook that fails ends the run at once. After an `execute` that was stopped, only
/// `afterAttempt` follows.
public enum JobStep: Hashable, Sendable {
    /// Hooks before everything, once per run.
    case beforeJob
    /// Hooks before an attempt.
    case beforeAttempt(Int)
    /// The job's command and the checks of its result.
    case execute(attempt: Int)
    /// Hooks after an attempt, whatever became of it.
    case afterAttempt(Int)
    /// Makes the result visible.
    case publish(attempt: Int)
    /// Hooks after success.
    case afterSuccess(attempt: Int)
    /// Hooks after a failed attempt.
    case afterFailure(attempt: Int)

    /// What people call the phase of a hook; nothing for what is no hook.
    public var hookPhase: String? {
        switch self {
        case .beforeJob: "pre-job"
        case .beforeAttempt: "pre-exec"
        case .afterAttempt: "post-exec"
        case .afterSuccess: "post-success"
        case .afterFailure: "post-fail"
        case .execute, .publish: nil
        }
    }
}

/// How a step ended.
public enum StepResult: Hashable, Sendable {
    /// It did what it was to do; the size is what the job now has, when that is known, in the words that people see.
    case done(size: String?)
    /// It failed.
    case failed(FailureClass, message: String)
    /// It was stopped because the machine asked for that (``JobDirective/stop(_:run:)``).
    case stopped
}

/// One run of one job on one worker; never used again, also after a restart.
public struct RunNumber: Hashable, Comparable, Sendable {
    /// The number; a later run of the worker has a greater one.
    public let number: UInt64

    /// Creates a number.
    public init(_ number: UInt64) { self.number = number }

    /// Orders by number, so by beginning.
    public static func < (left: RunNumber, right: RunNumber) -> Bool { left.number < right.number }
}
