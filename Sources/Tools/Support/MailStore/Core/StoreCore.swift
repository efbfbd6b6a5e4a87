// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage

/// Everything of a mail store that changes, behind one lock: the replica, the accounts in memory, the ledger of bodies, and what waits for the disk.
///
/// The state runs ahead of the disk: an operation is applied when it is issued, so that the next command builds on it, and shown when it is durable. If it cannot be made durable the whole core is
/// rebuilt from the engine and the log.
///
/// `@unchecked Sendable`: it is made by one task, handed over whole, and from then on reached only behind the lock; of its parts only the replica is not
/// declared sendable, and it is a value without references to anything shared.
struct StoreCore: ~Copyable, @unchecked Sendable {
    var log: SegmentedLog
    var replica: Replica
    var accounts = AccountBoxes()
    /// The turns of batches so far.
    var turns: UInt64 = 0
    var bodies = BodyLedger()
    var uploads: [UInt64: UploadProgress] = [:]
    var listeners: [MailboxKey: [UInt64: OpenMailbox]] = [:]
    /// Raised whenever messages are installed, so that what was read from the engine before is not installed after.
    var installations: [MailboxKey: UInt64] = [:]
    var pending: [PendingUnit] = []
    var lastTicket = LogTicket.none
    /// The last unit that is durable and whose effects have taken place.
    var told = LogTicket.none
    /// Those who wait for the effects of a unit that is durable.
    var tellWaiters: [(ticket: LogTicket, continuation: CheckedContinuation<Void, Never>)] = []
    /// The units queued by this process so far, in this log and those before.
    var units: UInt64 = 0
    /// How often the core was rebuilt.
    var generation: UInt64 = 0
    /// How often a snapshot took the place of everything: local indexes of an earlier era mean something else now.
    var era: UInt64 = 0
    /// Records that the next checkpoint has to write.
    var dirtyRecords = 0
    /// The end of the log at the last checkpoint.
    var checkpointed: LogPosition
    /// From where recovery would read the log now.
    var scanned: LogPosition
    /// Whether the engine lacks records of the replica that it was given.
    var needsWholeReplica = false
    var uses: UInt64 = 0
    /// Those who wait for a UID.
    var uidWaits = UIDWaits()
    /// The store's part in its replication group.
    var group: GroupState
    /// Whether a unit that became durable has changed the members of the group.
    var membersChanged = false
    /// What commands may make of an account.
    let accountLimits: AccountLimits
    var nextListener: UInt64 = 1
    /// Why the log takes no more; memory is ahead of it until the core is rebuilt.
    var failure: MailStoreError?
    /// Whether ``failure`` stands for no fault but for a snapshot that takes this core's place, or could not after all.
    var isMakingWay = false
    /// Until when writing is refused after a failure, and why.
    var refusal: (until: UInt64, error: MailStoreError)?
    /// Until when a core that could not be rebuilt is left alone, and why.
    var rebuildPause: (until: UInt64, error: MailStoreError)?
    /// Whether the log takes what it is given, over failures and beyond them.
    var health = WriteHealth()
    var isClosed = false

    init(
        log: SegmentedLog, replica: consuming Replica, checkpointed: LogPosition, group: GroupState,
        limits: AccountLimits
    ) {
        self.log = log
        self.replica = replica
        self.group = group
        accountLimits = limits
        self.checkpointed = checkpointed
        scanned = checkpointed
    }

    /// Keeps track of where messages wait for UIDs.
    mutating func noteUIDWork(_ box: AccountBox) {
        let waiting = box.state.mailboxesNeedingUIDs
        if waiting.isEmpty {
            if group.accountsNeedingUIDs.isEmpty { return }
            guard group.accountsNeedingUIDs.remove(box.index) != nil else { return }
            group.awaited = group.awaited.filter { $0.account != box.index }
        } else {
            group.accountsNeedingUIDs.insert(box.index)
        }
    }

    /// Takes an account that was brought into memory.
    mutating func install(_ box: AccountBox) {
        accounts.insert(box)
        box.applied = replica.delivered
        noteUIDWork(box)
        // Who brought them is not remembered over a restart.
        for mailbox in box.state.mailboxesNeedingUIDs {
            group.awaited.insert(MailboxKey(account: box.index, mailbox: mailbox))
        }
        if group.stable != nil, !box.state.mailboxesToPrune(stable: replica.delivered).isEmpty {
            group.graveyards.insert(box.index)
        }
    }

    /// Whether an account is not ahead of the replica.
    func isUsable(_ box: AccountBox) -> Bool { box.imported.map { replica.delivered.covers($0) } ?? true }

    /// Refuses what would look at an account that a snapshot brought and that is ahead of the replica: what a command sees has to be in its causal past.
    func checkUsable(_ box: AccountBox) throws(MailStoreError) {
        guard box.imported != nil else { return }
        guard isUsable(box) else {
            throw MailStoreError(
                .catchingUp, "the account is being brought up to date from another replica; try again")
        }
        box.imported = nil
    }

