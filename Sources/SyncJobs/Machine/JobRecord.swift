// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A job inside of a machine: an index into its tables.
struct JobHandle: DenseIdentifier {
    let index: Int
}

/// An upstream inside of a machine: an index into its tables.
struct UpstreamHandle: DenseIdentifier {
    let index: Int
}

/// The order in which moments come: by time; those of one time by the names of their jobs.
struct AlarmKey: Comparable, Sendable {
    let time: JobTime
    let name: JobName

    static func < (left: AlarmKey, right: AlarmKey) -> Bool {
        left.time == right.time ? left.name < right.name : left.time < right.time
    }
}

/// The order in which waiting jobs get slots: the higher priority, then the earlier due time, then the name.
struct WaitingKey: Comparable, Sendable {
    let priority: Int
    let due: JobTime
    let name: JobName

    static func < (left: WaitingKey, right: WaitingKey) -> Bool {
        if left.priority != right.priority { return left.priority > right.priority }
        return left.due == right.due ? left.name < right.name : left.due < right.due
    }
}

/// All that a machine knows of a job.
struct JobRecord: Sendable {
    /// What a job is doing.
    enum Phase: Sendable {
        /// The handle is free.
        case absent
        /// It is not due.
        case idle
        /// It is due, outside of its windows.
        case waitingForWindow
        /// It is due and waits for a slot and for its upstream.
        case waitingForSlot
        /// A step of it is being performed.
        case running(JobRun)
        /// Its run waits before the next attempt.
        case backingOff(JobRun)
        /// Its run waits for a slot for the next attempt.
        case waitingForRetry(JobRun)
        /// Somebody stopped it.
        case paused(JobHold)
        /// Somebody disabled it.
        case disabled(JobHold)
    }

    /// Why a job is due when it is.
    enum DueCause: Hashable, Sendable {
        /// Its timing says so.
        case timing
        /// It never succeeded, or is new.
        case first
        /// Its last run was interrupted.
        case interrupted
        /// So many runs in a row failed, and it is tried again sooner than its timing says.
        case failures(Int)
        /// Somebody asked for it.
        case command(by: String)
        /// It was configured anew.
        case configuration
    }

    var spec: JobSpec
    var phase = Phase.idle
    /// The state that was reported last.
    var state = JobState.none
    /// When it is or was due; nothing while it runs, is held, or is never due by itself.
    var due: JobTime?
    var dueCause = DueCause.timing
    var upstream: UpstreamHandle
    var lastEnded: JobTime?
    var lastSuccess: JobTime?
    var lastFailure: FailureClass?
    var failedRuns = 0

    init(spec: JobSpec, upstream: UpstreamHandle) {
        self.spec = spec
        self.upstream = upstream
    }

    /// The run that is not over.
    var run: JobRun? {
        switch phase {
        case .running(let run), .backingOff(let run), .waitingForRetry(let run): run
        case .absent, .idle, .waitingForWindow, .waitingForSlot, .paused, .disabled: nil
        }
    }
}

/// Who holds a job back.
struct JobHold: Hashable, Sendable {
    var by: String
    var since: JobTime?
}

/// A run that is not over.
struct JobRun: Sendable {
    /// What happens when the step that is being performed ends, because somebody asked for it.
    enum Ending: Hashable, Sendable {
        case pause(JobHold)
        case disable(JobHold)
        case restart(why: String, by: String, isForced: Bool)
        case resume(by: String)
        case shutdown
        case removal
    }

    /// How an attempt failed.
    struct Failure: Hashable, Sendable {
        var failureClass: FailureClass
        var message: String
    }

    let number: RunNumber
    let started: JobTime
    /// The upstream that it counts for, also when the job was given another one meanwhile.
    var upstream: UpstreamHandle
    var isForced: Bool
    var attempt = 0
    var step = JobStep.beforeJob
    var stepStarted: JobTime
    var size: String?
    /// How the present or the last attempt failed.
    var failure: Failure?
    var ending: Ending?
    /// When the wait before the next attempt is or was over.
    var retryDue: JobTime?

    init(number: RunNumber, started: JobTime, upstream: UpstreamHandle, isForced: Bool) {
        self.number = number
        self.started = started
        self.upstream = upstream
        self.isForced = isForced
        self.stepStarted = started
    }
}

/// An upstream that jobs share.
struct UpstreamRecord: Sendable {
    var name: String
    /// The most runs at a time; nothing is no limit.
    var limit: Int?
    /// How many runs count for it, forced ones too.
    var running = 0
    /// How many jobs and runs refer to it.
    var references = 0
    /// Its jobs that wait for a slot.
    var waiting = JobHeap<JobHandle, WaitingKey>()

    /// Whether it takes another run.
    var hasRoom: Bool { limit.map { running < $0 } ?? true }
}
