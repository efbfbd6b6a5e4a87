// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// Operations of this node's clients, and those of its peers.
extension SimulatedStore {
    /// Carries out a command; `done` is called with the operations when they are durable, or with the error at once.
    func issue(
        _ account: String, _ command: (inout AccountState, inout OperationBatch) throws(CRDTError) -> Void,
        done: @escaping (Result<[GlobalOperation], CRDTError>) -> Void
    ) {
        issueWithBodies(account) { (state, batch) throws(CRDTError) -> [[UInt8]] in
            try command(&state, &batch)
            return []
        } done: {
            done($0)
        }
    }

    /// Carries out a command that returns the bodies of the messages that it adds.
    func issueWithBodies(
        _ account: String, _ command: (inout AccountState, inout OperationBatch) throws(CRDTError) -> [[UInt8]],
        done: @escaping (Result<[GlobalOperation], CRDTError>) -> Void
    ) {
        guard isReady else { return done(.failure(CRDTError(.notPermitted, "the store is catching up"))) }
        guard !disk.isFull else { return done(.failure(CRDTError(.unavailable, "the disk is full"))) }
        do throws(CRDTError) {
            let index = try replica.account(named: account)
            let box = box(index)
            loadAll(box)
            let point = replica.begin(nowMilliseconds: now)
            var batch = OperationBatch(
                replica: point.replica, firstCounter: point.firstCounter, timestamp: point.timestamp, account: index,
                context: context(past: point.past), stripe: stripe)
            batch.mayOpenEpochs = progress.knowsFormerLives
            let newBodies = try command(&box.state, &batch)
            absorb(batch.changes)
            guard !batch.operations.isEmpty else { return whenDurable { done(.success([])) } }
            var frames: [UInt8] = []
            for body in newBodies { keep(body, into: &frames) }
            for payload in try replica.seal(batch.operations, issuedAt: point) {
                let span = payload.span
                FrameEnvelope.append(kind: .operations, payload: span.bytes, to: &frames)
            }
            newestOwn = point.timestamp
            let issued = register(batch.operations, past: point.past)
            if world.mutant == .answersBeforeDurable {
                done(.success(issued))
                enqueue(frames) {}
            } else {
                enqueue(frames) { done(.success(issued)) }
            }
        } catch {
            done(.failure(error))
        }
    }

    private func register(_ operations: [Operation], past: VersionVector) -> [GlobalOperation] {
        var past = past
        var result: [GlobalOperation] = []
        for operation in operations {
            result.append(replica.global(operation, past: past))
            past[operation.dot.replica] = operation.dot.counter
        }
        oracle.issued(result)
        return result
    }

    /// Takes what a peer sent.
    func receive(_ items: [PeerItem]) -> DeliveryOutcome {
        var outcome = DeliveryOutcome(delivered: [], deliveredOperations: 0)
        var frames: [UInt8] = []
        if disk.isFull {
            outcome.refusal = .init(item: 0, error: CRDTError(.unavailable, "the disk is full"))
            outcome.delivered = replica.deliveredPositions
            return outcome
        }
        for (position, item) in items.enumerated() {
            switch item {
            case .body(let digest, let size, let bytes):
                guard SimulatedBody.digest(bytes) == digest && size == UInt64(bytes.count) else {
                    outcome.refusal = .init(item: position, error: CRDTError(.malformed, "a body has another hash"))
                    break
                }
                keep(bytes, into: &frames)
            case .operations(let payload):
                do throws(CRDTError) {
                    try receive(payload, &outcome, &frames)
                } catch {
                    outcome.refusal = .init(item: position, error: error)
                }
            }
            if outcome.refusal != nil { break }
        }
        outcome.delivered = replica.deliveredPositions
        if !frames.isEmpty { enqueue(frames) {} }
        return outcome
    }

    private func receive(
        _ payload: [UInt8], _ outcome: inout DeliveryOutcome, _ log: inout [UInt8]
    ) throws(CRDTError) {
        var payload = payload
        if world.mutant == .skipsTheCausalWait { payload = HastyFrame.withoutDependencies(payload) }
        switch try deliver(payload) {
        case .delivered(let frames, let refused):
            outcome.refusedFrames += refused
            for frame in frames {
                let bytes = frame.heldPayload ?? payload
                let span = bytes.span
                FrameEnvelope.append(kind: .operations, payload: span.bytes, to: &log)
                outcome.deliveredOperations += frame.operations.count
                apply(frame)
            }
        case .waiting(let missing):
            outcome.waiting.append(missing)
            world.note("\(node) lacks \(missing)")
        case .overflow(let position): outcome.overflow.append(position)
        case .duplicate, .deferred: break
        }
    }

