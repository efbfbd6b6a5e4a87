// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import LiveTestSupport
internal import MailStore
internal import ReplicaTestSupport

/// Measures replication between real stores over real TLS on loopback; every figure stands next to a reference of the same run.
enum LagBench {
    static let name = "lag"

    static func run(_ context: BenchContext) async throws -> [ResultRow] {
        let rows = try await lag()
        return try await rows + writes() + others()
    }

    private static let octets = 2_000

    // MARK: Lag

    /// From the acknowledgement at one replica to the announcement to a session at another.
    private static func lag() async throws -> [ResultRow] {
        var rows: [ResultRow] = []
        for delay in [0, 20, 50] {
            let cluster = try TestCluster(["a", "b"])
            for name in cluster.names { try await cluster.start(name) }
            // The first message makes its writer the one that gives out UIDs.
            try await cluster["a"].append("first")
            try await waitUntil { try await cluster["b"].messages().count == 1 }
            for (from, to) in [("a", "b"), ("b", "a")] { cluster.proxy(from, to).delay(.milliseconds(delay)) }
            let limit = try await LagLimit(cluster)
            let watch = try await ArrivalWatch(cluster["b"])
            var (lags, limits) = (Samples(), Samples())
            for number in 0..<330 {
                // What comes first warms up.
                let lag = try await watch.lag { try await cluster["a"].append("message \(number)", octets: octets) }
                let least = await limit.measure(octets: octets)
                guard number >= 30 else { continue }
                lags.add(lag - .milliseconds(delay))
                limits.add(least)
            }
            rows += limits.rows(
                of: lags, "lag with \(delay) ms of delay, less the delay", reference: "TLS round trip, write, fdatasync"
            )
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
    private static func writes() async throws -> [ResultRow] {
        let cluster = try TestCluster(["a", "b"])
        for name in cluster.names { try await cluster.start(name) }
        try await cluster["a"].append("first")
        let bare = try SyncedFile(path: cluster.directory.file("bare"))
        var samples: [Peers: Samples] = [:]
        var bareSamples = Samples()
        for round in 0..<9 {
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
                    samples[peers, default: Samples()].add(time)
                    bareSamples.add(bareTime)
                }
                // Catching up is not what is measured.
                set(.near, cluster)
                try await cluster.waitUntilEqual()
            }
        }
        let near = samples[.near] ?? Samples()
        var rows = bareSamples.rows("write and fdatasync of \(octets) octets")
        for peers in Peers.allCases {
            rows += near.rows(
                of: samples[peers] ?? Samples(), "local write, peer \(peers.rawValue)", reference: "peer near")
        }
        try await cluster.stopAll()
        return rows
    }

    // MARK: Mailboxes of others

    /// How long APPENDs take at a replica that does not give out the mailbox's UIDs: the first ones wait for the owner, at most for half a second, until the
    /// mailbox is handed over to the replica that writes, or taken over.
    private static func others() async throws -> [ResultRow] {
        var rows: [ResultRow] = []
        let cluster = try TestCluster(["a", "b"])
        for name in cluster.names { try await cluster.start(name) }
        try await cluster["b"].append("first")
        try await cluster.waitUntilEqual()
        let numbers = [1, 2, 3, 5, 10]
        for peers in Peers.allCases {
            var samples: [Int: Samples] = [:]
            for round in 0..<10 {
                let mailbox = "\(peers.rawValue)-\(round)"
                try await cluster["b"].account().createMailbox(mailbox)
                try await cluster["b"].append("of the owner", to: mailbox)
                try await cluster.waitUntilEqual()
                set(peers, cluster)
                for number in 1...10 {
                    let start = ContinuousClock.now
                    try await cluster["a"].append("message \(number)", octets: octets, to: mailbox)
                    samples[number, default: Samples()].add(ContinuousClock.now - start)
                }
                set(.near, cluster)
                try await cluster.waitUntilEqual()
            }
            for number in numbers {
                rows += samples[number]?.rows("APPEND \(number) to another's mailbox, owner \(peers.rawValue)") ?? []
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

/// Some times.
struct Samples {
    private var times: [Duration] = []

    mutating func add(_ time: Duration) { times.append(time) }

    /// The time that so many of a thousand do not exceed.
    func quantile(_ thousandths: Int) -> Double {
        let sorted = times.sorted()
        guard !sorted.isEmpty else { return 0 }
        let (seconds, attoseconds) = sorted[min(sorted.count * thousandths / 1_000, sorted.count - 1)].components
        return Double(seconds) * 1_000 + Double(attoseconds) / 1e15
    }

    /// The median, with the tail in the note.
    func rows(_ subject: String) -> [ResultRow] {
        [ResultRow(LagBench.name, subject, quantile(500), "ms", note: tail)]
    }

    /// The median of others, in relation to the median of these.
    func rows(of samples: Samples, _ subject: String, reference: String) -> [ResultRow] {
        var row = ResultRow(LagBench.name, subject, samples.quantile(500), "ms", note: samples.tail)
        row.reference = reference
        row.referenceNanoseconds = quantile(500) * 1e6
        row.ratioMedian = samples.quantile(500) / max(quantile(500), 0.000_001)
        return [row]
    }

    private var tail: String {
        "90 % \(TextTable.number(quantile(900))) ms, 99 % \(TextTable.number(quantile(990))) ms of \(times.count)"
    }
}
