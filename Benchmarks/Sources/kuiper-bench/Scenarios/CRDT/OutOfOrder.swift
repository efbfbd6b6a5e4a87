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
    /// The rescanned list, which decodes nothing, must lose from this window on.
    private static let leastRescan = 1_000
    /// How many times dearer a frame may be in the largest window than in the smallest.
    private static let growth = 3.0
    /// What waiting may add to an operation, in nanoseconds: what crdt.md section 3 measured for an index by the missing dot.
    private static let waiting = 168.0
    private static let account = "user"

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        var fleet = try Fleet(origins: replicas)
        let creations = fleet.creations()
        let frames = fleet.frames(operations: operations, perFrame: 1, .appends)
        let sealed = try SealedFleet(creations + frames, origins: replicas, account: account)
        return try windows.flatMap { try rows($0, sealed, context) }
    }

    private static func rows(_ window: Int, _ sealed: SealedFleet, _ context: BenchContext) throws -> [ResultRow] {
        let order = arrival(window)
        let inOrder = Array(replicas..<(replicas + operations))
        var references: [() throws -> Cost] = [{ try receive(inOrder, sealed.payloads) }]
        var rows: [(Comparison) -> ResultRow] = [
            { comparison in
                ResultRow(
                    name, "window of \(window) frames", comparison, .cpu, reference: "the same frames in order"
                ).at("window", Double(window), "out of order")
            }
        ]
        if window <= largestRescan {
            // As many windows as do not take too long.
            let part = Array(order.prefix((window + window / 100) * max(1, 20_000 / window)))
            references.append { try rescan(part, sealed) }
            rows.append { comparison in
                let row = ResultRow(
                    name, "window of \(window) frames", comparison, .cpu,
                    reference: "list, rescanned, without decoding")
                return window < leastRescan ? row : row.target(.ratio, .atMost, 1)
            }
        }
        if let smallest = windows.first, window > smallest {
            let short = arrival(smallest)
            references.append { try receive(short, sealed.payloads) }
            rows.append {
                Growth.row(
                    name, "window of \(window) frames", beside: "window of \(smallest) frames", atMost: growth, $0)
            }
        }
        let comparisons = try Comparison.run(
            rounds: context.rounds, subject: { try receive(order, sealed.payloads) }, references: references)
        let added = zip(comparisons[0].subject, comparisons[0].reference).map { $0.cpu - $1.cpu }
        let difference = ResultRow(name, "window of \(window) frames, what waiting adds", Series(added), "ns/op")
        return zip(comparisons, rows).map { $1($0) } + [difference.target(.figure, .atMost, waiting)]
    }

    /// The same as a plain list of what waits.
    private static func rescan(_ part: [Int], _ sealed: SealedFleet) throws -> Cost {
        let entries = sealed.frames.map { frame in
            (
                origin: Int(frame.operations[0].dot.replica.rawValue), counter: frame.operations[0].dot.counter,
                past: (0...replicas).map { frame.context.past[Fleet.index($0)] }
            )
        }
        var list = RescanList(origins: replicas)
        for entry in entries.prefix(replicas) {
            list.take(origin: entry.origin, counter: entry.counter, past: entry.past)
        }
        let cost = Stopwatch.measure {
            for index in part {
                list.take(origin: entries[index].origin, counter: entries[index].counter, past: entries[index].past)
            }
        }
        guard list.deliveries == replicas + Set(part).count else {
            throw BenchFailure("the list delivered \(list.deliveries) operations of \(Set(part).count)")
        }
        return cost.divided(by: list.deliveries - replicas)
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
