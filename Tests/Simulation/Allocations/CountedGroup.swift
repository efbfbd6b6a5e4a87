// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import AllocationCounter
import CRDTKit

/// A replica that issues frames of one kind of command and one that receives them, with the allocations of each step.
///
/// Each account keeps a population of messages; in each round every account gets 64 more, their flags are set, and they
/// are expunged. So the tables have one size when the counting begins and keep it.
final class CountedGroup {
    enum Kind: String, CaseIterable {
        case append, store, expunge
    }

    enum Stage: String, CaseIterable {
        /// The command: it checks, issues the operation and applies it here.
        case generate
        /// Sealing the frame.
        case encode
        /// Receiving the frame.
        case decode
        /// Applying the received operations.
        case apply
    }

    struct Step: Hashable {
        let stage: Stage
        let kind: Kind
    }

    enum Failure: Error {
        case frames(Int)
        case notDelivered
        case operations(Int)
        case disagreement(account: Int)
    }

    static let operationsPerFrame = 1_024
    private static let accountCount = 16
    private static let messagesPerRound = operationsPerFrame / accountCount
    private static let standingRounds = 4

    /// The allocations per step, of all rounds that were counted.
    private(set) var counts: [Step: UInt64] = [:]
    private var rounds = 0

    private var writer: Replica
    private var written = AccountTable()
    private var reader: Replica
    private var read = AccountTable()
    private var accounts: [AccountIndex] = []
    /// The messages of the round, account by account.
    private var messages = [Dot](repeating: .none, count: operationsPerFrame)
    private var serial: UInt64 = 0
    private var changes: StateChanges = []
    private var ends: [Int] = []
    private var nowMilliseconds: UInt64 = 1_700_000_000_000

    /// Makes the accounts and their standing messages.
    init() throws {
        writer = try Replica(partition: PartitionID(1), id: ReplicaID(1))
        reader = try Replica(partition: PartitionID(1), id: ReplicaID(2))
        changes.reserveCapacity(Self.operationsPerFrame * 4)
        ends.reserveCapacity(Self.operationsPerFrame)
        for number in 0..<Self.accountCount { accounts.append(try writer.account(named: "user\(number)@example.org")) }
        for step in Self.allSteps { counts[step] = 0 }
        let validity = UIDValiditySource(nowSeconds: 1_700_000_000, stripe: 1)
        var (batch, point) = begin()
        for account in accounts {
            batch.account = account
            try written[account].createMailbox(name: "INBOX", validity: validity, batch: &batch)
        }
        _ = try deliver(batch.operations, point, expecting: accounts.count)
        for _ in 0..<Self.standingRounds { _ = try run(.append) }
    }

    static var allSteps: [Step] {
        Stage.allCases.flatMap { stage in Kind.allCases.map { Step(stage: stage, kind: $0) } }
    }

    /// Counts rounds, after some that are not counted.
    func measure(warmUps: Int, rounds: Int) throws {
        for round in 0..<warmUps + rounds {
            for kind in Kind.allCases {
                let spent = try run(kind)
                guard round >= warmUps else { continue }
                for (stage, count) in zip(Stage.allCases, spent) { counts[Step(stage: stage, kind: kind)]? += count }
            }
        }
        self.rounds += rounds
        for account in accounts {
            // An expectation cannot look into noncopyable values.
            guard written[account].digest == read[account].digest else {
                throw Failure.disagreement(account: Int(account.rawValue))
            }
        }
    }

    /// The allocations of a step for one operation.
    func perOperation(_ step: Step) -> Double {
        Double(counts[step] ?? 0) / Double(max(rounds, 1) * Self.operationsPerFrame)
    }

    // MARK: Rounds

    /// One frame of commands of a kind; the allocations of the stages in their order.
    private func run(_ kind: Kind) throws -> [UInt64] {
        var (batch, point) = begin()
        batch.reserveCapacity(Self.operationsPerFrame)
        let generated = try generate(kind, &batch)
        return [generated] + (try deliver(batch.operations, point, expecting: Self.operationsPerFrame))
    }

    private func begin() -> (OperationBatch, IssuePoint) {
        nowMilliseconds += 1
        let point = writer.begin(nowMilliseconds: nowMilliseconds)
        let context = ApplyContext(
            past: point.past, replicas: writer.replicas.ids, replicaHashes: writer.replicas.hashes,
            keywordHashes: writer.symbols.keywordHashes)
        let batch = OperationBatch(
            replica: point.replica, firstCounter: point.firstCounter, timestamp: point.timestamp, account: accounts[0],
            context: context)
        return (batch, point)
    }

    private func generate(_ kind: Kind, _ batch: inout OperationBatch) throws -> UInt64 {
        let size = Self.messagesPerRound
        let lists = accounts.indices.map { Array(messages[$0 * size..<($0 + 1) * size]) }
        let flags = FlagSet([.seen])
        let before = allocationsOfThread()
        for index in accounts.indices {
            let account = accounts[index]
            batch.account = account
            switch kind {
            case .append:
                for position in index * size..<(index + 1) * size {
                    messages[position] = try written[account].append(facts(), to: .inbox, batch: &batch).id
                }
            case .store:
                for position in index * size..<(index + 1) * size {
                    try written[account].store(.add(flags), message: messages[position], in: .inbox, batch: &batch)
                }
            case .expunge: try written[account].expunge(lists[index], in: .inbox, batch: &batch)
            }
        }
        return allocationsOfThread() - before
    }

    private func facts() -> MessageFacts {
        serial += 1
        let word = serial &* 0x9e37_79b9_7f4a_7c15
        return MessageFacts(
            body: BodyDigest(words: (word, ~word, serial, word ^ serial)), size: 1_000 + serial % 50_000,
            internalDateSeconds: 1_700_000_000, internalDateZoneMinutes: 60)
    }

    /// Takes operations to the reader; the allocations of encoding, decoding and applying them.
    private func deliver(_ operations: [Operation], _ point: IssuePoint, expecting count: Int) throws -> [UInt64] {
        changes.removeAll()
        ends.removeAll(keepingCapacity: true)
        let start = allocationsOfThread()
        let payloads = try writer.seal(operations, issuedAt: point)
        let sealed = allocationsOfThread()
        guard payloads.count == 1 else { throw Failure.frames(payloads.count) }
        let received = allocationsOfThread()
        let result = try reader.receive(payloads[0], nowMilliseconds: nowMilliseconds)
        let decoded = allocationsOfThread()
        guard case .delivered(let frames, _) = result, frames.count == 1 else { throw Failure.notDelivered }
        let frame = frames[0]
        guard frame.operations.count == count else { throw Failure.operations(frame.operations.count) }
        let context = ApplyContext(
            past: frame.past, replicas: reader.replicas.ids, replicaHashes: reader.replicas.hashes,
            keywordHashes: reader.symbols.keywordHashes)
        let ready = allocationsOfThread()
        read.apply(frame.operations, context: context, changes: &changes, ends: &ends)
        let applied = allocationsOfThread()
        return [sealed - start, decoded - received, applied - ready]
    }
}
