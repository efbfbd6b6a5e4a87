// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// `crdt.apply.replicas`: what an operation costs, and how long it is, when R replicas write at the same rate and know all of one
/// another: decoded, checked for its past, applied.
enum ApplyReplicas {
    static let name = "crdt.apply.replicas"
    private static let replicaCounts = [2, 8, 32, 128]
    private static let operations = 131_072
    private static let operationsPerFrame = 256
    private static let account = "user"

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        var rows: [ResultRow] = []
        for replicas in replicaCounts { rows.append(try row(replicas, context)) }
        if let first = rows.first, let last = rows.last {
            rows.append(
                ResultRow(name, "128 : 2 replicas", last.value / first.value, "ratio").target(.figure, .atMost, 1.5))
        }
        return rows
    }

    private static func row(_ replicas: Int, _ context: BenchContext) throws -> ResultRow {
        var fleet = try Fleet(origins: replicas)
        let frames = fleet.creations() + fleet.frames(operations: operations, perFrame: operationsPerFrame, .messages)
        let sealed = try SealedFleet(frames, origins: replicas, account: account)
        let (setup, payloads) = (sealed.payloads.prefix(replicas), sealed.payloads.dropFirst(replicas))
        let clocks = DenseClocks(replicas: replicas)
        var changes: StateChanges = []
        let comparison = try Comparison(
            rounds: context.rounds,
            subject: {
                let node = try SealedFleet.receiver(origins: replicas, account: account)
                var state = AccountState()
                for payload in setup { try take(payload, node, &state, &changes) }
                let cost = try Stopwatch.measure {
                    for payload in payloads { try take(payload, node, &state, &changes) }
                }
                var messages: UInt64 = 0
                for origin in 1...replicas {
                    let index = try node.replica.replica(ReplicaID(UInt64(origin)))
                    messages += state.summary(of: MailboxID(Dot(index, 1)))?.messages ?? 0
                }
                guard messages == UInt64(fleet.live.count) else {
                    throw BenchFailure("\(messages) messages are there instead of \(fleet.live.count)")
                }
                return cost.divided(by: operations)
            }, reference: { clocks.compare(operations) })
        let bytes = payloads.reduce(0) { $0 + $1.count }
        let appends = frames.reduce(0) {
            $0 + $1.operations.count { if case .append = $0.body { true } else { false } }
        }
        return ResultRow(
            name, "\(replicas) replicas", comparison, .cpu, reference: "comparing clocks",
            note: "frames of \(operationsPerFrame); clocks of \(replicas) counters"
        ).bytes(
            Double(bytes) / Double(operations), withoutDigests: Double(bytes - 32 * appends) / Double(operations)
        ).at("replicas", Double(replicas), "receive and apply")
    }

    private static func take(
        _ payload: [UInt8], _ node: ReplicaNode, _ state: inout AccountState, _ changes: inout StateChanges
    ) throws {
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
