// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage
internal import Synchronization

extension MailStore {
    /// What a command or a read depends on: the last unit of its account, in the log of that moment.
    struct Receipt: Sendable {
        let log: SegmentedLog
        let ticket: LogTicket
        /// Whether the unit was durable, and its effects had taken place, at that moment.
        let isSettled: Bool

        init(_ core: borrowing StoreCore, _ box: AccountBox) {
            log = core.log
            ticket = box.lastTicket
            isSettled = box.lastTicket <= core.told
        }

        /// Everything that was queued until this moment.
        init(_ core: borrowing StoreCore) {
            log = core.log
            ticket = core.lastTicket
            isSettled = core.lastTicket <= core.told
        }
    }

    /// How often a read is repeated because what it saw could not be made durable.
    private static let readAttempts = 3

    /// Reads an account; what is read is durable when this returns.
    ///
    /// Memory is ahead of the disk. If the disk fails to follow, the fault is not the reader's: it reads again what is left.
    ///
    /// - Parameters:
    ///   - account: the account.
    ///   - needed: the mailboxes whose messages are read; asked again whenever something was loaded.
    ///   - undo: takes back a result that was not durable.
    ///   - body: reads.
    /// - Returns: what the closure returns.
    /// - Throws: ``MailStoreError``.
    func read<R: Sendable>(
        _ account: MailAccount,
        needing needed: (borrowing AccountState) throws(MailStoreError) -> [MailboxID] = { _ in [] },
        undoing undo: (R) -> Void = { _ in },
        _ body: (inout StoreCore, AccountBox) throws -> R
    ) async throws -> R {
        var attempt = 1
        while true {
            let (result, receipt) = try await withAccount(account, needing: needed) { core, box in
                (try body(&core, box), Receipt(core, box))
            }
            do {
                try await wait(for: receipt)
                return result
            } catch {
                undo(result)
                if attempt == Self.readAttempts || error.code == .closed { throw error }
                attempt += 1
            }
        }
    }

    /// Waits until a unit is durable and everybody has been told.
    func wait(for receipt: Receipt) async throws(MailStoreError) {
        if receipt.isSettled { return }
        do {
            try await receipt.log.waitUntilDurable(receipt.ticket)
        } catch {
            let failure = MailStoreError(error)
            core.withLock { core in
                // The log knows of its failure a moment before the core does.
                guard core.log === receipt.log, !core.isClosed else { return }
                if core.failure == nil, failure.code != .closed { core.noteUnwritten(now: now()) }
                core.stateFailed(failure)
            }
            // What could not be rebuilt now is tried again by the next command; the caller wants to know of its own.
            try? await rebuildIfFailed()
            throw failure
        }
        // The log says "durable" a moment before the core hears it, and until then a body cannot be read.
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isSettled = core.withLock { core in
                guard core.log === receipt.log, core.told < receipt.ticket else { return true }
                core.tellWaiters.append((receipt.ticket, continuation))
                return false
            }
            if isSettled { continuation.resume() }
        }
    }

    /// Calls a closure under the lock, with the account and the messages that it needs in memory.
    ///
    /// Loading happens outside the lock, so that nobody waits for another's disk; it is repeated when the need has changed meanwhile.
    func withAccount<R: Sendable>(
        _ account: MailAccount, needing needed: (borrowing AccountState) throws(MailStoreError) -> [MailboxID],
        _ body: (inout StoreCore, AccountBox) throws -> R
    ) async throws(MailStoreError) -> R {
        while true {
            let attempt: Attempt<R>
            do {
                attempt = try core.withLock { core throws -> Attempt<R> in
                    guard !core.isClosed else { throw MailStoreError(.closed, "the store is closed") }
                    guard core.failure == nil else { return .needsRebuilding }
                    guard core.era == account.era else { throw MailStoreError.superseded }
                    guard let box = core.accounts[account.index] else { return .needsAccount(core.generation) }
                    try core.checkUsable(box)
                    core.uses += 1
                    for mailbox in try needed(box.state) {
                        if box.state.isAlive(mailbox) { box.lastUse[mailbox] = core.uses }
                        if !box.state.isResident(mailbox) {
                            let key = MailboxKey(account: account.index, mailbox: mailbox)
                            return .needsMailbox(mailbox, core.installations[key, default: 0], core.generation)
                        }
                    }
                    return .done(try body(&core, box))
                }
                switch attempt {
                case .done(let result): return result
                case .needsRebuilding: try await rebuildIfFailed()
                case .needsAccount(let generation):
                    try await elsewhere { try load(account.index, generation) }
                case .needsMailbox(let mailbox, let installation, let generation):
                    try await elsewhere { try load(mailbox, of: account.index, installation, generation) }
                }
            } catch {
                throw MailStoreError(error)
            }
        }
    }

    /// Does what takes long away from the event loop on which the caller may be.
    private func elsewhere(_ body: () throws -> Void) async throws {
        try await withTaskExecutorPreference(globalConcurrentExecutor) { try body() }
    }

    private enum Attempt<R> {
        case done(R)
        case needsRebuilding
        case needsAccount(UInt64)
        case needsMailbox(MailboxID, UInt64, UInt64)
    }

    /// Brings an account into memory, unless somebody else does.
    func load(_ account: AccountIndex, _ generation: UInt64) throws {
        let reader = EngineReader(engine: engine, limits: accountLimits)
        let (context, name) = core.withLock {
            ($0.context(past: VersionVector()), $0.replica.symbols.name(of: account) ?? "")
        }
        let box = try reader.account(account, named: name, context)
        core.withLock { core in
            // Within a generation an account is never let go, so the first to install it wins and nothing newer can be lost.
            guard core.generation == generation, core.accounts[account] == nil else { return }
            core.install(box)
        }
    }

    /// Brings the messages of a mailbox into memory, unless they came or changed meanwhile.
    func load(_ mailbox: MailboxID, of account: AccountIndex, _ number: UInt64, _ generation: UInt64) throws {
        let installation = try EngineReader(engine: engine, limits: accountLimits).messages(of: account, mailbox)
        try core.withLock { core throws in
            let key = MailboxKey(account: account, mailbox: mailbox)
            guard core.generation == generation, let box = core.accounts[account],
                core.installations[key, default: 0] == number, !box.state.isResident(mailbox)
            else { return }
            try box.state.installMessages(installation)
            core.installations[key] = number + 1
        }
    }
}