    /// Applies what was delivered, but for what a snapshot contained already.
    func apply(_ frame: DecodedFrame) {
        var context = context(past: frame.past)
        var changes: StateChanges = []
        for operation in frame.operations {
            let dot = operation.dot
            let slip: UInt64 = world.mutant == .skipsOneMoreThanTheSnapshotHad ? 1 : 0
            let last = imported[operation.account].map { $0[dot.replica] + slip } ?? 0
            if dot.counter > last {
                box(operation.account).state.apply(operation, context: context, changes: &changes)
            }
            if case .mark = operation.body, dot.replica == replica.own {
                readMark()
                context.modSeqs = modSeqs
            }
            context.past[dot.replica] = dot.counter
        }
        absorb(changes)
    }

    func absorb(_ changes: StateChanges) {
        for change in changes {
            if let modSeq = change.modSeq {
                replica.noteTold(modSeq: modSeq)
                hasToldModSeqs = true
            }
            switch change {
            case .bodyRetained(let digest, let size): holders[digest, default: (0, size)].count += 1
            case .bodyReleased(let digest):
                holders[digest]?.count -= 1
                if holders[digest]?.count ?? 0 <= 0 { holders[digest] = nil }
            case .memberChanged: membersChanged()
            default: break
            }
        }
    }

    /// Puts a body into the log unless it is there.
    func keep(_ bytes: [UInt8], into frames: inout [UInt8]) {
        let digest = SimulatedBody.digest(bytes)
        if bodies[digest] != nil { return }
        bodies[digest] = bytes
        partialBodies[digest] = nil
        uploads += 1
        SimulatedBody.frames(bytes, digest, upload: world.number(1...UInt64.max), into: &frames)
    }

    // MARK: Bodies

    func missingBodies(limit: Int) -> [MissingBody] {
        let missing = holders.filter { bodies[$0.key] == nil }.map(\.key)
        let order = { (digest: BodyDigest) in (self.postponedBodies[digest] ?? 0, digest.words.0) }
        return missing.sorted { order($0) < order($1) }.prefix(limit).map { digest in
            MissingBody(
                digest: digest, size: holders[digest]?.size ?? 0, held: UInt64(partialBodies[digest]?.count ?? 0),
                isPostponed: postponedBodies[digest] != nil)
        }
    }

    func postponeBody(_ digest: BodyDigest) {
        guard holders[digest] != nil && bodies[digest] == nil else { return }
        postponements += 1
        postponedBodies[digest] = postponements
    }

    func readBody(_ digest: BodyDigest, offset: UInt64, length: Int) -> BodyRead {
        guard let bytes = bodies[digest], offset <= UInt64(bytes.count) else { return .absent }
        let start = Int(offset)
        return .piece(size: UInt64(bytes.count), bytes: Array(bytes[start..<min(bytes.count, start + length)]))
    }

    func storeBody(
        _ digest: BodyDigest, size: UInt64, offset: UInt64, _ bytes: [UInt8]
    ) -> BodyStoreOutcome {
        if bodies[digest] != nil || holders[digest] == nil { return .complete }
        if disk.isFull { return .failed }
        var held = partialBodies[digest] ?? []
        if offset != UInt64(held.count) { return .partial(held: UInt64(held.count)) }
        held += bytes
        partialBodies[digest] = held
        if UInt64(held.count) < size { return .partial(held: UInt64(held.count)) }
        partialBodies[digest] = nil
        guard SimulatedBody.digest(held) == digest else { return .mismatch }
        var frames: [UInt8] = []
        keep(held, into: &frames)
        enqueue(frames) {}
        return .complete
    }

    // MARK: Group

    /// The group's own account.
    var groupBox: AccountBox? { replica.symbols.account(named: GroupAccount.name).flatMap { accounts[$0] } }

    /// Members by name as operations say.
    var members: [MemberRecord] {
        groupBox?.state.members ?? []
    }

    func advanceStability(_ progress: GroupProgress) {
        if progress.isInContact && !self.progress.isInContact { hasToldModSeqs = true }
        self.progress = progress
        if progress.knowsFormerLives { _ = groupBox?.state.noteKnown(lives: progress.formerLives) }
        let stable = progress.stable
        let vector = world.mutant == .prunesTooEarly ? replica.delivered : replica.vector(of: stable)
        for (_, box) in accounts.sorted(by: { $0.key < $1.key }) {
            var changes: StateChanges = []
            box.state.prune(stable: vector, changes: &changes)
            for case .mailboxChanged(let id) in changes {
                world.note("\(node) prunes \(replica.globalID(id.dot)) at \(stable)")
            }
            absorb(changes)
        }
    }
}
