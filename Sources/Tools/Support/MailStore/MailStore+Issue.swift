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
        let (result, receipt) = try await withAccount(account, needing: needed) { core, box in
            try core.checkWritable(now: now())
            let prepared = try prepare(&core)
            let point = core.replica.begin(nowMilliseconds: now())
            var unit = IssuedUnit(
                batch: OperationBatch(
                    replica: point.replica, firstCounter: point.firstCounter, timestamp: point.timestamp,
                    account: account.index, context: core.context(past: point.past), stripe: options.uidStripe))
            unit.batch.mayOpenEpochs = core.group.knowsFormerLives
            let result: R
            do { result = try command(&core, box, &unit, prepared) } catch {
                // A command that breaks its promise has changed what the log will never have.
                if !unit.batch.operations.isEmpty { core.stateFailed(MailStoreError(error)) }
                throw error
            }
            if !unit.batch.operations.isEmpty { try seal(&unit, issuedAt: point, in: &core, box, origin: origin) }
            return (result, Receipt(core, box))
        }
        try await wait(for: receipt)
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
        try core.seal(&unit, issuedAt: point, box, origin: origin)
        if !core.group.unreachable.isEmpty {
            // The one who assigns the UIDs is gone: nobody has to wait for the next tick to find out.
            let waiting = box.state.mailboxesNeedingUIDs
            try core.settleUIDs(in: waiting, of: box, now: now(), &unit.content)
        }
        box.lastTicket = core.enqueue(unit.content)
        askForCheckpoint(core)
    }

    /// Asks for a checkpoint if there is enough to write.
    func askForCheckpoint(_ core: borrowing StoreCore) {
        let isMuch = core.log.end.rawValue - core.checkpointed.rawValue >= options.checkpointBytes
        if core.dirtyRecords >= options.checkpointRecords || isMuch { checkpointing.ask() }
    }

    var accountLimits: AccountLimits { options.accountLimits }
}

/// What a command adds to the log as one unit: frames before its operations, the operations, and what to do when they are durable.
struct IssuedUnit {
    var batch: OperationBatch
    var content = UnitContent()
}

extension StoreCore {
    /// Turns the operations of a unit's batch into frames, and takes in what they changed.
    ///
    /// - Throws: why it could not be done; the state then has what the log will not, and only what is durable counts.
    mutating func seal(
        _ unit: inout IssuedUnit, issuedAt point: IssuePoint, _ box: AccountBox, origin: UInt64
    ) throws {
        do {
            for payload in try replica.seal(unit.batch.operations, issuedAt: point) {
                let span = payload.span
                FrameEnvelope.append(kind: .operations, payload: span.bytes, to: &unit.content.frames)
            }
        } catch {
            stateFailed(MailStoreError(error))
            throw error
        }
        if let last = unit.batch.operations.last {
            unit.content.delivered.append(last.dot)
            unit.content.ownTime = last.timestamp
            box.applied[last.dot.replica] = last.dot.counter
        }
        if unit.batch.operations.contains(where: { $0.kind == .delete }) {
            group.graveyards.insert(box.index)
            if group.stable == nil { prune(box, &unit.batch.changes) }
        }
        unit.content.effects += absorb(unit.batch.changes, of: box, origin: origin)
    }
}
