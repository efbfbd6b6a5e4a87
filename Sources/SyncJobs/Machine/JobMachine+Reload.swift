// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Taking over, changing and giving up jobs.
extension JobMachine {
    /// Takes over a job.
    ///
    /// A job that was paused or disabled stays so. One that was under way when the last worker died is reported as failed by interruption and is due at once, unless it only runs when
    /// somebody starts it. After success, and after a failure of which the kind is known, the next run is due as it would have been without the restart; after a failure of
    /// an unknown kind as tunasync's worker does it, an interval after the last success. A job that never succeeded is due at once when it has an interval.
    /// A due time that has passed meanwhile is due now, once.
    ///
    /// Adding a job that is there changes it as ``replace(_:restartsRun:at:)`` does; one that is being removed stays and runs again.
    ///
    /// - Parameters:
    ///   - spec: the job.
    ///   - history: what is remembered of it; nothing when it is new.
    ///   - at: the present time.
    /// - Returns: what to do now.
    public mutating func add(_ spec: JobSpec, history: JobHistory?, at: JobTime) -> [JobDirective] {
        observe(at)
        if let handle = handles[spec.name] {
            if case .running(var run) = records[handle.index].phase, run.ending == .removal {
                run.ending = .restart(why: "removed and configured again", by: "", isForced: false)
                records[handle.index].phase = .running(run)
            }
            change(handle, to: spec, restartsRun: false, at)
        } else {
            adopt(insert(spec), history, at)
        }
        advance(at)
        return drain()
    }

    /// Changes a job.
    ///
    /// - Parameters:
    ///   - spec: the job as it is to be.
    ///   - restartsRun: whether a run that is under way is ended and begun again with it, and whether a job whose last run failed is due at once; else the next run is the first that differs.
    ///   - at: the present time.
    /// - Returns: what to do now.
    /// - Throws: ``JobError/Code/unknownJob``, or ``JobError/Code/removing`` for a job that is on its way out.
    public mutating func replace(
        _ spec: JobSpec, restartsRun: Bool, at: JobTime
    ) throws(JobError) -> [JobDirective] {
        let handle = try known(spec.name)
        observe(at)
        if case .running(let run) = records[handle.index].phase, run.ending == .removal {
            throw JobError(.removing, "\(spec.name) is being removed: its run is ending")
        }
        change(handle, to: spec, restartsRun: restartsRun, at)
        advance(at)
        return drain()
    }

    /// Gives up a job: its run is ended first, its last report is disabled, and ``JobDirective/removed(_:)`` follows.
    ///
    /// - Parameters:
    ///   - name: the job.
    ///   - at: the present time.
    /// - Returns: what to do now.
    /// - Throws: ``JobError/Code/unknownJob``.
    public mutating func remove(_ name: JobName, at: JobTime) throws(JobError) -> [JobDirective] {
        let handle = try known(name)
        observe(at)
        switch records[handle.index].phase {
        case .running, .backingOff, .waitingForRetry:
            end(handle, .removal, at)
        case .absent, .idle, .waitingForWindow, .waitingForSlot, .paused, .disabled:
            dequeue(handle)
            forget(handle)
        }
        advance(at)
        return drain()
    }

    private mutating func insert(_ spec: JobSpec) -> JobHandle {
        let record = JobRecord(spec: spec, upstream: refer(to: spec.upstream))
        let handle: JobHandle
        if let free = freeHandles.popLast() {
            records[free.index] = record
            handle = free
        } else {
            records.append(record)
            handle = JobHandle(index: records.count - 1)
        }
        handles[spec.name] = handle
        return handle
    }

    private mutating func adopt(_ handle: JobHandle, _ history: JobHistory?, _ at: JobTime) {
        guard let history else { return scheduleByTiming(handle, at) }
        records[handle.index].state = history.state
        records[handle.index].lastEnded = history.lastEnded.map { min($0, at) }
        records[handle.index].lastSuccess = history.lastSuccess
        records[handle.index].lastFailure = history.failure
        records[handle.index].failedRuns = max(history.failedRuns, 0)
        switch history.state {
        case .paused:
            records[handle.index].phase = .paused(JobHold(by: history.heldBy, since: history.heldSince))
        case .disabled:
            records[handle.index].phase = .disabled(JobHold(by: history.heldBy, since: history.heldSince))
        case .syncing, .preSyncing:
            adoptInterrupted(handle, history, at)
        case .none, .failed, .success:
            // A run that died between two attempts was told as failed, but not as over.
            if history.interruptedRun == nil {
                adoptEnded(handle, history, at)
            } else {
                adoptInterrupted(handle, history, at)
            }
        }
    }

