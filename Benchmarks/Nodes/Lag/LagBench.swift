// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import LiveTestSupport
internal import MailStore
internal import ReplicaTestSupport

/// Measures replication between real stores over real TLS on loopback; every figure stands next to a reference of the same round.
enum LagBench {
    static let name = "lag"

    static func run(_ context: BenchContext) async throws -> [ResultRow] {
        // The disk, unless the command line wants the other place alone.
        guard let place = try Place.chosen(context).first else { return [] }
        // What the clusters leave behind when the program is interrupted goes with this folder.
        let folder = try place.folder("lag", context)
        let rows = try await lag(in: folder.path, context.rounds)
        return try await rows + writes(in: folder.path, context.rounds) + others(in: folder.path, context.rounds)
    }

    private static let octets = 2_000

    // MARK: Lag

    /// From the acknowledgement at one replica to the announcement to a session at another.
    private static func lag(in folder: String, _ rounds: Int) async throws -> [ResultRow] {
        let samples = 30
        var rows: [ResultRow] = []
        for delay in [0, 20, 50] {
            let cluster = try TestCluster(["a", "b"], in: folder)
            for name in cluster.names { try await cluster.start(name) }
            // The first message makes its writer the one that gives out UIDs.
            try await cluster["a"].append("first")
            try await waitUntil { try await cluster["b"].messages().count == 1 }
            for (from, to) in [("a", "b"), ("b", "a")] { cluster.proxy(from, to).delay(.milliseconds(delay)) }
            let limit = try await LagLimit(cluster)
            let watch = try await ArrivalWatch(cluster["b"])
            var (lags, limits) = (Rounds(), Rounds())
            for round in 0...rounds {
                for number in 0..<samples {
                    let lag = try await watch.lag {
                        try await cluster["a"].append("message \(number)", octets: octets)
                    }
                    let least = await limit.measure(octets: octets)
                    guard round > 0 else { continue }
                    lags.add(lag - .milliseconds(delay), round)
                    limits.add(least, round)
                }
            }
            rows.append(
                lags.row(
                    "lag with \(delay) ms of delay, less the delay", beside: limits,
                    "TLS round trip, write, fdatasync"))
            watch.close()
            await limit.close()
            try await cluster.stopAll()
        }
        return rows
    }

    // MARK: Local writes

    /// How near the peers of a writer are.
    private enum Peers: String, CaseIterable { case near, far, unreachable }

    /// Whether an APPEND takes longer when peers are far or away.
    private static func writes(in folder: String, _ rounds: Int) async throws -> [ResultRow] {
        let cluster = try TestCluster(["a", "b"], in: folder)
        for name in cluster.names { try await cluster.start(name) }
        try await cluster["a"].append("first")
        let bare = try SyncedFile(path: cluster.directory.file("bare"))
        var found: [Peers: Rounds] = [:]
        var bareTimes = Rounds()
        for round in 0...rounds {
            for peers in Peers.allCases {
                set(peers, cluster)
                for number in 0..<60 {
                    let start = ContinuousClock.now
                    try await cluster["a"].append("message \(number)", octets: octets)
                    let time = ContinuousClock.now - start
                    let bareStart = ContinuousClock.now
                    bare.write([UInt8](repeating: 0x61, count: octets))
                    let bareTime = ContinuousClock.now - bareStart
                    guard round > 0 else { continue }
                    found[peers, default: Rounds()].add(time, round)
                    bareTimes.add(bareTime, round)
                }
                // Catching up is not what is measured.
                set(.near, cluster)
                try await cluster.waitUntilEqual()
            }
        }
        try await cluster.stopAll()
        let near = found[.near] ?? Rounds()
        return Peers.allCases.map { peers in
            let subject = "local write, peer \(peers.rawValue)"
            return peers == .near
                ? near.row(subject, beside: bareTimes, "write and fdatasync of \(octets) octets")
                : (found[peers] ?? Rounds()).row(subject, beside: near, "peer near")
        }
    }

