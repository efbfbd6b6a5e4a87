// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage

extension StoreCore {
    /// What is to be done before the next turn.
    enum TurnEnd {
        /// Nothing; there is more.
        case more
        /// All items were looked at.
        case finished
        /// Something has to be brought into memory, outside the lock.
        case needs(MemoryNeed, installation: UInt64, generation: UInt64)
        /// The log failed.
        case needsRebuilding
    }

    /// Takes as many of a batch's items as a turn allows, applies what they deliver, and queues it as one unit.
    ///
    /// - Parameters:
    ///   - intake: the batch.
    ///   - now: the wall clock, milliseconds since 1970.
    ///   - options: the limits.
    /// - Returns: how to go on.
    mutating func takeTurn(_ intake: inout Intake, now: UInt64, _ options: MailStoreOptions) -> TurnEnd {
        guard !isClosed else {
            intake.refuse(CRDTError(.unavailable, "the store is closed"))
            return .finished
        }
        guard failure == nil else { return .needsRebuilding }
        if let refused = refusal, now < refused.until {
            intake.refuse(CRDTError(.unavailable, refused.error.message))
            return .finished
        }
        guard intake.generation ?? generation == generation else {
            intake.refuse(CRDTError(.unavailable, "the log failed; what was received is to be sent again"))
            return .finished
        }
        intake.generation = generation
        var turn = IntakeTurn()
        var need: MemoryNeed?
        var isFull = false
        while need == nil, !isFull {
            if replica.deferredFrames > 0 {
                (need, isFull) = resumeDeferred(&intake, &turn, options)
                if replica.deferredFrames > 0 { break }
            } else if intake.position < intake.items.count {
                (need, isFull) = takeItem(&intake, &turn, now, options)
            } else {
                break
            }
        }
        do { try finish(&turn, now) } catch {
            // The state has what the log will not.
            return .needsRebuilding
        }
        intake.outcome.delivered = positions(replica.delivered)
        if let need { return needs(need) }
        return intake.position < intake.items.count || replica.deferredFrames > 0 ? .more : .finished
    }

    private mutating func needs(_ need: MemoryNeed) -> TurnEnd {
        var installation: UInt64 = 0
        if case .mailbox(let account, let mailbox) = need {
            uses += 1
            accounts[account]?.lastUse[mailbox] = uses
            installation = installations[MailboxKey(account: account, mailbox: mailbox), default: 0]
        }
        return .needs(need, installation: installation, generation: generation)
    }

    // MARK: Items

    private mutating func takeItem(
        _ intake: inout Intake, _ turn: inout IntakeTurn, _ now: UInt64, _ options: MailStoreOptions
    ) -> (MemoryNeed?, isFull: Bool) {
        switch intake.items[intake.position] {
        case .body(let digest, let size, let bytes):
            guard let checked = intake.bodies[intake.position], checked.isSound else {
                intake.refuse(CRDTError(.malformed, "the bytes of a body are not those of its digest"))
                return (nil, false)
            }
            if !(bodies.isHeld(digest) ?? checked.isInEngine) {
                let chunks = Self.chunks(of: bytes, options.bodyChunkBytes)
                appendBody(upload: .random(in: 0 ... .max), chunks, digest: digest, size: size, to: &turn.unit)
            }
        case .operations(let payload):
            let (result, need, isFull): (ReceiveResult, MemoryNeed?, Bool)
            do throws(CRDTError) {
                (result, need, isFull) = try receive(payload, turn, now, options)
            } catch {
                intake.refuse(error)
                return (nil, false)
            }
            switch result {
            case .deferred: return (need, isFull)
            case .delivered(let frames, let refused):
                for frame in frames { apply(frame, payload, &turn) }
                intake.outcome.deliveredOperations += frames.reduce(0) { $0 + $1.operations.count }
                intake.outcome.refusedFrames += refused
            case .waiting(let missing): intake.outcome.waiting.append(missing)
            case .overflow(let position): intake.outcome.overflow.append(position)
            case .duplicate: break
            }
        }
        intake.position += 1
        return (nil, turn.operations >= options.operationsPerTurn)
    }

    /// Gives a frame to the replica; the table of accounts is shared only until this returns.
    private mutating func receive(
        _ payload: [UInt8], _ turn: IntakeTurn, _ now: UInt64, _ options: MailStoreOptions
    ) throws(CRDTError) -> (ReceiveResult, MemoryNeed?, Bool) {
        var admission = self.admission(turn, options)
        let result = try replica.receive(payload, nowMilliseconds: now) { admission.admits($0) }
        return (result, admission.need, admission.isFull)
    }

