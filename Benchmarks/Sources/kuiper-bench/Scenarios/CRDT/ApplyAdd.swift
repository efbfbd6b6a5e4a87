// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// `crdt.apply.add`: what a remote APPEND costs, from an empty account to n messages that eight replicas have written.
enum ApplyAdd {
    static let name = "crdt.apply.add"
    static let sizes = [100, 1_000, 10_000, 100_000, 1_000_000]
    static let replicas = 8
    static let operationsPerFrame = 1_024
    /// How many operations a round has at least, so that small accounts can be measured too.
    static let operationsPerRound = 100_000

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        var rows: [ResultRow] = []
        var small: Arrivals?
        for count in sizes {
            let arrivals = try Arrivals(count)
            rows += try self.rows(arrivals, context)
            if count == 1_000 { small = arrivals }
            guard count == 1_000_000, let small else { continue }
            rows.append(
                try Growth.row(
                    name, "0 to 1000000 messages", beside: "0 to 1000 messages", atMost: Growth.cacheMisses, context,
                    subject: { arrivals.apply() }, reference: { small.apply() }))
        }
        return rows
    }

    private static func rows(_ arrivals: Arrivals, _ context: BenchContext) throws -> [ResultRow] {
        let count = arrivals.count
        let bytes = try arrivals.heapBytes()
        let comparisons = try Comparison.run(
            rounds: context.rounds, subject: { arrivals.apply() },
            references: [
                { arrivals.set() }, { arrivals.orswot() }, { arrivals.hashed() }, { arrivals.dense() },
            ])
        let names = ["Set<Dot>", "Orswot-style map", "open addressing", "dense slots"]
        return zip(comparisons, names).enumerated().map { index, pair in
            let perMessage = TextTable.number(Double(bytes) / Double(count))
            let row = ResultRow(
                name, "0 to \(count) messages", pair.0, .cpu, reference: pair.1,
                note: index == 0 ? "\(perMessage) B in memory for each message" : nil
            ).at("messages", Double(count), "append")
            return index == 1 ? row.target(.ratio, .atMost, 1 / 1.2) : row
        }
    }

    /// Looks whether all messages can be seen.
    static func check(_ state: borrowing AccountState, _ count: Int) throws {
        var messages: UInt64 = 0
        for origin in 1...replicas { messages += state.summary(of: Fleet.folder(origin))?.messages ?? 0 }
        guard messages == UInt64(count) else {
            throw BenchFailure("\(messages) messages are there instead of \(count)")
        }
    }
}

/// The frames of n APPENDs, and the same for the references.
private final class Arrivals {
    let count: Int
    private let repeats: Int
    private let frames: [PlannedFrame]
    private let dots: [Dot]
    private var changes: StateChanges = []
    /// The array of the reference: whoever has one keeps it.
    private let slots: DenseSlots
    private let share: Int

    init(_ count: Int) throws {
        self.count = count
        repeats = max(1, ApplyAdd.operationsPerRound / count)
        var fleet = try Fleet(origins: ApplyAdd.replicas)
        let size = min(ApplyAdd.operationsPerFrame, max(1, count / ApplyAdd.replicas))
        frames = fleet.creations() + fleet.frames(operations: count, perFrame: size, .appends)
        dots = frames.dropFirst(ApplyAdd.replicas).flatMap { $0.operations.map(\.dot) }
        share = Int(dots.map(\.counter).max() ?? 0) + 1
        slots = DenseSlots(count: (ApplyAdd.replicas + 1) * share)
    }

    /// What the state takes, without the list of changes.
    func heapBytes() throws -> Int {
        var state = AccountState()
        state.apply(frames, changes: &changes)
        let before = Heap.bytes
        state = AccountState()
        let bytes = before - Heap.bytes
        state.apply(frames, changes: &changes)
        try ApplyAdd.check(state, count)
        return bytes
    }

    func apply() -> Cost {
        Stopwatch.measure {
            for _ in 0..<repeats {
                var state = AccountState()
                state.apply(frames, changes: &changes)
                blackHole(state)
            }
        }.divided(by: count * repeats)
    }

    func set() -> Cost {
        Stopwatch.measure {
            for _ in 0..<repeats {
                var set: Set<Dot> = []
                for dot in dots { set.insert(dot) }
                blackHole(set)
            }
        }.divided(by: dots.count * repeats)
    }

    func orswot() -> Cost {
        Stopwatch.measure {
            for _ in 0..<repeats {
                var map = OrswotMap(replicas: ApplyAdd.replicas + 1)
                for dot in dots {
                    let key = OrswotMap.Key(high: dot.packed, low: dot.counter)
                    map.apply(.add(key, replica: Int(dot.replica.rawValue), counter: dot.counter))
                }
                blackHole(map)
            }
        }.divided(by: dots.count * repeats)
    }

    func hashed() -> Cost {
        Stopwatch.measure {
            for _ in 0..<repeats {
                var set = OpenAddressingSet()
                for dot in dots { set.insert(dot.packed) }
                blackHole(set)
            }
        }.divided(by: dots.count * repeats)
    }

    /// One store for each message, into an array that is there.
    func dense() -> Cost {
        let cost = Stopwatch.measure {
            for _ in 0..<repeats {
                for dot in dots { slots[Int(dot.replica.rawValue) * share + Int(dot.counter)] = dot.packed }
            }
        }
        blackHole(slots.sum())
        return cost.divided(by: dots.count * repeats)
    }
}
