// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire

extension Registry {
    /// Takes a registration.
    ///
    /// - Parameters:
    ///   - worker: what it says.
    ///   - peer: the address that it speaks from.
    ///   - moment: the time.
    /// - Returns: the worker as it is kept.
    /// - Throws: a refusal when a newer process of the same worker is registered, or there are too many workers.
    mutating func register(_ worker: Worker, from peer: String, at moment: Moment) throws(Refusal) -> Worker {
        let known = workers[worker.id]
        if let known, !worker.incarnation.isEmpty { try check(worker.incarnation, worker.started, known) }
        if known == nil { try checkRoom() }
        var kept = worker
        kept.lastOnline = moment.time
        kept.lastRegister = moment.time
        var record = known?.record ?? WorkerRecord(worker: kept)
        record.worker = kept
        record.peer = peer
        var entry =
            known ?? WorkerEntry(record: record, lastContact: moment.instant, lastSaved: moment.instant)
        entry.record = record
        entry.lastContact = moment.instant
        entry.lastSaved = moment.instant
        if known == nil {
            entry.mirrors = Set(mirrors.keys.lazy.filter { $0.worker == worker.id }.map(\.name))
        }
        let wasOnline = known?.isOnline ?? false
        entry.isOnline = true
        workers[worker.id] = entry
        batch.workers[worker.id] = record
        tell(worker.id, rendersMirrors: !wasOnline)
        return kept
    }

    /// Notes that a worker spoke; one that nobody knows is made when it may be.
    ///
    /// - Parameters:
    ///   - id: the worker.
    ///   - moment: the time.
    ///   - creates: whether to take up a worker whose record was lost.
    /// - Returns: whether it is known now.
    /// - Throws: a refusal when there are too many workers.
    mutating func touch(_ id: String, at moment: Moment, creates: Bool) throws(Refusal) -> Bool {
        if workers[id] == nil {
            guard creates else { return false }
            try checkRoom()
            var entry = WorkerEntry(
                record: WorkerRecord(worker: Worker(id: id, url: "")), lastContact: moment.instant,
                lastSaved: moment.instant)
            entry.mirrors = Set(mirrors.keys.lazy.filter { $0.worker == id }.map(\.name))
            workers[id] = entry
            tell(id, rendersMirrors: true)
        }
        contact(id, at: moment, saves: true)
        return true
    }

    /// Notes that a known worker spoke.
    mutating func contact(_ id: String, at moment: Moment, saves: Bool) {
        guard var entry = workers[id] else { return }
        let wasOnline = entry.isOnline
        entry.record.worker.lastOnline = moment.time
        entry.lastContact = moment.instant
        entry.isOnline = true
        let isDue = moment.instant - entry.lastSaved >= limits.contactInterval
        if saves || isDue {
            entry.lastSaved = moment.instant
            batch.workers[id] = entry.record
        }
        workers[id] = entry
        if !wasOnline { tell(id, rendersMirrors: true) }
    }

    /// Says which workers of ours have not been heard of for too long.
    mutating func markOffline(at instant: ContinuousClock.Instant) {
        for (id, entry) in workers
        where entry.isOnline && !entry.record.isLegacy && instant - entry.lastContact > limits.offlineAfter {
            workers[id]?.isOnline = false
            tell(id, rendersMirrors: true)
        }
    }

    /// Notes that a command did not reach a worker.
    mutating func markUnreachable(_ id: String) {
        guard let entry = workers[id], entry.isOnline, entry.record.isLegacy else { return }
        workers[id]?.isOnline = false
        tell(id, rendersMirrors: true)
    }

    /// Takes a heartbeat.
    ///
    /// - Returns: whether the process that sent it is the worker.
    /// - Throws: a refusal when a newer process is registered.
    mutating func beat(_ heartbeat: Heartbeat, of id: String, at moment: Moment) throws(Refusal) -> Bool {
        guard let entry = workers[id] else { return false }
        try check(heartbeat.incarnation, heartbeat.started, entry)
        guard entry.record.worker.incarnation == heartbeat.incarnation else { return false }
        contact(id, at: moment, saves: false)
        if workers[id]?.queued != heartbeat.queued {
            workers[id]?.queued = heartbeat.queued
            tell(id, rendersMirrors: false)
        }
        var running: Set<String> = []
        for run in heartbeat.running {
            running.insert(run.name)
            let key = MirrorKey(name: run.name, worker: id)
            guard let mirror = mirrors[key], mirror.progress != run.progress else { continue }
            mirrors[key]?.progress = run.progress
            render(key)
        }
        for name in entry.mirrors where !running.contains(name) {
            let key = MirrorKey(name: name, worker: id)
            guard mirrors[key]?.progress != nil else { continue }
            mirrors[key]?.progress = nil
            render(key)
        }
        return true
    }

    /// Refuses a process of a worker when a newer one is registered.
    func check(_ incarnation: String, _ started: WireTime, _ known: WorkerEntry) throws(Refusal) {
        let worker = known.record.worker
        guard !worker.incarnation.isEmpty, worker.incarnation != incarnation else { return }
        guard worker.started.isBefore(started) else {
            throw .fenced("a newer process of worker \(worker.id) is registered; this one must end")
        }
    }

    /// Tells those who follow a worker.
    mutating func tell(_ id: String, rendersMirrors: Bool) {
        guard let entry = workers[id] else { return }
        notices.append(.worker(row(of: entry).json))
        guard rendersMirrors else { return }
        for name in entry.mirrors { render(MirrorKey(name: name, worker: id)) }
    }

    private func checkRoom() throws(Refusal) {
        guard workers.count < limits.maximumWorkers else {
            throw .full("there are \(limits.maximumWorkers) workers already; remove some")
        }
    }
}

/// A time on both clocks.
struct Moment: Sendable {
    let time: WireTime
    let instant: ContinuousClock.Instant

    static func now() -> Moment { Moment(time: .now(), instant: .now) }
}
