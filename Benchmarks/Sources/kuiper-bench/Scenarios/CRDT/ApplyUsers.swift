// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// `crdt.apply.users`: what an operation costs when its user is a random one of many, and what a user takes who does nothing.
enum ApplyUsers {
    static let name = "crdt.apply.users"
    private static let userCounts = [1, 1_000, 100_000, 1_000_000]
    private static let idleUsers = 1_000_000
    /// Beyond this, the reference's loads cost no more than they do here.
    private static let largestChase = 1 << 30
    /// How many times dearer a random one of many users may be than the only one: what crdt.md section 3 measured with a frame
    /// that is looked through in advance, 27 and 62 ns.
    private static let growth = 62.0 / 27

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        var rows = try idle()
        let only = try Users(1)
        rows += try self.rows(only, beside: nil, context)
        for users in userCounts.dropFirst() { rows += try self.rows(try Users(users), beside: only, context) }
        return rows
    }

    private static func rows(_ users: Users, beside only: Users?, _ context: BenchContext) throws -> [ResultRow] {
        var chase = PointerChase(bytes: min(users.footprint, largestChase))
        var references: [() throws -> Cost] = [{ chase.run(Users.operationsPerRound) }]
        if let only { references.append { only.apply() } }
        let comparisons = try Comparison.run(
            rounds: context.rounds, subject: { users.apply() }, references: references)
        let size = TextTable.number(Double(users.footprint) / Double(1 << 20))
        let perUser = TextTable.number(Double(users.footprint) / Double(users.count))
        let subject = "\(users.count) user\(users.count == 1 ? "" : "s"), \(users.messages) messages"
        return comparisons.enumerated().map { index, comparison in
            if index == 1 {
                return Growth.row(name, subject, beside: "1 user", atMost: growth, comparison)
            }
            return ResultRow(
                name, subject, comparison, .cpu, reference: "random dependent loads",
                note: "\(size) MiB, \(perUser) B for each user, with INBOX and messages"
            ).at("users", Double(users.count), "apply").target(.figure, .atMost, users.count <= 1_000 ? 40 : 80)
        }
    }

    /// The memory of users of whom a node has only heard.
    private static func idle() throws -> [ResultRow] {
        let node = try ReplicaNode(1)
        let before = Heap.bytes
        for user in 0..<idleUsers { _ = try node.replica.account(named: "user\(user)") }
        let names = Heap.bytes - before
        var table = AccountTable()
        var crowd = try Crowd(users: idleUsers)
        let bookkeeping = Heap.bytes
        var changes: StateChanges = []
        var ends: [Int] = []
        // The last one of them makes the table as long as it gets.
        for frame in crowd.creation(of: idleUsers - 1) {
            table.apply(frame.operations, context: frame.context, changes: &changes, ends: &ends)
        }
        let places = Heap.bytes - bookkeeping
        blackHole(table)
        let each = Double(names + places) / Double(idleUsers)
        return [
            .counted(
                name, "an idle user: its name and its place in the table", each, "B",
                note:
                    "\(TextTable.number(Double(names) / Double(idleUsers))) B of them for the name, with \(idleUsers) users"
            ).target(.figure, .atMost, 64)
        ]
    }
}

/// The accounts of many users in a table, as a node holds them.
private final class Users {
    static let operationsPerRound = 102_400
    private static let leastMessages = 10_000
    private static let operationsPerFrame = 1_024

    let count: Int
    let messages: Int
    /// What the accounts take, in bytes.
    private(set) var footprint = 0
    private var crowd: Crowd
    private var table = AccountTable()
    private var changes: StateChanges = []
    private var ends: [Int] = []

    init(_ count: Int) throws {
        self.count = count
        messages = max(count, Self.leastMessages)
        let before = Heap.bytes
        crowd = try Crowd(users: count)
        apply(crowd.creations(perFrame: Self.operationsPerFrame))
        apply(crowd.fill(messages, perFrame: Self.operationsPerFrame))
        footprint = Heap.bytes - before - crowd.bytes
    }

    /// Applies the next operations.
    func apply() -> Cost {
        let frames = crowd.frames(operations: Self.operationsPerRound, perFrame: Self.operationsPerFrame)
        return Stopwatch.measure { apply(frames) }.divided(by: Self.operationsPerRound)
    }

    private func apply(_ frames: [PlannedFrame]) {
        for frame in frames {
            table.apply(frame.operations, context: frame.context, changes: &changes, ends: &ends)
            changes.removeAll()
            ends.removeAll(keepingCapacity: true)
        }
    }
}
