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
        turns += 1
        var turn = IntakeTurn(number: turns)
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
        var isOfAnOwner = false
        frame.operations.withUnsafeBufferPointer { operations in
            guard let first = operations.baseAddress else { return }
            for range in OperationGroup.ranges(of: operations) {
                for index in range { makeBox(operations[index].account) }
                turn.group.gather(operations, range, accounts)
                turn.group.look(at: first + range.lowerBound, [.mailbox, .message, .record])
                for index in range {
                    guard let box = turn.group.boxes[index - range.lowerBound] else { continue }
                    apply(first + index, to: box, context, &turn)
                    isOfAnOwner = isOfAnOwner || (first + index).pointee.kind.isOfAnOwner
                    context.past[frame.origin] = operations[index].dot.counter
                }
            }
        }
        if isOfAnOwner, let owner = replica.replicas.id(at: frame.origin) { uidWaits.patience.heard(from: owner) }
        turn.operations += frame.operations.count
        turn.unit.delivered.append(Dot(frame.origin, frame.counters.upperBound))
        let bytes = frame.heldPayload ?? payload ?? []
        let span = bytes.span
        FrameEnvelope.append(kind: .operations, payload: span.bytes, to: &turn.unit.frames)
    }

    private mutating func apply(
        _ operation: UnsafePointer<Operation>, to box: AccountBox, _ context: borrowing ApplyContext,
        _ turn: inout IntakeTurn
    ) {
        let part = turn.part(of: box)
        let dot = operation.pointee.dot
        if !box.contains(dot) {
            box.state.apply(operation, context: context, changes: &turn.parts[part].changes)
            if operation.pointee.kind == .delete { group.graveyards.insert(box.index) }
        }
        box.applied[dot.replica] = dot.counter
    }

    /// Makes the account if a frame names it for the first time here.
    private mutating func makeBox(_ index: AccountIndex) {
        if accounts.contains(index) { return }
        accounts.insert(
            AccountBox(
                index: index, name: replica.symbols.name(of: index) ?? "", state: AccountState(limits: accountLimits)))
    }

    /// Takes in what the turn changed, lets this replica assign the UIDs that are its to assign, and queues everything as one unit.
    private mutating func finish(_ turn: inout IntakeTurn, _ now: UInt64) throws {
        for part in turn.parts {
            group.uidCounts.note(part.box.state.concurrency, since: part.concurrency)
            var recorded: [MailboxID] = []
            turn.unit.effects += absorb(part.changes, of: part.box, origin: 0, isRemote: true, recorded: &recorded)
            recorded += part.box.state.mailboxesNeedingUIDs
            try settleUIDs(in: recorded, of: part.box, now: now, &turn.unit)
        }
        guard !turn.unit.frames.isEmpty else { return }
        let ticket = enqueue(turn.unit)
        for part in turn.parts { part.box.lastTicket = ticket }
    }
}

extension OperationKind {
    /// Whether only who looks after a mailbox's UIDs issues such an operation.
    fileprivate var isOfAnOwner: Bool { self == .assign || self == .epoch }
}
