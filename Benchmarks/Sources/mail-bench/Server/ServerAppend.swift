// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Glibc

/// How many mails of 4 KiB a server takes in a second, each durable before its OK.
enum ServerAppend {
    private static let name = "server.append"
    /// 58 lines of 64 characters, and a header.
    static let lines = 58
    private static let mailBytes = 4_096

    static func run(_ bench: BenchContext) throws -> [ResultRow] {
        let duel = try Duel(name, bench)
        for (sessions, times) in [(1, 300), (Duel.manySessions, 50)] {
            var text = MailText(seed: 4)
            let mails = (0..<times).map { text.mail(subject: "message \($0)", lines: lines) }
            let step = Step(.nothing) { client, number, index in
                // The mails of all sessions and rounds differ, so that a store that keeps equal ones once keeps all.
                var mail = mails[index]
                SerialNumber.stamp(&mail)
                try client.append(mail, to: "INBOX")
            }
            try duel.throughput("APPEND of 4 KiB", sessions: sessions, times: times, step)
            try duel.add(disk(duel, sessions, times, step))
        }
        return duel.rows
    }

    /// The same beside a bare loop that makes as many octets durable, one mail after the other: what a group commit gains.
    private static func disk(_ duel: Duel, _ sessions: Int, _ times: Int, _ step: Step) throws -> ResultRow {
        let bare = try BareLoop(path: duel.pluto.folder.file("bare"))
        var syncs = 0.0
        let comparison = try Comparison(
            rounds: duel.bench.rounds,
            subject: {
                let before = try duel.pluto.metric("pluto_log_syncs_total")
                let cost = try duel.sides[0].measure(sessions, times: times, step).interval
                syncs += try duel.pluto.metric("pluto_log_syncs_total") - before
                return cost
            }, reference: { try bare.run(count: 200, bytes: mailBytes) })
        let perAppend = syncs / Double(sessions * times * (duel.bench.rounds + 1))
        return ResultRow(
            name, "APPEND of 4 KiB, \(sessions) session\(sessions == 1 ? "" : "s"), beside the disk", comparison, .wall,
            reference: "pwrite + fdatasync", unit: "per s",
            note: "\(TextTable.number(perAppend)) fdatasyncs for each APPEND, counted"
        ) { 1e9 / $0 }
    }
}

/// The least that durable appending can cost on this disk.
private final class BareLoop {
    private let file: Int32
    private var offset = 0

    init(path: String) throws {
        file = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw BenchFailure.system(path) }
    }

    deinit { close(file) }

    func run(count: Int, bytes: Int) throws -> Cost {
        let mail = [UInt8](repeating: 65, count: bytes)
        return try Stopwatch.measure {
            for _ in 0..<count {
                guard pwrite(file, mail, bytes, offset) == bytes, fdatasync(file) == 0 else {
                    throw BenchFailure.system("fdatasync")
                }
                offset += bytes
            }
        }.divided(by: count)
    }
}
