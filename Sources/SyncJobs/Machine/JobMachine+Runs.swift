// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The life of a run: its steps in their order, its reports, and what comes after it.
extension JobMachine {
    /// Takes note of how a step ended that ``JobDirective/perform(_:run:_:)`` asked for.
    ///
    /// A hook's message is told as `error exec hook PHASE: MESSAGE`, as tunasync's worker does. What comes for a run that is over changes nothing.
    ///
    /// - Parameters:
    ///   - name: the job.
    ///   - run: the run.
    ///   - result: how its step ended.
    ///   - at: the present time.
    /// - Returns: what to do now.
    public mutating func stepEnded(_ name: JobName, run: RunNumber, _ result: StepResult, at: JobTime) -> [JobDirective]
    {
        observe(at)
        guard let handle = handles[name], case .running(var current) = records[handle.index].phase,
            current.number == run
        else {
            advance(at)
            return drain()
        }
        if case .done(let size?) = result, !size.isEmpty { current.size = size }
        if current.ending == nil {
            switch result {
            case .done:
                goOn(handle, current, at)
            case .failed(let failureClass, let message):
                fail(handle, current, failureClass, message, at)
            case .stopped:
                fail(handle, current, .interrupted, "ended by something other than the worker", at)
            }
        } else {
            endStopped(handle, current, result, at)
        }
        advance(at)
        return drain()
    }

    /// Begins a run of a job that is not running.
    mutating func begin(_ handle: JobHandle, isForced: Bool, _ at: JobTime) {
        dequeue(handle)
        let run = JobRun(
            number: nextRun, started: at, upstream: records[handle.index].upstream, isForced: isForced)
        nextRun = RunNumber(nextRun.number + 1)
        openRuns += 1
        occupy(run)
        records[handle.index].due = nil
        schedulesDiffer = true
        report(handle, .preSyncing, run)
        perform(handle, run, .beforeJob, at)
    }

    /// Begins the next attempt of a run that waited for it.
    mutating func resume(_ handle: JobHandle, _ waiting: JobRun, _ at: JobTime) {
        dequeue(handle)
        var run = waiting
        run.upstream = records[handle.index].upstream
        run.retryDue = nil
        occupy(run)
        beginAttempt(handle, run, at)
    }

    private mutating func perform(_ handle: JobHandle, _ current: JobRun, _ step: JobStep, _ at: JobTime) {
        var run = current
        run.step = step
        run.stepStarted = at
        records[handle.index].phase = .running(run)
        output.append(.perform(records[handle.index].spec.name, run: run.number, step))
    }

    private mutating func beginAttempt(_ handle: JobHandle, _ current: JobRun, _ at: JobTime) {
        var run = current
        run.attempt += 1
        run.failure = nil
        perform(handle, run, .beforeAttempt(run.attempt), at)
    }

    /// What follows a step that did what it was to do.
    private mutating func goOn(_ handle: JobHandle, _ run: JobRun, _ at: JobTime) {
        switch run.step {
        case .beforeJob:
            beginAttempt(handle, run, at)
        case .beforeAttempt(let attempt):
            report(handle, .syncing, run)
            perform(handle, run, .execute(attempt: attempt), at)
        case .execute(let attempt):
            perform(handle, run, .afterAttempt(attempt), at)
        case .afterAttempt(let attempt):
            perform(handle, run, run.failure == nil ? .publish(attempt: attempt) : .afterFailure(attempt: attempt), at)
        case .publish(let attempt):
            perform(handle, run, .afterSuccess(attempt: attempt), at)
        case .afterSuccess:
            succeed(handle, run, at)
        case .afterFailure:
            endFailedAttempt(handle, run, at)
        }
    }

    /// What follows a step that failed.
    private mutating func fail(
        _ handle: JobHandle, _ current: JobRun, _ failureClass: FailureClass, _ message: String, _ at: JobTime
    ) {
        var run = current
        if let phase = run.step.hookPhase {
            var text = "error exec hook \(phase): \(message)"
            if let failure = run.failure { text += "; the attempt had failed: \(failure.message)" }
            endFailedRun(handle, run, JobRun.Failure(failureClass: .hook, message: text), at)
            return
        }
        run.failure = JobRun.Failure(failureClass: failureClass, message: message)
        if case .execute(let attempt) = run.step {
            perform(handle, run, .afterAttempt(attempt), at)
        } else {
            perform(handle, run, .afterFailure(attempt: run.attempt), at)
        }
    }

