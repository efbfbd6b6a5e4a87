// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage

/// A replica without history beside the store's own.
///
/// `@unchecked Sendable`: a replica is a value without references to anything shared, and only one owner has it.
struct ReplicaFork: ~Copyable, @unchecked Sendable {
    var replica: Replica

    init(of replica: borrowing Replica) { self.replica = Replica(forgettingHistoryOf: replica) }
}

/// Takes in a snapshot of everything: writes it into an engine of its own, beside the one in use.
actor SnapshotImporter {
    /// The transfer.
    nonisolated let transfer: TransferID
    /// What is expected.
    nonisolated let scope: SnapshotScope
    /// Who the store's replica was when the import began, and is in the new engine.
    nonisolated let identity: ReplicaID
    private let gate = ExclusiveGate()
    private var source: SnapshotImport
    private var fork: ReplicaFork
    /// The new engine; nil for the repair of one account, which is kept in memory.
    nonisolated let engine: LMDBEngine?
    private var current = AccountIndex(0)
    private var digest = StateDigest()
    /// The account of a repair, as far as it has come.
    private var steps: [SnapshotImportStep] = []

    /// Begins.
    ///
    /// - Parameters:
    ///   - transfer: the transfer.
    ///   - scope: what is expected.
    ///   - now: the wall clock, milliseconds since 1970.
    ///   - modSeqs: what the modification sequences of the store's replica have in common.
    ///   - fork: a replica without history that knows the names of the store's.
    ///   - engine: the new engine; nil for one account.
    init(
        _ transfer: TransferID, _ scope: SnapshotScope, now: UInt64, modSeqs: ModSeqStamp, fork: consuming ReplicaFork,
        engine: LMDBEngine?
    ) {
        self.transfer = transfer
        self.scope = scope
        source = SnapshotImport(scope, nowMilliseconds: now, modSeqs: modSeqs)
        identity = fork.replica.id
        self.fork = fork
        self.engine = engine
    }

    /// What is written into the new engine for one part.
    private struct Writes: Sendable {
        var puts: [(key: [UInt8], value: [UInt8])] = []
        var bodies: [BodyDigest: BodyCount] = [:]
    }

    /// Takes a part.
    ///
    /// - Throws: what is wrong with it; the import is over then.
    func take(_ part: SnapshotPart) async throws {
        try await gate.exclusively {
            let steps = try source.take(part.bytes, into: &fork.replica)
            guard part.isLast == source.isFinished else {
                throw CRDTError(.malformed, "the snapshot ends elsewhere than with its last part")
            }
            guard let engine else {
                self.steps += steps
                return
            }
            var writes = Writes()
            for step in steps { add(step, to: &writes) }
            try await engine.write { [writes] writer in
                for put in writes.puts { try writer.put(put.value, for: put.key) }
                for (digest, more) in writes.bodies {
                    let key = EngineKey.bodyCount(digest)
                    var count =
                        try writer.value(for: key).flatMap { BodyCount($0) }
                        ?? BodyCount(
                            references: 0, size: more.size)
                    count.references += more.references
                    try writer.put(count.encoded(), for: key)
                }
            }
        }
    }

    private func add(_ step: SnapshotImportStep, to writes: inout Writes) {
        switch step {
        case .account(let index, _, let vector, let digest):
            current = index
            self.digest.replace(StateDigest(), by: digest)
            writes.puts.append((EngineKey.importedAccount(index), vector.octets))
        case .accountRecord(let record): writes.puts.append((EngineKey.account(current), record))
        case .subscription(let name, let record):
            writes.puts.append((EngineKey.subscription(current, name), record))
        case .mailbox(let mailbox, let record): writes.puts.append((EngineKey.mailbox(current, mailbox), record))
        case .message(let mailbox, let message, let body, let size, let record):
            writes.puts.append((EngineKey.record(current, mailbox, message), record))
            writes.bodies[body, default: BodyCount(references: 0, size: size)].references += 1
        case .began, .closed, .finished: break
        }
    }

    // MARK: What came

    /// The operations that the snapshot contains for certain: the exporter's vector when it began.
    var delivered: [StreamPosition] { fork.replica.delivered.positions(fork.replica.replicas.ids) }

    /// The replicas in the order of their local indexes in the new engine.
    var replicaNames: [ReplicaID] { Array(fork.replica.replicas.ids.dropFirst()) }

    /// The keys and values that make the new engine one that a store begins with.
    ///
    /// - Parameters:
    ///   - position: from where the log is put on top.
    ///   - marks: the index of the log.
    /// - Returns: keys and values.
    func root(scanning position: LogPosition, marks: LogMarks) -> [(key: [UInt8], value: [UInt8])] {
        var puts: [(key: [UInt8], value: [UInt8])] = [
            (EngineKey.layout, EngineInteger.encoded(UInt64(EngineKey.layoutVersion))),
            (EngineKey.scanPosition, EngineInteger.encoded(position.rawValue)),
            (EngineKey.logMarks, marks.octets), (EngineKey.digest, digest.octets),
            (EngineKey.importedVector, source.vector.octets),
        ]
        for record in fork.replica.checkpoint(.everything) {
            puts.append((EngineKey.replica + record.key, record.value))
        }
        return puts
    }

    /// The keywords in the order of their local indexes.
    var keywordNames: [String] {
        (0..<fork.replica.symbols.keywordCount).map { position in
            fork.replica.symbols.name(of: KeywordIndex(UInt16(truncatingIfNeeded: position))) ?? ""
        }
    }

    /// The account of a repair, step by step, in the indexes of the importing replica.
    func takeSteps() -> [SnapshotImportStep] {
        defer { steps = [] }
        return steps
    }
}
