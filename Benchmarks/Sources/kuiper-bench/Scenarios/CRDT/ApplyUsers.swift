// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// `crdt.apply.users`: what an operation costs when its user is a random one of many.
enum ApplyUsers {
    static let name = "crdt.apply.users"
    private static let userCounts = [1, 1_000, 100_000, 1_000_000]
    private static let leastMessages = 10_000
    private static let operationsPerRound = 102_400
    private static let operationsPerFrame = 1_024
    /// Beyond this, the reference's loads cost no more than they do here.
    private static let largestChase = 1 << 30

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        var rows: [ResultRow] = []
        var first: Double?
        for users in userCounts {
            let row = try self.row(users, context)
            rows.append(row)
            if let first {
                rows.append(ResultRow(name, "\(users) users : 1 user", row.value / first, "ratio"))
            } else {
                first = row.value
            }
        }
        return rows
    }

    private static func row(_ users: Int, _ context: BenchContext) throws -> ResultRow {
        let before = Heap.bytes
        var crowd = try Crowd(users: users)
        let accounts = (0..<users).map { _ in StateBox() }
        var changes: StateChanges = []
        apply(crowd.creations(perFrame: operationsPerFrame), to: accounts, &changes)
        let messages = max(users, leastMessages)
        apply(crowd.fill(messages, perFrame: operationsPerFrame), to: accounts, &changes)
        let footprint = Heap.bytes - before - crowd.bytes
        var chase = PointerChase(bytes: min(footprint, largestChase))
        let comparison = Comparison(
            rounds: context.rounds,
            subject: {
                let frames = crowd.frames(operations: operationsPerRound, perFrame: operationsPerFrame)
                return Stopwatch.measure { apply(frames, to: accounts, &changes) }.divided(by: operationsPerRound)
            }, reference: { chase.run(operationsPerRound) })
        let size = TextTable.number(Double(footprint) / Double(1 << 20))
        let perUser = TextTable.number(Double(footprint) / Double(users))
        return ResultRow(
            name, "\(users) user\(users == 1 ? "" : "s"), \(messages) messages", comparison, .cpu,
            reference: "random dependent loads", note: "\(size) MiB, \(perUser) B for each user"
        ).at("users", Double(users), "apply").target(.figure, .atMost, users <= 1_000 ? 40 : 80)
    }

    /// Applies each frame as a store does: each operation to its account, whose predecessors in the frame are in its past.
    private static func apply(_ frames: [PlannedFrame], to accounts: [StateBox], _ changes: inout StateChanges) {
        for frame in frames {
            if accounts.count == 1 {
                accounts[0].state.apply(frame.operations, context: frame.context, changes: &changes)
            } else {
                var context = frame.context
                for operation in frame.operations {
                    accounts[Int(operation.account.rawValue)].state.apply(
                        operation, context: context, changes: &changes)
                    context.past[operation.dot.replica] = operation.dot.counter
                }
            }
            changes.removeAll()
        }
    }
}
