// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire
internal import SyncJobs

extension Registry {
    /// Takes what a worker of tunasync says of a mirror; its times are ours.
    ///
    /// - Parameters:
    ///   - posted: what it says; the name must have been checked.
    ///   - worker: the worker.
    ///   - time: now.
    /// - Returns: what is kept.
    /// - Throws: a refusal when there are too many mirrors.
    mutating func take(_ posted: MirrorStatus, from worker: String, at time: WireTime) throws(Refusal) -> MirrorStatus {
        let key = MirrorKey(name: posted.name, worker: worker)
        let old = mirrors[key]?.record
        try checkRoom(for: key)
        var record = old ?? MirrorRecord(status: Self.blank(key))
        record.status = merge(posted, into: old?.status, key, at: time)
        switch posted.status {
        case .preSyncing: record.attempt = 0
        case .syncing: record.attempt += 1
        case .none, .failed, .success, .paused, .disabled: break
        }
        record.failure = nil
        store(record)
        note(record, after: old?.status.status, at: time)
        if posted.status == .success || posted.status == .failed {
            batch.runs.append(StoreBatch.Run(key: key, record: Self.run(of: record)))
        }
        return record.status
    }

    /// Takes a change of state from a worker of ours; its times are when things happened there.
    mutating func take(_ change: WorkerEvent.StatusChange, from worker: String, at now: WireTime) throws(Refusal) {
        let key = MirrorKey(name: change.status.name, worker: worker)
        let old = mirrors[key]?.record
        try checkRoom(for: key)
        let isUsable = !change.at.isNever && change.at.isBefore(now)
        let time = isUsable ? change.at : now
        var record = old ?? MirrorRecord(status: Self.blank(key))
        if old == nil {
            // The record was lost: the worker knows better than nobody.
            record.status.lastUpdate = change.status.lastUpdate
            record.status.lastStarted = change.status.lastStarted
            record.status.lastEnded = change.status.lastEnded
        }
        record.status = merge(change.status, into: record.status, key, at: time)
        record.run = change.run ?? record.run
        if change.run != nil { record.attempt = change.attempt }
        record.failure = change.failure
        store(record)
        let isTold = change.status.status != .failed || change.isFinal
        if isTold { note(record, after: old?.status.status, at: time) }
    }

    /// Takes a worker's due times: all of them, so that who is not named and not running has none.
    ///
    /// - Returns: names that the manager does not know.
    mutating func take(_ schedules: [ScheduleList.Entry], from worker: String) -> [String] {
        guard let entry = workers[worker] else { return schedules.map(\.name) }
        var due: [String: WireTime] = [:]
        for schedule in schedules { due[schedule.name] = schedule.nextSchedule }
        for name in entry.mirrors {
            let key = MirrorKey(name: name, worker: worker)
            guard var record = mirrors[key]?.record else { continue }
            let isRunning = record.status.status == .syncing || record.status.status == .preSyncing
            let next = due.removeValue(forKey: name) ?? (isRunning ? record.status.nextSchedule : .never)
            guard next != record.status.nextSchedule else { continue }
            record.status.nextSchedule = next
            store(record)
        }
        return due.keys.sorted()
    }

    /// Sets the size of a mirror; a size that says nothing changes nothing.
    mutating func setSize(_ size: String, of key: MirrorKey) throws(Refusal) -> MirrorStatus {
        guard var record = mirrors[key]?.record else {
            throw .unknown("no mirror '\(key.name)' exists in worker '\(key.worker)'")
        }
        guard MirrorStatus.isKnown(size: size), size != record.status.size else { return record.status }
        record.status.size = cut(size)
        store(record)
        return record.status
    }

    /// Sets the state that a command asked for, when the mirror is known; a disabled mirror does not become paused.
    mutating func want(_ state: JobState, of key: MirrorKey, at time: WireTime) {
        guard var record = mirrors[key]?.record, record.status.status != state else { return }
        if record.status.status == .disabled, state == .paused { return }
        let old = record.status.status
        record.status.status = state
        record.status.nextSchedule = .never
        store(record)
        note(record, after: old, at: time)
    }

    private func merge(
        _ posted: MirrorStatus, into old: MirrorStatus?, _ key: MirrorKey, at time: WireTime
    ) -> MirrorStatus {
        let old = old ?? Self.blank(key)
        var new = posted
        new.worker = key.worker
        new.upstream = cut(posted.upstream)
        new.errorMessage = cut(posted.errorMessage)
        new.lastStarted = posted.status == .preSyncing && old.status != .preSyncing ? time : old.lastStarted
        new.lastUpdate = posted.status == .success ? time : old.lastUpdate
        new.lastEnded = posted.status == .success || posted.status == .failed ? time : old.lastEnded
        let keepsSize = !MirrorStatus.isKnown(size: posted.size) && MirrorStatus.isKnown(size: old.size)
        new.size = keepsSize ? old.size : cut(posted.size)
        switch posted.status {
        case .paused, .disabled: new.nextSchedule = .never
        // Workers say year 1 here; the due times that follow are what counts.
        case .none, .failed, .success, .syncing, .preSyncing: new.nextSchedule = old.nextSchedule
        }
        return new
    }

    private mutating func note(_ record: MirrorRecord, after previous: JobState?, at time: WireTime) {
        guard previous != record.status.status else { return }
        notices.append(
            .transition(
                Transition(
                    status: record.status, previous: previous ?? .none, run: record.run, attempt: record.attempt,
                    failure: record.failure, at: time)))
    }

    private func checkRoom(for key: MirrorKey) throws(Refusal) {
        guard mirrors[key] != nil || mirrors.count < limits.maximumMirrors else {
            throw .full("there are \(limits.maximumMirrors) mirrors already; remove some")
        }
    }

    private static func blank(_ key: MirrorKey) -> MirrorStatus {
        MirrorStatus(name: key.name, worker: key.worker, size: "")
    }

    /// A run of a worker that does not tell its runs: each attempt of one run takes the place of the one before.
    private static func run(of record: MirrorRecord) -> RunRecord {
        let status = record.status
        let started = status.lastStarted.isNever ? status.lastEnded : status.lastStarted
        return RunRecord(
            name: status.name, run: 0, started: started, ended: status.lastEnded, state: status.status,
            attempts: max(1, record.attempt), size: status.size, message: status.errorMessage)
    }
}
