// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import Glibc

/// What one node holds in memory: the replica with its tables and clock, and the state of every account.
///
/// Confined to its node's event loop, as the store of a node is to its lock.
final class Shard {
    /// One account; a box, because a value that cannot be copied has no place in an array.
    final class Account {
        var state = AccountState()
    }

    /// A frame that takes what there is looks after so many commands whether somebody waits for it.
    private static let naturalStride = 16

    static let partition = PartitionID(1)

    private var replica: Replica
    private var accounts: [Account] = []
    private var changes: [StateChange] = []
    /// What the operations changed, counted.
    private(set) var changeCount = 0

    init(number: UInt64) throws {
        replica = try Replica(partition: Self.partition, id: ReplicaID(number))
    }

    /// The time as operations carry it.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
    }

    // MARK: Commands

    /// Carries out commands of a script and seals what they issued into one frame with its envelope.
    ///
    /// - Parameters:
    ///   - script: the commands.
    ///   - range: which of them; they are the next ones, so their counters follow on.
    ///   - mayClose: asked every few commands whether the frame shall be closed although there are more.
    /// - Returns: the frame and how many commands it has.
    /// - Throws: what a command or the sealing reports.
    func generate(
        _ script: CommandScript, _ range: Range<Int>, closingWhen mayClose: (() -> Bool)? = nil
    ) throws -> (frame: [UInt8], operations: Int) {
        while accounts.count < script.users {
            _ = try replica.account(named: CommandScript.userName(accounts.count))
            accounts.append(Account())
        }
        let point = replica.begin(nowMilliseconds: Self.now())
        var batch = OperationBatch(
            replica: point.replica, firstCounter: point.firstCounter, timestamp: point.timestamp,
            account: AccountIndex(0), context: context(past: point.past))
        swap(&batch.changes, &changes)
        var end = range.lowerBound
        while end < range.upperBound {
            try carryOut(script.commands[end], &batch)
            end += 1
            if let mayClose, (end - range.lowerBound) % Self.naturalStride == 0, mayClose() { break }
        }
        guard batch.operations.count == end - range.lowerBound else {
            throw BenchFailure("\(end - range.lowerBound) commands issued \(batch.operations.count) operations")
        }
        var frame: [UInt8] = []
        for payload in try replica.seal(batch.operations, issuedAt: point) {
            let span = payload.span
            FrameEnvelope.append(kind: .operations, payload: span.bytes, to: &frame)
        }
        swap(&batch.changes, &changes)
        forgetChanges()
        return (frame, end - range.lowerBound)
    }

    private func carryOut(_ command: CommandScript.Command, _ batch: inout OperationBatch) throws(CRDTError) {
        batch.account = AccountIndex(command.account)
        let account = accounts[Int(command.account)]
        let mailbox = MailboxID(Dot(batch.replica, command.mailbox))
        switch command.kind {
        case .create:
            _ = try account.state.createMailbox(
                name: "Folder \(command.target)", validity: UIDValiditySource(nowSeconds: 1_780_000_000, stripe: 0),
                batch: &batch)
        case .append: try account.state.append(CommandScript.facts(command.target), to: mailbox, batch: &batch)
        case .flag:
            try account.state.store(
                .add(FlagSet([.flagged])), message: Dot(batch.replica, command.target), in: mailbox, batch: &batch)
        case .unflag:
            try account.state.store(
                .remove(FlagSet([.flagged])), message: Dot(batch.replica, command.target), in: mailbox, batch: &batch)
        case .expunge:
            try account.state.expunge([Dot(batch.replica, command.target)], in: mailbox, batch: &batch)
        }
    }

    // MARK: Frames from elsewhere

    /// Takes the payload of a peer's frame: decodes it and checks that it may be applied now.
    func receive(_ payload: RawSpan) throws -> DecodedFrame {
        try Self.delivered(try replica.receive(payload, nowMilliseconds: Self.now()))
    }

    /// Takes the payload of a frame from the own log.
    func recover(_ payload: RawSpan) throws -> DecodedFrame { try Self.delivered(try replica.recover(payload)) }

    private static func delivered(_ result: ReceiveResult) throws -> DecodedFrame {
        guard case .delivered(let frames, let refused) = result, refused.isEmpty, frames.count == 1 else {
            throw BenchFailure("a frame was not delivered at once: \(result)")
        }
        return frames[0]
    }

    /// Applies a delivered frame.
    func apply(_ frame: DecodedFrame) throws {
        var context = context(past: frame.past)
        while accounts.count < replica.symbols.accountCount { accounts.append(Account()) }
        for operation in frame.operations {
            accounts[Int(operation.account.rawValue)].state.apply(operation, context: context, changes: &changes)
            context.past[operation.dot.replica] = operation.dot.counter
        }
        forgetChanges()
    }

    private func context(past: VersionVector) -> ApplyContext {
        ApplyContext(
            past: past, replicas: replica.replicas.ids, replicaHashes: replica.replicas.hashes,
            keywordHashes: replica.symbols.keywordHashes)
    }

    private func forgetChanges() {
        changeCount += changes.count
        changes.removeAll(keepingCapacity: true)
    }

    // MARK: Getters

    /// This replica.
    var id: ReplicaID { replica.id }

    /// The name behind the index of a replica.
    func name(of index: ReplicaIndex) -> ReplicaID { replica.replicas.id(at: index) ?? ApplyContext.unknownReplica }

    /// The counter of the last operation that this replica issued.
    var lastCounter: UInt64 { replica.nextCounter - 1 }

    /// How far into each stream it has seen, and the digest of each account: equal at replicas that agree.
    var summary: Summary {
        var digests: [String: StateDigest] = [:]
        for (index, account) in accounts.enumerated() where account.state.digest != StateDigest() {
            digests[replica.symbols.name(of: AccountIndex(UInt32(index))) ?? ""] = account.state.digest
        }
        return Summary(delivered: StreamVector(replica.deliveredPositions), digests: digests)
    }

    /// What replicas are compared by.
    struct Summary: Hashable, Sendable {
        let delivered: StreamVector
        let digests: [String: StateDigest]

        /// Ends the run if two replicas differ.
        static func check(_ first: Summary, _ second: Summary) throws {
            guard first.delivered == second.delivered else { throw BenchFailure("the replicas' vectors differ") }
            guard first.digests == second.digests else { throw BenchFailure("the replicas' digests differ") }
        }
    }
}
