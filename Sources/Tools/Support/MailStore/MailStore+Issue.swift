// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage
internal import Synchronization

extension MailStore {
    /// Carries out a command on an account: issues its operations, applies them, makes them durable, and only then returns.
    ///
    /// - Parameters:
    ///   - account: the account.
    ///   - origin: the number of the open mailbox through which it came; 0 for none.
    ///   - needed: the mailboxes whose messages the command touches; asked again whenever something was loaded.
    ///   - prepare: makes the names that the command needs, before its point in causal time is taken.
    ///   - command: checks, issues into the unit's batch and applies. When it throws, it has changed nothing.
    /// - Returns: what the command returns.
    /// - Throws: ``MailStoreError``. If it is `diskFull` or `unavailable` nothing has changed.
    func issue<P, R: Sendable>(
        on account: MailAccount, origin: UInt64 = 0,
        needing needed: (borrowing AccountState) throws(MailStoreError) -> [MailboxID] = { _ in [] },
        preparing prepare: (inout StoreCore) throws -> P,
        _ command: (inout StoreCore, AccountBox, inout IssuedUnit, P) throws -> R
    ) async throws -> R {
        let (result, log, ticket) = try await withAccount(account, needing: needed) { core, box in
            try core.checkWritable(now: now())
            let prepared = try prepare(&core)
            let point = core.replica.begin(nowMilliseconds: now())
            var unit = IssuedUnit(
                batch: OperationBatch(
                    replica: point.replica, firstCounter: point.firstCounter, timestamp: point.timestamp,
                    account: account.index, context: core.context(past: point.past)))
            let result = try command(&core, box, &unit, prepared)
            if !unit.batch.operations.isEmpty { try seal(&unit, issuedAt: point, in: &core, box, origin: origin) }
            return (result, core.log, box.lastTicket)
        }
        try await wait(for: ticket, in: log)
        return result
    }

    /// ``issue(on:origin:needing:preparing:_:)`` for a command that needs no names made.
    func issue<R: Sendable>(
        on account: MailAccount, origin: UInt64 = 0,
        needing needed: (borrowing AccountState) throws(MailStoreError) -> [MailboxID] = { _ in [] },
        _ command: (inout StoreCore, AccountBox, inout IssuedUnit) throws -> R
    ) async throws -> R {
        try await issue(on: account, origin: origin, needing: needed, preparing: { _ in }) { core, box, unit, _ in
            try command(&core, box, &unit)
        }
    }

    private func seal(
        _ unit: inout IssuedUnit, issuedAt point: IssuePoint, in core: inout StoreCore, _ box: AccountBox,
        origin: UInt64
    ) throws {
        do {
            for payload in try core.replica.seal(unit.batch.operations, issuedAt: point) {
                let span = payload.span
                FrameEnvelope.append(kind: .operations, payload: span.bytes, to: &unit.frames)
            }
        } catch {
            // The state has the operations and the log will not: only what is durable counts.
            core.failed(MailStoreError(error))
            throw error
        }
        if unit.batch.operations.contains(where: { $0.isDelete }) {
            box.state.prune(stable: core.replica.stable, changes: &unit.batch.changes)
        }
        unit.effects += core.absorb(unit.batch.changes, of: box, origin: origin)
        box.lastTicket = core.enqueue(unit.frames, unit.effects)
        let isMuch = core.log.end.rawValue - core.checkpointed.rawValue >= options.checkpointBytes
        if core.dirtyRecords >= options.checkpointRecords || isMuch { checkpointing.ask() }
    }

    /// Reads an account; what is read is durable when this returns.
    func read<R: Sendable>(
        _ account: MailAccount,
        needing needed: (borrowing AccountState) throws(MailStoreError) -> [MailboxID] = { _ in [] },
        _ body: (inout StoreCore, AccountBox) throws -> R
    ) async throws -> R {
        let (result, log, ticket) = try await withAccount(account, needing: needed) { core, box in
            (try body(&core, box), core.log, box.lastTicket)
        }
        try await wait(for: ticket, in: log)
        return result
    }

    private func wait(for ticket: LogTicket, in log: SegmentedLog) async throws {
        guard ticket > log.durableTicket else { return }
        do { try await log.waitUntilDurable(ticket) } catch {
            try rebuildIfFailed()
            throw MailStoreError(error)
        }
    }

    /// Calls a closure under the lock, with the account and the messages that it needs in memory.
    ///
    /// Loading happens outside the lock, so that nobody waits for another's disk; it is repeated when the need has changed meanwhile.
    private func withAccount<R: Sendable>(
        _ account: MailAccount, needing needed: (borrowing AccountState) throws(MailStoreError) -> [MailboxID],
        _ body: (inout StoreCore, AccountBox) throws -> R
    ) async throws -> R {
        try rebuildIfFailed()
        while true {
            let attempt: Attempt<R>
            do {
                attempt = try core.withLock { core throws -> Attempt<R> in
                    guard !core.isClosed else { throw MailStoreError(.closed, "the store is closed") }
                    guard let box = core.accounts[account.index] else { return .needsAccount }
                    core.uses += 1
                    for mailbox in try needed(box.state) {
                        box.lastUse[mailbox] = core.uses
                        if !box.state.isResident(mailbox) {
                            let key = MailboxKey(account: account.index, mailbox: mailbox)
                            return .needsMailbox(mailbox, core.installations[key, default: 0])
                        }
                    }
                    return .done(try body(&core, box))
                }
            } catch {
                throw MailStoreError(error)
            }
            switch attempt {
            case .done(let result): return result
            case .needsAccount: try load(account)
            case .needsMailbox(let mailbox, let installation): try load(mailbox, of: account, installation)
            }
        }
    }

    private enum Attempt<R> {
        case done(R)
        case needsAccount
        case needsMailbox(MailboxID, UInt64)
    }

    private func load(_ account: MailAccount) throws {
        let reader = EngineReader(engine: engine, limits: accountLimits)
        let context = core.withLock { $0.context(past: VersionVector()) }
        let box = AccountBox(
            index: account.index, name: account.name, state: try reader.account(account.index, context))
        core.withLock { core in
            // An account is never let go, so the first to install it wins and nothing newer can be lost.
            if core.accounts[account.index] == nil { core.accounts[account.index] = box }
        }
    }

    private func load(_ mailbox: MailboxID, of account: MailAccount, _ number: UInt64) throws {
        let installation = try EngineReader(engine: engine, limits: accountLimits).messages(of: account.index, mailbox)
        try core.withLock { core throws in
            let key = MailboxKey(account: account.index, mailbox: mailbox)
            guard let box = core.accounts[account.index], core.installations[key, default: 0] == number,
                !box.state.isResident(mailbox)
            else { return }
            try box.state.installMessages(installation)
            core.installations[key] = number + 1
        }
    }

    var accountLimits: AccountLimits {
        AccountLimits(
            maximumNameBytes: options.mailboxNameBytes, maximumMailboxes: options.mailboxesPerAccount,
            maximumSubscriptions: options.mailboxesPerAccount * 2)
    }
}

/// What a command adds to the log as one unit: frames before its operations, the operations, and what to do when they are durable.
struct IssuedUnit {
    var batch: OperationBatch
    var frames: [UInt8] = []
    var effects: [PendingUnit.Effect] = []
}

extension Operation {
    fileprivate var isDelete: Bool {
        if case .delete = body { return true }
        return false
    }
}