    // MARK: Mailboxes of others

    /// How long APPENDs take at a replica that does not give out the mailbox's UIDs: the first ones wait for the owner, at most for half a second, until the
    /// mailbox is handed over to the replica that writes, or taken over.
    ///
    /// Each round has a new mailbox.
    private static func others(in folder: String, _ rounds: Int) async throws -> [ResultRow] {
        var rows: [ResultRow] = []
        let cluster = try TestCluster(["a", "b"], in: folder)
        for name in cluster.names { try await cluster.start(name) }
        try await cluster["b"].append("first")
        try await cluster.waitUntilEqual()
        for peers in Peers.allCases {
            var found: [Int: Rounds] = [:]
            for round in 1...rounds {
                let mailbox = "\(peers.rawValue)-\(round)"
                try await cluster["b"].account().createMailbox(mailbox)
                try await cluster["b"].append("of the owner", to: mailbox)
                try await cluster.waitUntilEqual()
                set(peers, cluster)
                for number in 1...10 {
                    let start = ContinuousClock.now
                    try await cluster["a"].append("message \(number)", octets: octets, to: mailbox)
                    found[number, default: Rounds()].add(ContinuousClock.now - start, round)
                }
                set(.near, cluster)
                try await cluster.waitUntilEqual()
            }
            for number in [1, 2, 3, 5, 10] {
                let subject = "APPEND \(number) to another's mailbox, owner \(peers.rawValue)"
                rows.append(
                    ResultRow(name, subject, Series((found[number] ?? Rounds()).medians.compactMap { $0 }), "ms"))
            }
        }
        try await cluster.stopAll()
        return rows
    }

    private static func set(_ peers: Peers, _ cluster: TestCluster) {
        if peers == .unreachable { cluster.cut("a", "b") } else { cluster.mend("a", "b") }
        for (from, to) in [("a", "b"), ("b", "a")] {
            cluster.proxy(from, to).delay(peers == .far ? .milliseconds(50) : .zero)
        }
    }
}

/// A session that waits for what others write.
final class ArrivalWatch {
    private let open: OpenMailbox
    private var iterator: AsyncStream<ContinuousClock.Instant>.Iterator

    init(_ node: TestReplica) async throws {
        let (events, signal) = AsyncStream.makeStream(of: ContinuousClock.Instant.self)
        iterator = events.makeAsyncIterator()
        open = try await node.account().open("INBOX") { signal.yield(.now) }
    }

    /// How long after the end of a write the session was told.
    func lag(of write: () async throws -> Void) async throws -> Duration {
        try await write()
        let acknowledged = ContinuousClock.now
        while let told = await iterator.next(isolation: #isolation) {
            let hasArrived = open.takeNotices().contains { if case .arrived = $0 { true } else { false } }
            if hasArrived { return told - acknowledged }
        }
        throw LiveFailure("the session has ended")
    }

    func close() { open.close() }
}

/// Times in milliseconds, by rounds from 1.
private struct Rounds {
    private var times: [Series] = []

    mutating func add(_ time: Duration, _ round: Int) {
        while times.count < round { times.append(Series()) }
        let (seconds, attoseconds) = time.components
        times[round - 1].add(Double(seconds) * 1_000 + Double(attoseconds) / 1e15)
    }

    /// The median of each round.
    var medians: [Double?] { times.map(\.median) }

    /// The rounds' medians beside those of a reference, with the tail in the note.
    func row(_ subject: String, beside reference: Rounds, _ name: String) -> ResultRow {
        let all = Series(times.flatMap(\.values))
        return ResultRow(
            LagBench.name, subject, medians, "ms", reference: name, reference.medians,
            note: "90 % \(TextTable.number(all.percentile(90))) ms, 99 % \(TextTable.number(all.percentile(99))) ms of "
                + "\(all.values.count); the reference \(TextTable.number(Series(reference.medians.compactMap { $0 }).median)) ms"
        )
    }
}
