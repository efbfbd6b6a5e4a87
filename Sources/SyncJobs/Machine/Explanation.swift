// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a job is doing, or why it is doing nothing.
public struct Explanation: Hashable, Sendable {
    /// The reason, with all that belongs to it.
    public enum Reason: Hashable, Sendable {
        /// A step of a run is being performed.
        case running(run: RunNumber, attempt: Int, step: JobStep, isForced: Bool)
        /// A run is being ended.
        case ending(run: RunNumber, step: JobStep, isForced: Bool)
        /// It is due and all slots are taken; `position` others get one before it, plus one.
        case waitingForSlot(position: Int, slots: Int)
        /// It is due and its upstream has all the runs that it may have.
        case upstreamLimit(upstream: String, limit: Int)
        /// It is due and waits for its window.
        case window
        /// An attempt failed, and the next one waits.
        case backoff(run: RunNumber, attempt: Int)
        /// Its last runs failed, and it is tried again sooner than its timing says.
        case dueAfterFailures(Int)
        /// It is not due yet.
        case due
        /// Somebody stopped it.
        case paused
        /// Somebody disabled it.
        case disabled
        /// It runs only when somebody starts it.
        case manualOnly
        /// Its timing has no further time.
        case neverDue
        /// The worker is stopping.
        case workerStopping
        /// It is no longer configured, and its run is being ended.
        case removing(run: RunNumber)
    }

    /// The public state.
    public var state: JobState
    /// The reason.
    public var reason: Reason
    /// Since when it is so, where that is known.
    public var since: JobTime?
    /// When it changes by itself, where that is known.
    public var until: JobTime?
    /// Who wanted it so, where somebody did and is known.
    public var by: String?
    /// All this in one sentence.
    public var text: String

    /// A word for the reason that programs compare; it never changes.
    public var code: String {
        switch reason {
        case .running: "running"
        case .ending: "ending"
        case .waitingForSlot: "waiting-for-slot"
        case .upstreamLimit: "upstream-limit"
        case .window: "window"
        case .backoff, .dueAfterFailures: "backoff"
        case .due: "due"
        case .paused: "paused"
        case .disabled: "disabled"
        case .manualOnly: "manual-only"
        case .neverDue: "never-due"
        case .workerStopping: "worker-stopping"
        case .removing: "removing"
        }
    }
}

/// A run that is not over.
public struct RunStatus: Hashable, Sendable {
    /// The job.
    public var name: JobName
    /// The run.
    public var run: RunNumber
    /// The attempt, from 1; 0 before the first.
    public var attempt: Int
    /// The step that is being performed; nothing while the run waits for its next attempt.
    public var step: JobStep?
    /// When it began.
    public var started: JobTime
    /// The public state.
    public var state: JobState
    /// Whether it passed slots and windows.
    public var isForced: Bool
    /// Whether it is being ended.
    public var isEnding: Bool
}
