// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// `crdt.delete.folder`: how long the DELETE of a folder of n messages is, and what its effect costs for each message, while another
/// replica appends messages to the folder that the DELETE does not know.
enum DeleteFolder {
    static let name = "crdt.delete.folder"
    private static let messagesPerRound = 10_000
    /// The messages that the other replica appends meanwhile.
    private static let survivors = 10

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        try ApplyAdd.sizes.flatMap { try rows($0, context) }
    }

    private static func rows(_ count: Int, _ context: BenchContext) throws -> [ResultRow] {
        // Replica 1 fills its folder and deletes it; replica 2 has heard of all but the DELETE.
        var fleet = try Fleet(origins: 1)
        let filling = fleet.creations() + fleet.frames(operations: count, perFrame: 1_024, .appends)
        let folder = Fleet.folder(1)
        let names = try ApplyContext.naming(1...2)
        let meanwhile = (1...UInt64(survivors)).map { number in
            operation(
                Dot(Fleet.index(2), number),
                .append(mailbox: folder, facts: Sample.facts(number), flags: FlagSet(), assignment: nil))
        }
        let delete = operation(Dot(Fleet.index(1), UInt64(count) + 2), .delete(mailbox: folder))
        var past = names
        past.past = fleet.delivered
        let bytes = try length(of: delete, filling)
        let repeats = max(1, messagesPerRound / count)
        var changes: StateChanges = []
        var prune: [Double] = []
        let slots = DenseSlots(count: count)
        let comparison = try Comparison(
            rounds: context.rounds,
            subject: {
                var (cost, pruning) = (Cost.zero, Cost.zero)
                for _ in 0..<repeats {
                    var state = AccountState()
                    state.apply(filling, changes: &changes)
                    state.apply(meanwhile, context: past, changes: &changes)
                    changes.removeAll()
                    cost = cost + Stopwatch.measure { state.apply(delete, context: past, changes: &changes) }
                    let left = (state.summary(of: folder).map { $0.messages + $0.waiting }) ?? 0
                    guard left == UInt64(survivors) else { throw BenchFailure("\(left) messages survived a DELETE") }
                    var stable = past.past
                    stable[Fleet.index(1)] = delete.dot.counter
                    stable[Fleet.index(2)] = UInt64(survivors)
                    pruning = pruning + Stopwatch.measure { state.prune(stable: stable, changes: &changes) }
                    changes.removeAll()
                }
                prune.append(pruning.divided(by: repeats * count).cpu)
                return cost.divided(by: repeats * count)
            },
            reference: {
                Stopwatch.measure {
                    for _ in 0..<repeats { slots.clear() }
                }.divided(by: repeats * count)
            })
        let pruned = TextTable.number(Series(Array(prune.dropFirst())).median)
        let row = ResultRow(
            name, "\(count) messages", comparison, .cpu, reference: "memset of 8 B for each message",
            unit: "ns/message", note: "\(pruned) ns for each message once the DELETE is stable"
        ).at("messages", Double(count), "delete, for each message")
        var length = ResultRow(name, "\(count) messages, the DELETE itself", Double(bytes), "B")
        length = length.target(.figure, .atMost, 64)
        return [row, length]
    }

    /// The bytes of a frame with nothing but the DELETE, at a replica that has sealed the rest.
    private static func length(of delete: Operation, _ filling: [PlannedFrame]) throws -> Int {
        let node = try ReplicaNode(1, accounts: ["user"])
        for frame in filling { _ = try node.seal(frame) }
        return try node.seal([delete]).count
    }

    private static func operation(_ dot: Dot, _ body: OperationBody) -> Operation {
        Operation(
            dot: dot, timestamp: HybridTimestamp(milliseconds: Sample.startMilliseconds + 10_000_000),
            account: AccountIndex(0), body: body)
    }
}
