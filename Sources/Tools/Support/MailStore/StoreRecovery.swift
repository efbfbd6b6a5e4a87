// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Logging
internal import Storage

/// Brings a store back: the engine's state, then the log from where the engine leaves off.
struct StoreRecovery {
    let directory: String
    let options: MailStoreOptions
    let engine: LMDBEngine
    let logger: Logger

    /// Reads everything.
    ///
    /// - Parameters:
    ///   - accounts: the accounts by ascending index that this process has given out, so that each keeps its index although nothing of it may be on disk.
    ///   - replicas: the same of replicas.
    /// - Returns: the recovered core; its log has no commit handler yet.
    /// - Throws: what the engine and the log report; ``MailStoreError`` with `corrupt` for what neither can know of alone.
    func run(keeping accounts: [String] = [], _ replicas: [ReplicaID] = []) throws -> StoreCore {
        let reader = EngineReader(engine: engine, limits: options.accountLimits)
        var root = try reader.root()
        let scanPosition = root.scanPosition
        let known = root.replica.take()
        let isNew = known == nil
        var replica = try known ?? newReplica()
        guard replica.partition == options.partition else {
            throw MailStoreError(
                .corrupt,
                "\(directory) holds the mail of another replication group (partition \(replica.partition), not "
                    + "\(options.partition)): check the group's name in the configuration, or give another directory")
        }
        for id in replicas { _ = try replica.replica(id) }
        for name in accounts { _ = try replica.account(named: name) }
        var logOptions = LogOptions()
        logOptions.segmentBytes = Int(options.segmentBytes)
        logOptions.recoverFrom = scanPosition
        logOptions.fileSystem = options.logFiles
        var replay = try Replay(reader: reader, replica: replica, root: root, options)
        let log = try SegmentedLog.open(directory: directory + "/log", options: logOptions) { frame, payload in
            try replay.take(frame, payload)
        }
        guard !isNew || replay.operations == 0 else {
            throw MailStoreError(
                .corrupt,
                "the engine in \(directory) is empty but the log is not: its files were lost; restore them from a backup"
            )
        }
        let summary = log.recoverySummary
        logger.info(
            "log read",
            metadata: [
                "frames": "\(summary.frames)", "bytes": "\(summary.bytes)", "torn_bytes": "\(summary.tornBytes)",
                "operations": "\(replay.operations)", "from": "\(scanPosition)",
            ])
        if let reason = summary.tornReason {
            logger.notice(
                "the log ended in the middle of a write, as after a power cut; cut", metadata: ["reason": "\(reason)"])
        }
        var core = replay.finish(log: log, checkpointed: scanPosition, options.accountLimits)
        core.needsWholeReplica = isNew
        return core
    }

    /// A replica of its own for a new store.
    ///
    /// ``MailStore/open(directory:options:logger:clock:)`` puts its record into the engine before the first operation,
    /// so that the log is always read back by the replica that wrote it.
    private func newReplica() throws -> Replica {
        var generator = SystemRandomNumberGenerator()
        return try Replica(
            partition: options.partition,
            id: ReplicaID(UInt64.random(in: 1 ... .max, using: &generator), incarnation: 1))
    }
}

/// Takes the frames of the log one after another.
private struct Replay: ~Copyable {
    private let reader: EngineReader
    private var replica: Replica
    private var accounts = AccountBoxes()
    private var ahead = OperationGroup()
    /// What one operation changed; kept for its memory.
    private var changes = StateChanges()
    private var bodies: BodyLedger
    private var group: GroupState
    private var uploads: [UInt64: UploadProgress] = [:]
    private var dirtyRecords = 0
    private(set) var operations = 0

    init(
        reader: EngineReader, replica: consuming Replica, root: borrowing EngineReader.Root, _ options: MailStoreOptions
    ) throws {
        self.reader = reader
        let stripe = options.uidStripe
        bodies = BodyLedger(idle: root.idleBodies)
        for (digest, size) in root.missingBodies { bodies.missing.insert(digest, size: size) }
        if let marks = root.marks {
            group = GroupState(stripe: stripe, marks: marks)
        } else {
            // Nobody knows what lies before the scan, so nothing of it is promised to anybody.
            var marks = LogMarks(spacing: options.logMarkBytes, from: root.scanPosition)
            marks.cut(before: root.scanPosition, delivered: replica.delivered.positions(replica.replicas.ids))
            group = GroupState(stripe: stripe, marks: marks)
        }
        group.digest = root.digest
        group.imported = root.imported
        self.replica = replica
        try readMark()
    }

    mutating func take(_ frame: RecoveredFrame, _ payload: RawSpan) throws {
        switch frame.kind {
        case .operations: try takeOperations(payload, at: frame.position)
        case .bodyChunk:
            guard let chunk = BodyFrames.readChunk(payload) else { throw damaged("a body's chunk", at: frame.position) }
            uploads[chunk.upload, default: UploadProgress(began: frame.position)].chunks.append(
                LoggedBody.Chunk(
                    position: frame.payloadPosition.advanced(by: BodyFrames.chunkHeaderBytes), offset: chunk.offset,
                    length: payload.byteCount - BodyFrames.chunkHeaderBytes))
        case .bodyEnd:
            guard let end = BodyFrames.readEnd(payload) else { throw damaged("a body's end", at: frame.position) }
            // A body whose beginning lies before the scan was copied to the engine by the checkpoint that moved the scan.
            let body = LoggedBody(chunks: uploads.removeValue(forKey: end.upload)?.chunks ?? [], size: end.size)
            if body.isComplete { bodies.recovered(end.digest, body) }
        default: throw damaged("a frame of unknown kind \(frame.kind)", at: frame.position)
        }
    }