    /// Whether some account may be ahead of the replica.
    var isBehindSnapshot: Bool { group.imported.map { !replica.delivered.covers($0) } ?? false }

    /// The names behind the indexes, with a causal past.
    func context(past: VersionVector) -> ApplyContext {
        var context = ApplyContext(
            past: past, replicas: replica.replicas.ids, replicaHashes: replica.replicas.hashes,
            keywordHashes: replica.symbols.keywordHashes)
        context.modSeqs = group.modSeqs
        return context
    }

    func keywordNames(_ keywords: [KeywordIndex]) -> [String] { keywords.compactMap { replica.symbols.name(of: $0) } }

    func names(of flags: FlagSet) -> MessageFlagNames {
        MessageFlagNames(system: flags.system, keywords: keywordNames(flags.keywords))
    }

    /// Drops of an account what was kept for concurrent operations that can come no more.
    mutating func prune(_ box: AccountBox, _ changes: inout StateChanges) {
        box.state.prune(stable: group.stable ?? replica.delivered, changes: &changes)
    }

    /// The set for flags by name; new keywords are made.
    mutating func flagSet(_ names: MessageFlagNames) throws -> FlagSet {
        guard names.keywords.count <= OperationFrame.maximumKeywordsPerFlagSet else {
            throw MailStoreError.tooManyKeywords(OperationFrame.maximumKeywordsPerFlagSet)
        }
        var keywords: [KeywordIndex] = []
        for name in names.keywords { keywords.append(try replica.keyword(named: name)) }
        return FlagSet(names.system, keywords: keywords)
    }

    func stored(_ view: MessageView) -> StoredMessage {
        StoredMessage(id: view.id, uid: view.uid, modSeq: view.modSeq, facts: view.facts, flags: names(of: view.flags))
    }

    /// Queues a unit for the log and remembers what to do when it is durable.
    mutating func enqueue(_ unit: UnitContent) -> LogTicket {
        let ticket = log.append(unit.frames)
        units += 1
        pending.append(
            PendingUnit(
                ticket: ticket, number: units, effects: unit.effects, octets: unit.frames.count,
                delivered: unit.delivered, ownTime: unit.ownTime))
        lastTicket = ticket
        return ticket
    }

    /// Units are durable: bodies can be read, and sessions told.
    ///
    /// - Parameters:
    ///   - ticket: the last of them.
    ///   - positions: where they are in the log.
    ///   - now: the wall clock, milliseconds since 1970.
    /// - Returns: who waited for that.
    mutating func committed(
        upTo ticket: LogTicket, positions: [LogUnitPosition], now: UInt64
    ) -> [CheckedContinuation<Void, Never>] {
        var starts: [LogTicket: LogPosition] = [:]
        for unit in positions { starts[unit.ticket] = unit.position }
        let count = pending.firstIndex { $0.ticket > ticket } ?? pending.count
        let done = pending[..<count]
        pending.removeFirst(count)
        if !health.isWritable { health.wrote(done.reduce(0) { $0 + $1.octets }, at: now) }
        var ready: [CheckedContinuation<Void, Never>] = []
        for unit in done {
            noteDurable(unit, at: starts[unit.ticket])
            for effect in unit.effects { perform(effect, of: unit, at: starts[unit.ticket], &ready) }
        }
        told = ticket
        ready += tellWaiters.filter { $0.ticket <= ticket }.map(\.continuation)
        tellWaiters.removeAll { $0.ticket <= ticket }
        return ready
    }

    private mutating func perform(
        _ effect: PendingUnit.Effect, of unit: PendingUnit, at start: LogPosition?,
        _ ready: inout [CheckedContinuation<Void, Never>]
    ) {
        switch effect {
        case .chunk(let upload, let delta, let offset, let length):
            guard let start else { return }
            uploads[upload]?.chunks.append(
                LoggedBody.Chunk(position: start.advanced(by: delta), offset: offset, length: length))
        case .body(let digest, let upload, let size):
            guard let progress = uploads.removeValue(forKey: upload) else { return }
            ready += bodies.becameDurable(digest, LoggedBody(chunks: progress.chunks, size: size))
        case .notices(let key, let notices, let origin):
            for (id, listener) in listeners[key] ?? [:] {
                listener.deliver(notices, of: unit.number, isOwn: id == origin)
            }
        case .assigned(let uid, let message, let mailbox):
            if let waiter = uidWaits.assigned(uid, to: message, in: mailbox) { ready.append(waiter) }
        case .membersChanged: membersChanged = true
        }
    }

    /// The first position of the log that a checkpoint made now, up to `end`, leaves needed.
    func firstNeededPosition(upTo end: LogPosition) -> LogPosition {
        uploads.values.map(\.began).min().map { min($0, end) } ?? end
    }
}
