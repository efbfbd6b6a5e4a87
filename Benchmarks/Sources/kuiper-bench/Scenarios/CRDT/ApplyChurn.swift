// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// `crdt.apply.churn`: what an operation costs when each EXPUNGE of a random message is followed by an APPEND, at n messages.
enum ApplyChurn {
    static let name = "crdt.apply.churn"
    private static let replicas = ApplyAdd.replicas
    private static let operationsPerRound = 102_400

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        var rows: [ResultRow] = []
        var costs: [Int: Double] = [:]
        for count in ApplyAdd.sizes {
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
        var state = AccountState()
        var changes: StateChanges = []
        state.apply(
            fleet.creations() + fleet.frames(operations: count, perFrame: ApplyAdd.operationsPerFrame, .appends),
            changes: &changes)
        let size = min(ApplyAdd.operationsPerFrame, max(2, count / 50 * 2))
        var references = References(fleet.live.map(\.dot))
        var steps: [Step] = []
        let comparisons = try Comparison.run(
            rounds: context.rounds,
            subject: {
                let frames = fleet.churn(operations: operationsPerRound, perFrame: size)
                steps = references.steps(of: frames)
                let operations = frames.reduce(0) { $0 + $1.operations.count }
                let cost = Stopwatch.measure { state.apply(frames, changes: &changes) }
                try ApplyAdd.check(state, count)
                return cost.divided(by: operations)
            },
            references: [
                { references.set(steps) }, { references.hashed(steps) }, { references.dense(steps) },
            ])
        return zip(comparisons, ["Set<Dot>", "open addressing", "dense slots"]).enumerated().map { index, pair in
            let row = ResultRow(name, "at \(count) messages", pair.0, .cpu, reference: pair.1)
                .at("messages", Double(count), "expunge and append")
            if index == 0 { return row.target(.ratio, .atMost, 1 / 3.0) }
            return index == 2 ? row.target(.ratio, .atMost, 4) : row
        }
    }

    /// One operation in the terms of the references.
    struct Step {
        let key: UInt64
        /// The place among as many places as there are messages: an append takes that of the message expunged before it.
        let slot: Int
        let isAdding: Bool
    }

    /// The references, filled with the same messages.
    private struct References: ~Copyable {
        private var set: Set<Dot> = []
        private var hashed = OpenAddressingSet()
        private let dense: DenseSlots
        private var slots: [UInt64: Int] = [:]

        init(_ dots: [Dot]) {
            dense = DenseSlots(count: dots.count)
            for (index, dot) in dots.enumerated() {
                set.insert(dot)
                hashed.insert(dot.packed)
                dense[index] = dot.packed
                slots[dot.packed] = index
            }
        }

        mutating func steps(of frames: [PlannedFrame]) -> [Step] {
            var steps: [Step] = []
            var free = 0
            for operation in frames.lazy.flatMap(\.operations) {
                if case .expunge(_, let message) = operation.body {
                    free = slots.removeValue(forKey: message.packed) ?? 0
                    steps.append(Step(key: message.packed, slot: free, isAdding: false))
                } else {
                    slots[operation.dot.packed] = free
                    steps.append(Step(key: operation.dot.packed, slot: free, isAdding: true))
                }
            }
            return steps
        }

        mutating func set(_ steps: [Step]) -> Cost {
            Stopwatch.measure {
                for step in steps {
                    if step.isAdding { set.insert(Dot(packed: step.key)) } else { set.remove(Dot(packed: step.key)) }
                }
            }.divided(by: steps.count)
        }

        mutating func hashed(_ steps: [Step]) -> Cost {
            Stopwatch.measure {
                for step in steps {
                    if step.isAdding { hashed.insert(step.key) } else { hashed.remove(step.key) }
                }
            }.divided(by: steps.count)
        }

        func dense(_ steps: [Step]) -> Cost {
            // So little is measured often enough that it can be measured.
            let repeats = 20
            return Stopwatch.measure {
                for _ in 0..<repeats {
                    for step in steps { dense[step.slot] = step.isAdding ? step.key : 0 }
                }
            }.divided(by: steps.count * repeats)
        }
    }
}
