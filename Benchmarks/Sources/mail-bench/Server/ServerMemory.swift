// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// How much memory a server holds for sessions over TLS that wait in IDLE with INBOX selected.
///
/// Every round begins with servers that were just started: what an earlier round has left free would be used again.
enum ServerMemory {
    private static let name = "server.memory"
    private static let users = 20
    private static let mostSessions = 200
    private static let leastSessions = 20
    /// Inotify instances that other programs of the same user may have.
    private static let reserve = 28
    /// Dovecot moves a session to its process for idle ones after a second.
    private static let settling = 2.5

    /// What one round found, in KiB.
    private struct Found {
        let empty: ProcessTree.Memory
        let full: ProcessTree.Memory
        let processes: (before: Int, after: Int)
        let sessions: Int

        var each: Double { (full.proportional - empty.proportional) / Double(sessions) }
    }

    static func run(_ bench: BenchContext) throws -> [ResultRow] {
        let absence = bench.absence(of: Dovecot.peer.name)
        let sessions = try self.sessions(besideDovecot: absence == nil)
        // Its certificate serves all of them.
        let certificates = try PlutoNode(bench, users: 1)
        defer { certificates.stop() }
        var found: [[Found]] = [[], [], []]
        for _ in 0..<bench.rounds {
            let pluto = try PlutoNode(bench, users: users)
            found[0].append(try measure(pluto, sessions))
            pluto.stop()
            guard absence == nil else { continue }
            for (index, hibernates) in [false, true].enumerated() {
                let folder = try bench.temporaryFolder("dovecot")
                let dovecot = try Dovecot(
                    bench, in: folder.path, certificates: certificates.certificates,
                    port: LoopbackSocket.freePorts(1)[0], users: users, format: try Duel.format(bench))
                defer { dovecot.stop() }
                dovecot.change { $0.hibernates = hibernates }
                try dovecot.start()
                found[index + 1].append(try measure(dovecot, sessions))
            }
        }
        if let absence { return rows("pluto", found[0], sessions) + [.absent(name, "Dovecot", absence)] }
        let labels = ["pluto", "Dovecot", "Dovecot, idle sessions moved to imap-hibernate"]
        return zip(labels, found).flatMap { rows($0, $1, sessions, beside: $0 == "pluto" ? Array(found[1...]) : []) }
    }

    /// Two hundred, or as many as Dovecot can watch mailboxes for: each session has an inotify instance, of which Linux
    /// gives a user 128 by default.
    private static func sessions(besideDovecot: Bool) throws -> Int {
        let path = "/proc/sys/fs/inotify/max_user_instances"
        // Without that limit there is none to heed.
        guard besideDovecot, let text = try? String(contentsOfFile: path, encoding: .utf8),
            let limit = Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
        else { return mostSessions }
        let room = limit - reserve
        guard room >= leastSessions else {
            throw BenchFailure(
                "Dovecot needs an inotify instance for each idle session, and a user may have \(limit) only: "
                    + "raise fs.inotify.max_user_instances to \(leastSessions + reserve) or more", exitCode: 69)
        }
        return min(mostSessions, room)
    }

    private static func measure(_ service: any MailService, _ sessions: Int) throws -> Found {
        // One session first: what is loaded once does not count for each.
        try MailClient(port: service.port, context: service.context, user: MailUsers.name(1)).logout()
        Thread.sleep(forTimeInterval: settling / 4)
        let before = service.processes
        let empty = before.memory
        var clients: [MailClient] = []
        for number in 0..<sessions {
            let user = MailUsers.name(number % users + 1)
            let client = try MailClient(port: service.port, context: service.context, user: user)
            try client.command("SELECT INBOX")
            try client.startIdle()
            clients.append(client)
        }
        Thread.sleep(forTimeInterval: settling)
        let after = service.processes
        let full = after.memory
        for client in clients { try client.stopIdle() }
        return Found(empty: empty, full: full, processes: (before.count, after.count), sessions: sessions)
    }

    private static func rows(
        _ label: String, _ found: [Found], _ sessions: Int, beside others: [[Found]] = []
    ) -> [ResultRow] {
        func megabytes(_ subject: String, _ memory: KeyPath<Found, ProcessTree.Memory>, _ processes: Int?) -> ResultRow
        {
            let resident = Series(found.map { $0[keyPath: memory].resident / 1_024 })
            return ResultRow(
                name, "\(label): \(subject)", Series(found.map { $0[keyPath: memory].proportional / 1_024 }), "MiB PSS",
                note: "\(processes ?? 0) processes, RSS \(TextTable.number(resident.median)) MiB")
        }
        let subject = "\(label): each idle session"
        let each = found.map(\.each)
        var row = ResultRow(name, subject, Series(each), "KiB PSS")
        if let other = others.first {
            row = ResultRow(name, subject, each, "KiB PSS", reference: "Dovecot", other.map(\.each))
                .target(.ratio, .atMost, 1)
        }
        let hibernated = others.last.flatMap { Series($0.map(\.each)).median }
        if let hibernated, let mine = Series(each).median, hibernated > 0 {
            row.note = "\(TextTable.number(mine / hibernated)) times a hibernated session of Dovecot's"
        }
        return [
            megabytes("without sessions", \.empty, found.last?.processes.before),
            megabytes("with \(sessions) idle TLS sessions", \.full, found.last?.processes.after), row,
        ]
    }
}
