// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Glibc

/// How many mails a second become durable through IMAP; the reference writes the same bytes to a file and calls
/// fdatasync after each, in the same folder and in turns.
enum AppendCommit {
    private static let mailBytes = 4_096
    private static let mailbox = "INBOX"

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        let server = try PlutoProcess(context)
        defer { server.remove() }
        try server.start()
        return try [1, 20].map { try row(sessions: $0, server, context) }
    }

    private static func row(sessions count: Int, _ server: PlutoProcess, _ context: BenchContext) throws -> ResultRow {
        let sessions = try (0..<count).map { _ in try server.session() }
        let bare = try BareLoop(path: server.path("bare-\(count)"))
        let mailsPerSession = count == 1 ? 200 : 50
        let total = count * mailsPerSession
        var number = count * 1_000_000
        var (syncs, appends) = (0.0, 0)
        let comparison = try Comparison(
            rounds: context.rounds,
            subject: {
                let mails = (0..<total).map { MIMEScan.plainMail(bytes: mailBytes, number: number + $0) }
                number += total
                let before = try server.metric("pluto_log_syncs_total")
                let cost = try Stopwatch.measure(process: server.id) { try append(mails, through: sessions) }
                syncs += try server.metric("pluto_log_syncs_total") - before
                appends += total
                return cost.divided(by: total)
            }, reference: { try bare.run(count: 200, bytes: mailBytes) })
        let perAppend = TextTable.number(syncs / Double(appends))
        return ResultRow(
            "append.commit", "\(count) session\(count == 1 ? "" : "s")", comparison, .wall,
            reference: "pwrite + fdatasync", unit: "appends/s", note: "\(perAppend) fdatasyncs per append, counted"
        ) { 1e9 / $0 }
    }

    /// Every session has one APPEND under way until all mails are stored.
    private static func append(_ mails: [[UInt8]], through sessions: [IMAPConnection]) throws {
        var next = 0
        var waiting = 0
        for session in sessions where next < mails.count {
            try session.sendAppend(mails[next], to: mailbox)
            next += 1
            waiting += 1
        }
        var descriptors = sessions.map { pollfd(fd: $0.socket, events: Int16(POLLIN), revents: 0) }
        while waiting > 0 {
            guard poll(&descriptors, nfds_t(descriptors.count), 30_000) > 0 else {
                throw BenchFailure("pluto does not answer an APPEND within 30 seconds")
            }
            for index in sessions.indices where descriptors[index].revents != 0 {
                try sessions[index].finishAppend()
                waiting -= 1
                guard next < mails.count else { continue }
                try sessions[index].sendAppend(mails[next], to: mailbox)
                next += 1
                waiting += 1
            }
        }
    }
}

/// The least that durable appending can cost on this disk.
private final class BareLoop {
    private let file: Int32
    private var offset = 0

    init(path: String) throws {
        file = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw BenchFailure("\(path): \(String(cString: strerror(errno)))") }
    }

    deinit { close(file) }

    func run(count: Int, bytes: Int) throws -> Cost {
        let mail = [UInt8](repeating: 65, count: bytes)
        return try Stopwatch.measure {
            for _ in 0..<count {
                guard pwrite(file, mail, bytes, offset) == bytes, fdatasync(file) == 0 else {
                    throw BenchFailure("fdatasync: \(String(cString: strerror(errno)))")
                }
                offset += bytes
            }
        }.divided(by: count)
    }
}
