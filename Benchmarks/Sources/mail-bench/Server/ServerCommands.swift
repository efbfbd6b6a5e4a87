// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// The time of each command of a session, with one session and with twenty.
enum ServerCommands {
    /// The messages of the mailbox: for the first user, and for each other one.
    private static let messages = (first: 1_000, others: 200)
    private static let mailbox = "work"

    static func run(_ bench: BenchContext) throws -> [ResultRow] {
        let duel = try Duel("server.commands", bench)
        try fill(duel)
        for sessions in [1, Duel.manySessions] {
            try duel.each(sessions) { client, _ in try client.command("SELECT \(mailbox)") }
            let size = sessions == 1 ? messages.first : messages.others
            try writes(duel, sessions, size)
            try fetches(duel, sessions, size)
            try searches(duel, sessions, size)
            try mailboxes(duel, sessions)
        }
        return duel.rows
    }

    private static func fill(_ duel: Duel) throws {
        try duel.each(Duel.manySessions) { client, number in
            try client.command("CREATE \(mailbox)")
            try client.command("CREATE copies")
            var text = MailText(seed: UInt64(number + 1))
            for index in 1...(number == 0 ? messages.first : messages.others) {
                let word = index % 100 == 0 ? "a needle in the text" : nil
                try client.append(
                    text.mail(subject: "message \(index) of the heap", lines: 58, containing: word), to: mailbox,
                    flags: index % 10 == 0 ? #"\Flagged"# : "")
            }
        }
    }

    private static func writes(_ duel: Duel, _ sessions: Int, _ size: Int) throws {
        // An even number: a STORE that changes nothing need not be answered with a FETCH.
        let times = sessions == 1 ? 200 : 24
        try duel.latency(
            "STORE of a flag", sessions: sessions, times: times,
            Step(.fetches) { client, _, index in
                // Set and taken back, so that each changes something.
                try client.command(#"STORE \#(index / 2 % size + 1) \#(index % 2 == 0 ? "+" : "-")FLAGS (\Answered)"#)
            })
        try duel.latency(
            "COPY of a message", sessions: sessions, times: times,
            Step(.nothing) { client, _, index in try client.command("COPY \(index % size + 1) copies") })
        // As many are expunged as were copied just before, so the mailbox is the same for each figure.
        try duel.each(sessions) { client, _ in try client.command("SELECT copies") }
        try duel.latency(
            "EXPUNGE of a message", sessions: sessions, times: times,
            Step(.expunges, prepare: { client, _, _ in try client.command(#"STORE 1 +FLAGS.SILENT (\Deleted)"#) }) {
                client, _, _ in
                try client.command("EXPUNGE")
            })
        try duel.each(sessions) { client, _ in try client.command("SELECT \(mailbox)") }
    }

    private static func fetches(_ duel: Duel, _ sessions: Int, _ size: Int) throws {
        let times = sessions == 1 ? 300 : 40
        let items = [
            ("flags", "FLAGS", AnswerTally.Answer.fetches), ("headers", "BODY.PEEK[HEADER]", .contents),
            ("bodies", "BODY.PEEK[]", .contents),
        ]
        for (name, item, answer) in items {
            try duel.latency(
                "FETCH of \(name), 1 message", sessions: sessions, times: times,
                Step(answer) { client, _, index in try client.command("FETCH \(index % size + 1) (\(item))") })
        }
        for (name, item, answer) in items {
            try duel.latency(
                "FETCH of \(name), \(size) messages", sessions: sessions, times: sessions == 1 ? 10 : 3,
                Step(answer) { client, _, index in try client.command("FETCH 1:* (\(item))") })
        }
        try duel.latency(
            "FETCH of a list (FLAGS, ENVELOPE), \(size) messages", sessions: sessions, times: sessions == 1 ? 10 : 3,
            Step(.fetches) { client, _, index in try client.command("FETCH 1:* (FLAGS UID ENVELOPE)") })
    }

    private static func searches(_ duel: Duel, _ sessions: Int, _ size: Int) throws {
        let keys = [
            ("a flag", "FLAGGED"), ("a Subject", #"SUBJECT "message 77 of""#),
            ("text of the body", #"BODY "needle in the""#),
        ]
        for (name, key) in keys {
            try duel.latency(
                "SEARCH for \(name), \(size) messages", sessions: sessions, times: sessions == 1 ? 20 : 3,
                Step(.numbers) { client, _, _ in try client.command("SEARCH \(key)") })
        }
    }

    private static func mailboxes(_ duel: Duel, _ sessions: Int) throws {
        let times = sessions == 1 ? 60 : 10
        try duel.each(sessions) { client, _ in try client.command("CREATE box\(times - 1)") }
        try duel.latency(
            "CREATE", sessions: sessions, times: times,
            Step(
                .nothing,
                prepare: { client, _, index in try client.command("DELETE box\((index + times - 1) % times)") },
                { client, _, index in try client.command("CREATE box\(index)") }))
        try duel.each(sessions) { client, _ in try client.command("DELETE box\(times - 1)") }
        try duel.latency(
            "DELETE", sessions: sessions, times: times,
            Step(
                .nothing,
                prepare: { client, _, index in try client.command("CREATE box\(index)") },
                { client, _, index in try client.command("DELETE box\(index)") }))
    }
}
