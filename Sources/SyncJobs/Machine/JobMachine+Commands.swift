// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What people ask of jobs.
///
/// | command | idle | waiting | running | paused | disabled |
/// |---|---|---|---|---|---|
/// | start | due now | no change; a wait before an attempt ends | no change; a stop that is under way becomes a restart | due now | due now |
/// | start, forced | runs | runs | as above | runs | runs |
/// | restart | due now | no change; a wait before an attempt ends as failed and the job is due now | ends as failed, due now | due now | due now |
/// | stop | paused | paused | ends as paused | no change | no change |
/// | disable | disabled | disabled | ends as disabled | disabled | no change |
/// | enable | no change | no change | no change; a stop that is under way leaves it in the schedule | by its timing | by its timing |
/// | ping | no change | no change | no change | no change | no change |
extension JobMachine {
    /// Carries out a command.
    ///
    /// - Parameters:
    ///   - command: what is asked.
    ///   - name: of which job.
    ///   - by: who asks, for explanations; empty when unknown.
    ///   - at: the present time.
    /// - Returns: what to do now.
    /// - Throws: ``JobError/Code/unknownJob``; ``JobError/Code/removing`` for a job that is on its way out; ``JobError/Code/stopping`` for a start or a restart when the worker stops.
    public mutating func handle(
        _ command: JobCommand, for name: JobName, by: String, at: JobTime
    ) throws(JobError) -> [JobDirective] {
        let handle = try known(name)
        observe(at)
        if case .running(let run) = records[handle.index].phase, run.ending == .removal {
            throw JobError(.removing, "\(name) is being removed: its run is ending")
        }
        switch command {
        case .ping:
            return drain()
        case .start(let isForced):
            try requireNotStopping(name)
            start(handle, isForced: isForced, by, at)
        case .restart:
            try requireNotStopping(name)
            restart(handle, by, at)
        case .stop:
            stop(handle, JobHold(by: by, since: at), at)
        case .disable:
            disable(handle, JobHold(by: by, since: at), at)
        case .enable:
            enable(handle, by, at)
        }
        advance(at)
        tellRelease(handle)
        return drain()
    }

    /// Finds a job.
    func known(_ name: JobName) throws(JobError) -> JobHandle {
        guard let handle = handles[name] else { throw JobError(.unknownJob, "there is no job \(name)") }
        return handle
    }

    private func requireNotStopping(_ name: JobName) throws(JobError) {
        if isStopping { throw JobError(.stopping, "\(name) does not start: the worker is stopping") }
    }

    private mutating func start(_ handle: JobHandle, isForced: Bool, _ by: String, _ at: JobTime) {
        switch records[handle.index].phase {
        case .absent:
            break
        case .idle, .paused, .disabled:
            if isForced {
                begin(handle, isForced: true, at)
            } else {
                schedule(handle, at, .command(by: by), at)
            }
        case .waitingForWindow, .waitingForSlot:
            if isForced { begin(handle, isForced: true, at) }
        case .running(let run):
            switch run.ending {
            case nil, .shutdown, .removal: break
            case .pause, .disable, .resume:
                setEnding(handle, .restart(why: "stopped and started again", by: by, isForced: isForced))
            case .restart(let why, let first, let wasForced):
                setEnding(handle, .restart(why: why, by: first, isForced: wasForced || isForced))
            }
        case .backingOff(var run), .waitingForRetry(var run):
            dequeue(handle)
            run.isForced = run.isForced || isForced
            run.retryDue = at
            if run.isForced {
                resume(handle, run, at)
            } else {
                records[handle.index].phase = .waitingForRetry(run)
                enqueue(handle)
            }
        }
    }

    private mutating func restart(_ handle: JobHandle, _ by: String, _ at: JobTime) {
        let ending = JobRun.Ending.restart(why: "restarted", by: by, isForced: false)
        switch records[handle.index].phase {
        case .absent, .waitingForWindow, .waitingForSlot:
            break
        case .idle, .paused, .disabled:
            schedule(handle, at, .command(by: by), at)
        case .running, .backingOff, .waitingForRetry:
            end(handle, ending, at)
        }
    }

    private mutating func stop(_ handle: JobHandle, _ hold: JobHold, _ at: JobTime) {
        switch records[handle.index].phase {
        case .absent, .paused, .disabled:
            break
        case .idle, .waitingForWindow, .waitingForSlot:
            dequeue(handle)
            self.hold(handle, .paused, hold)
        case .running(let run):
            if case .disable = run.ending {
                end(handle, run.ending, at)
            } else {
                end(handle, .pause(hold), at)
            }
        case .backingOff, .waitingForRetry:
            end(handle, .pause(hold), at)
        }
    }

    private mutating func disable(_ handle: JobHandle, _ hold: JobHold, _ at: JobTime) {
        switch records[handle.index].phase {
        case .absent, .disabled:
            break
        case .idle, .waitingForWindow, .waitingForSlot, .paused:
            dequeue(handle)
            self.hold(handle, .disabled, hold)
        case .running, .backingOff, .waitingForRetry:
            end(handle, .disable(hold), at)
        }
    }

    private mutating func enable(_ handle: JobHandle, _ by: String, _ at: JobTime) {
        switch records[handle.index].phase {
        case .absent, .idle, .waitingForWindow, .waitingForSlot, .backingOff, .waitingForRetry:
            break
        case .paused, .disabled:
            scheduleByTiming(handle, at)
        case .running(let run):
            switch run.ending {
            case .pause, .disable: setEnding(handle, .resume(by: by))
            case nil, .restart, .resume, .shutdown, .removal: break
            }
        }
    }

    /// Ends the run of a job, now or when its step ends.
    mutating func end(_ handle: JobHandle, _ ending: JobRun.Ending?, _ at: JobTime) {
        switch records[handle.index].phase {
        case .running(let run):
            setEnding(handle, ending)
            output.append(.stop(records[handle.index].spec.name, run: run.number))
        case .backingOff(var run), .waitingForRetry(var run):
            dequeue(handle)
            run.ending = ending
            finishStopped(handle, run, isOccupied: false, at)
        case .absent, .idle, .waitingForWindow, .waitingForSlot, .paused, .disabled:
            break
        }
    }

    private mutating func setEnding(_ handle: JobHandle, _ ending: JobRun.Ending?) {
        guard case .running(var run) = records[handle.index].phase else { return }
        run.ending = ending
        records[handle.index].phase = .running(run)
    }

    /// Holds a job back that has no run.
    mutating func hold(_ handle: JobHandle, _ state: JobState, _ hold: JobHold) {
        records[handle.index].phase = state == .disabled ? .disabled(hold) : .paused(hold)
        if records[handle.index].due != nil {
            records[handle.index].due = nil
            schedulesDiffer = true
        }
        if records[handle.index].state != state {
            report(handle, state, nil, message: Self.text(state == .disabled ? "disabled" : "stopped", by: hold.by))
        }
    }

    /// Tells that a job is no longer held back when it did not begin at once.
    private mutating func tellRelease(_ handle: JobHandle) {
        switch records[handle.index].phase {
        case .idle, .waitingForWindow, .waitingForSlot:
            if [.paused, .disabled].contains(records[handle.index].state) { report(handle, .none, nil) }
        case .absent, .running, .backingOff, .waitingForRetry, .paused, .disabled:
            break
        }
    }
}
