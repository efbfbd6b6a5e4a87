// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Logging
internal import Synchronization
internal import SyncJobs

/// What managers must still be told: durable before it is told, in order, and kept until each manager has it.
///
/// All managers share one numbered list; each has its own place in it. ``commitLoop()`` writes what is queued in one batch with one
/// `fsync`, so batches grow by themselves when the disk is slow. When the disk refuses, events are told all the same and written later: a
/// status that is told may be told again after a crash, which is better than one that is never told.
final class Outbox: Sendable {
    /// One due time.
    struct Due: Hashable, Sendable {
        var name: JobName
        var time: JobTime
    }

    /// An event with its place in the list.
    struct Entry: Sendable {
        let sequence: UInt64
        let event: OutboxEvent
        /// The due times when the event came, while it is fresh.
        let schedules: [Due]?
    }

    /// What one input of the loop changes.
    struct Batch: Sendable {
        var events: [(event: OutboxEvent, schedules: [Due]?)] = []
        var jobs: [JobName: StoredJob] = [:]
        var forgottenJobs: Set<JobName> = []
        var nextRun: UInt64?

        var isEmpty: Bool { events.isEmpty && jobs.isEmpty && forgottenJobs.isEmpty && nextRun == nil }
    }

    struct Reader: Sendable {
        var acknowledged: UInt64
        let flag: WakeFlag
    }

    struct State: Sendable {
        var entries: [Entry] = []
        var nextSequence: UInt64
        /// Everything up to here may be told.
        var tellableThrough: UInt64
        var readers: [String: Reader] = [:]
        var changes = WorkerStore.Changes()
        /// Of each mirror, the number of the last status for all managers.
        var lastStatus: [String: UInt64] = [:]
        var isFinishing = false
        var failure: String?
    }

    /// More than so many waiting events do not keep the due times of their moment.
    private static let freshEntries = 128

    /// How long acknowledgements wait for something else to write.
    private static let acknowledgementPause: Duration = .milliseconds(500)

    let state: Mutex<State>
    /// The due times now.
    private let schedules = Mutex<[Due]>([])
    private let store: WorkerStore
    private let limits: WorkerLimits
    private let logger: Logger
    private let commitFlag = WakeFlag()

    /// Takes up what a store held.
    init(
        store: WorkerStore, content: WorkerStore.Content, managers: [String], limits: WorkerLimits, logger: Logger
    ) {
        self.store = store
        self.limits = limits
        self.logger = logger
        let next = max(1, content.nextSequence ?? 1)
        let entries = content.events.map { Entry(sequence: $0.sequence, event: $0.event, schedules: nil) }
        var state = State(entries: entries, nextSequence: next, tellableThrough: next - 1)
        for manager in managers {
            let acknowledged = content.acknowledged[manager] ?? next - 1
            state.readers[manager] = Reader(acknowledged: acknowledged, flag: WakeFlag())
            // Kept from the beginning: a manager that never answered has its place in the list all the same.
            if content.acknowledged[manager] == nil { state.changes.acknowledged[manager] = acknowledged }
        }
        state.changes.forgottenManagers = Set(content.acknowledged.keys).subtracting(managers)
        if content.nextSequence == nil { state.changes.nextSequence = next }
        for entry in entries { state.noteStatus(entry) }
        state.dropTold()
        self.state = Mutex(state)
    }

    // MARK: Filling

    /// Queues what the loop decided; never waits.
    func append(_ batch: Batch) {
        state.withLock { state in
            for (event, schedules) in batch.events {
                let sequence = state.nextSequence
                state.nextSequence += 1
                let isFresh = state.entries.count < Self.freshEntries
                let entry = Entry(sequence: sequence, event: event, schedules: isFresh ? schedules : nil)
                state.entries.append(entry)
                state.noteStatus(entry)
                state.changes.events.append((sequence, event))
            }
            if !batch.events.isEmpty { state.changes.nextSequence = state.nextSequence }
            for (name, job) in batch.jobs {
                state.changes.jobs[name] = job
                state.changes.forgottenJobs.remove(name)
            }
            for name in batch.forgottenJobs {
                state.changes.jobs[name] = nil
                state.changes.forgottenJobs.insert(name)
            }
            if let next = batch.nextRun { state.changes.nextRun = next }
            state.dropTold()
            if state.entries.count > limits.maximumPendingEvents {
                state.collapse(keepingRuns: limits.maximumPendingRuns)
            }
        }
        commitFlag.raise()
    }

    /// Sets the due times that are told from now on.
    func setSchedules(_ rows: [Due]) { schedules.withLock { $0 = rows } }

    /// The due times now.
    var currentSchedules: [Due] { schedules.withLock { $0 } }

    // MARK: Telling

    /// Raised when there may be more to tell a manager.
    func flag(of manager: String) -> WakeFlag? { state.withLock { $0.readers[manager]?.flag } }

