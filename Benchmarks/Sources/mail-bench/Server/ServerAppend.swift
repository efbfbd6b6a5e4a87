// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// How many mails of 4 KiB a server takes in a second, each durable before its OK.
enum ServerAppend {
    /// 58 lines of 64 characters, and a header.
    static let lines = 58

    static func run(_ bench: BenchContext) throws -> [ResultRow] {
        let duel = try Duel("server.append", bench)
        for (sessions, times) in [(1, 300), (Duel.manySessions, 50)] {
            var text = MailText(seed: 4)
            let mails = (0..<times).map { text.mail(subject: "message \($0)", lines: lines) }
            try duel.throughput(
                "APPEND of 4 KiB", sessions: sessions, times: times,
                Step { client, number, index in
                    // The mails of all sessions and rounds differ, so that a store that keeps equal ones once keeps all.
                    var mail = mails[index]
                    SerialNumber.stamp(&mail)
                    try client.append(mail, to: "INBOX")
                })
        }
        return duel.rows
    }
}
