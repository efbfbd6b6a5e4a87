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
        var costs: [Int: Double] = [:]
        for count in sizes {
            let found = try self.rows(count, context)
            costs[count] = found.first?.value
            rows += found
        }
        if let large = costs[1_000_000], let small = costs[1_000] {
            rows.append(
                ResultRow(name, "1000000 : 1000 messages", large / small, "ratio").target(.figure, .atMost, 4))
        }
        return rows
    }

    private static func rows(_ count: Int, _ context: BenchContext) throws -> [ResultRow] {
        var fleet = try Fleet(origins: replicas)
        let size = min(operationsPerFrame, max(1, count / replicas))
        let frames = fleet.creations() + fleet.frames(operations: count, perFrame: size, .appends)
        let dots = frames.dropFirst(replicas).flatMap { $0.operations.map(\.dot) }
        let repeats = max(1, operationsPerRound / count)
        var changes: StateChanges = []
        // What the list of changes takes is not the state's.
        var state = AccountState()
        state.apply(frames, changes: &changes)
        let before = Heap.bytes
        state = AccountState()
        let bytes = before - Heap.bytes
        state.apply(frames, changes: &changes)
        try check(state, count)
        let comparisons = try Comparison.run(
            rounds: context.rounds,
            subject: {
                Stopwatch.measure {
                    for _ in 0..<repeats {
                        var state = AccountState()
                        state.apply(frames, changes: &changes)
                        blackHole(state)
                    }
                }.divided(by: count * repeats)
            },
            references: [
                { set(dots, repeats) }, { orswot(dots, repeats) }, { hashed(dots, repeats) }, { dense(dots, repeats) },
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

    private static func set(_ dots: [Dot], _ repeats: Int) -> Cost {
        Stopwatch.measure {
            for _ in 0..<repeats {
                var set: Set<Dot> = []
                for dot in dots { set.insert(dot) }
                blackHole(set)
            }
        }.divided(by: dots.count * repeats)
    }

    private static func orswot(_ dots: [Dot], _ repeats: Int) -> Cost {
        Stopwatch.measure {
            for _ in 0..<repeats {
                var map = OrswotMap(replicas: replicas + 1)
                for dot in dots {
                    let key = OrswotMap.Key(high: dot.packed, low: dot.counter)
                    map.apply(.add(key, replica: Int(dot.replica.rawValue), counter: dot.counter))
                }
                blackHole(map)
            }
        }.divided(by: dots.count * repeats)
    }

    private static func hashed(_ dots: [Dot], _ repeats: Int) -> Cost {
        Stopwatch.measure {
            for _ in 0..<repeats {
                var set = OpenAddressingSet()
                for dot in dots { set.insert(dot.packed) }
                blackHole(set)
            }
        }.divided(by: dots.count * repeats)
    }

    private static func dense(_ dots: [Dot], _ repeats: Int) -> Cost {
        let share = Int(dots.map(\.counter).max() ?? 0) + 1
        return Stopwatch.measure {
            for _ in 0..<repeats {
                let slots = DenseSlots(count: (replicas + 1) * share)
                for dot in dots { slots[Int(dot.replica.rawValue) * share + Int(dot.counter)] = dot.packed }
                blackHole(slots)
            }
        }.divided(by: dots.count * repeats)
    }
}