    /// What a manager is to be told next.
    ///
    /// - Returns: entries in order, and the number that is acknowledged when all are told; nothing when there is nothing to tell.
    func next(for manager: String, limit: Int) -> (entries: [Entry], through: UInt64)? {
        state.withLock { state in
            guard let reader = state.readers[manager], state.tellableThrough > reader.acknowledged else { return nil }
            var entries: [Entry] = []
            for entry in state.entries[state.firstIndex(after: reader.acknowledged)...] {
                if entry.sequence > state.tellableThrough { break }
                if entries.count == limit { return (entries, entry.sequence - 1) }
                if entry.event.audience == nil || entry.event.audience == manager { entries.append(entry) }
            }
            return (entries, state.tellableThrough)
        }
    }

    /// Notes that a manager has everything up to a number.
    func acknowledge(_ sequence: UInt64, by manager: String) {
        state.withLock { state in
            guard let reader = state.readers[manager], sequence > reader.acknowledged else { return }
            // A manager cannot have what it was not told; after a restored backup it may say so.
            let sequence = min(sequence, state.nextSequence - 1)
            state.readers[manager]?.acknowledged = sequence
            state.changes.acknowledged[manager] = sequence
            state.dropTold()
        }
        commitFlag.raise()
    }

    /// How many events a manager still has to be told.
    func pending(for manager: String) -> Int {
        state.withLock { state in
            guard let reader = state.readers[manager] else { return 0 }
            return state.entries.count - state.firstIndex(after: reader.acknowledged)
        }
    }

    /// The number up to which a manager was told everything.
    func toldThrough(_ manager: String) -> UInt64 {
        state.withLock { $0.readers[manager]?.acknowledged ?? $0.nextSequence - 1 }
    }

    /// The mirrors that all managers were or will be told something of after a number.
    func names(after sequence: UInt64) -> Set<String> {
        state.withLock { Set($0.lastStatus.lazy.filter { $0.value > sequence }.map(\.key)) }
    }

    /// The mirrors that a manager was not told everything of.
    func untoldNames(for manager: String) -> Set<String> {
        state.withLock { state in
            guard let reader = state.readers[manager] else { return [] }
            let entries = state.entries[state.firstIndex(after: reader.acknowledged)...]
            return Set(
                entries.lazy.filter { $0.event.audience == nil || $0.event.audience == manager }
                    .compactMap(\.event.statusName))
        }
    }

    /// How many events somebody still has to be told.
    var pendingCount: Int { state.withLock { $0.entries.count } }

    /// What the disk refused last, while it refuses.
    var failure: String? { state.withLock { $0.failure } }

    // MARK: Managers

    /// Begins to keep events for a manager.
    func add(manager: String) {
        state.withLock { state in
            guard state.readers[manager] == nil else { return }
            state.readers[manager] = Reader(acknowledged: state.nextSequence - 1, flag: WakeFlag())
            state.changes.acknowledged[manager] = state.nextSequence - 1
            state.changes.forgottenManagers.remove(manager)
        }
        commitFlag.raise()
    }

    /// Forgets a manager.
    func remove(manager: String) {
        state.withLock { state in
            state.readers[manager] = nil
            state.changes.acknowledged[manager] = nil
            state.changes.forgottenManagers.insert(manager)
            state.dropTold()
        }
        commitFlag.raise()
    }

    // MARK: Writing

    /// Writes what is queued until ``finish()``; then once more, and returns.
    ///
    /// What managers acknowledge waits a moment for company: when it is lost in a crash they are told it again.
    func commitLoop() async {
        var quietUntil: ContinuousClock.Instant?
        while true {
            let (isEmpty, isUrgent, isFinishing) = state.withLock { state in
                (state.changes.isEmpty, state.changes.isUrgent, state.isFinishing || Task.isCancelled)
            }
            if isEmpty {
                if isFinishing { return }
                quietUntil = nil
                await commitFlag.wait()
                continue
            }
            let now = ContinuousClock.now
            let end = quietUntil ?? (now + Self.acknowledgementPause)
            if !isUrgent, !isFinishing, now < end {
                quietUntil = end
                await commitFlag.wait(atMost: end - now)
                continue
            }
            quietUntil = nil
            let (changes, last) = state.withLock { state in
                let changes = state.changes
                state.changes = WorkerStore.Changes()
                return (changes, state.nextSequence - 1)
            }
            let isWritten = await write(changes, through: last)
            if !isWritten, isFinishing { return }
        }
    }

    /// Lets ``commitLoop()`` end when all is written.
    func finish() {
        state.withLock { $0.isFinishing = true }
        commitFlag.raise()
    }

    /// Writes a batch; what the disk refused is queued again before what has come since.
    private func write(_ changes: WorkerStore.Changes, through last: UInt64) async -> Bool {
        var failure: (any Error)?
        do { try await store.commit(changes) } catch { failure = error }
        let (flags, isNew) = state.withLock { state in
            let isNew = failure != nil && state.failure == nil
            state.failure = failure.map { "\($0)" }
            if failure != nil { state.changes = changes.followed(by: state.changes) }
            state.tellableThrough = max(state.tellableThrough, last)
            return (state.readers.values.map(\.flag), isNew)
        }
        for flag in flags { flag.raise() }
        guard let failure else { return true }
        if isNew {
            logger.error("the worker's state cannot be written; it is tried again", metadata: ["error": "\(failure)"])
        }
        // Waiting ends early only because the worker stops; then the caller looks at that.
        try? await Task.sleep(for: .seconds(1))
        return false
    }
}
