// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// The operations that `crdt.encode` and `crdt.decode` put into frames: half appends, the rest as in `crdt.gen`.
struct CodecInput {
    static let count = 262_144
    static let users = 1_000
    static let sizes = [1, 64, 1_024]

    let accounts: [String]
    /// The creations of the folders, which no figure counts.
    let folders: [Operation]
    let operations: [Operation]
    let appendCount: Int

    init() throws {
        let plan = Plan(
            users: Self.users, foldersPerUser: 20, count: Self.count, run: 1, batch: 1, mix: .mailboxes, seed: 2)
        let world = try PlannedWorld(plan, facts: PlannedWorld.facts(for: plan))
        folders = world.operations
        try world.obey(0..<Self.count, keeping: true)
        try world.check()
        operations = Array(world.operations[folders.count...])
        accounts = (0..<Self.users).map { "user\($0)@example.org" }
        appendCount = plan.commands.count { $0.kind == .append }
    }

    /// The operations in frames of a size.
    func frames(of size: Int) -> [[Operation]] {
        stride(from: 0, to: operations.count, by: size).map {
            Array(operations[$0..<min($0 + size, operations.count)])
        }
    }

    /// A replica that has sealed the creations of the folders, and the frame.
    func sender() throws -> (ReplicaNode, [UInt8]) {
        let node = try ReplicaNode(PlannedWorld.replica.rawValue, accounts: accounts)
        return (node, try node.seal(folders))
    }

    /// All frames of a size, sealed.
    func seal(_ frames: [[Operation]]) throws -> (folders: [UInt8], payloads: [[UInt8]], cost: Cost) {
        let (node, first) = try sender()
        var payloads: [[UInt8]] = []
        payloads.reserveCapacity(frames.count)
        let cost = try Stopwatch.measure {
            for frame in frames { payloads.append(try node.seal(frame)) }
        }
        return (first, payloads, cost.divided(by: operations.count))
    }

    /// Adds the bytes of an operation in those frames, with and without the digests that appends carry.
    func withBytes(_ row: ResultRow, _ byteCount: Int) -> ResultRow {
        let digests = 32 * appendCount
        return row.bytes(
            Double(byteCount) / Double(operations.count),
            withoutDigests: Double(byteCount - digests) / Double(operations.count))
    }
}