    private mutating func adoptInterrupted(_ handle: JobHandle, _ history: JobHistory, _ at: JobTime) {
        records[handle.index].lastEnded = at
        records[handle.index].lastFailure = .interrupted
        records[handle.index].failedRuns += 1
        records[handle.index].state = .failed
        output.append(
            .report(
                JobReport(
                    name: records[handle.index].spec.name, state: .failed, run: history.interruptedRun,
                    message: "the worker that ran it died", failure: .interrupted, isFinal: true)))
        scheduleAgain(handle, at)
    }

    private mutating func adoptEnded(_ handle: JobHandle, _ history: JobHistory, _ at: JobTime) {
        let isInterval: Bool
        switch records[handle.index].spec.timing.trigger {
        case .interval: isInterval = true
        case .cron, .manual: isInterval = false
        }
        if history.state == .failed && history.failure == .interrupted {
            scheduleAgain(handle, at)
        } else if isInterval && history.lastSuccess == nil {
            schedule(handle, at, .first, at)
        } else if isInterval && history.state == .failed && history.failure == nil {
            let ended = records[handle.index].lastEnded
            records[handle.index].lastEnded = history.lastSuccess.map { min($0, at) }
            let next = nextDue(handle, at)
            records[handle.index].lastEnded = ended
            schedule(handle, next.time, next.cause, at)
        } else {
            scheduleByTiming(handle, at)
        }
    }

    /// Makes a job due whose run was interrupted, unless only people start it.
    private mutating func scheduleAgain(_ handle: JobHandle, _ at: JobTime) {
        if case .manual = records[handle.index].spec.timing.trigger {
            scheduleByTiming(handle, at)
        } else {
            schedule(handle, at, .interrupted, at)
        }
    }

    private mutating func change(_ handle: JobHandle, to spec: JobSpec, restartsRun: Bool, _ at: JobTime) {
        let old = records[handle.index].spec
        let isWaiting = isWaiting(handle)
        if isWaiting { dequeue(handle) }
        if old.upstream != spec.upstream {
            let former = records[handle.index].upstream
            records[handle.index].upstream = refer(to: spec.upstream)
            letGo(former)
        }
        records[handle.index].spec = spec
        let restart = JobRun.Ending.restart(why: "configured anew", by: "", isForced: false)
        switch records[handle.index].phase {
        case .absent, .paused, .disabled:
            break
        case .idle:
            if restartsRun, records[handle.index].lastFailure != nil, spec.timing.trigger != .manual {
                schedule(handle, at, .configuration, at)
            } else if old.timing != spec.timing || old.retry != spec.retry {
                scheduleByTiming(handle, at)
            }
        case .waitingForWindow, .waitingForSlot:
            dequeue(handle)
            becomeDue(handle, at)
        case .running(let run):
            if restartsRun, run.ending == nil { end(handle, restart, at) }
        case .backingOff:
            if restartsRun { end(handle, restart, at) }
        case .waitingForRetry:
            enqueue(handle)
            if restartsRun { end(handle, restart, at) }
        }
    }

    private func isWaiting(_ handle: JobHandle) -> Bool {
        switch records[handle.index].phase {
        case .waitingForSlot, .waitingForRetry: true
        case .absent, .idle, .waitingForWindow, .running, .backingOff, .paused, .disabled: false
        }
    }

    /// Forgets a job that has no run.
    mutating func forget(_ handle: JobHandle) {
        let name = records[handle.index].spec.name
        if records[handle.index].state != .disabled { report(handle, .disabled, nil, message: "no longer configured") }
        if records[handle.index].due != nil { schedulesDiffer = true }
        output.append(.removed(name))
        letGo(records[handle.index].upstream)
        records[handle.index].phase = .absent
        records[handle.index].due = nil
        handles[name] = nil
        freeHandles.append(handle)
    }
}
