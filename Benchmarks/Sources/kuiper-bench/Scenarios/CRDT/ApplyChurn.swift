// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// `crdt.apply.churn`: what an operation costs when each EXPUNGE of a random message is followed by an APPEND, at n messages.
enum ApplyChurn {
    static let name = "crdt.apply.churn"

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        var rows: [ResultRow] = []
        var small: ChurningMailboxes?
        for count in ApplyAdd.sizes {
            let mailboxes = try ChurningMailboxes(count)
            rows += try self.rows(mailboxes, context)
            if count == 1_000 { small = mailboxes }
            guard count == 1_000_000, let small else { continue }
            rows.append(
                try Growth.row(
                    name, "at 1000000 messages", beside: "at 1000 messages", atMost: Growth.cacheMisses, context,
                    subject: { try mailboxes.churn() }, reference: { try small.churn() }))
        }
        return rows
    }

    private static func rows(_ mailboxes: ChurningMailboxes, _ context: BenchContext) throws -> [ResultRow] {
        let comparisons = try Comparison.run(
            rounds: context.rounds, subject: { try mailboxes.churn() },
            references: [{ mailboxes.set() }, { mailboxes.hashed() }, { mailboxes.dense() }])
        return zip(comparisons, ["Set<Dot>", "open addressing", "dense slots"]).enumerated().map { index, pair in
            let row = ResultRow(name, "at \(mailboxes.count) messages", pair.0, .cpu, reference: pair.1)
                .at("messages", Double(mailboxes.count), "expunge and append")
            if index == 0 { return row.target(.ratio, .atMost, 1 / 3.0) }
            return index == 2 ? row.target(.ratio, .atMost, 4) : row
        }
    }
}

/// An account with n messages, and the references with the same ones.
private final class ChurningMailboxes {
    /// One operation in the terms of the references.
    private struct Step {
        let key: UInt64
        /// The place among as many places as there are messages: an append takes that of the message expunged before it.
        let slot: Int
        let isAdding: Bool
    }

    private static let operationsPerRound = 102_400

    let count: Int
    private let perFrame: Int
    private var fleet: Fleet
    private var state = AccountState()
    private var changes: StateChanges = []
    private var steps: [Step] = []
    private var reference: Set<Dot> = []
    private var table = OpenAddressingSet()
    private let array: DenseSlots
    private var slots: [UInt64: Int] = [:]

    init(_ count: Int) throws {
        self.count = count
        perFrame = min(ApplyAdd.operationsPerFrame, max(2, count / 50 * 2))
        fleet = try Fleet(origins: ApplyAdd.replicas)
        array = DenseSlots(count: count)
        state.apply(
            fleet.creations() + fleet.frames(operations: count, perFrame: ApplyAdd.operationsPerFrame, .appends),
            changes: &changes)
        for (index, message) in fleet.live.enumerated() {
            reference.insert(message.dot)
            table.insert(message.dot.packed)
            array[index] = message.dot.packed
            slots[message.dot.packed] = index
        }
    }

    /// Applies the next operations, which the references get afterwards.
    func churn() throws -> Cost {
        let frames = fleet.churn(operations: Self.operationsPerRound, perFrame: perFrame)
        translate(frames)
        let cost = Stopwatch.measure { state.apply(frames, changes: &changes) }
        try ApplyAdd.check(state, count)
        return cost.divided(by: steps.count)
    }

    private func translate(_ frames: [PlannedFrame]) {
        steps.removeAll(keepingCapacity: true)
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
    }

    func set() -> Cost { Self.set(steps, &reference) }

    // Static functions with `inout` parameters: a reference is not to pay for a look at who else uses this object.
    private static func set(_ steps: [Step], _ set: inout Set<Dot>) -> Cost {
        Stopwatch.measure {
            for step in steps {
                if step.isAdding { set.insert(Dot(packed: step.key)) } else { set.remove(Dot(packed: step.key)) }
            }
        }.divided(by: steps.count)
    }

    func hashed() -> Cost { Self.hashed(steps, &table) }

    private static func hashed(_ steps: [Step], _ table: inout OpenAddressingSet) -> Cost {
        Stopwatch.measure {
            for step in steps {
                if step.isAdding { table.insert(step.key) } else { table.remove(step.key) }
            }
        }.divided(by: steps.count)
    }

    func dense() -> Cost {
        // So little is measured often enough that it can be measured.
        let repeats = 20
        return Stopwatch.measure {
            for _ in 0..<repeats {
                for step in steps { array[step.slot] = step.isAdding ? step.key : 0 }
            }
        }.divided(by: steps.count * repeats)
    }
}
