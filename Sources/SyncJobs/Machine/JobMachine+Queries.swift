// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a shell reads from the machine.
extension JobMachine {
    /// When jobs are to run next: those in the schedule, and those that are due and wait.
    ///
    /// Running jobs and those that are held back have no time. A job that waits for its window is told with the time at which it opens.
    ///
    /// - Returns: names and times, by time and then by name.
    /// - Complexity: O(n log n) for n jobs.
    public func dueTimes() -> [(name: JobName, time: JobTime)] {
        var times: [AlarmKey] = []
        times.reserveCapacity(handles.count)
        for (name, handle) in handles {
            guard var due = records[handle.index].due else { continue }
            if case .waitingForWindow = records[handle.index].phase, let opening = alarmTime(handle) { due = opening }
            times.append(AlarmKey(time: due, name: name))
        }
        return times.sorted().map { ($0.name, $0.time) }
    }

    /// When a job is to run next, as ``dueTimes()`` has it.
    ///
    /// - Parameter name: the job.
    /// - Returns: nothing when it is unknown, runs, is held back or is never due by itself.
    public func dueTime(of name: JobName) -> JobTime? {
        guard let handle = handles[name], let due = records[handle.index].due else { return nil }
        if case .waitingForWindow = records[handle.index].phase { return alarmTime(handle) ?? due }
        return due
    }

    /// All jobs, by name.
    ///
    /// - Returns: their names.
    public func names() -> [JobName] { handles.keys.sorted() }

    /// How a job is configured.
    ///
    /// - Parameter name: the job.
    /// - Returns: nothing when it is unknown.
    public func spec(of name: JobName) -> JobSpec? { handles[name].map { records[$0.index].spec } }

    /// The public state that was reported last.
    ///
    /// - Parameter name: the job.
    /// - Returns: nothing when it is unknown.
    public func state(of name: JobName) -> JobState? { handles[name].map { records[$0.index].state } }

    /// The run of a job that is not over.
    ///
    /// - Parameter name: the job.
    /// - Returns: nothing when it is unknown or has no run.
    public func run(of name: JobName) -> RunStatus? {
        guard let handle = handles[name] else { return nil }
        return status(handle)
    }

    /// All runs that are not over, by name.
    ///
    /// - Returns: one for each job that has one.
    /// - Complexity: O(n) for n jobs.
    public func runs() -> [RunStatus] {
        guard openRuns > 0 else { return [] }
        return handles.values.compactMap { status($0) }.sorted { $0.name < $1.name }
    }

    private func status(_ handle: JobHandle) -> RunStatus? {
        let record = records[handle.index]
        guard let run = record.run else { return nil }
        var step: JobStep?
        if case .running = record.phase { step = run.step }
        return RunStatus(
            name: record.spec.name, run: run.number, attempt: run.attempt, step: step, started: run.started,
            state: record.state, isForced: run.isForced, isEnding: run.ending != nil)
    }

    private func alarmTime(_ handle: JobHandle) -> JobTime? {
        guard let position = alarmPositions[handle.index], position < alarms.count else { return nil }
        return alarms.entries[position].key.time
    }
}
