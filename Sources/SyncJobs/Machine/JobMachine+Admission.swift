// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Who gets a slot: due jobs queue per upstream, and upstreams that have room queue by their first job.
extension JobMachine {
    /// Does what has become due, then gives away the free slots.
    mutating func advance(_ at: JobTime) {
        guard !isStopping else { return }
        while let alarm = alarms.first, alarm.key.time <= at {
            alarms.remove(alarm.identifier, &alarmPositions)
            alarmRang(alarm.identifier, at)
        }
        while slotsUsed < limits.slots, let upstream = ready.first?.identifier,
            let handle = upstreams[upstream.index].waiting.first?.identifier
        {
            dequeue(handle)
            if case .waitingForRetry(let run) = records[handle.index].phase {
                resume(handle, run, at)
            } else {
                begin(handle, isForced: false, at)
            }
        }
    }

    /// The moment of a job has come: it is due, its window opens or closes, or its wait before the next attempt is over.
    private mutating func alarmRang(_ handle: JobHandle, _ at: JobTime) {
        switch records[handle.index].phase {
        case .idle, .waitingForWindow:
            becomeDue(handle, at)
        case .waitingForSlot:
            dequeue(handle)
            becomeDue(handle, at)
        case .backingOff(let run):
            if run.isForced {
                resume(handle, run, at)
            } else {
                records[handle.index].phase = .waitingForRetry(run)
                enqueue(handle)
            }
        case .absent, .running, .waitingForRetry, .paused, .disabled:
            break
        }
    }

    /// Lets a due job wait for its window, or for a slot until its window closes.
    mutating func becomeDue(_ handle: JobHandle, _ at: JobTime) {
        let timing = records[handle.index].spec.timing
        if timing.isOpen(at: at) {
            records[handle.index].phase = .waitingForSlot
            setAlarm(handle, timing.windows.isEmpty ? nil : timing.closing(after: at))
            enqueue(handle)
        } else {
            records[handle.index].phase = .waitingForWindow
            setAlarm(handle, timing.opening(from: at))
            schedulesDiffer = true
        }
    }

    /// Sets or clears the next moment of a job.
    mutating func setAlarm(_ handle: JobHandle, _ time: JobTime?) {
        if let time {
            alarms.set(handle, AlarmKey(time: time, name: records[handle.index].spec.name), &alarmPositions)
        } else {
            alarms.remove(handle, &alarmPositions)
        }
    }

    /// What orders a job among those that wait for a slot.
    func waitingKey(_ handle: JobHandle) -> WaitingKey {
        let record = records[handle.index]
        var due = record.due ?? latest
        if case .waitingForRetry(let run) = record.phase { due = run.retryDue ?? due }
        return WaitingKey(priority: record.spec.priority, due: due, name: record.spec.name)
    }

    /// Puts a job among those that wait for a slot.
    mutating func enqueue(_ handle: JobHandle) {
        let upstream = records[handle.index].upstream
        let key = waitingKey(handle)
        upstreams[upstream.index].waiting.set(handle, key, &waitingPositions)
        waitingCount += 1
        refresh(upstream)
    }

    /// Takes a job out of everything that it waits in.
    mutating func dequeue(_ handle: JobHandle) {
        alarms.remove(handle, &alarmPositions)
        let upstream = records[handle.index].upstream
        if upstreams[upstream.index].waiting.remove(handle, &waitingPositions) {
            waitingCount -= 1
            refresh(upstream)
        }
    }

    /// Makes an upstream ready for a slot, or not.
    mutating func refresh(_ upstream: UpstreamHandle) {
        if upstreams[upstream.index].hasRoom, let first = upstreams[upstream.index].waiting.first {
            ready.set(upstream, first.key, &readyPositions)
        } else {
            ready.remove(upstream, &readyPositions)
        }
    }

    /// Counts a run that performs steps.
    mutating func occupy(_ run: JobRun) {
        runningCount += 1
        if !run.isForced { slotsUsed += 1 }
        upstreams[run.upstream.index].running += 1
        upstreams[run.upstream.index].references += 1
        refresh(run.upstream)
    }

    /// Counts it no more.
    mutating func vacate(_ run: JobRun) {
        runningCount -= 1
        if !run.isForced { slotsUsed -= 1 }
        upstreams[run.upstream.index].running -= 1
        letGo(run.upstream)
    }

    /// The limit of an upstream.
    func limit(of upstream: String) -> Int? {
        upstream.isEmpty ? nil : limits.upstreamLimits[upstream] ?? limits.upstreamDefault
    }

    /// Finds or makes an upstream, and refers to it.
    mutating func refer(to name: String) -> UpstreamHandle {
        if let known = upstreamHandles[name] {
            upstreams[known.index].references += 1
            return known
        }
        let record = UpstreamRecord(name: name, limit: limit(of: name), references: 1)
        let handle: UpstreamHandle
        if let free = freeUpstreams.popLast() {
            upstreams[free.index] = record
            handle = free
        } else {
            upstreams.append(record)
            handle = UpstreamHandle(index: upstreams.count - 1)
        }
        upstreamHandles[name] = handle
        return handle
    }

    /// Refers to an upstream no more.
    mutating func letGo(_ upstream: UpstreamHandle) {
        upstreams[upstream.index].references -= 1
        guard upstreams[upstream.index].references == 0 else {
            refresh(upstream)
            return
        }
        ready.remove(upstream, &readyPositions)
        upstreamHandles[upstreams[upstream.index].name] = nil
        freeUpstreams.append(upstream)
    }
}
