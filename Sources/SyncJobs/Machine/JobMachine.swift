// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// All jobs of one worker: when each is due, which of them run, and what becomes of their runs.
///
/// The machine knows no clock and does nothing itself. A *shell* tells it what happened, with the time, and carries out the ``JobDirective`` values that come back, in their order.
/// All decisions follow from the inputs and the seed alone, so a simulator can repeat years of a worker's life in a second.
///
/// A shell is a loop around four things: what people ask (``handle(_:for:by:at:)``), how steps ended (``stepEnded(_:run:_:at:)``), the passing of time (``tick(at:)`` at ``nextWake`` or
/// later), and the end of the worker (``beginStopping(at:)``). This one performs each step in no time:
///
/// ```swift
/// import SyncJobs
///
/// let minute: Int64 = 60_000
/// guard let name = JobName("debian") else { fatalError("a name of a job") }
/// var machine = JobMachine(limits: .init(slots: 2), seed: 1, nextRun: RunNumber(1))
/// var now = JobTime(milliseconds: 0)
/// let spec = JobSpec(name: name, timing: JobTiming(trigger: .interval(milliseconds: 60 * minute)))
/// var directives = machine.add(spec, history: nil, at: now)
/// var states: [JobState] = []
/// while states.count < 6 {
///     while let directive = directives.first {
///         directives.removeFirst()
///         switch directive {
///         case .perform(let name, let run, _):
///             directives += machine.stepEnded(name, run: run, .done(size: nil), at: now)
///         case .report(let report):
///             states.append(report.state)
///         case .stop, .schedulesChanged, .removed:
///             break
///         }
///     }
///     if let wake = machine.nextWake { now = max(now, wake) }
///     directives = machine.tick(at: now)
/// }
/// // states is [.preSyncing, .syncing, .success, .preSyncing, .syncing, .success]: the second run began an hour after the end of the first.
/// ```
///
/// What it keeps to:
/// - A job has at most one run. A run holds a slot while one of its steps is performed, and none while it waits between two attempts. A forced run takes no slot; it counts for its upstream.
/// - Slots go to the waiting job of the highest priority, of those to the one that is due longest, of those by name; a job whose upstream is full lets others pass.
/// - Each run ends in one final report. Its states are pre-syncing, syncing and success or failed, the last two once per attempt; a run that was stopped ends paused or disabled, or failed as interrupted
///   when it is to run again or the worker stops.
/// - An interval begins at the end of a run. Cron times that pass while a job runs are passed over. A new job, and one that never succeeded, is due at once when it has an interval, and at its next cron time otherwise.
/// - Windows hold back the start of a run, and a further attempt after a wait that would end outside of them is not made. They never end a run.
/// - When the clock was set back, due times come nearer as far as needed: no job waits longer than its timing says.
///
/// - Complexity: each input costs O(log n) comparisons for n jobs and each directive that it brings about; ``tick(at:)`` costs O(1) when nothing is due, ``dueTimes()`` O(n log n).
public struct JobMachine: Sendable {
    /// How much may run at a time.
    public struct Limits: Hashable, Sendable {
        /// How many runs hold a slot at a time; forced runs hold none.
        public var slots: Int
        /// How many runs an upstream takes at a time, by its name.
        public var upstreamLimits: [String: Int]
        /// The same for upstreams that are not named; nothing is no limit.
        public var upstreamDefault: Int?
        /// The least time from the end of a run to the next one by interval, so that an interval of 0 does not fill a processor; 1 second.
        public var shortestPauseMilliseconds: Int64

        /// Creates limits; a negative number means 0.
        ///
        /// - Parameters:
        ///   - slots: how many runs hold a slot at a time.
        ///   - upstreamLimits: how many runs an upstream takes at a time.
        ///   - upstreamDefault: the same for upstreams that are not named.
        ///   - shortestPauseMilliseconds: the least time between two runs by interval.
        public init(
            slots: Int, upstreamLimits: [String: Int] = [:], upstreamDefault: Int? = nil,
            shortestPauseMilliseconds: Int64 = 1_000
        ) {
            self.slots = max(slots, 0)
            self.upstreamLimits = upstreamLimits.mapValues { max($0, 0) }
            self.upstreamDefault = upstreamDefault.map { max($0, 0) }
            self.shortestPauseMilliseconds = max(shortestPauseMilliseconds, 0)
        }
    }

    /// How much may run at a time; ``setLimits(_:at:)`` changes it.
    public internal(set) var limits: Limits
    /// The number of the next run; what keeps it must know it before the run begins.
    public internal(set) var nextRun: RunNumber
    /// Whether the worker stops: nothing begins any more.
    public internal(set) var isStopping = false
    /// How many runs are performing a step.
    public internal(set) var runningCount = 0
    /// How many jobs wait for a slot, for a first or a further attempt.
    public internal(set) var waitingCount = 0