    private mutating func takeOperations(_ payload: RawSpan, at position: LogPosition) throws {
        let (before, ids) = (replica.delivered, replica.replicas.ids)
        group.marks.note(position, delivered: before.positions(ids))
        switch try replica.recover(payload) {
        case .delivered(let frames, let refused):
            guard refused.isEmpty else {
                throw damaged("a frame that does not follow from the ones before", at: position)
            }
            for frame in frames { try apply(frame) }
        case .duplicate: break
        case .waiting, .overflow, .deferred: throw damaged("a frame whose predecessors are missing", at: position)
        }
    }

    private mutating func apply(_ frame: DecodedFrame) throws {
        var context = context(past: frame.past)
        let isOwn = frame.origin == replica.own
        try frame.operations.withUnsafeBufferPointer { operations in
            guard let first = operations.baseAddress else { return }
            for range in OperationGroup.ranges(of: operations) {
                for index in range where !accounts.contains(operations[index].account) {
                    _ = try account(operations[index].account, context)
                }
                ahead.gather(operations, range, accounts)
                ahead.look(at: first + range.lowerBound, AccountLookAhead.Step.allCases)
                for index in range {
                    guard let box = ahead.boxes[index - range.lowerBound] else { continue }
                    try take(first + index, of: box, &context, isOwn: isOwn)
                }
            }
        }
    }

    private mutating func take(
        _ operation: UnsafePointer<Operation>, of box: AccountBox, _ context: inout ApplyContext, isOwn: Bool
    ) throws {
        let dot = operation.pointee.dot
        operations += 1
        if isOwn { group.newestOwn = operation.pointee.timestamp }
        if !box.contains(dot) { try apply(operation, to: box, context, isOwn: isOwn) }
        if isOwn, operation.pointee.kind == .mark {
            noteMark(box)
            context.modSeqs = group.modSeqs
        }
        context.past[dot.replica] = dot.counter
    }

    private mutating func apply(
        _ operation: UnsafePointer<Operation>, to box: AccountBox, _ context: borrowing ApplyContext, isOwn: Bool
    ) throws {
        if let mailbox = box.state.needsMessages(for: operation.pointee) {
            try box.state.installMessages(try reader.messages(of: box.index, mailbox))
        }
        changes.removeAll()
        box.state.apply(operation, context: context, changes: &changes)
        if operation.pointee.kind == .delete {
            group.graveyards.insert(box.index)
            if group.stable == nil { box.state.prune(stable: replica.delivered, changes: &changes) }
        }
        for change in changes {
            dirtyRecords += box.note(change)
            if let modSeq = change.modSeq { replica.noteTold(modSeq: modSeq) }
            switch change {
            case .bodyRetained(let digest, let size):
                bodies.retained(digest, size: size)
                if !isOwn { bodies.retainedByOther(digest, size: size) }
            case .bodyReleased(let digest): bodies.released(digest)
            default: break
            }
        }
    }

    /// Reads which mark this replica set last: what is applied now was told above it.
    private mutating func readMark() throws {
        guard let index = replica.symbols.account(named: GroupAccount.name) else { return }
        let box = try account(index, context(past: VersionVector()))
        noteMark(box)
        group.knownLives = box.state.knownLives
    }

    private mutating func noteMark(_ box: AccountBox) {
        group.modSeqs.floor = box.state.lastModSeqMark(of: replica.own)
    }

    private func context(past: VersionVector) -> ApplyContext {
        var context = ApplyContext(
            past: past, replicas: replica.replicas.ids, replicaHashes: replica.replicas.hashes,
            keywordHashes: replica.symbols.keywordHashes)
        context.modSeqs = group.modSeqs
        return context
    }

    private mutating func account(_ index: AccountIndex, _ context: ApplyContext) throws -> AccountBox {
        if let box = accounts[index] { return box }
        let box = try reader.account(index, named: replica.symbols.name(of: index) ?? "", context)
        accounts.insert(box)
        return box
    }

    private func damaged(_ what: String, at position: LogPosition) -> MailStoreError {
        MailStoreError(
            .corrupt,
            "the log holds \(what) at position \(position); restore the directory from a backup, or from another replica"
        )
    }

    consuming func finish(log: SegmentedLog, checkpointed: LogPosition, _ limits: AccountLimits) -> StoreCore {
        var group = group
        group.durable = replica.delivered
        let delivered = replica.delivered.positions(replica.replicas.ids)
        // A segment may have gone after the checkpoint that let it go.
        if log.first > .start || !group.marks.start.isEmpty {
            group.marks.cut(before: log.first, delivered: group.marks.lost(before: log.first) ?? delivered)
        }
        for box in accounts.values {
            group.digest.replace(box.countedDigest, by: box.state.digest)
            box.countedDigest = box.state.digest
        }
        var core = StoreCore(log: log, replica: replica, checkpointed: checkpointed, group: group, limits: limits)
        for box in accounts.values { core.install(box) }
        core.bodies = bodies
        core.dirtyRecords = dirtyRecords
        return core
    }
}

extension RawSpan {
    /// The bytes, for an API that wants to own them.
    borrowing func copied() -> [UInt8] { withUnsafeBytes { Array($0) } }
}
