// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit

/// Which of Dovecot's formats is the fastest at full durability: the peer is to be measured at its best.
enum ServerFormats {
    static func run(_ bench: BenchContext) throws -> [ResultRow] {
        let scenario = "server.formats"
        if let absence = bench.absence(of: Dovecot.peer.name) { return [.absent(scenario, "Dovecot", absence)] }
        let certificates = try PlutoNode(bench, users: 1)
        var servers: [(DovecotSettings.Format, Dovecot, Sessions, TemporaryFolder)] = []
        defer { for server in servers { server.1.stop() } }
        for format in DovecotSettings.Format.allCases {
            let folder = try bench.temporaryFolder("dovecot")
            let dovecot = try Dovecot(
                bench, in: folder.path, name: format.rawValue, certificates: certificates.certificates,
                port: LoopbackSocket.freePorts(1)[0], users: Duel.manySessions, format: format)
            try dovecot.start()
            servers.append((format, dovecot, try Sessions(dovecot, count: Duel.manySessions), folder))
        }
        var rows: [ResultRow] = []
        for (subject, sessions, times, isThroughput, step) in steps {
            var figures = [Series](repeating: Series(), count: servers.count)
            for round in 0...bench.rounds {
                for (index, server) in servers.enumerated() {
                    let timing = try server.2.measure(sessions, times: times, step)
                    let cost = isThroughput ? timing.interval.wall : timing.median.wall
                    if round > 0, cost > 0 { figures[index].add(isThroughput ? 1e9 / cost : cost / 1_000) }
                }
            }
            for (index, server) in servers.enumerated() {
                rows.append(
                    ResultRow(
                        scenario, "\(subject), \(server.0.rawValue)", figures[index], isThroughput ? "per s" : "us"))
            }
        }
        return rows
    }

    private static var steps: [(String, Int, Int, Bool, Step)] {
        var text = MailText(seed: 5)
        let mail = text.mail(subject: "format", lines: ServerAppend.lines)
        let append = Step(.nothing) { client, _, _ in try client.append(mail, to: "INBOX") }
        let select = Step(.nothing, prepare: { client, _, _ in try client.command("UNSELECT") }) { client, _, _ in
            try client.command("SELECT INBOX")
        }
        return [
            ("APPEND of 4 KiB, 1 session", 1, 200, true, append),
            ("APPEND of 4 KiB, 20 sessions", Duel.manySessions, 40, true, append),
            (
                "SELECT", 1, 50, false,
                Step(.nothing, prepare: { _, _, _ in }, { client, _, _ in try client.command("SELECT INBOX") })
            ),
            ("SELECT after UNSELECT", 1, 50, false, select),
            (
                "STORE", 1, 100, false,
                Step(.nothing) { client, _, index in
                    try client.command(#"STORE \#(index / 2 + 1) \#(index % 2 == 0 ? "+" : "-")FLAGS (\Answered)"#)
                }
            ),
            (
                "FETCH of a body", 1, 200, false,
                Step(.nothing) { client, _, index in try client.command("FETCH \(index + 1) BODY.PEEK[]") }
            ),
            (
                "COPY", 1, 100, false,
                Step(.nothing) { client, _, index in try client.command("COPY \(index + 1) INBOX") }
            ),
            (
                "EXPUNGE", 1, 100, false,
                Step(
                    .nothing,
                    prepare: { client, _, _ in
                        try client.command(#"STORE 1 +FLAGS.SILENT (\Deleted)"#)
                    }, { client, _, _ in try client.command("EXPUNGE") })
            ),
            (
                "CREATE and DELETE", 1, 50, false,
                Step(.nothing) { client, _, _ in
                    try client.command("CREATE formats")
                    try client.command("DELETE formats")
                }
            ),
        ]
    }
}
