// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation
internal import Synchronization

/// How much mail one region has and another has not, as the paper measured it: six sample users, looked at twice a second at each site.
///
/// The paper took the users' disk space (du -s); this asks with LIST and STATUS for the octets of the mails that a client sees.
final class SizeProbe: Sendable {
    private static let sampleUsers = [10, 30, 50, 70, 90, 110]
    private static let interval = 500.0
    private static let patience = 60.0

    private let sites: [Site]
    private let isOver = Atomic<Bool>(false)
    private let found = Mutex<[Round]>([])

    /// What one round showed.
    struct Round: Sendable {
        /// The kilobytes that were outstanding at each look.
        var kilobytes = Series()
        /// The area below that curve in MB*s, until the sites agreed.
        var area = 0.0
        /// The kilobytes that were still outstanding a minute after the end.
        var unsettled = 0.0
    }

    init(_ sites: [Site]) { self.sites = sites }

    /// Measures until ``end()`` is called and the sites agree, on a thread of its own.
    ///
    /// - Returns: the thread.
    func begin() -> Hand<Void>? {
        isOver.store(false, ordering: .sequentiallyConsistent)
        guard sites.count > 1 else { return nil }
        found.withLock { $0.append(Round()) }
        return Hand { [self] in try measure() }
    }

    /// The thread ends when the sites agree.
    func end() { isOver.store(true, ordering: .sequentiallyConsistent) }

    /// What the rounds showed.
    var rounds: [Round] { found.withLock { $0 } }

    private func measure() throws {
        let watchers = try sites.map { site in Watchers(try Self.sampleUsers.map { try site.client($0) }) }
        var last = Self.now
        var ended: Double?
        while true {
            let wasOver = isOver.load(ordering: .sequentiallyConsistent)
            let sizes = try Crew.run(sites.count) { try watchers[$0].octets() }
            let time = Self.now
            let difference = Self.difference(sizes) / 1_000
            found.withLock { found in
                // The wait for the last bytes belongs to the area, not to the average of the run.
                if !wasOver { found[found.count - 1].kilobytes.add(difference) }
                found[found.count - 1].area += difference / 1_000 * (time - last)
            }
            last = time
            if wasOver {
                if ended == nil { ended = time }
                if difference == 0 { return }
                if time - (ended ?? time) > Self.patience {
                    found.withLock { $0[$0.count - 1].unsettled += difference }
                    return
                }
            }
            poll(nil, 0, Int32(max(Self.interval - (Self.now - time) * 1_000, 1)))
        }
    }

    /// The largest difference between two sites, summed over the users.
    private static func difference(_ sizes: [[Int]]) -> Double {
        var largest = 0
        for (index, one) in sizes.enumerated() {
            for other in sizes[..<index] { largest = max(largest, zip(one, other).reduce(0) { $0 + abs($1.0 - $1.1) }) }
        }
        return Double(largest)
    }

    private static var now: Double { Stopwatch.nanoseconds(CLOCK_MONOTONIC) / 1e9 }
}

/// A session of each sample user at one site.
private final class Watchers: @unchecked Sendable {
    // Used by one thread at a time: the one that asks this site.
    private let clients: [MailClient]

    init(_ clients: [MailClient]) { self.clients = clients }

    /// The octets of each user's mails.
    func octets() throws -> [Int] {
        try clients.map { client in
            try client.command("LIST \"\" \"*\" RETURN (STATUS (SIZE))", keeps: true)
            return client.kept.reduce(0) { sum, line in
                guard line.hasPrefix("* STATUS "), let end = line.range(of: "(SIZE ", options: .backwards) else {
                    return sum
                }
                return sum + (Int(line[end.upperBound...].prefix { $0.isNumber }) ?? 0)
            }
        }
    }
}
