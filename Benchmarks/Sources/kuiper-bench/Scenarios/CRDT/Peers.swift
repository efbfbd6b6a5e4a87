// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// `crdt.peers`: 100,000 insertions of unique keys beside other software, if the machine has it.
///
/// Ours are APPENDs: generated, applied and sealed; then received and applied at another replica. The others insert 16-character
/// keys into a map or a set.
enum Peers {
    static let name = "crdt.peers"
    private static let count = 100_000
    /// How many commands are given at a time where the peer takes many.
    private static let bulk = 1_000

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        try python("pycrdt", context) + python("loro", context) + redis(context)
    }

    private static func python(_ library: String, _ context: BenchContext) throws -> [ResultRow] {
        if let reason = context.absence(of: library) { return [.absent(name, library, reason)] }
        let peer = try PythonPeer(library, context)
        return try [("single", 1), ("bulk", bulk)].flatMap { mode, size in
            let ours = try Subject(count, perFrame: size)
            var (inserts, applies) = (Comparison(subject: [], reference: []), Comparison(subject: [], reference: []))
            var bytes = 0.0
            // The first round fills caches.
            for round in 0...context.rounds {
                let subject = try ours.run()
                let reference = try peer.run(mode, count)
                if round == 0 { continue }
                inserts.add(subject.insert, reference.insert)
                applies.add(subject.apply, reference.apply)
                bytes = reference.bytes
            }
            let way = size == 1 ? "one at a time" : "\(size) at a time"
            let theirs = "\(library) \(peer.version), \(size == 1 ? "one at a time" : "all at once")"
            return [("issue and encode", inserts), ("decode and apply", applies)].map { what, comparison in
                let rate = Self.rate(comparison, .cpu)
                return ResultRow(
                    name, "\(what), \(way)", comparison, .cpu, reference: theirs,
                    note: "the peer: \(rate) op/s, \(TextTable.number(bytes)) B/op"
                ).bytes(ours.bytesPerOperation, withoutDigests: ours.bytesPerOperation - 32)
            }
        }
    }

    private static func redis(_ context: BenchContext) throws -> [ResultRow] {
        if let reason = context.absence(of: "redis") { return [.absent(name, "redis", reason)] }
        let server = try RedisPeer(context)
        let pipelines = stride(from: 0, to: count, by: bulk).map { start in
            (start..<(start + bulk)).flatMap { number in
                let digits = String(number)
                return RedisPeer.command(["SADD", "s", String(repeating: "0", count: 16 - digits.count) + digits])
            }
        }
        let ours = try Subject(count, perFrame: bulk)
        let comparison = try Comparison(
            rounds: context.rounds,
            subject: {
                let cost = try ours.run()
                return cost.insert + cost.apply
            },
            reference: {
                try server.clear()
                return try Stopwatch.measure(process: server.pid) {
                    for pipeline in pipelines { try server.add(pipeline, count: bulk) }
                }.divided(by: count)
            })
        let rate = Self.rate(comparison, .wall)
        return [
            ResultRow(
                name, "from the command to the other replica, \(bulk) at a time", comparison, .cpu,
                reference: "redis SADD, \(bulk) at a time, server", note: "the peer: \(rate) op/s by the wall clock"
            ).bytes(ours.bytesPerOperation, withoutDigests: ours.bytesPerOperation - 32)
        ]
    }

    /// The peer's operations in a second.
    private static func rate(_ comparison: Comparison, _ clock: MeasuredClock) -> String {
        comparison.referenceCosts(clock).median.map { $0 > 0 ? TextTable.count(1e9 / $0) : "none" } ?? "none"
    }

    /// Our side: one user's folder.
    private final class Subject {
        private let count: Int
        private let size: Int
        private let facts: [MessageFacts]
        private(set) var bytesPerOperation = 0.0

        init(_ count: Int, perFrame size: Int) throws {
            (self.count, self.size) = (count, size)
            facts = (0..<count).map { Sample.facts(UInt64($0)) }
        }

        func run() throws -> (insert: Cost, apply: Cost) {
            let writer = try ReplicaNode(1, accounts: ["user"])
            let box = StateBox()
            let folder = MailboxID(Dot(ReplicaIndex(1), 1))
            var frames: [[UInt8]] = []
            try issue(writer, &frames) { batch in
                let validity = UIDValiditySource(nowSeconds: 1_700_000_000, stripe: 1)
                try box.state.createMailbox(name: "Folder", validity: validity, batch: &batch)
            }
            let insert = try Stopwatch.measure {
                for start in stride(from: 0, to: count, by: size) {
                    try issue(writer, &frames) { batch in
                        for number in start..<(start + size) {
                            try box.state.append(facts[number], to: folder, batch: &batch)
                        }
                    }
                }
            }
            bytesPerOperation = Double(frames.dropFirst().reduce(0) { $0 + $1.count }) / Double(count)
            let reader = try ReplicaNode(2, knowing: [ReplicaID(1)], accounts: ["user"])
            var state = AccountState()
            var changes: StateChanges = []
            let apply = try Stopwatch.measure {
                for payload in frames {
                    for frame in try reader.receive(payload) {
                        state.apply(frame.operations, context: reader.context(frame), changes: &changes)
                    }
                    changes.removeAll()
                }
            }
            guard state.digest == box.state.digest else { throw BenchFailure("the replicas differ") }
            return (insert.divided(by: count), apply.divided(by: count))
        }

        /// Issues what some commands want and seals it, as the service does.
        private func issue(
            _ node: ReplicaNode, _ frames: inout [[UInt8]], _ commands: (inout OperationBatch) throws -> Void
        ) throws {
            let point = node.replica.begin(nowMilliseconds: Sample.startMilliseconds)
            let context = ApplyContext(
                past: point.past, replicas: node.replica.replicas.ids, replicaHashes: node.replica.replicas.hashes,
                keywordHashes: node.replica.symbols.keywordHashes)
            var batch = OperationBatch(
                replica: point.replica, firstCounter: point.firstCounter, timestamp: point.timestamp,
                account: AccountIndex(0), context: context)
            try commands(&batch)
            frames += try node.replica.seal(batch.operations, issuedAt: point)
        }
    }
}
