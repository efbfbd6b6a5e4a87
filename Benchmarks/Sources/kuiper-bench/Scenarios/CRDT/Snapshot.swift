// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// `crdt.snapshot.save` and `crdt.snapshot.load`: an account of n messages as the parts of a snapshot for another node, and
/// back into a state.
enum Snapshot {
    static let saveName = "crdt.snapshot.save"
    static let loadName = "crdt.snapshot.load"
    private static let sizes = [10_000, 100_000, 1_000_000]
    private static let account = "user"

    static func save(_ context: BenchContext) throws -> [ResultRow] {
        try sizes.flatMap { count in
            let input = try Input(count)
            var bytes = 0
            let comparisons = try Comparison.run(
                rounds: context.rounds,
                subject: {
                    var parts: [[UInt8]] = []
                    let cost = Stopwatch.measure { parts = input.parts() }
                    bytes = parts.reduce(0) { $0 + $1.count }
                    return cost.divided(by: count)
                }, references: [{ copy(bytes).divided(by: count) }])
            return rows(saveName, "save", count, comparisons, ["memcpy of its bytes"], bytes)
        }
    }

    static func load(_ context: BenchContext) throws -> [ResultRow] {
        try sizes.flatMap { count in
            let input = try Input(count)
            let parts = input.parts()
            let bytes = parts.reduce(0) { $0 + $1.count }
            let comparisons = try Comparison.run(
                rounds: context.rounds, subject: { try input.load(parts) },
                references: [{ copy(bytes).divided(by: count) }, { try input.replay() }])
            return rows(
                loadName, "load", count, comparisons, ["memcpy of its bytes", "replay of the whole log"], bytes)
        }
    }

    private static func rows(
        _ name: String, _ what: String, _ count: Int, _ comparisons: [Comparison], _ references: [String], _ bytes: Int
    ) -> [ResultRow] {
        let each = Double(bytes) / Double(count)
        return zip(comparisons, references).map {
            ResultRow(name, "\(what), \(count) messages", $0, .cpu, reference: $1, unit: "ns/message")
                .bytes(each, withoutDigests: each - 32).at("messages", Double(count), what)
        }
    }

    private static func copy(_ bytes: Int) -> Cost {
        let source = [UInt8](repeating: 1, count: bytes)
        let part = ReplicationLimits.maximumPartBytes
        return Stopwatch.measure {
            for start in stride(from: 0, to: bytes, by: part) {
                blackHole(Array(source[start..<min(start + part, bytes)]))
            }
        }
    }

    /// A replica that has written all messages, their state, and the log.
    private final class Input {
        private let node: ReplicaNode
        private let box = StateBox()
        private let log: [[UInt8]]
        private let count: Int

        init(_ count: Int) throws {
            self.count = count
            var fleet = try Fleet(origins: 1)
            let frames = fleet.creations() + fleet.frames(operations: count, perFrame: 1_024, .appends)
            let node = try ReplicaNode(1, accounts: [Snapshot.account])
            log = try frames.map { try node.seal($0) }
            self.node = node
            var changes: StateChanges = []
            box.state.apply(frames, changes: &changes)
        }

        /// The snapshot as a node sends it.
        func parts() -> [[UInt8]] {
            var export = SnapshotExport(.everything, of: node.replica)
            var parts: [[UInt8]] = []
            let copy = box.state.copy()
            export.begin(Snapshot.account, state: copy, replica: node.replica)
            var account = AccountExport(copy)
            while account.step(into: &export) != .finished {
                while let part = export.nextPart() { parts.append(part) }
            }
            export.finish()
            while let part = export.nextPart() { parts.append(part) }
            return parts
        }

        /// The snapshot as another node receives it.
        func load(_ parts: [[UInt8]]) throws -> Cost {
            let receiver = try ReplicaNode(2)
            var loaded: AccountState?
            let cost = try Stopwatch.measure {
                var source = SnapshotImport(.everything, nowMilliseconds: ReplicaNode.later)
                var account: SnapshotAccount?
                for part in parts {
                    for step in try source.take(part, into: &receiver.replica) {
                        if let begun = SnapshotAccount(step) {
                            account = consume begun
                        } else {
                            try account?.take(step)
                        }
                    }
                }
                guard let account = account.take() else { throw BenchFailure("the snapshot has no account") }
                loaded = try account.state(
                    context: ApplyContext(
                        past: VersionVector(), replicas: receiver.replica.replicas.ids,
                        replicaHashes: receiver.replica.replicas.hashes,
                        keywordHashes: receiver.replica.symbols.keywordHashes))
            }
            guard let loaded = loaded.take(), loaded.digest == box.state.digest else {
                throw BenchFailure("the loaded state is another one")
            }
            return cost.divided(by: count)
        }

        /// The state from the log: each frame received and applied.
        func replay() throws -> Cost {
            let receiver = try ReplicaNode(2, accounts: [Snapshot.account])
            var state = AccountState()
            var changes: StateChanges = []
            let cost = try Stopwatch.measure {
                for payload in log {
                    for frame in try receiver.receive(payload) {
                        state.apply(frame.operations, context: receiver.context(frame), changes: &changes)
                    }
                    changes.removeAll()
                }
            }
            guard state.digest == box.state.digest else { throw BenchFailure("the replayed state is another one") }
            return cost.divided(by: count)
        }
    }
}
