// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire
internal import SyncJobs

/// All that the manager knows: records, what is only known while the process lives, and the encoded rows.
///
/// Each change leaves what is to be written in ``batch`` and what is to be told in ``notices``; the owner takes both.
struct Registry: Sendable {
    /// A worker.
    struct WorkerEntry: Sendable {
        var record: WorkerRecord
        /// When it was last heard of, on a clock that nobody sets.
        var lastContact: ContinuousClock.Instant
        /// When ``record`` was last given to the store for the time of contact alone.
        var lastSaved: ContinuousClock.Instant
        var isOnline = true
        var queued: UInt64 = 0
        var mirrors: Set<String> = []
    }

    /// A mirror.
    struct MirrorEntry: Sendable {
        var record: MirrorRecord
        var progress: RunProgress?
    }

    /// What bounds the records.
    struct Limits: Hashable, Sendable {
        /// The most workers.
        var maximumWorkers = 10_000
        /// The most mirrors.
        var maximumMirrors = 100_000
        /// The longest text of a mirror, such as its upstream or error; longer ones are cut.
        var maximumTextBytes = 4_096
        /// After how long without a sign of life a worker of ours counts as offline.
        var offlineAfter: Duration = .seconds(MirrorWire.offlineSeconds)
        /// How often the time of contact alone is written.
        var contactInterval: Duration = .seconds(60)
        /// How long a worker may take to answer a command, as with tunasync's clients.
        var commandTimeout: Duration = .seconds(5)
    }

    var workers: [String: WorkerEntry] = [:]
    var mirrors: [MirrorKey: MirrorEntry] = [:]
    var webRows = RowTable()
    var rows = RowTable()
    var batch: StoreBatch
    var notices: [Notice] = []
    var keptRuns: Int
    let limits: Limits

    /// Takes over what a store holds; names that nobody may have are left out.
    init(_ records: StoredRecords, keptRuns: Int, limits: Limits = Limits(), now: ContinuousClock.Instant) {
        self.keptRuns = keptRuns
        self.limits = limits
        batch = StoreBatch(keptRuns: keptRuns)
        for record in records.workers where WorkerRecord.isID(record.worker.id) {
            workers[record.worker.id] = WorkerEntry(record: record, lastContact: now, lastSaved: now)
        }
        for record in records.mirrors where JobName(record.status.name) != nil {
            mirrors[record.key] = MirrorEntry(record: record)
            workers[record.key.worker]?.mirrors.insert(record.key.name)
            render(record.key)
        }
        notices = []
    }

    // MARK: Asking

    /// All workers in the order of their ids.
    var sortedWorkers: [WorkerEntry] { workers.sorted { $0.key < $1.key }.map(\.value) }

    /// A worker's mirrors in the order of their names.
    func statuses(of worker: String) -> [MirrorStatus] {
        guard let entry = workers[worker] else { return [] }
        return entry.mirrors.sorted().compactMap { mirrors[MirrorKey(name: $0, worker: worker)]?.record.status }
    }

    /// The workers that have a mirror.
    func workers(having mirror: String) -> [String] {
        workers.filter { $0.value.mirrors.contains(mirror) }.keys.sorted()
    }

    /// A worker as `/api/v1/workers` shows it.
    func row(of entry: WorkerEntry) -> WorkerRow {
        let worker = entry.record.worker
        return WorkerRow(
            id: worker.id, url: worker.url, lastOnline: worker.lastOnline, lastRegister: worker.lastRegister,
            isOnline: entry.isOnline, isLegacy: entry.record.isLegacy, incarnation: worker.incarnation,
            version: worker.version, queued: entry.queued, mirrors: UInt64(entry.mirrors.count))
    }

    /// How many mirrors are in each state.
    func stateCounts() -> [JobState: Int] {
        mirrors.values.reduce(into: [:]) { $0[$1.record.status.status, default: 0] += 1 }
    }

    // MARK: Records

    /// Sets a mirror's record, its rows and what follows from them.
    mutating func store(_ record: MirrorRecord) {
        let key = record.key
        let isNew = mirrors[key] == nil
        mirrors[key, default: MirrorEntry(record: record)].record = record
        if isNew { workers[key.worker]?.mirrors.insert(key.name) }
        switch record.status.status {
        case .syncing, .preSyncing: break
        case .none, .failed, .success, .paused, .disabled: mirrors[key]?.progress = nil
        }
        batch.mirrors[key] = record
        render(key)
    }

    /// Forgets a mirror.
    ///
    /// - Returns: whether it was there.
    @discardableResult
    mutating func remove(_ key: MirrorKey) -> Bool {
        guard mirrors.removeValue(forKey: key) != nil else { return false }
        workers[key.worker]?.mirrors.remove(key.name)
        webRows.remove(key)
        rows.remove(key)
        batch.remove(key)
        notices.append(.removed(key))
        return true
    }

    /// Forgets the mirrors that are disabled.
    mutating func flushDisabled() {
        for (key, entry) in mirrors where entry.record.status.status == .disabled { remove(key) }
    }

    /// Forgets a worker; its mirrors stay, as tunasync has it, so that a worker that registers again finds what was paused.
    ///
    /// - Returns: whether it was there.
    mutating func removeWorker(_ id: String) -> Bool {
        guard let entry = workers.removeValue(forKey: id) else { return false }
        batch.workers[id] = .some(nil)
        for name in entry.mirrors { render(MirrorKey(name: name, worker: id)) }
        var row = row(of: entry)
        row.isOnline = false
        notices.append(.worker(row.json))
        return true
    }

    /// Encodes the rows of a mirror anew and tells those who follow it.
    mutating func render(_ key: MirrorKey) {
        guard let entry = mirrors[key] else { return }
        let record = entry.record
        webRows.set(WebStatus(record.status).json, for: key)
        let row = MirrorRow(
            record.status, run: record.run, attempt: record.attempt, progress: entry.progress,
            isWorkerOnline: workers[key.worker]?.isOnline ?? false, failure: record.failure
        ).json
        rows.set(row, for: key)
        notices.append(.mirror(row))
    }

    /// Cuts a text that is too long, between characters.
    func cut(_ text: String) -> String {
        guard text.utf8.count > limits.maximumTextBytes else { return text }
        var cut = ""
        var count = 0
        for scalar in text.unicodeScalars {
            count += UTF8.width(scalar)
            guard count <= limits.maximumTextBytes else { break }
            cut.unicodeScalars.append(scalar)
        }
        return cut
    }

    /// Takes what is to be written and told.
    mutating func takeChanges() -> (batch: StoreBatch, notices: [Notice]) {
        defer {
            batch = StoreBatch(keptRuns: keptRuns)
            notices = []
        }
        return (batch, notices)
    }
}
