// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
package import Logging
internal import Storage
internal import Synchronization

/// A node's mail: accounts whose mailboxes are the IMAP CmRDT, durable in a log and its engine.
///
/// Every change is an operation in the log. One writer thread makes all that is queued durable with one `fdatasync`; only then is it acknowledged or shown. The
/// engine holds the same state as of some position in the log and the bodies, and is brought forward in the background.
package final class MailStore: Sendable {
    let options: MailStoreOptions
    let logger: Logger
    /// The engine; a snapshot puts another one in its place.
    var engine: LMDBEngine { engineSlot.withLock { $0 } }
    let engineSlot: Mutex<LMDBEngine>
    let transfers = Mutex(Transfers())
    let core: Mutex<StoreCore>
    let checkpointing: Checkpointing
    let signals = GroupSignals()
    let accountGate = AccountGate()
    let sessionWait = Mutex<(@Sendable () async -> Void)?>(nil)
    private let lock: DirectoryLock
    let path: String
    private let clock: @Sendable () -> UInt64

    /// Opens a store, or makes a new one, and recovers what the last process left.
    ///
    /// - Parameters:
    ///   - directory: where it is; no other process may have it open.
    ///   - options: limits and habits.
    ///   - logger: where it reports.
    ///   - clock: milliseconds since 1970.
    /// - Returns: the open store.
    /// - Throws: ``MailStoreError``: `locked`, `corrupt`, `diskFull`, `unavailable`.
    package static func open(
        directory: String, options: MailStoreOptions = MailStoreOptions(), logger: Logger,
        clock: @escaping @Sendable () -> UInt64 = WallClock.milliseconds
    ) async throws -> MailStore {
        do {
            let lock = try DirectoryLock.acquire(directory: directory)
            let replacement = EngineReplacement(in: directory, files: options.engineFiles)
            try replacement.settle()
            let engine = try LMDBEngine.open(directory: replacement.enginePath)
            let checkpointing = Checkpointing()
            let core = try StoreRecovery(
                directory: directory, options: options, engine: engine, logger: logger
            ).run()
            let store = MailStore(
                directory: directory, options: options, logger: logger, engine: engine, core: core, lock: lock,
                checkpointing: checkpointing, clock: clock)
            store.listen(to: store.core.withLock { $0.log })
            try store.verifyBodies()
            if store.core.withLock({ $0.needsWholeReplica }) { try await store.checkpoint() }
            return store
        } catch {
            throw MailStoreError(error)
        }
    }

    private init(
        directory: String, options: MailStoreOptions, logger: Logger, engine: LMDBEngine,
        core: consuming sending StoreCore,
        lock: DirectoryLock, checkpointing: Checkpointing, clock: @escaping @Sendable () -> UInt64
    ) {
        path = directory
        self.options = options
        self.logger = logger
        engineSlot = Mutex(engine)
        self.core = Mutex(core)
        self.lock = lock
        self.checkpointing = checkpointing
        self.clock = clock
    }

    /// The account of a user; made, with INBOX and the mailboxes that every account has, at the first call.
    ///
    /// - Parameter name: the user, 1 to 255 octets.
    /// - Returns: the account.
    /// - Throws: ``MailStoreError``.
    package func account(named name: String) async throws -> MailAccount {
        let account = try handle(name)
        try await account.provision()
        return account
    }

    /// The account of a user whose session may begin here; nothing is made of it before ``MailAccount/provision()``.
    ///
    /// Several nodes may be asked to begin the same session, and all but one for nothing.
    ///
    /// - Parameter name: the user, 1 to 255 octets.
    /// - Returns: the account.
    /// - Throws: ``MailStoreError``, with `unavailable` if it would have to be made and may be on its way from a peer.
    package func account(admitting name: String) async throws -> MailAccount {
        let account = try handle(name)
        if try await !account.isMade() { try await accountGate.pass() }
        return account
    }

    private func handle(_ name: String) throws -> MailAccount {
        guard name != GroupAccount.name else {
            throw MailStoreError(.badName, "the group's own account is nobody's mail")
        }
        let (index, era) = try core.withLock { core throws in
            do { return (try core.replica.account(named: name), core.era) } catch { throw MailStoreError(error) }
        }
        return MailAccount(store: self, index: index, name: name, era: era)
    }

    /// Brings the engine forward, whenever there is enough to write or enough time has passed, until the task is cancelled or the
    /// process shuts down.
    package func run() async throws {
        let pause = Duration.milliseconds(options.checkpointMilliseconds)
        try await checkpointing.run(every: pause) { await self.checkpointOrReport() }
    }

    /// Writes what the log alone holds into the engine, and closes.
    ///
    /// What was acknowledged is safe whether this is called or not. A snapshot that is being put in force is waited for; one that still arrives is given up.
    package func close() async {
        await checkpointing.exclusively { dropImport() }
        let suffix = core.withLock { $0.log.end.rawValue - $0.checkpointed.rawValue }
        if suffix <= options.closingCheckpointBytes { await checkpointOrReport() }
        await checkpointing.exclusively {
            let log = core.withLock { core in
                core.isClosed = true
                return core.log
            }
            // One may have begun meanwhile; from here on none can.
            dropImport()
            log.close()
            engine.close()
            lock.close()
        }
    }

    private func checkpointOrReport() async {
        do { try await checkpoint() } catch {
            logger.error(
                "the engine could not be brought forward; the log keeps what is missing",
                metadata: ["reason": "\(error)"])
        }
    }

    func now() -> UInt64 { clock() }

    /// Ends the delivery of notices to an open mailbox.
    func forget(_ mailbox: OpenMailbox) {
        core.withLock { core in
            let key = MailboxKey(account: mailbox.account.index, mailbox: mailbox.snapshot.id)
            core.listeners[key]?[mailbox.number] = nil
            if core.listeners[key]?.isEmpty ?? false { core.listeners[key] = nil }
        }
    }

    /// What the log has counted since the store was opened.
    package var logCounts: LogCounts {
        // The log's own lock is held over its I/O: nobody waits for it with the store's in hand.
        let log = core.withLock { $0.log }
        let counters = log.counters
        let (seconds, attoseconds) = counters.syncDurations.sum.components
        return LogCounts(
            commits: counters.commits, syncs: counters.syncs, units: counters.units, bytes: counters.bytesWritten,
            failures: counters.failures, syncSeconds: Double(seconds) + Double(attoseconds) / 1e18)
    }
}

/// What a log counts, for metrics.
package struct LogCounts: Sendable {
    /// Group commits.
    package let commits: UInt64
    /// Calls of `fdatasync`.
    package let syncs: UInt64
    /// Units made durable.
    package let units: UInt64
    /// Octets written.
    package let bytes: UInt64
    /// Group commits that failed.
    package let failures: UInt64
    /// Seconds spent in `fdatasync`.
    package let syncSeconds: Double
}

extension MailStore {
    /// The mailboxes that sessions have open, for metrics.
    package var openMailboxes: Int { core.withLock { core in core.listeners.values.reduce(0) { $0 + $1.count } } }

    /// The large messages that are on their way in, for metrics.
    package var openUploads: Int { core.withLock { $0.uploads.count } }
}