    let seed: UInt64
    var records: [JobRecord] = []
    var handles: [JobName: JobHandle] = [:]
    var freeHandles: [JobHandle] = []
    var upstreams: [UpstreamRecord] = []
    var upstreamHandles: [String: UpstreamHandle] = [:]
    var freeUpstreams: [UpstreamHandle] = []
    /// For each job the next moment at which time alone changes something.
    var alarms = JobHeap<JobHandle, AlarmKey>()
    var alarmPositions = HeapPositions()
    var waitingPositions = HeapPositions()
    /// The upstreams that have room and a waiting job, by their first waiting job.
    var ready = JobHeap<UpstreamHandle, WaitingKey>()
    var readyPositions = HeapPositions()
    /// How many runs are not over.
    var openRuns = 0
    /// How many runs hold a slot.
    var slotsUsed = 0
    /// The latest time that any input had.
    var latest = JobTime(milliseconds: .min)
    var output: [JobDirective] = []
    var schedulesDiffer = false

    /// Creates a machine without jobs.
    ///
    /// - Parameters:
    ///   - limits: how much may run at a time.
    ///   - seed: what the jitter of due times follows from; the same seed gives each job the same jitter at the same due time.
    ///   - nextRun: the number of the first run, greater than that of any run before.
    public init(limits: Limits, seed: UInt64, nextRun: RunNumber) {
        self.limits = limits
        self.seed = seed
        self.nextRun = nextRun
    }

    /// Lets time pass.
    ///
    /// It costs nothing when nothing is due, so a shell may call it at every turn of its loop; then a clock that was set back is noticed soon, too.
    ///
    /// - Parameter at: the present time.
    /// - Returns: what to do now.
    public mutating func tick(at: JobTime) -> [JobDirective] {
        observe(at)
        advance(at)
        return drain()
    }

    /// Ends all runs and begins none any more, because the worker stops; ``isIdle`` tells when the last run has ended.
    ///
    /// Runs that somebody had stopped or disabled end as that; the others are reported as failed by interruption, so that the next worker runs them again.
    /// When it is called again, what still performs a step is asked to stop again: the clean-up after a stopped attempt, too.
    ///
    /// - Parameter at: the present time.
    /// - Returns: what to do now.
    public mutating func beginStopping(at: JobTime) -> [JobDirective] {
        observe(at)
        isStopping = true
        for (_, handle) in handles.sorted(by: { $0.key < $1.key }) {
            switch records[handle.index].phase {
            case .running(var run):
                switch run.ending {
                case nil, .restart, .resume: run.ending = .shutdown
                case .pause, .disable, .shutdown, .removal: break
                }
                records[handle.index].phase = .running(run)
                output.append(.stop(records[handle.index].spec.name, run: run.number))
            case .backingOff(var run), .waitingForRetry(var run):
                dequeue(handle)
                run.ending = .shutdown
                finishStopped(handle, run, isOccupied: false, at)
            case .absent, .idle, .waitingForWindow, .waitingForSlot, .paused, .disabled:
                break
            }
        }
        return drain()
    }

    /// Changes how much may run at a time; runs that are under way go on.
    ///
    /// - Parameters:
    ///   - limits: the new limits.
    ///   - at: the present time.
    /// - Returns: what to do now.
    public mutating func setLimits(_ limits: Limits, at: JobTime) -> [JobDirective] {
        observe(at)
        self.limits = limits
        for index in upstreams.indices where upstreams[index].references > 0 {
            upstreams[index].limit = limit(of: upstreams[index].name)
            refresh(UpstreamHandle(index: index))
        }
        advance(at)
        return drain()
    }

    /// When to call ``tick(at:)``; nothing when time alone changes nothing.
    public var nextWake: JobTime? { isStopping ? nil : alarms.first?.key.time }

    /// Whether no run is under way.
    public var isIdle: Bool { openRuns == 0 }

    /// How many jobs there are.
    public var jobCount: Int { handles.count }

    /// How many keys were compared so far to keep jobs in order: what tests count instead of time.
    package var work: UInt64 {
        upstreams.reduce(alarms.comparisons &+ ready.comparisons) { $0 &+ $1.waiting.comparisons }
    }

    /// Everything that is to be done, once.
    mutating func drain() -> [JobDirective] {
        if schedulesDiffer { output.append(.schedulesChanged) }
        schedulesDiffer = false
        let directives = output
        output = []
        return directives
    }

    /// Tells a change of a job's state.
    mutating func report(
        _ handle: JobHandle, _ state: JobState, _ run: JobRun?, message: String = "", failure: FailureClass? = nil,
        isFinal: Bool = false
    ) {
        records[handle.index].state = state
        output.append(
            .report(
                JobReport(
                    name: records[handle.index].spec.name, state: state, run: run?.number, attempt: run?.attempt ?? 0,
                    size: run?.size, message: message, failure: failure, isFinal: isFinal)))
    }
}
