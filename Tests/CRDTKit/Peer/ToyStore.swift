// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// A store in memory: a real replica, a log of real envelopes, and a disk that is as slow as the test says.
final class ToyStore {
    private(set) var replica: Replica
    private(set) var log: [LoggedFrame] = []
    private(set) var marks = LogMarks(capacity: 64, spacing: 256)
    private(set) var end = LogPosition.start
    private(set) var durableEnd = LogPosition.start
    private(set) var durable = StreamVector()
    /// Every operation in the order of its delivery or issue, by origin and counter.
    private(set) var names: [StreamPosition] = []
    private(set) var bodies: [BodyDigest: [UInt8]] = [:]
    private(set) var partial: [BodyDigest: [UInt8]] = [:]
    private(set) var postponed: [BodyDigest: Int] = [:]
    /// The bodies that messages here refer to.
    var wanted: [BodyDigest: UInt64] = [:]
    /// Everything ever logged, in order: what a toy snapshot holds.
    private(set) var archive: [[UInt8]] = []
    /// The positions of the reads of the log, for tests of how often it is read.
    private(set) var bytesRead = 0
    var readsFail = false
    var refuses: CRDTError?
    var digest: StateDigest?
    var isWritable = true
    private var importing: [UInt8] = []
    private var upload: UInt64 = 0
    var wall: UInt64 = 1_700_000_000_000

    init(_ name: UInt64, limits: ReplicaLimits = ReplicaLimits()) throws {
        replica = try Replica(partition: PartitionID(7), id: ReplicaID(name), limits: limits)
    }

    var id: ReplicaID { replica.id }
    var vector: StreamVector { StreamVector(replica.deliveredPositions) }
    var nextCounter: UInt64 { replica.nextCounter }

    var knownLives: [ReplicaID] = []

    var status: StoreStatus {
        StoreStatus(
            replica: replica.id, durable: durable.positions, logStart: marks.start.positions, logEnd: durableEnd,
            digest: digest, newestOwnTimestamp: HybridTimestamp(milliseconds: wall), isWritable: isWritable,
            knownLives: knownLives)
    }

    // MARK: Local operations

    static func digest(of bytes: [UInt8]) -> BodyDigest {
        let hash = StableHash.hash(bytes)
        return BodyDigest(words: (hash, StableHash.mix(hash), UInt64(bytes.count), 7))
    }

    /// Issues operations that say nothing but their number, one frame each.
    func issue(_ count: Int = 1) throws {
        for _ in 0..<count {
            let counter = replica.nextCounter
            try issue(.subscribe(name: "\(replica.id) \(counter)"))
        }
    }

    /// Adds a message with a body: chunks, end and operation in one unit.
    func append(_ body: [UInt8]) throws {
        let digest = Self.digest(of: body)
        keep(digest, body)
        let facts = MessageFacts(
            body: digest, size: UInt64(body.count), internalDateSeconds: 0, internalDateZoneMinutes: 0)
        try issue(.append(mailbox: .inbox, facts: facts, flags: FlagSet(), assignment: nil))
    }

    private func issue(_ body: OperationBody) throws {
        let account = try replica.account(named: "user")
        let point = replica.begin(nowMilliseconds: wall)
        let operation = Operation(
            dot: Dot(point.replica, point.firstCounter), timestamp: point.timestamp, account: account, body: body)
        for payload in try replica.seal([operation], issuedAt: point) { write(.operations, payload) }
        names.append(StreamPosition(origin: replica.id, counter: point.firstCounter))
    }

    /// Issues one frame of at least so many bytes.
    func issueLarge(_ bytes: Int) throws {
        let account = try replica.account(named: "user")
        let point = replica.begin(nowMilliseconds: wall)
        let name = String(repeating: "x", count: 1_000)
        let operations = (0..<UInt64(bytes / 1_000)).map { offset in
            Operation(
                dot: Dot(point.replica, point.firstCounter + offset), timestamp: point.timestamp, account: account,
                body: .subscribe(name: name + "\(offset)"))
        }
        for payload in try replica.seal(operations, issuedAt: point) { write(.operations, payload) }
        for operation in operations { names.append(StreamPosition(origin: replica.id, counter: operation.dot.counter)) }
    }

    // MARK: Disk

    private func write(_ kind: FrameKind, _ payload: [UInt8]) {
        marks.note(end, delivered: StreamVector(self.loggedPositions).positions)
        var envelope: [UInt8] = []
        let span = payload.span
        FrameEnvelope.append(kind: kind, payload: span.bytes, to: &envelope)
        log.append(LoggedFrame(kind: kind, position: end, envelope: envelope))
        end = end.advanced(by: envelope.count)
        if kind == .operations {
            archive.append(envelope)
            if let header = try? FrameHeader(decoding: span.bytes) {
                logged.raise(header.origin, to: header.lastCounter)
            }
        }
    }

    private var logged = StreamVector()
    private var loggedPositions: [StreamPosition] { logged.positions }

    private func keep(_ digest: BodyDigest, _ body: [UInt8]) {
        guard bodies[digest] == nil else { return }
        bodies[digest] = body
        upload += 1
        var offset = 0
        while offset < body.count {
            let piece = body[offset..<min(offset + (128 << 10), body.count)]
            var payload: [UInt8] = []
            WireWriter.put(fixed64: upload, into: &payload)
            WireWriter.put(fixed64: UInt64(offset), into: &payload)
            payload.append(contentsOf: piece)
            write(.bodyChunk, payload)
            offset += piece.count
        }
        var payload: [UInt8] = []
        WireWriter.put(fixed64: upload, into: &payload)
        WireWriter.put(fixed64: UInt64(body.count), into: &payload)
        payload.append(contentsOf: digest.bytes)
        write(.bodyEnd, payload)
    }

