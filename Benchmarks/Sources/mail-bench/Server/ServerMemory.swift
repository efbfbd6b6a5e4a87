// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// How much memory a server holds for sessions over TLS that wait in IDLE with INBOX selected.
enum ServerMemory {
    /// Two hundred, or as many as Dovecot can watch mailboxes for: each session has an inotify instance, of which Linux
    /// gives a user 128 by default.
    private static let sessions: Int = {
        let limit = "/proc/sys/fs/inotify/max_user_instances"
        // Without that limit there is none to heed.
        let text = (try? String(contentsOfFile: limit, encoding: .utf8)) ?? ""
        return min(200, (Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 1_000) - 28)
    }()
    private static let users = 20
    /// Dovecot moves a session to its process for idle ones after a second.
    private static let settling = 4.0

    static func run(_ bench: BenchContext) throws -> [ResultRow] {
        var rows: [ResultRow] = []
        var kibibytes: [String: Double] = [:]
        let duel = try Duel("server.memory", bench, sessions: 0, users: users) { $0.hibernates = false }
        rows += duel.rows
        for service in duel.services { kibibytes[service.name] = try measure(service, &rows) }
        duel.dovecot?.stop()
        if let dovecot = duel.dovecot {
            dovecot.change { $0.hibernates = true }
            try dovecot.start()
            kibibytes["hibernating"] = try measure(
                dovecot, label: "Dovecot, idle sessions moved to imap-hibernate", &rows)
        }
        for (index, row) in rows.enumerated() where row.subject.hasPrefix("pluto: each") {
            guard let mine = kibibytes["pluto"], let other = kibibytes["Dovecot"], other > 0 else { continue }
            rows[index].reference = "Dovecot"
            rows[index].ratioMedian = mine / other
            rows[index].ratioMinimum = mine / other
            rows[index] = rows[index].target(.ratio, .atMost, 1)
            if let hibernating = kibibytes["hibernating"], hibernating > 0 {
                rows[index].note =
                    "\((mine / hibernating * 100).rounded() / 100) times a hibernated session of Dovecot's"
            }
        }
        return rows
    }

    private static func measure(_ service: any MailService, label: String? = nil, _ rows: inout [ResultRow]) throws
        -> Double
    {
        // One session first: what is loaded once does not count for each.
        try MailClient(port: service.port, context: service.context, user: MailUsers.name(1)).logout()
        Thread.sleep(forTimeInterval: settling / 4)
        let before = service.processes
        let (empty, count) = (before.memory, before.count)
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
        let name = label ?? service.name
        let each = (full.proportional - empty.proportional) / Double(sessions)
        rows += [
            ResultRow(
                "server.memory", "\(name): without sessions", empty.proportional / 1_024, "MiB PSS",
                note: "\(count) processes, RSS \(Int(empty.resident / 1_024)) MiB"),
            ResultRow(
                "server.memory", "\(name): with \(sessions) idle TLS sessions", full.proportional / 1_024, "MiB PSS",
                note: "\(after.count) processes, RSS \(Int(full.resident / 1_024)) MiB"),
            ResultRow("server.memory", "\(name): each idle session", each, "KiB PSS"),
        ]
        for client in clients { try client.stopIdle() }
        return each
    }
}
