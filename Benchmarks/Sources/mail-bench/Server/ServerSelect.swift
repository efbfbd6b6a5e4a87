// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// How long it takes to open a mailbox, a small one and a large one, and the first time after a start.
enum ServerSelect {
    private static let name = "server.select"
    private static let small = 100
    private static let sizes = [1_000, 10_000, 100_000]
    /// The large mailboxes are filled with copies of so many mails.
    private static let originals = 1_000

    static func run(_ bench: BenchContext) throws -> [ResultRow] {
        let duel = try Duel(name, bench)
        try duel.each(Duel.manySessions) { client, number in try fill(client, small, mailbox(small), UInt64(number)) }
        try duel.each(1) { client, _ in
            try fill(client, originals, "originals", 99)
            for size in sizes { try client.command("CREATE \(mailbox(size))") }
            try client.command("SELECT originals")
            for size in sizes {
                for _ in 0..<(size / originals) { try client.command("COPY 1:* \(mailbox(size))") }
            }
            try client.command("UNSELECT")
        }
        for (sessions, times) in [(1, 50), (Duel.manySessions, 10)] {
            try duel.latency("SELECT of \(small) messages", sessions: sessions, times: times, step(mailbox(small)))
        }
        for size in sizes {
            try duel.latency("SELECT of \(size) messages", sessions: 1, times: 10, step(mailbox(size)))
        }
        for row in try firstLoads(duel) { duel.add(row) }
        return duel.rows
    }

    private static func mailbox(_ size: Int) -> String { "box\(size)" }

    private static func step(_ mailbox: String) -> Step {
        Step(.exists, prepare: { client, _, index in if index > 0 { try client.command("UNSELECT") } }) {
            client, _, _ in
            try client.command("SELECT \(mailbox)")
        }
    }

    private static func fill(_ client: MailClient, _ count: Int, _ mailbox: String, _ seed: UInt64) throws {
        try client.command("CREATE \(mailbox)")
        var text = MailText(seed: seed)
        for index in 1...count {
            try client.append(text.mail(subject: "message \(index)", lines: ServerAppend.lines), to: mailbox)
        }
    }

    /// The first SELECT after a start reads the mailbox from files.
    private static func firstLoads(_ duel: Duel) throws -> [ResultRow] {
        let all = [small] + sizes
        var found: [Int: [[Double]]] = [:]
        for _ in 0..<duel.bench.rounds {
            try duel.restart()
            for size in all {
                let timings = try duel.services.map { service in
                    try Sessions(service, count: 1).measure(1, times: 1, step(mailbox(size)))
                }
                let times = timings.map { $0.median.wall / 1e3 }
                if timings.count > 1 {
                    try Duel.compare(timings[0].tally, timings[1].tally, .exists, "the first SELECT of \(size)")
                }
                found[size, default: []].append(times)
            }
        }
        return all.map { size in
            let times = found[size] ?? []
            let mine = times.compactMap(\.first)
            let subject = "SELECT of \(size) messages, the first after a start"
            guard times.allSatisfy({ $0.count > 1 }) else { return ResultRow(name, subject, Series(mine), "us") }
            return ResultRow(name, subject, mine, "us", reference: "Dovecot", times.map { $0[1] })
        }
    }
}
