// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What must hold between two inputs, whatever came before.
extension JobMachine {
    /// Checks the machine's state against its rules.
    ///
    /// - Throws: ``JobError/Code/invariantBroken`` with the rule that does not hold.
    /// - Complexity: O(n) for n jobs; for tests and simulations.
    public func checkInvariants() throws(JobError) {
        var counts = Counts()
        var usage: [Int: Int] = [:]
        var references: [Int: Int] = [:]
        try require(output.isEmpty, "directives were left behind")
        try require(handles.count + freeHandles.count == records.count, "a job was lost")
        try require(freeHandles.allSatisfy { isAbsent($0) }, "a free job is in use")
        for (name, handle) in handles {
            let record = records[handle.index]
            try require(record.spec.name == name && !isAbsent(handle), "\(name) leads to \(record.spec.name)")
            references[record.upstream.index, default: 0] += 1
            if case .running(let run) = record.phase {
                counts.running += 1
                if !run.isForced { counts.slots += 1 }
                usage[run.upstream.index, default: 0] += 1
                references[run.upstream.index, default: 0] += 1
            }
            if record.run != nil { counts.open += 1 }
            try check(handle, record, &counts)
        }
        try require(counts.running == runningCount, "\(counts.running) runs perform steps, not \(runningCount)")
        try require(counts.slots == slotsUsed, "\(counts.slots) slots are used, not \(slotsUsed)")
        try require(counts.open == openRuns, "\(counts.open) runs are open, not \(openRuns)")
        try require(counts.waiting == waitingCount, "\(counts.waiting) jobs wait, not \(waitingCount)")
        try require(counts.alarms == alarms.count, "\(counts.alarms) alarms are set, not \(alarms.count)")
        try require(alarms.isConsistent(alarmPositions), "the alarms are out of order")
        try require(ready.isConsistent(readyPositions), "the upstreams are out of order")
        if !isStopping, slotsUsed < limits.slots, let first = ready.first {
            throw JobError(.invariantBroken, "a slot is free and \(first.key.name) waits")
        }
        for index in upstreams.indices {
            try check(UpstreamHandle(index: index), usage[index] ?? 0, references[index] ?? 0)
        }
    }

    private struct Counts {
        var running = 0
        var slots = 0
        var open = 0
        var waiting = 0
        var alarms = 0
    }

    private func check(_ handle: JobHandle, _ record: JobRecord, _ counts: inout Counts) throws(JobError) {
        let name = record.spec.name
        let hasAlarm = alarms.contains(handle, alarmPositions)
        let isQueued = upstreams[record.upstream.index].waiting.contains(handle, waitingPositions)
        if hasAlarm { counts.alarms += 1 }
        if isQueued { counts.waiting += 1 }
        switch record.phase {
        case .absent:
            break
        case .idle:
            try require(hasAlarm == (record.due != nil), "\(name) is due and has no alarm")
        case .waitingForWindow:
            try require(record.due != nil, "\(name) waits for its window and is not due")
        case .waitingForSlot:
            try require(isQueued && record.due != nil, "\(name) waits for a slot in no queue")
        case .backingOff:
            try require(hasAlarm, "\(name) waits for an attempt that never comes")
        case .waitingForRetry:
            try require(isQueued, "\(name) waits for a slot in no queue")
        case .running:
            try require(!hasAlarm && record.due == nil, "\(name) runs and is due")
        case .paused, .disabled:
            try require(!hasAlarm && record.due == nil, "\(name) is held back and due")
        }
        switch record.phase {
        case .waitingForSlot, .waitingForRetry: break
        case .absent, .idle, .waitingForWindow, .backingOff, .running, .paused, .disabled:
            try require(!isQueued, "\(name) is in a queue and does not wait")
        }
        try require(
            Self.fits(record.state, record.phase), "\(name) is \(record.state.rawValue) and does something else")
    }

    /// Whether a public state may be told of a phase.
    private static func fits(_ state: JobState, _ phase: JobRecord.Phase) -> Bool {
        switch phase {
        case .absent: true
        case .idle, .waitingForWindow, .waitingForSlot: [.none, .failed, .success].contains(state)
        case .backingOff, .waitingForRetry: state == .failed
        case .running(let run):
            switch run.step {
            case .beforeJob: state == .preSyncing
            case .beforeAttempt: run.attempt == 1 ? state == .preSyncing : state == .failed
            case .execute, .afterAttempt, .publish, .afterSuccess, .afterFailure: state == .syncing
            }
        case .paused: state == .paused
        case .disabled: state == .disabled
        }
    }

    private func check(_ handle: UpstreamHandle, _ usage: Int, _ references: Int) throws(JobError) {
        let upstream = upstreams[handle.index]
        let name = upstream.name.isEmpty ? "(no upstream)" : upstream.name
        guard upstream.references > 0 else {
            try require(upstream.waiting.isEmpty && usage == 0 && references == 0, "\(name) was forgotten too early")
            return
        }
        try require(upstreamHandles[upstream.name] == handle, "\(name) is not found by its name")
        try require(upstream.running == usage, "\(usage) runs count for \(name), not \(upstream.running)")
        try require(upstream.references == references, "\(references) refer to \(name), not \(upstream.references)")
        try require(upstream.limit == limit(of: upstream.name), "\(name) has an old limit")
        try require(upstream.waiting.isConsistent(waitingPositions), "the jobs that wait for \(name) are out of order")
        let isReady = ready.contains(handle, readyPositions)
        try require(isReady == (upstream.hasRoom && !upstream.waiting.isEmpty), "\(name) is wrongly ready, or not")
        if isReady, let first = upstream.waiting.first, let position = readyPositions[handle.index] {
            try require(ready.entries[position].key == first.key, "\(name) is ready for another job")
        }
    }

    private func isAbsent(_ handle: JobHandle) -> Bool {
        if case .absent = records[handle.index].phase { true } else { false }
    }

    private func require(_ holds: Bool, _ rule: @autoclosure () -> String) throws(JobError) {
        if !holds { throw JobError(.invariantBroken, rule()) }
    }
}
