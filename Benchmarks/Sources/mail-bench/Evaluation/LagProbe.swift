// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Glibc
internal import Synchronization

/// How late a write of one region can be seen in another: from its OK until a session there hears of the message.
///
/// In each writing region a session appends a small mail to a mailbox of its own each quarter of a second, whether the ones before
/// have arrived or not. In each other region a session has that mailbox selected and asks with NOOP each 10 ms.
final class LagProbe: Sendable {
    private static let interval = 250.0
    private static let pollMilliseconds: Int32 = 10
    private static let patience = 60.0

    private struct State {
        /// When each mail was acknowledged, by the writing region.
        var acknowledged: [Int: [Double]] = [:]
        /// The lags of each round.
        var seconds: [[Double]] = []
        var lost = 0
    }

    private let sites: [Site]
    private let writers: [Int]
    private let state = Mutex(State())
    private let isOver = Atomic<Bool>(false)
    /// How many watchers know how many mails were there before.
    private let ready = Atomic<Int>(0)

    /// Makes the mailboxes and waits until all regions have them.
    ///
    /// - Parameters:
    ///   - sites: all regions.
    ///   - writers: those in which mail is written.
    /// - Throws: `BenchFailure` when replication does not get going.
    init(_ sites: [Site], writers: [Int]) throws {
        (self.sites, self.writers) = (sites, writers)
        for writer in writers {
            try sites[writer].client(Self.user(writer)).command("CREATE \(Self.mailbox(writer))")
            for site in sites.indices {
                let client = try sites[site].client(Self.user(writer))
                let start = Self.now
                while try client.command("LIST \"\" \(Self.mailbox(writer))") == 0 {
                    guard Self.now - start < Self.patience else {
                        throw BenchFailure(
                            "nothing is replicated from \(sites[writer].region) to \(sites[site].region)")
                    }
                    poll(nil, 0, Self.pollMilliseconds)
                }
            }
        }
    }

    /// Measures until ``end()`` is called, on threads of its own.
    ///
    /// - Returns: the threads.
    func begin() -> [Hand<Void>] {
        isOver.store(false, ordering: .sequentiallyConsistent)
        ready.store(0, ordering: .sequentiallyConsistent)
        guard sites.count > 1 else { return [] }
        state.withLock { state in
            state.acknowledged = [:]
            state.seconds.append([])
        }
        return writers.flatMap { writer in
            [Hand { [self] in try write(writer) }]
                + sites.indices.filter { $0 != writer }.map { site in Hand { [self] in try watch(writer, at: site) } }
        }
    }

    /// Writes nothing more; the threads end when everything has arrived.
    func end() { isOver.store(true, ordering: .sequentiallyConsistent) }

    /// The lags in seconds, by rounds, and how many mails never arrived.
    var lags: (rounds: [Series], lost: Int) { state.withLock { ($0.seconds.map { Series($0) }, $0.lost) } }

    private func write(_ writer: Int) throws {
        let client = try sites[writer].client(Self.user(writer))
        var text = MailText(seed: UInt64(writer))
        // A mail that comes before a watcher has looked would be missed by it.
        let watchers = writers.count * (sites.count - 1)
        while ready.load(ordering: .sequentiallyConsistent) < watchers, !isOver.load(ordering: .sequentiallyConsistent)
        {
            poll(nil, 0, Self.pollMilliseconds)
        }
        var next = Self.now
        while !isOver.load(ordering: .sequentiallyConsistent) {
            try client.append(text.mail(subject: "probe", lines: 2), to: Self.mailbox(writer))
            let time = Self.now
            state.withLock { $0.acknowledged[writer, default: []].append(time) }
            next += Self.interval / 1_000
            let wait = Int32((next - Self.now) * 1_000)
            if wait > 0 { poll(nil, 0, wait) }
        }
    }

    private func watch(_ writer: Int, at site: Int) throws {
        let client = try sites[site].client(Self.user(writer))
        try client.command("SELECT \(Self.mailbox(writer))", keeps: true)
        let before = Self.exists(client.kept) ?? 0
        ready.wrappingAdd(1, ordering: .sequentiallyConsistent)
        var seen = 0
        var ended: Double?
        while true {
            try client.command("NOOP", keeps: true)
            let time = Self.now
            let count = (Self.exists(client.kept) ?? (before + seen)) - before
            let isDone = state.withLock { state in
                let acknowledged = state.acknowledged[writer] ?? []
                // A mail may be seen before the writer's thread has noted its OK: it is counted at the next look.
                while seen < min(count, acknowledged.count) {
                    state.seconds[state.seconds.count - 1].append(max(time - acknowledged[seen], 0))
                    seen += 1
                }
                guard isOver.load(ordering: .sequentiallyConsistent) else { return false }
                if ended == nil { ended = time }
                // The writer may still be waiting for its last OK.
                if seen == acknowledged.count, time - (ended ?? time) > 1 { return true }
                guard time - (ended ?? time) > Self.patience else { return false }
                state.lost += acknowledged.count - seen
                return true
            }
            if isDone { return }
            poll(nil, 0, Self.pollMilliseconds)
        }
    }

    private static var now: Double { Stopwatch.nanoseconds(CLOCK_MONOTONIC) / 1e9 }
    private static func mailbox(_ writer: Int) -> String { "probe\(writer)" }
    /// A user of the workload, so that the probe meets its traffic.
    private static func user(_ writer: Int) -> Int { 1 + 40 * writer }

    private static func exists(_ responses: [String]) -> Int? {
        responses.last { $0.hasSuffix(" EXISTS") }.flatMap { Int($0.dropFirst(2).dropLast(7)) }
    }
}
