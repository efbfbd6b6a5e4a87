// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Logging
internal import MirrorConfig
internal import MirrorWire
internal import SyncJobs

/// The only place that changes jobs: takes inputs in batches, asks the machine, and carries out what it says.
///
/// It belongs to one task. It never waits for a process or a peer, nor until something is durable: steps are tasks of a group, events go to the outbox.
final class WorkerLoop {
    /// A run that is under way.
    struct ActiveRun {
        /// The mirror as it was configured when the run began.
        var mirror: MirrorSettings
        var started: JobTime
        var attempts = 0
    }

    /// What the loop works with.
    struct Parts {
        var inbox: WorkerInbox
        var outbox: Outbox
        var board: RunningBoard
        var view: WorkerView
        var carrier: any RunCarrier
        var clock: WallClock
        var limits: WorkerLimits
        var logger: Logger
    }

    /// Run numbers are reserved on the disk in blocks, so that none is used twice after a crash.
    static let reservedRuns: UInt64 = 1_024
    /// With more mirrors than so many, the due times are told at most once a second.
    private static let manyJobs = 2_000

    let parts: Parts
    var machine: JobMachine
    var configuration: WorkerConfiguration
    var mirrors: [JobName: MirrorSettings] = [:]
    var jobs: [JobName: StoredJob]
    var runs: [RunNumber: ActiveRun] = [:]
    /// Who asked last for something that holds a mirror up.
    var askers: [JobName: String] = [:]
    var batch = Outbox.Batch()
    var reports: [OutboxEvent] = []
    var areSchedulesStale = false
    /// The managers that are ours, as they said when they last remembered something.
    var ourManagers: Set<String> = []
    private var schedulesTold: JobTime?
    private var reservedThrough: UInt64
    private var stopTime: JobTime?

    /// Prepares the loop; the machine has no jobs yet.
    ///
    /// - Parameters:
    ///   - parts: what the loop works with.
    ///   - configuration: what to do.
    ///   - jobs: what is remembered of mirrors.
    ///   - nextRun: the first run number that may be used.
    ///   - seed: for jitter.
    init(
        parts: Parts, configuration: WorkerConfiguration, jobs: [JobName: StoredJob], nextRun: UInt64, seed: UInt64
    ) {
        self.parts = parts
        self.configuration = configuration
        self.jobs = jobs
        reservedThrough = nextRun
        machine = JobMachine(
            limits: Self.limits(configuration.settings), seed: seed, nextRun: RunNumber(nextRun))
    }

    /// The machine's limits as they are configured.
    static func limits(_ settings: WorkerSettings) -> JobMachine.Limits {
        JobMachine.Limits(
            slots: settings.concurrent, upstreamLimits: settings.upstreamLimits,
            upstreamDefault: settings.upstreamDefault)
    }

    /// Takes over all mirrors, and runs until all runs have ended after a stop, or until the task is cancelled.
    ///
    /// - Parameters:
    ///   - remembered: what is remembered of the mirrors.
    ///   - interrupted: the runs that were under way when the last worker died.
    func run(adopting remembered: [JobName: StoredJob], interrupted: [JobName: RunNumber]) async {
        await withDiscardingTaskGroup { group in
            adopt(remembered, interrupted: interrupted, in: &group)
            while !Task.isCancelled, !(machine.isStopping && machine.isIdle) {
                let inputs = await parts.inbox.next(atMost: patience)
                step(inputs, in: &group)
            }
            if !machine.isIdle { beginStopping("the worker was cancelled", in: &group) }
        }
        // The steps of a cancelled worker have ended; what they say is still told.
        while !machine.isIdle {
            let inputs = await parts.inbox.next(atMost: .zero)
            if inputs.isEmpty { break }
            await withDiscardingTaskGroup { group in step(inputs, in: &group) }
        }
        reservedThrough = 0
        batch.nextRun = machine.nextRun.number
        flush(at: parts.clock.now)
        parts.inbox.close()
    }

    private func adopt(
        _ remembered: [JobName: StoredJob], interrupted: [JobName: RunNumber], in group: inout DiscardingTaskGroup
    ) {
        let now = parts.clock.now
        for mirror in configuration.settings.mirrors {
            mirrors[mirror.name] = mirror
            guard let job = remembered[mirror.name] else { continue }
            jobs[mirror.name] = job
            batch.jobs[mirror.name] = job
        }
        for (name, job) in jobs where mirrors[name] == nil && !job.isRemoved { remember(removed: name) }
        // Without slots nothing starts before all are there, so the first runs are those of the highest priority.
        let limits = machine.limits
        carryOut(machine.setLimits(JobMachine.Limits(slots: 0), at: now), at: now, in: &group)
        for mirror in configuration.settings.mirrors {
            let history = remembered[mirror.name].map {
                Memory.history(of: $0, interruptedRun: interrupted[mirror.name])
            }
            carryOut(machine.add(mirror.job, history: history, at: now), at: now, in: &group)
        }
        areSchedulesStale = true
        parts.view.set(mirrors: mirrors)
        flush(at: now)
        carryOut(machine.setLimits(limits, at: now), at: now, in: &group)
        flush(at: now)
    }

    // MARK: Inputs

    private func step(_ inputs: [WorkerInput], in group: inout DiscardingTaskGroup) {
        let now = parts.clock.now
        for input in inputs { take(input, at: now, in: &group) }
        if let wake = machine.nextWake, wake <= now { carryOut(machine.tick(at: now), at: now, in: &group) }
        if let stopTime, now.milliseconds - stopTime.milliseconds >= parts.limits.cleanUpMilliseconds {
            // Hooks that clean up have had their time.
            self.stopTime = now
            carryOut(machine.beginStopping(at: now), at: now, in: &group)
        }
        flush(at: now)
    }

