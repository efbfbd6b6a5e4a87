// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// When jobs are due.
extension JobMachine {
    /// How far the clock may go back before due times are looked at again, in milliseconds.
    static let clockTolerance: Int64 = 60_000

    /// Takes note of the present time.
    mutating func observe(_ at: JobTime) {
        if at >= latest {
            latest = at
        } else if latest.milliseconds &- at.milliseconds > Self.clockTolerance {
            latest = at
            nearDueTimes(at)
        }
    }

    /// The next due time of a job that is neither running nor held back.
    func nextDue(_ handle: JobHandle, _ at: JobTime) -> (time: JobTime?, cause: JobRecord.DueCause) {
        let record = records[handle.index]
        guard let ended = record.lastEnded else {
            if case .interval = record.spec.timing.trigger { return (at, .first) }
            return (jittered(record.spec, record.spec.timing.cronTime(after: at)), .timing)
        }
        let timed = dueByTiming(record.spec, after: ended)
        guard let timed, let backoff = record.spec.retry.afterFailedRun, record.failedRuns > 0,
            record.lastFailure?.mayPassByItself ?? false
        else { return (timed, .timing) }
        let again = ended.adding(milliseconds: backoff.wait(afterFailures: record.failedRuns))
        return again < timed ? (again, .failures(record.failedRuns)) : (timed, .timing)
    }

    /// The due time that follows from the end of a run.
    private func dueByTiming(_ spec: JobSpec, after ended: JobTime) -> JobTime? {
        switch spec.timing.trigger {
        case .interval(let milliseconds):
            let pause = max(milliseconds, limits.shortestPauseMilliseconds)
            return jittered(spec, ended.adding(milliseconds: pause))
        case .cron:
            return jittered(spec, spec.timing.cronTime(after: ended))
        case .manual:
            return nil
        }
    }

    /// Puts a due time off by a part of the jitter that follows from the seed, the job and the time alone.
    private func jittered(_ spec: JobSpec, _ time: JobTime?) -> JobTime? {
        guard let time, spec.timing.jitterMilliseconds > 0 else { return time }
        var hash = seed ^ 0xcbf2_9ce4_8422_2325
        for byte in spec.name.text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        var mixed = hash &+ UInt64(bitPattern: time.milliseconds) &* 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        mixed ^= mixed >> 31
        let part = mixed % (UInt64(spec.timing.jitterMilliseconds) &+ 1)
        return time.adding(milliseconds: Int64(truncatingIfNeeded: part))
    }

    /// Puts a job without a run into the schedule by its timing.
    mutating func scheduleByTiming(_ handle: JobHandle, _ at: JobTime) {
        let next = nextDue(handle, at)
        schedule(handle, next.time, next.cause, at)
    }

    /// Puts a job without a run into the schedule.
    mutating func schedule(_ handle: JobHandle, _ due: JobTime?, _ cause: JobRecord.DueCause, _ at: JobTime) {
        records[handle.index].phase = .idle
        records[handle.index].due = due
        records[handle.index].dueCause = cause
        schedulesDiffer = true
        if let due, due <= at, !isStopping {
            becomeDue(handle, at)
        } else {
            setAlarm(handle, due)
        }
    }

    /// The clock was set back: no due time stays farther away than the job's timing says.
    private mutating func nearDueTimes(_ at: JobTime) {
        for handle in handles.values.sorted(by: { $0.index < $1.index }) {
            if let ended = records[handle.index].lastEnded, ended > at { records[handle.index].lastEnded = at }
            switch records[handle.index].phase {
            case .idle:
                guard let due = records[handle.index].due, due > at else { continue }
                let next = nextDue(handle, at)
                if let time = next.time, time < due { schedule(handle, time, next.cause, at) }
            case .waitingForWindow, .waitingForSlot:
                dequeue(handle)
                if let due = records[handle.index].due { records[handle.index].due = min(due, at) }
                becomeDue(handle, at)
            case .backingOff(var run):
                let longest = records[handle.index].spec.retry.backoff.wait(afterFailures: run.attempt)
                run.retryDue = min(run.retryDue ?? at, at.adding(milliseconds: longest))
                records[handle.index].phase = .backingOff(run)
                setAlarm(handle, run.retryDue)
            case .absent, .running, .waitingForRetry, .paused, .disabled:
                break
            }
        }
    }
}