    private mutating func resumeFrames(
        _ turn: IntakeTurn, _ options: MailStoreOptions
    ) -> ([DecodedFrame], [RefusedFrame], MemoryNeed?, Bool) {
        var admission = self.admission(turn, options)
        let (frames, refused) = replica.resumeDeferred { admission.admits($0) }
        return (frames, refused, admission.need, admission.isFull)
    }

    private mutating func resumeDeferred(
        _ intake: inout Intake, _ turn: inout IntakeTurn, _ options: MailStoreOptions
    ) -> (MemoryNeed?, isFull: Bool) {
        let (frames, refused, need, isFull) = resumeFrames(turn, options)
        for frame in frames { apply(frame, nil, &turn) }
        intake.outcome.deliveredOperations += frames.reduce(0) { $0 + $1.operations.count }
        intake.outcome.refusedFrames += refused
        return (need, isFull)
    }

    private func admission(_ turn: IntakeTurn, _ options: MailStoreOptions) -> Admission {
        Admission(
            accounts: accounts, knownAccounts: replica.symbols.accountCount, limit: options.operationsPerTurn,
            used: turn.operations)
    }

    private static func chunks(of bytes: [UInt8], _ length: Int) -> [(offset: UInt64, bytes: [UInt8])] {
        if bytes.count <= length { return [(0, bytes)] }
        return stride(from: 0, to: bytes.count, by: length).map { start in
            (UInt64(start), Array(bytes[start..<min(start + length, bytes.count)]))
        }
    }

    // MARK: Applying

    /// Applies a delivered frame, and adds its bytes, unchanged, to the turn's unit.
    private mutating func apply(_ frame: DecodedFrame, _ payload: [UInt8]?, _ turn: inout IntakeTurn) {
        var context = context(past: frame.past)
        for operation in frame.operations {
            let box = accounts[operation.account] ?? newBox(operation.account)
            var changes: StateChanges = []
            if !box.contains(operation.dot) {
                let before = box.state.concurrency
                box.state.apply(operation, context: context, changes: &changes)
                group.uidCounts.note(box.state.concurrency, since: before)
                if case .delete = operation.body { group.graveyards.insert(box.index) }
            }
            if operation.isOfAnOwner, let owner = replica.replicas.id(at: operation.dot.replica) {
                uidWaits.patience.heard(from: owner)
            }
            turn.note(changes, of: box.index)
            box.applied[operation.dot.replica] = operation.dot.counter
            context.past[operation.dot.replica] = operation.dot.counter
        }
        turn.operations += frame.operations.count
        turn.unit.delivered.append(Dot(frame.origin, frame.counters.upperBound))
        let bytes = frame.heldPayload ?? payload ?? []
        let span = bytes.span
        FrameEnvelope.append(kind: .operations, payload: span.bytes, to: &turn.unit.frames)
    }

    /// An account that a frame names for the first time here.
    private mutating func newBox(_ index: AccountIndex) -> AccountBox {
        let box = AccountBox(
            index: index, name: replica.symbols.name(of: index) ?? "", state: AccountState(limits: accountLimits))
        accounts[index] = box
        return box
    }

    /// Takes in what the turn changed, lets this replica assign the UIDs that are its to assign, and queues everything as one unit.
    private mutating func finish(_ turn: inout IntakeTurn, _ now: UInt64) throws {
        var boxes: [AccountBox] = []
        for account in turn.accounts {
            guard let box = accounts[account] else { continue }
            boxes.append(box)
            let changes = turn.changes[account] ?? []
            turn.unit.effects += absorb(changes, of: box, origin: 0, isRemote: true)
            let mailboxes = Set(changes.compactMap(\.recordedMailbox))
            try settleUIDs(in: mailboxes.union(box.state.mailboxesNeedingUIDs), of: box, now: now, &turn.unit)
        }
        guard !turn.unit.frames.isEmpty else { return }
        let ticket = enqueue(turn.unit)
        for box in boxes { box.lastTicket = ticket }
    }
}

extension Operation {
    /// Whether only who looks after a mailbox's UIDs issues such an operation.
    fileprivate var isOfAnOwner: Bool {
        switch body {
        case .assign, .epoch: true
        case .create, .delete, .rename, .append, .expunge, .store, .subscribe, .unsubscribe, .member, .mark: false
        }
    }
}

extension StateChange {
    /// The mailbox of which a message's record changed.
    fileprivate var recordedMailbox: MailboxID? {
        if case .recordChanged(let mailbox, _) = self { return mailbox }
        return nil
    }
}
