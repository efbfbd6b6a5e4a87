// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// `crdt.causal.ooo`: what a frame of one operation costs when a window of frames arrives in any order.
///
/// One in a hundred arrives twice, and the first of all arrives last: no operation can be delivered before that.
enum OutOfOrder {
    static let name = "crdt.causal.ooo"
    private static let windows = [100, 1_000, 10_000, 100_000]
    private static let operations = 100_000
    private static let replicas = 8
    /// The rescanned list takes minutes at windows beyond this.
    private static let largestRescan = 10_000
    private static let account = "user"

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        var fleet = try Fleet(origins: replicas)
        let creations = fleet.creations()
        let frames = fleet.frames(operations: operations, perFrame: 1, .appends)
        let sealed = try SealedFleet(creations + frames, origins: replicas, account: account)
        var rows: [ResultRow] = []
        var costs: [Double] = []
        for window in windows {
            let found = try self.rows(window, sealed, context)
            costs.append(found[0].value)
            rows += found
        }
        if let first = costs.first, let last = costs.last {
            rows.append(
                ResultRow(name, "window of 100000 : 100", last / first, "ratio").target(.figure, .atMost, 3))
        }
        return rows
    }

    private static func rows(_ window: Int, _ sealed: SealedFleet, _ context: BenchContext) throws -> [ResultRow] {
        let order = arrival(window)
        let inOrder = Array(replicas..<(replicas + operations))
        let entries = sealed.frames.map { frame in
            (
                origin: Int(frame.operations[0].dot.replica.rawValue), counter: frame.operations[0].dot.counter,
                past: (0...replicas).map { frame.context.past[Fleet.index($0)] }
            )
        }
        var references: [() throws -> Cost] = [{ try receive(inOrder, sealed.payloads) }]
        var names = ["the same frames in order"]
        if window <= largestRescan {
            // As many windows as do not take too long.
            let part = Array(order.prefix((window + window / 100) * max(1, 20_000 / window)))
            references.append {
                var list = RescanList(origins: replicas)
                for entry in entries.prefix(replicas) {
                    list.take(origin: entry.origin, counter: entry.counter, past: entry.past)
                }
                let cost = Stopwatch.measure {
                    for index in part {
                        list.take(
                            origin: entries[index].origin, counter: entries[index].counter, past: entries[index].past)
                    }
                }
                guard list.deliveries == replicas + Set(part).count else {
                    throw BenchFailure("the list delivered \(list.deliveries) operations of \(Set(part).count)")
                }
                return cost.divided(by: list.deliveries - replicas)
            }
            names.append("list, rescanned, without decoding")
        }
        let comparisons = try Comparison.run(
            rounds: context.rounds, subject: { try receive(order, sealed.payloads) }, references: references)
        return zip(comparisons, names).map { pair in
            ResultRow(name, "window of \(window) frames", pair.0, .cpu, reference: pair.1)
                .at("window", Double(window), "out of order")
        }
    }

    /// The frames in the order of their arrival: each window shuffled, with some twice, and its first one last.
    private static func arrival(_ window: Int) -> [Int] {
        var random = BenchGenerator(seed: 11)
        var order: [Int] = []
        for start in stride(from: replicas, to: replicas + operations, by: window) {
            var indexes = Array((start + 1)..<(start + window))
            for _ in 0..<(window / 100) { indexes.append(start + 1 + random.below(window - 1)) }
            indexes.shuffle(using: &random)
            order += indexes + [start]
        }
        return order
    }

    private static func receive(_ order: [Int], _ payloads: [[UInt8]]) throws -> Cost {
        let node = try SealedFleet.receiver(origins: replicas, account: account)
        for payload in payloads.prefix(replicas) { _ = try node.receive(payload) }
        var delivered = 0
        let cost = try Stopwatch.measure {
            for index in order {
                switch try node.replica.receive(payloads[index], nowMilliseconds: ReplicaNode.later) {
                case .delivered(let frames, _): for frame in frames { delivered += frame.operations.count }
                case .waiting, .duplicate: break
                case .overflow, .deferred: throw BenchFailure("the buffer of early frames is full")
                }
            }
        }
        guard delivered == operations else {
            throw BenchFailure("\(delivered) of \(operations) operations were delivered")
        }
        return cost.divided(by: operations)
    }
}
