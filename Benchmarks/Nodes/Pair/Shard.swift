// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import Glibc

/// What one node holds in memory: the replica with its tables and clock, and the state of every account.
///
/// Confined to its node's event loop, as the store of a node is to its lock.
final class Shard {
    /// A frame that takes what there is looks after so many commands whether somebody waits for it.
    private static let naturalStride = 16

    static let partition = PartitionID(1)

    private var replica: Replica
    private var accounts = AccountTable()
    private var changes = StateChanges()
    /// Where the changes of each operation of a frame end.
    private var ends: [Int] = []
    private var targets: [(account: AccountIndex, mailbox: MailboxID, message: Dot)] = []
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
        while replica.symbols.accountCount < script.users {
            _ = try replica.account(named: CommandScript.userName(replica.symbols.accountCount))
        }
        let point = replica.begin(nowMilliseconds: Self.now())
        var batch = OperationBatch(
            replica: point.replica, firstCounter: point.firstCounter, timestamp: point.timestamp,
            account: AccountIndex(0), context: context(past: point.past))
        swap(&batch.changes, &changes)
        batch.reserveCapacity(range.count)
        var end = range.lowerBound
        while end < range.upperBound {
            if (end - range.lowerBound) % Self.naturalStride == 0 {
                look(ahead: script.commands[end..<min(end + Self.naturalStride, range.upperBound)], batch.replica)
            }
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

    /// What a server can do that has read the commands of several clients.
    private func look(ahead commands: ArraySlice<CommandScript.Command>, _ own: ReplicaIndex) {
        targets.removeAll(keepingCapacity: true)
        for command in commands {
            let message = command.kind == .append || command.kind == .create ? Dot.none : Dot(own, command.target)
            targets.append(
                (
                    account: AccountIndex(command.account), mailbox: MailboxID(Dot(own, command.mailbox)),
                    message: message
                ))
        }
        accounts.look(at: targets)
    }

    private func carryOut(_ command: CommandScript.Command, _ batch: inout OperationBatch) throws(CRDTError) {
        batch.account = AccountIndex(command.account)
        let account = batch.account
        let mailbox = MailboxID(Dot(batch.replica, command.mailbox))
        switch command.kind {
        case .create:
            _ = try accounts[account].createMailbox(
                name: "Folder \(command.target)", validity: UIDValiditySource(nowSeconds: 1_780_000_000, stripe: 0),
                batch: &batch)
        case .append: try accounts[account].append(CommandScript.facts(command.target), to: mailbox, batch: &batch)
        case .flag:
            try accounts[account].store(
                .add(FlagSet([.flagged])), message: Dot(batch.replica, command.target), in: mailbox, batch: &batch)
        case .unflag:
            try accounts[account].store(
                .remove(FlagSet([.flagged])), message: Dot(batch.replica, command.target), in: mailbox, batch: &batch)
        case .expunge:
            try accounts[account].expunge([Dot(batch.replica, command.target)], in: mailbox, batch: &batch)
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
        accounts.apply(frame.operations, context: context(past: frame.past), changes: &changes, ends: &ends)
        ends.removeAll(keepingCapacity: true)
        forgetChanges()
    }

    private func context(past: VersionVector) -> ApplyContext {
        ApplyContext(
            past: past, replicas: replica.replicas.ids, replicaHashes: replica.replicas.hashes,
            keywordHashes: replica.symbols.keywordHashes)
    }

    private func forgetChanges() {
        changeCount += changes.count
        changes.removeAll()
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
        for number in 0..<replica.symbols.accountCount {
            let account = AccountIndex(UInt32(number))
            if !accounts.contains(account) || accounts[account].digest == StateDigest() { continue }
            digests[replica.symbols.name(of: account) ?? ""] = accounts[account].digest
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
