// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// `crdt.apply.replicas`: what an operation costs, and how long it is, when R replicas write at the same rate and know all of one
/// another: decoded, checked for its past, applied.
///
/// The account has the same folders whatever R is.
enum ApplyReplicas {
    static let name = "crdt.apply.replicas"
    static let replicaCounts = [2, 8, 32, 128]
    static let operations = 131_072
    static let operationsPerFrame = 256
    /// A multiple of each number of replicas.
    static let folders = 128

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        var rows: [ResultRow] = []
        var least: Replicas?
        for count in replicaCounts {
            let replicas = try Replicas(count)
            rows += try self.rows(replicas, beside: least, context)
            if least == nil { least = replicas }
        }
        return rows
    }

    private static func rows(
        _ replicas: Replicas, beside least: Replicas?, _ context: BenchContext
    ) throws -> [ResultRow] {
        let clocks = DenseClocks(replicas: replicas.count)
        var references: [() throws -> Cost] = [{ clocks.compare(operations) }]
        if let least { references.append { try least.receive() } }
        let comparisons = try Comparison.run(
            rounds: context.rounds, subject: { try replicas.receive() }, references: references)
        return comparisons.enumerated().map { index, comparison in
            if index == 1, let least {
                return Growth.row(
                    name, "\(replicas.count) replicas", beside: "\(least.count) replicas", atMost: Growth.nothing,
                    comparison)
            }
            return ResultRow(
                name, "\(replicas.count) replicas", comparison, .cpu, reference: "comparing clocks",
                note: "frames of \(operationsPerFrame); clocks of \(replicas.count) counters"
            ).bytes(
                Double(replicas.bytes) / Double(operations),
                withoutDigests: Double(replicas.bytes - 32 * replicas.appends) / Double(operations)
            ).at("replicas", Double(replicas.count), "receive and apply")
        }
    }
}

/// The sealed frames of some replicas that write to one account.
private final class Replicas {
    private static let account = "user"

    let count: Int
    let appends: Int
    private let fleet: Fleet
    private let setup: [[UInt8]]
    private let payloads: [[UInt8]]
    private var changes: StateChanges = []

    init(_ count: Int) throws {
        self.count = count
        var fleet = try Fleet(origins: count, folders: ApplyReplicas.folders)
        let creations = fleet.creations()
        let frames = fleet.frames(
            operations: ApplyReplicas.operations, perFrame: ApplyReplicas.operationsPerFrame, .messages)
        let sealed = try SealedFleet(creations + frames, origins: count, account: Self.account)
        (setup, payloads) = (Array(sealed.payloads.prefix(count)), Array(sealed.payloads.dropFirst(count)))
        self.fleet = fleet
        appends = frames.reduce(0) { $0 + $1.operations.count { if case .append = $0.body { true } else { false } } }
    }

    var bytes: Int { payloads.reduce(0) { $0 + $1.count } }

    /// Receives and applies everything at a further replica.
    func receive() throws -> Cost {
        let node = try SealedFleet.receiver(origins: count, account: Self.account)
        var state = AccountState()
        for payload in setup { try take(payload, node, &state) }
        let cost = try Stopwatch.measure {
            for payload in payloads { try take(payload, node, &state) }
        }
        var messages: UInt64 = 0
        for folder in 0..<fleet.folders {
            let creation = fleet.mailbox(folder).dot
            let index = try node.replica.replica(ReplicaID(UInt64(creation.replica.rawValue)))
            messages += state.summary(of: MailboxID(Dot(index, creation.counter)))?.messages ?? 0
        }
        guard messages == UInt64(fleet.live.count) else {
            throw BenchFailure("\(messages) messages are there instead of \(fleet.live.count)")
        }
        return cost.divided(by: ApplyReplicas.operations)
    }

    private func take(_ payload: [UInt8], _ node: ReplicaNode, _ state: inout AccountState) throws {
        for frame in try node.receive(payload) {
            state.apply(frame.operations, context: node.context(frame), changes: &changes)
        }
        changes.removeAll()
    }
}

/// Clocks of one counter for each replica, compared counter by counter for each operation.
private struct DenseClocks {
    private let delivered: [UInt64]
    private let pasts: [[UInt64]]

    init(replicas: Int) {
        var random = BenchGenerator(seed: 5)
        let delivered = (0..<replicas).map { _ in 1_000_000 + random.next() % 1_000 }
        self.delivered = delivered
        // As many pasts as do not all lie in the nearest cache, all of them ready.
        pasts = (0..<1_024).map { _ in delivered.map { $0 - random.next() % 1_000 } }
    }

    func compare(_ count: Int) -> Cost {
        var ready = 0
        let cost = Stopwatch.measure {
            for step in 0..<count {
                let past = pasts[step & 1_023]
                var isReady = true
                for index in past.indices where past[index] > delivered[index] {
                    isReady = false
                    break
                }
                if isReady { ready += 1 }
            }
        }
        blackHole(ready)
        return cost.divided(by: count)
    }
}
