// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// How long it takes to open a mailbox, a small one and a large one.
enum ServerSelect {
    private static let sizes = [(name: "100", messages: 100), (name: "100,000", messages: 100_000)]
    /// The large mailbox is filled with copies of so many mails.
    private static let originals = 1_000

    static func run(_ bench: BenchContext) throws -> [ResultRow] {
        let duel = try Duel("server.select", bench)
        try duel.each(Duel.manySessions) { client, number in
            try fill(client, sizes[0].messages, "small", UInt64(number))
        }
        try duel.each(1) { client, _ in
            try fill(client, originals, "originals", 99)
            try client.command("CREATE large")
            try client.command("SELECT originals")
            for _ in 0..<(sizes[1].messages / originals) { try client.command("COPY 1:* large") }
            try client.command("UNSELECT")
        }
        for (sessions, times) in [(1, 50), (Duel.manySessions, 10)] {
            try duel.latency("SELECT of \(sizes[0].name) messages", sessions: sessions, times: times, step("small"))
        }
        try duel.latency("SELECT of \(sizes[1].name) messages", sessions: 1, times: 10, step("large"))
        return duel.rows
    }

    private static func step(_ mailbox: String) -> Step {
        Step(
            prepare: { client, _, index in if index > 0 { try client.command("UNSELECT") } },
            { client, _, _ in try client.command("SELECT \(mailbox)") })
    }

    private static func fill(_ client: MailClient, _ count: Int, _ mailbox: String, _ seed: UInt64) throws {
        try client.command("CREATE \(mailbox)")
        var text = MailText(seed: seed)
        for index in 1...count {
            try client.append(text.mail(subject: "message \(index)", lines: ServerAppend.lines), to: mailbox)
        }
    }
}
