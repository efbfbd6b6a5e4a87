// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport
internal import Testing

extension Live {
    /// Many sessions at once.
    @Suite("Load") struct Load {
        private let folder: TemporaryDirectory

        init() throws { folder = try TemporaryDirectory() }

        @Test func twentySessionsThatAppendShareCommits() throws {
            let server = try PlutoServer(
                directory: folder.file("mail"), options: ["--allow-insecure-auth", "--metrics", "127.0.0.1:0"],
                environment: try SlowDisk.environment(in: folder, milliseconds: 10))
            let clients = try (0..<20).map { _ in try RawIMAPClient(server) }
            let before = try MetricsScrape(server)
            let messagesPerClient = 15

            // Each session has its commands carried out one after the other; all sessions run at the same time.
            var tags: [[String]] = []
            for (index, client) in clients.enumerated() {
                tags.append(
                    try (0..<messagesPerClient).map { number in
                        try client.beginAppend(to: "INBOX", Mails.simple("\(index)-\(number)"))
                    })
            }
            var uids: Set<UInt32> = []
            for (client, tags) in zip(clients, tags) {
                for tag in tags {
                    let reply = try client.finish(tag)
                    uids.insert(try #require(reply.appendedUID, "\(reply)"))
                }
            }
            let messageCount = clients.count * messagesPerClient
            #expect(uids == Set(1...UInt32(messageCount)))

            let after = try MetricsScrape(server)
            let syncs = try after.sum("pluto_log_syncs_total") - before.sum("pluto_log_syncs_total")
            #expect(syncs >= 1)
            #expect(syncs * 5 < Double(messageCount), "\(syncs) syncs for \(messageCount) messages")
            try server.stop()
        }

        @Test func twoHundredIdleSessionsFitInMemory() throws {
            let server = try PlutoServer(directory: folder.file("mail"))
            let (user, password) = PlutoServer.users[0]
            let before = try ProcessMemory(of: server.process.pid)
            let run = try ChildProcess.run([
                try Tool.path("python3", package: "python3"), Scripts.path("idle_sessions.py"), "200",
                "\(server.imapsPort)", server.authority, user, password, "\(server.process.pid)",
            ])
            try #require(run.ending == .exited(0), "\(run.output)\n\(server.logTail)")
            let values = run.output.split(whereSeparator: \.isWhitespace)
                .compactMap { $0.split(separator: "=").last.flatMap { Int($0) } }
            try #require(values.count == 2, "\(run.output)")
            #expect(values[0] < 150 * 1_024, "\(values[0]) KiB resident, \(before.residentKiB) KiB without sessions")
            try server.stop()
        }

        @Test func aLargeMailPassesInBoundedMemory() throws {
            let server = try PlutoServer(directory: folder.file("mail"), options: ["--allow-insecure-auth"])
            let client = try RawIMAPClient(server)
            let byteCount = 50_000_000
            let mail = Mails.large(byteCount: byteCount, seed: 7)
            // What the server holds on the first use of each path is not the mail's.
            #expect(try client.append(to: "INBOX", Mails.large(byteCount: 1_000_000, seed: 8)).isOK)
            #expect(try client.command("SELECT INBOX").isOK)
            #expect(try client.command("FETCH 1 BODY.PEEK[]").isOK)
            let pid = server.process.pid
            let baseline = try ProcessMemory(of: pid).anonymousKiB
            var peak = baseline

            try client.send("big APPEND INBOX {\(byteCount)}\r\n")
            #expect(try client.readLine()?.text.hasPrefix("+") == true)
            for from in stride(from: 0, to: byteCount, by: 500_000) {
                #expect(try client.socket.send(mail[from..<min(byteCount, from + 500_000)]))
                peak = max(peak, try ProcessMemory(of: pid).anonymousKiB)
            }
            try client.send("\r\n")
            let appended = try client.finish("big")
            #expect(appended.appendedUID == 2, "\(appended)\n\(server.logTail)")
            peak = max(peak, try ProcessMemory(of: pid).anonymousKiB)

            let tag = try client.begin("FETCH 2 (RFC822.SIZE BODY.PEEK[])")
            var fetched = client.takeReply(tag)
            while fetched == nil, try client.receive(until: Deadline(.seconds(60))) {
                fetched = client.takeReply(tag)
                peak = max(peak, try ProcessMemory(of: pid).anonymousKiB)
            }
            let line = try #require(fetched?.fetched.first)
            #expect(line.number(after: "RFC822.SIZE") == UInt32(byteCount))
            let same = line.literals.first.map { Self.areEqual($0, mail) } ?? false
            #expect(same, "the mail that came back is another one")
            let part = try client.command("FETCH 2 BODY.PEEK[]<49000000.1000>")
            #expect(part.fetched.first?.literals.first == Array(mail[49_000_000..<49_001_000]))
            #expect(peak - baseline < 40_000, "grew by \(peak - baseline) KiB over \(baseline) KiB")

            // It is still there, whole, after a restart.
            try server.stop()
            let again = try PlutoServer(directory: folder.file("mail"), options: ["--allow-insecure-auth"])
            let reader = try RawIMAPClient(again)
            #expect(try reader.command("SELECT INBOX").exists == 2)
            let body = try reader.command("UID FETCH 2 BODY.PEEK[]").fetched.first?.literals.first ?? []
            let stillSame = Self.areEqual(body, mail)
            #expect(stillSame)
            try again.stop()
        }

        /// Compares large arrays without the checks of a debug build on every byte.
        private static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
            guard one.count == other.count else { return false }
            return one.withUnsafeBytes { one in
                other.withUnsafeBytes { other in
                    guard let one = one.baseAddress, let two = other.baseAddress else { return true }
                    return memcmp(one, two, other.count) == 0
                }
            }
        }
    }
}
