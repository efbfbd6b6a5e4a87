// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// `crdt.delete.folder`: how long the DELETE of a folder of n messages is, and what its effect costs for each message, while another
/// replica appends messages to the folder that the DELETE does not know.
enum DeleteFolder {
    static let name = "crdt.delete.folder"

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        var rows: [ResultRow] = []
        var small: FullFolder?
        for count in ApplyAdd.sizes {
            let folder = try FullFolder(count)
            rows += try self.rows(folder, context)
            if count == 1_000 { small = folder }
            guard count == 1_000_000, let small else { continue }
            rows.append(
                try Growth.row(
                    name, "1000000 messages, for each", beside: "1000 messages, for each", atMost: Growth.cacheMisses,
                    unit: "ns/message", context, subject: { try folder.delete() }, reference: { try small.delete() }))
        }
        return rows
    }

    private static func rows(_ folder: FullFolder, _ context: BenchContext) throws -> [ResultRow] {
        let comparison = try Comparison(
            rounds: context.rounds, subject: { try folder.delete() }, reference: { folder.clear() })
        let pruned = TextTable.number(Series(Array(folder.prunings.dropFirst())).median)
        let row = ResultRow(
            name, "\(folder.count) messages", comparison, .cpu, reference: "memset of 8 B for each message",
            unit: "ns/message", note: "\(pruned) ns for each message once the DELETE is stable"
        ).at("messages", Double(folder.count), "delete, for each message")
        let length = ResultRow.counted(
            name, "\(folder.count) messages, the DELETE itself", Double(try folder.bytes()), "B")
        return [row, length.target(.figure, .atMost, 64)]
    }
}

/// A folder that replica 1 has filled and deletes, and of which replica 2 has heard all but the DELETE.
private final class FullFolder {
    private static let messagesPerRound = 10_000
    /// The messages that the other replica appends meanwhile.
    private static let survivors = 10

    let count: Int
    /// What the removal for good took, for each message and round, in nanoseconds.
    private(set) var prunings: [Double] = []
    private let repeats: Int
    private let filling: [PlannedFrame]
    private let meanwhile: [Operation]
    private let deletion: Operation
    private let past: ApplyContext
    private let folder = Fleet.folder(1)
    private let slots: DenseSlots
    private var changes: StateChanges = []

    init(_ count: Int) throws {
        self.count = count
        repeats = max(1, Self.messagesPerRound / count)
        slots = DenseSlots(count: count)
        var fleet = try Fleet(origins: 1)
        filling = fleet.creations() + fleet.frames(operations: count, perFrame: 1_024, .appends)
        let folder = folder
        meanwhile = (1...UInt64(Self.survivors)).map { number in
            Self.operation(
                Dot(Fleet.index(2), number),
                .append(mailbox: folder, facts: Sample.facts(number), flags: FlagSet(), assignment: nil))
        }
        deletion = Self.operation(Dot(Fleet.index(1), UInt64(count) + 2), .delete(mailbox: folder))
        var past = try ApplyContext.naming(1...2)
        past.past = fleet.delivered
        self.past = past
    }

    /// Fills the folder and deletes it, as often as takes long enough; the cost is that of the DELETE for each message.
    func delete() throws -> Cost {
        var (cost, pruning) = (Cost.zero, Cost.zero)
        var stable = past.past
        stable[Fleet.index(1)] = deletion.dot.counter
        stable[Fleet.index(2)] = UInt64(Self.survivors)
        for _ in 0..<repeats {
            var state = AccountState()
            state.apply(filling, changes: &changes)
            state.apply(meanwhile, context: past, changes: &changes)
            changes.removeAll()
            cost = cost + Stopwatch.measure { state.apply(deletion, context: past, changes: &changes) }
            let left = (state.summary(of: folder).map { $0.messages + $0.waiting }) ?? 0
            guard left == UInt64(Self.survivors) else { throw BenchFailure("\(left) messages survived a DELETE") }
            pruning = pruning + Stopwatch.measure { state.prune(stable: stable, changes: &changes) }
            changes.removeAll()
        }
        prunings.append(pruning.divided(by: repeats * count).cpu)
        return cost.divided(by: repeats * count)
    }

    /// Sets eight bytes for each message to zero.
    func clear() -> Cost {
        Stopwatch.measure {
            for _ in 0..<repeats { slots.clear() }
        }.divided(by: repeats * count)
    }

    /// The bytes of a frame with nothing but the DELETE, at a replica that has sealed the rest.
    func bytes() throws -> Int {
        let node = try ReplicaNode(1, accounts: ["user"])
        for frame in filling { _ = try node.seal(frame) }
        return try node.seal([deletion]).count
    }

    private static func operation(_ dot: Dot, _ body: OperationBody) -> Operation {
        Operation(
            dot: dot, timestamp: HybridTimestamp(milliseconds: Sample.startMilliseconds + 10_000_000),
            account: AccountIndex(0), body: body)
    }
}