    private func take(_ input: WorkerInput, at now: JobTime, in group: inout DiscardingTaskGroup) {
        switch input {
        case .stepEnded(let name, let run, let result):
            carryOut(machine.stepEnded(name, run: run, result, at: now), at: now, in: &group)
        case .command(let command, let name, let by, let answer):
            answer.resume(returning: self.command(command, name, by: by, at: now, in: &group))
        case .explain(let name, let answer):
            // A name that the machine does not know has no explanation.
            answer.resume(returning: try? machine.explain(name, at: now))
        case .apply(let configuration, let answer):
            apply(configuration, at: now, in: &group)
            answer.resume()
        case .known(let manager, let knowledge): resend(to: manager, knowing: knowledge, at: now)
        case .stop(let reason): beginStopping(reason, in: &group)
        }
    }

    private func command(
        _ command: JobCommand, _ name: JobName, by: String, at now: JobTime, in group: inout DiscardingTaskGroup
    ) -> CommandAnswer {
        do {
            askers[name] = by
            carryOut(try machine.handle(command, for: name, by: by, at: now), at: now, in: &group)
            parts.logger.notice("command", metadata: ["command": "\(command)", "mirror": "\(name)", "by": "\(by)"])
            return .accepted
        } catch {
            return error.code == .unknownJob ? .unknownMirror : .refused(error.message)
        }
    }

    private func beginStopping(_ reason: String, in group: inout DiscardingTaskGroup) {
        guard stopTime == nil else { return }
        let now = parts.clock.now
        stopTime = now
        parts.logger.notice("stopping", metadata: ["reason": "\(reason)", "runs": "\(machine.runningCount)"])
        carryOut(machine.beginStopping(at: now), at: now, in: &group)
    }

    /// How long to wait for the next input.
    private var patience: Duration {
        let now = parts.clock.now
        var wake = now.milliseconds + Int64(parts.limits.longestSleep / .milliseconds(1))
        if let next = machine.nextWake { wake = min(wake, next.milliseconds) }
        if areSchedulesStale, let told = schedulesTold { wake = min(wake, told.milliseconds + 1_000) }
        if let stopTime { wake = min(wake, stopTime.milliseconds + parts.limits.cleanUpMilliseconds) }
        return .milliseconds(max(0, wake - now.milliseconds))
    }

    // MARK: Directives

    /// Carries out what the machine wants, in order.
    func carryOut(_ directives: [JobDirective], at now: JobTime, in group: inout DiscardingTaskGroup) {
        for directive in directives {
            switch directive {
            case .perform(let name, let run, let step): perform(step, of: name, run: run, at: now, in: &group)
            case .stop(let name, let run):
                group.addTask { [carrier = parts.carrier] in await carrier.stop(name, run: run) }
            case .report, .schedulesChanged, .removed: note(directive, at: now)
            }
        }
    }

    private func perform(
        _ step: JobStep, of name: JobName, run: RunNumber, at now: JobTime, in group: inout DiscardingTaskGroup
    ) {
        guard let mirror = runs[run]?.mirror ?? mirrors[name] else {
            return parts.inbox.post(
                .stepEnded(name, run, .failed(.configuration, message: "the mirror is not configured")))
        }
        var active = runs[run] ?? ActiveRun(mirror: mirror, started: now)
        if case .beforeAttempt(let attempt) = step { active.attempts = max(active.attempts, attempt) }
        if case .execute(let attempt) = step { active.attempts = max(active.attempts, attempt) }
        runs[run] = active
        group.addTask { [parts] in
            let result = await parts.carrier.perform(step, of: mirror, run: run) { parts.board.progress(run, $0) }
            parts.inbox.post(.stepEnded(name, run, result))
        }
    }

    // MARK: Telling

    /// Hands what came together to the outbox, and shows the numbers.
    func flush(at now: JobTime) {
        let tellsSchedules =
            areSchedulesStale
            && (machine.jobCount <= Self.manyJobs
                || schedulesTold.map { now.milliseconds - $0.milliseconds >= 1_000 } ?? true)
        var schedules: [Outbox.Due]?
        if tellsSchedules {
            let rows = machine.dueTimes().map { Outbox.Due(name: $0.name, time: $0.time) }
            schedules = rows
            parts.outbox.setSchedules(rows)
            areSchedulesStale = false
            schedulesTold = now
        }
        for report in reports {
            batch.events.append((report, nil))
            // As tunasync's worker does: the due times after each status.
            if schedules != nil, report.isPublicState {
                batch.events.append((OutboxEvent(.schedules, at: now), schedules))
            }
        }
        if schedules != nil, !reports.contains(where: \.isPublicState) {
            batch.events.append((OutboxEvent(.schedules, at: now), schedules))
        }
        reports = []
        if machine.nextRun.number + Self.reservedRuns / 2 > reservedThrough, reservedThrough > 0 {
            reservedThrough = machine.nextRun.number + Self.reservedRuns
            batch.nextRun = reservedThrough
        }
        if !batch.isEmpty { parts.outbox.append(batch) }
        batch = Outbox.Batch()
        parts.board.setQueued(machine.waitingCount)
        parts.view.set(
            counts: WorkerView.Counts(
                jobs: machine.jobCount, running: machine.runningCount, waiting: machine.waitingCount))
    }
}