    /// Makes everything durable.
    func sync() {
        durableEnd = end
        durable = vector
    }

    /// Drops the log up to its durable end.
    func cutLog() {
        log.removeAll { $0.position < durableEnd }
        marks.cut(before: durableEnd, delivered: durable.positions)
    }

    // MARK: What the machine asks for

    func receive(_ items: [PeerItem]) -> DeliveryOutcome {
        var outcome = DeliveryOutcome(delivered: [], deliveredOperations: 0)
        for (index, item) in items.enumerated() {
            switch item {
            case .body(let digest, _, let bytes): keep(digest, bytes)
            case .operations(let payload):
                do throws(CRDTError) {
                    if let refuses { throw refuses }
                    take(try replica.receive(payload, nowMilliseconds: wall), payload, &outcome)
                } catch {
                    outcome.refusal = DeliveryOutcome.Refusal(item: index, error: error)
                }
            }
            if outcome.refusal != nil { break }
        }
        outcome.delivered = replica.deliveredPositions
        return outcome
    }

    private func take(_ result: ReceiveResult, _ payload: [UInt8], _ outcome: inout DeliveryOutcome) {
        switch result {
        case .delivered(let frames, let refused):
            for frame in frames {
                write(.operations, frame.heldPayload ?? payload)
                note(frame)
                outcome.deliveredOperations += frame.operations.count
            }
            outcome.refusedFrames += refused
        case .waiting(let missing): outcome.waiting.append(missing)
        case .overflow(let position): outcome.overflow.append(position)
        case .duplicate, .deferred: break
        }
    }

    private func note(_ frame: DecodedFrame) {
        for operation in frame.operations {
            let origin = replica.replicas.ids[Int(operation.dot.replica.rawValue)]
            names.append(StreamPosition(origin: origin, counter: operation.dot.counter))
            if case .append(_, let facts, _, _) = operation.body { wanted[facts.body] = facts.size }
        }
    }

    func locate(_ positions: [StreamPosition]) -> LogPosition? { marks.locate(positions) }

    func read(from position: LogPosition, maximumBytes: Int) -> LogRead? {
        guard let first = log.first?.position ?? Optional(durableEnd), position >= first, !readsFail else { return nil }
        var low = 0
        var high = log.count
        while low < high {
            let middle = (low + high) / 2
            if log[middle].position < position { low = middle + 1 } else { high = middle }
        }
        var frames: [LoggedFrame] = []
        var next = position
        var bytes = 0
        for frame in log[low...] where frame.position < durableEnd {
            if !frames.isEmpty && bytes + frame.envelope.count > maximumBytes { break }
            bytes += frame.envelope.count
            frames.append(frame)
            next = frame.position.advanced(by: frame.envelope.count)
        }
        bytesRead += bytes
        return LogRead(frames: frames, next: next)
    }

    func readBody(_ digest: BodyDigest, _ offset: UInt64, _ length: Int) -> BodyRead {
        guard let body = bodies[digest], offset <= UInt64(body.count) else { return .absent }
        return .piece(
            size: UInt64(body.count), bytes: Array(body[Int(offset)..<min(Int(offset) + length, body.count)]))
    }

    func storeBody(_ digest: BodyDigest, _ size: UInt64, _ offset: UInt64, _ bytes: [UInt8]) -> BodyStoreOutcome {
        if bodies[digest] != nil { return .complete }
        var held = partial[digest] ?? []
        if UInt64(held.count) == offset { held.append(contentsOf: bytes) }
        partial[digest] = held
        guard UInt64(held.count) == size else { return .partial(held: UInt64(held.count)) }
        partial[digest] = nil
        guard Self.digest(of: held) == digest else { return .mismatch }
        keep(digest, held)
        return .complete
    }

    func missing(_ limit: Int) -> [MissingBody] {
        let missing = wanted.filter { bodies[$0.key] == nil }
        return missing.sorted { postponed[$0.key] ?? 0 < postponed[$1.key] ?? 0 }.prefix(limit).map { digest, size in
            MissingBody(
                digest: digest, size: size, held: UInt64(partial[digest]?.count ?? 0),
                isPostponed: postponed[digest] != nil)
        }
    }

    func postpone(_ digest: BodyDigest) { postponed[digest] = (postponed.values.max() ?? 0) + 1 }

    // MARK: Toy snapshots

    /// The archive cut into parts of so many bytes.
    func snapshotPart(_ index: UInt64, _ size: Int) -> SnapshotPart {
        let all = archive.reduce(into: [UInt8]()) { $0 += $1 }
        let start = min(Int(index) * size, all.count)
        let end = min(start + size, all.count)
        return SnapshotPart(index: index, isLast: end == all.count, bytes: Array(all[start..<end]))
    }

    func beginImport() { importing = [] }

    func importPart(_ part: SnapshotPart) throws {
        importing += part.bytes
        guard part.isLast else { return }
        let before = vector
        let whole = importing
        let span = whole.span
        var offset = 0
        while case .frame(_, _, let payload, let end) = FrameEnvelope.read(span.bytes, at: offset) {
            if case .delivered(let frames, _) = try replica.recover(Array(whole[payload])) {
                for frame in frames { note(frame) }
            }
            archive.append(Array(whole[offset..<end]))
            offset = end
            if offset == whole.count { break }
        }
        // The log never held what came this way.
        marks.skip(vector.positions.filter { $0.counter > before[$0.origin] && $0.origin != replica.id })
        logged.formUnion(vector)
        sync()
    }

    func takeNewIncarnation() throws { try replica.reincarnate() }
}
