// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorConfig
internal import MirrorWire
internal import SyncJobs

/// What becomes of the machine's reports: the worker's memory, events for managers, rows of heartbeats.
extension WorkerLoop {
    /// Notes a directive that concerns only what is told.
    func note(_ directive: JobDirective, at now: JobTime) {
        switch directive {
        case .report(let report): note(report, at: now)
        case .schedulesChanged: areSchedulesStale = true
        case .removed(let name): forget(name, at: now)
        case .perform, .stop: break
        }
    }

    private func note(_ report: JobReport, at now: JobTime) {
        let name = report.name
        var job = jobs[name] ?? StoredJob(name: name)
        let wasStarted = job.run == report.run?.number ? job.started : nil
        job.state = report.state.rawValue
        job.changed = now.milliseconds
        job.run = report.run?.number
        job.attempt = report.attempt
        job.message = report.message
        job.failure = report.failure?.rawValue
        job.isRemoved = false
        job.by = nil
        if let size = report.size, MirrorStatus.isKnown(size: size) { job.size = size }
        switch report.state {
        case .preSyncing, .syncing: job.started = wasStarted ?? now.milliseconds
        case .success:
            job.ended = now.milliseconds
            job.succeeded = now.milliseconds
            job.failedRuns = 0
        case .failed:
            job.ended = now.milliseconds
            if report.isFinal { job.failedRuns += 1 }
        case .paused, .disabled: job.by = askers.removeValue(forKey: name)
        case .none: break
        }
        jobs[name] = job
        batch.jobs[name] = job
        areSchedulesStale = true
        tell(report, job, at: now)
    }

    private func tell(_ report: JobReport, _ job: StoredJob, at now: JobTime) {
        guard let mirror = report.run.flatMap({ runs[$0]?.mirror }) ?? mirrors[report.name] else { return }
        reports.append(OutboxEvent(.status(status(of: job, mirror, isFinal: report.isFinal)), at: now))
        guard let run = report.run else { return }
        if report.isFinal { return end(run, report, job, at: now) }
        let started = runs[run]?.started ?? now
        parts.board.set(
            run,
            Heartbeat.Running(
                name: report.name.text, run: run.number, state: report.state, attempt: UInt64(max(0, report.attempt)),
                started: WireTime(started)))
    }

    /// The state of a mirror as managers are told it.
    private func status(of job: StoredJob, _ mirror: MirrorSettings, isFinal: Bool) -> OutboxEvent.Status {
        OutboxEvent.Status(
            name: job.name, state: job.state, isMaster: mirror.isMaster, upstream: mirror.upstream,
            size: job.size ?? MirrorStatus.unknownSize, message: job.message, run: job.run, attempt: job.attempt,
            failure: job.failure, isFinal: isFinal)
    }

    /// Ends a run: tells how it went, and lets go of what it held.
    private func end(_ run: RunNumber, _ report: JobReport, _ job: StoredJob, at now: JobTime) {
        let active = runs.removeValue(forKey: run)
        parts.board.remove(run)
        let bytes = parts.carrier.resultBytes(of: report.name, run: run)
        parts.carrier.finish(report.name, run: run)
        let started = active?.started.milliseconds ?? job.started ?? now.milliseconds
        reports.append(
            OutboxEvent(
                .run(
                    OutboxEvent.Run(
                        name: report.name.text, run: run.number, started: started, ended: now.milliseconds,
                        state: report.state.rawValue, attempts: max(active?.attempts ?? 0, report.attempt),
                        size: job.size ?? MirrorStatus.unknownSize, bytes: bytes, message: report.message)),
                at: now))
    }

    private func forget(_ name: JobName, at now: JobTime) {
        mirrors[name] = nil
        askers[name] = nil
        remember(removed: name)
        reports.append(OutboxEvent(.removed(name: name.text), at: now))
        areSchedulesStale = true
        parts.view.set(mirrors: mirrors)
    }

    /// Leaves a note that a mirror's last state was nobody's wish, for managers that remember it.
    func remember(removed name: JobName) {
        var job = StoredJob(name: name)
        job.isRemoved = true
        jobs[name] = job
        batch.jobs[name] = job
    }

    /// Tells one manager the state of every mirror that it remembers otherwise, or not at all.
    func resend(to manager: String, knowing knowledge: ManagerLink.Knowledge, at now: JobTime) {
        if knowledge.isOurs { ourManagers.insert(manager) } else { ourManagers.remove(manager) }
        let rows = knowledge.rows
        let known = Dictionary(rows.map { ($0.name, $0.status) }) { $1 }
        // What changed after the manager was asked is or was told anyway.
        let untold = parts.outbox.untoldNames(for: manager).union(parts.outbox.names(after: knowledge.toldThrough))
        var isAnythingMissing = false
        for (name, mirror) in mirrors.sorted(by: { $0.key < $1.key }) {
            // tunasync's managers hear of a mirror when it runs; ours also of one that waits for its first run.
            let job = jobs[name] ?? StoredJob(name: name)
            guard !job.isRemoved, !untold.contains(name.text), known[name.text] != job.jobState,
                job.jobState != .none || known[name.text] != nil || knowledge.isOurs
            else { continue }
            isAnythingMissing = true
            let time = job.changed > 0 ? JobTime(milliseconds: job.changed) : now
            reports.append(
                OutboxEvent(
                    .status(status(of: job, mirror, isFinal: machine.run(of: name) == nil)), at: time, audience: manager
                ))
        }
        for row in rows {
            guard let name = JobName(row.name), mirrors[name] == nil else { continue }
            isAnythingMissing = true
            tell(manager, thatNobodyHas: row, at: now)
        }
        if isAnythingMissing { reports.append(OutboxEvent(.schedules, at: now, audience: manager)) }
    }

    /// Tells our managers of a mirror that is new and has not run.
    func introduce(_ name: JobName, _ mirror: MirrorSettings, at now: JobTime) {
        guard jobs[name] == nil || jobs[name]?.isRemoved == true else { return }
        for manager in ourManagers.sorted() {
            let status = status(of: StoredJob(name: name), mirror, isFinal: true)
            reports.append(OutboxEvent(.status(status), at: now, audience: manager))
        }
    }

    /// Tells a manager that the configuration no longer has a mirror that it remembers.
    private func tell(_ manager: String, thatNobodyHas row: MirrorStatus, at now: JobTime) {
        if row.status != .disabled {
            let status = OutboxEvent.Status(
                name: row.name, state: JobState.disabled.rawValue, isMaster: row.isMaster, upstream: row.upstream,
                size: row.size, message: "", run: nil, attempt: 0, failure: nil, isFinal: true)
            reports.append(OutboxEvent(.status(status), at: now, audience: manager))
        }
        reports.append(OutboxEvent(.removed(name: row.name), at: now, audience: manager))
    }
}