    private mutating func succeed(_ handle: JobHandle, _ run: JobRun, _ at: JobTime) {
        close(run, isOccupied: true)
        records[handle.index].lastEnded = at
        records[handle.index].lastSuccess = at
        records[handle.index].lastFailure = nil
        records[handle.index].failedRuns = 0
        report(handle, .success, run, isFinal: true)
        settle(handle, run.ending, at)
    }

    /// Tries again, at once or later, or ends the run.
    private mutating func endFailedAttempt(_ handle: JobHandle, _ current: JobRun, _ at: JobTime) {
        var run = current
        let failure =
            run.failure ?? JobRun.Failure(failureClass: .interrupted, message: "the attempt has no result")
        let retry = records[handle.index].spec.retry
        let wait = retry.backoff.wait(afterFailures: run.attempt)
        let next = at.adding(milliseconds: wait)
        guard run.attempt < retry.attempts(after: failure.failureClass),
            wait == 0 || run.isForced || records[handle.index].spec.timing.isOpen(at: next)
        else {
            endFailedRun(handle, run, failure, at)
            return
        }
        report(handle, .failed, run, message: failure.message, failure: failure.failureClass)
        if wait == 0 {
            beginAttempt(handle, run, at)
            return
        }
        vacate(run)
        run.retryDue = next
        run.stepStarted = at
        records[handle.index].phase = .backingOff(run)
        setAlarm(handle, next)
    }

    private mutating func endFailedRun(
        _ handle: JobHandle, _ run: JobRun, _ failure: JobRun.Failure, _ at: JobTime
    ) {
        close(run, isOccupied: true)
        records[handle.index].lastEnded = at
        records[handle.index].lastFailure = failure.failureClass
        records[handle.index].failedRuns += 1
        report(handle, .failed, run, message: failure.message, failure: failure.failureClass, isFinal: true)
        settle(handle, run.ending, at)
    }

    /// A step of a run that is to end has ended.
    private mutating func endStopped(_ handle: JobHandle, _ run: JobRun, _ result: StepResult, _ at: JobTime) {
        switch (run.step, result) {
        case (.execute(let attempt), _):
            perform(handle, run, .afterAttempt(attempt), at)
        case (.afterSuccess, .done):
            succeed(handle, run, at)
        case (.beforeJob, _), (.beforeAttempt, _), (.afterAttempt, _), (.publish, _), (.afterFailure, _),
            (.afterSuccess, _):
            finishStopped(handle, run, isOccupied: true, at)
        }
    }

    /// Ends a run because somebody asked for it.
    mutating func finishStopped(_ handle: JobHandle, _ run: JobRun, isOccupied: Bool, _ at: JobTime) {
        close(run, isOccupied: isOccupied)
        records[handle.index].lastEnded = at
        records[handle.index].lastFailure = .interrupted
        let interrupted: String
        switch run.ending {
        case .pause(let hold):
            report(handle, .paused, run, message: Self.text("stopped", by: hold.by), isFinal: true)
            return settle(handle, run.ending, at)
        case .disable(let hold):
            report(handle, .disabled, run, message: Self.text("disabled", by: hold.by), isFinal: true)
            return settle(handle, run.ending, at)
        case .removal:
            report(handle, .disabled, run, message: "no longer configured", isFinal: true)
            return settle(handle, run.ending, at)
        case .restart(let why, let by, _): interrupted = Self.text(why, by: by)
        case .resume(let by): interrupted = Self.text("stopped and enabled again", by: by)
        case .shutdown, nil: interrupted = "the worker was stopped"
        }
        report(handle, .failed, run, message: interrupted, failure: .interrupted, isFinal: true)
        settle(handle, run.ending, at)
    }

    /// Counts a run no more.
    private mutating func close(_ run: JobRun, isOccupied: Bool) {
        if isOccupied { vacate(run) }
        openRuns -= 1
    }

    /// What becomes of a job after its run.
    private mutating func settle(_ handle: JobHandle, _ ending: JobRun.Ending?, _ at: JobTime) {
        schedulesDiffer = true
        switch ending {
        case .pause(let hold):
            self.hold(handle, .paused, hold)
        case .disable(let hold):
            self.hold(handle, .disabled, hold)
        case .removal:
            forget(handle)
        case .restart(_, let by, let isForced):
            if isStopping {
                scheduleByTiming(handle, at)
            } else if isForced {
                records[handle.index].phase = .idle
                begin(handle, isForced: true, at)
            } else {
                schedule(handle, at, .command(by: by), at)
            }
        case .resume, .shutdown, nil:
            scheduleByTiming(handle, at)
        }
    }

    static func text(_ what: String, by: String) -> String { by.isEmpty ? what : "\(what) by \(by)" }
}
