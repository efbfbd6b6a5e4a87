// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Logging
internal import Storage
internal import Synchronization

extension MailStore {
    /// Brings the engine forward to what is durable now, and cuts the log behind it.
    ///
    /// What is to be written is encoded under the lock and written outside of it, in one atomic batch with the position from which recovery then reads. Operations
    /// that the batch contains and the log repeats are recognised by their counters, so the position may be too early but never too late.
    package func checkpoint() async throws {
        try await checkpointing.exclusively { try await writeCheckpoint() }
    }

    /// Does a checkpoint; nobody else may be doing one.
    func writeCheckpoint() async throws {
        guard let plan = core.withLock({ $0.planCheckpoint(arrivalBytes: options.arrivalBytes) }) else { return }
        let unheld = Mutex<[BodyDigest]>([])
        do {
            // The position counts once the operations before it are durable, as must be all that the records contain.
            if plan.ticket > plan.log.durableTicket { try await plan.log.waitUntilDurable(plan.ticket) }
            let log = plan.log
            try await engine.write { writer in
                // The engine may run this again, so nothing is left from the run before.
                unheld.withLock { $0 = [] }
                try plan.writeRecords(to: writer)
                let idle = try plan.writeBodies(to: writer, from: log)
                unheld.withLock { $0 = idle }
            }
        } catch {
            core.withLock { $0.abandon(plan) }
            throw MailStoreError(error)
        }
        let idle = unheld.withLock { $0 }
        let residents = options.residentMessages
        let waiters = core.withLock { core -> [CheckedContinuation<Void, Never>] in
            guard core.log === plan.log else { return [] }
            let waiters = core.complete(plan, unheld: idle)
            core.evict(downTo: residents)
            return waiters
        }
        for waiter in waiters { waiter.resume() }
        try cutLog()
    }

    /// Removes the segments of the log that neither recovery nor the peers need.
    func cutLog() throws {
        // Without a mark behind the cut, all that is durable now counts as lost, and no more: what becomes durable
        // meanwhile is not before the position, and peers that lack it must find it.
        let (log, position, durable) = core.withLock { core in
            (
                core.log, min(core.scanned, core.firstPositionForPeers(cap: options.retentionBytes)),
                core.positions(core.group.durable)
            )
        }
        let first = log.first
        try log.cut(before: position)
        let now = log.first
        guard now > first else { return }
        core.withLock { core in
            guard core.log === log else { return }
            let lost = core.group.marks.lost(before: now) ?? durable
            core.group.marks.cut(before: now, delivered: lost)
        }
        signals.progressed()
    }
}

/// What one checkpoint writes.
struct CheckpointPlan: Sendable {
    let log: SegmentedLog
    /// The last unit whose operations the records contain.
    let ticket: LogTicket
    /// From here recovery reads the log.
    let scanPosition: LogPosition
    /// The end of the log when the plan was made.
    let position: LogPosition
    var puts: [(key: [UInt8], value: [UInt8])] = []
    var deletions: [[UInt8]] = []
    var deletedRanges: [[UInt8]] = []
    var bodies: BodyLedger.Plan
    /// What of each account it writes.
    var dirty: [(account: AccountIndex, dirty: AccountBox.Dirty)] = []

    func writeRecords(to writer: any KeyValueWriter) throws {
        for key in deletions { try writer.delete(key) }
        for prefix in deletedRanges { try writer.deleteRange(from: prefix, upTo: EngineKey.end(of: prefix)) }
        for put in puts { try writer.put(put.value, for: put.key) }
    }

    /// Copies bodies out of the log, moves their counts, and removes those that nobody has held for a whole checkpoint.
    ///
    /// - Returns: the bodies that nobody holds now.
    func writeBodies(to writer: any KeyValueWriter, from log: SegmentedLog) throws -> [BodyDigest] {
        for digest in bodies.removals {
            try writer.deleteRange(
                from: EngineKey.bodyPieces(digest), upTo: EngineKey.end(of: EngineKey.bodyPieces(digest)))
            try writer.delete(EngineKey.bodyCount(digest))
            try writer.delete(EngineKey.idleBody(digest))
            try writer.delete(EngineKey.missingBody(digest))
        }
        var unheld: [BodyDigest] = []
        var counted: Set<BodyDigest> = []
        for change in bodies.changes {
            counted.insert(change.digest)
            let held = try move(change.digest, by: change.difference, size: change.size, in: writer)
            if !held { unheld.append(change.digest) }
        }
        for (digest, body) in bodies.copies {
            try copy(digest, body, to: writer, from: log)
            if !counted.contains(digest), try !move(digest, by: 0, size: body.size, in: writer) {
                unheld.append(digest)
            }
            try writer.delete(EngineKey.missingBody(digest))
        }
        try noteMissing(writer)
        return unheld
    }

    /// Remembers which held bodies are not there, so that the next process asks for them too.
    private func noteMissing(_ writer: any KeyValueWriter) throws {
        let copied = Set(bodies.copies.map(\.digest))
        for (digest, size) in bodies.doubtful where !copied.contains(digest) {
            let isThere = try writer.withValue(for: EngineKey.bodyPiece(digest, 0)) { _ in true } ?? false
            let count = try writer.value(for: EngineKey.bodyCount(digest)).flatMap { BodyCount($0) }
            if isThere || count?.references ?? 0 == 0 {
                try writer.delete(EngineKey.missingBody(digest))
            } else {
                try writer.put(EngineInteger.encoded(size), for: EngineKey.missingBody(digest))
            }
        }
    }

    private func move(
        _ digest: BodyDigest, by difference: Int, size: UInt64, in writer: any KeyValueWriter
    ) throws -> Bool {
        let key = EngineKey.bodyCount(digest)
        var count = BodyCount(references: 0, size: size)
        if let value = try writer.value(for: key) {
            guard let known = BodyCount(value) else {
                throw MailStoreError(
                    .corrupt, "the engine's count of a body is damaged; restore from a backup or a replica")
            }
            count = known
        }
        let references = Int(clamping: count.references) + difference
        guard references >= 0 else {
            throw MailStoreError(
                .corrupt, "the engine counts fewer holders of a body than there are; restore from a replica")
        }
        count.references = UInt64(references)
        try writer.put(count.encoded(), for: key)
        if references == 0 {
            try writer.put([], for: EngineKey.idleBody(digest))
            return false
        }
        try writer.delete(EngineKey.idleBody(digest))
        return true
    }

    private func copy(
        _ digest: BodyDigest, _ body: LoggedBody, to writer: any KeyValueWriter, from log: SegmentedLog
    ) throws {
        var piece: [UInt8] = []
        piece.reserveCapacity(EngineKey.bodyPieceBytes)
        var index = 0
        for chunk in body.chunks {
            let bytes = try log.read(at: chunk.position, length: chunk.length)
            var taken = 0
            while taken < bytes.count {
                let count = min(EngineKey.bodyPieceBytes - piece.count, bytes.count - taken)
                piece.append(contentsOf: bytes[taken..<taken + count])
                taken += count
                if piece.count == EngineKey.bodyPieceBytes {
                    try writer.put(piece, for: EngineKey.bodyPiece(digest, index))
                    piece.removeAll(keepingCapacity: true)
                    index += 1
                }
            }
        }
        if !piece.isEmpty || index == 0 { try writer.put(piece, for: EngineKey.bodyPiece(digest, index)) }
    }
}
