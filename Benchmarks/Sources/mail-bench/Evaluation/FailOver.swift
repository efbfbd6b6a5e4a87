// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Glibc

/// How long the users of a region wait for a session when the region's worker was killed, and how many of their logins fail meanwhile.
///
/// The reference is a login just before. After each round the worker comes back, and has its sessions again before the next.
enum FailOver {
    static let name = "server.failover"
    private static let users = 20
    /// Half the round trip between the regions, as in the evaluation.
    private static let oneWayMilliseconds = 45.0
    /// How long a client waits before it tries again.
    private static let pauseMilliseconds: Int32 = 20
    private static let patience = 60.0
    private static let logins = 10

    /// What one round showed, in milliseconds.
    private struct Found {
        /// The median of a login and a SELECT before.
        let before: Double?
        /// From the kill to the first login with a SELECT that succeeded.
        let first: Double
        /// The median of those that followed.
        let later: Double?
        var refused: Int
        let reason: String?
    }

    static func run(_ bench: BenchContext) throws -> [ResultRow] {
        let cluster = try PlutoCluster(bench, regions: 2, users: users, oneWayMilliseconds: oneWayMilliseconds)
        defer { cluster.stop() }
        guard let site = cluster.sites.first else { throw BenchFailure("the cluster has no region") }
        let worker = "\(site.region)-worker"
        // Every user has an INBOX before anything is measured.
        for user in 1...users { try open(site, user) }
        var found: [Found] = []
        for round in 0...bench.rounds {
            let one = try measure(cluster, site, worker, user: 1 + round % users)
            if round > 0 { found.append(one) }
            try cluster.restart(worker)
            // The distributor sends sessions there again when it has noticed.
            for user in 1...users { _ = try untilOpen(site, user) }
        }
        let refused = found.reduce(0) { $0 + $1.refused }
        let reasons = found.compactMap(\.reason)
        return [
            ResultRow(
                name, "the first session after kill -9 of the region's worker", found.map(\.first), "ms",
                reference: "a login and SELECT before", found.map(\.before),
                note: "\(refused) logins refused meanwhile in \(found.count) rounds"
                    + (reasons.first.map { ", the first: \($0)" } ?? "")),
            ResultRow(
                name, "sessions after that one", found.map(\.later), "ms", reference: "a login and SELECT before",
                found.map(\.before)),
        ]
    }

    private static func measure(
        _ cluster: PlutoCluster, _ site: Site, _ worker: String, user: Int
    ) throws -> Found {
        var before = Series()
        for _ in 0..<logins { before.add(try milliseconds { try open(site, user) }) }
        cluster.kill(worker)
        let first = try untilOpen(site, user)
        var later = Series()
        for _ in 0..<logins { later.add(try milliseconds { try open(site, user) }) }
        return Found(
            before: before.median, first: first.milliseconds, later: later.median, refused: first.refused,
            reason: first.reason)
    }

    /// Tries until a session is open.
    private static func untilOpen(
        _ site: Site, _ user: Int
    ) throws -> (milliseconds: Double, refused: Int, reason: String?) {
        let start = Stopwatch.nanoseconds(CLOCK_MONOTONIC)
        var (refused, reason) = (0, String?.none)
        while true {
            do {
                try open(site, user)
                return ((Stopwatch.nanoseconds(CLOCK_MONOTONIC) - start) / 1e6, refused, reason)
            } catch {
                refused += 1
                if reason == nil { reason = "\(error)" }
            }
            guard Stopwatch.nanoseconds(CLOCK_MONOTONIC) - start < patience * 1e9 else {
                throw BenchFailure("no session within \(Int(patience)) seconds: \(reason ?? "")")
            }
            poll(nil, 0, pauseMilliseconds)
        }
    }

    private static func open(_ site: Site, _ user: Int) throws {
        let client = try site.client(user)
        try client.command("SELECT INBOX")
        try client.logout()
    }

    private static func milliseconds(_ work: () throws -> Void) rethrows -> Double {
        try Stopwatch.measure(work).wall / 1e6
    }
}
