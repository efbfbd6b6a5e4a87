// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPTestSupport
import TestSupport
import Testing

@testable import IMAPService

/// CONDSTORE over real sockets and a real store (RFC 7162 section 3.1).
@Suite("CONDSTORE of the IMAP server", .timeLimit(.minutes(10)))
struct CondstoreTests {
    private static func number(after text: String, in line: String) -> UInt64? {
        line.firstRange(of: text).flatMap { UInt64(line[$0.upperBound...].prefix(while: \.isNumber)) }
    }

    private static func number(after text: String, in lines: [String]) -> UInt64? {
        lines.compactMap { number(after: text, in: $0) }.first
    }

    private func filled(_ count: Int) async throws -> (TestServer, TestClient) {
        let server = try await TestServer()
        let client = try await TestClient.loggedIn(server.tlsPort)
        for number in 0..<count { _ = try await client.append("Subject: \(number)\r\n\r\nx") }
        return (server, client)
    }

    @Test func aWholeSessionGoesAsTheRFCSays() async throws {
        let (server, client) = try await filled(4)
        #expect(try await client.command("CAPABILITY")[0].contains(" CONDSTORE "))
        let selected = try await client.command("SELECT INBOX (CONDSTORE)")
        let highest = try #require(Self.number(after: "[HIGHESTMODSEQ ", in: selected))
        let status = try await client.command("STATUS INBOX (HIGHESTMODSEQ)")
        #expect(status[0] == "* STATUS INBOX (HIGHESTMODSEQ \(highest))")
        let listed = try await client.command("LIST \"\" INBOX RETURN (STATUS (HIGHESTMODSEQ))")
        #expect(listed.contains("* STATUS INBOX (HIGHESTMODSEQ \(highest))"))
        #expect(try await client.command("FETCH 4 MODSEQ")[0] == "* 4 FETCH (MODSEQ (\(highest)))")
        #expect(try await client.command("FETCH 1:* FLAGS (CHANGEDSINCE \(highest))").count == 1)
        #expect(try await client.command("UID FETCH 1:* FLAGS (CHANGEDSINCE \(highest - 1))").count == 2)

        let other = try await TestClient.loggedIn(server.tlsPort)
        try await other.command("SELECT INBOX")
        try await client.send("i IDLE\r\n")
        #expect(try await client.line().hasPrefix("+"))
        #expect(try await other.command("STORE 2 +FLAGS (\\Answered)")[0] == "* 2 FETCH (FLAGS (\\Answered))")
        let news = try await client.line()
        let second = try #require(Self.number(after: "MODSEQ (", in: news))
        #expect(news == "* 2 FETCH (UID 2 FLAGS (\\Answered) MODSEQ (\(second)))" && second > highest)
        try await client.send("DONE\r\n")
        _ = try await client.lines(to: "i")

        let stored = try await client.command("STORE 1:3 (UNCHANGEDSINCE \(highest)) +FLAGS.SILENT (\\Deleted)")
        #expect(stored.count == 4)
        #expect(stored.last?.contains("OK [MODIFIED 2] ") == true, "\(stored)")
        #expect(stored.contains("* 2 FETCH (UID 2 FLAGS (\\Answered) MODSEQ (\(second)))"))
        let third = try #require(stored.compactMap { Self.number(after: "MODSEQ (", in: $0) }.max())
        #expect(third > second)
        let found = try await client.command("SEARCH MODSEQ \"/flags/\\\\answered\" all \(second)")
        #expect(found[0] == "* SEARCH 1 2 3 (MODSEQ \(third))")
        let extended = try await client.command("UID SEARCH RETURN (MAX) MODSEQ \(second) UNDELETED")
        #expect(extended[0].hasSuffix(" UID MAX 2 MODSEQ \(second)"))
        let seen = try await client.command("FETCH 4 BODY[HEADER.FIELDS (SUBJECT)]")
        #expect(seen[0].contains(" FLAGS (\\Seen) UID 4 MODSEQ ("), "\(seen)")

        try await other.command("EXPUNGE")
        let gone = try await client.command("STORE 1:3 (UNCHANGEDSINCE \(highest)) +FLAGS (\\Seen)")
        #expect(gone.last?.contains(" NO [MODIFIED 2] ") == true, "\(gone)")
        for client in [client, other] { await client.close() }
        try await server.tearDown()
    }

    /// Two sessions that saw the same modification sequence: one changes the message, the other is told how it is now.
    @Test func ofTwoConditionalStoresAtOnceOneWins() async throws {
        let (server, first) = try await filled(1)
        let second = try await TestClient.loggedIn(server.tlsPort)
        for client in [first, second] { try await client.command("SELECT INBOX (CONDSTORE)") }
        for round in 0..<40 {
            try await first.command("NOOP")
            try await second.command("NOOP")
            let known = try #require(Self.number(after: "MODSEQ (", in: try await first.command("FETCH 1 MODSEQ")))
            let command = "UID STORE 1 (UNCHANGEDSINCE \(known)) FLAGS.SILENT "
            async let one = first.command(command + "($first\(round))")
            async let two = second.command(command + "($second\(round))")
            let answers = [try await one, try await two]
            let losers = answers.indices.filter { answers[$0].last?.contains("OK [MODIFIED 1] ") == true }
            #expect(losers.count == 1, "\(answers)")
            guard let loser = losers.first else { continue }
            let winner = loser == 0 ? "$second\(round)" : "$first\(round)"
            #expect(answers[1 - loser].last?.contains(" OK UID STORE") == true)
            #expect(
                answers[loser].contains { $0.contains("FLAGS (\(winner))") && $0.contains("MODSEQ (") }, "\(answers)")
            #expect(try await first.command("FETCH 1 FLAGS").contains("* 1 FETCH (FLAGS (\(winner)))"))
        }
        for client in [first, second] { await client.close() }
        try await server.tearDown()
    }

    @Test func whatIsWrongIsBadAndChangesNothing() async throws {
        let (server, client) = try await filled(1)
        try await client.command("SELECT INBOX")
        for command in [
            "STORE 1 (UNCHANGEDSINCE 9223372036854775808) +FLAGS (\\Seen)", "STORE 1 (OTHER 1) +FLAGS (\\Seen)",
            "FETCH 1 BODY[] (CHANGEDSINCE 0)", "FETCH 1 BODY[] (VANISHED)", "SEARCH MODSEQ x",
            "SELECT INBOX (QRESYNC (1 1))",
        ] {
            #expect(try await client.command(command).last?.contains(" BAD ") == true, "\(command)")
        }
        #expect(try await client.command("STORE 1 +FLAGS (\\Flagged)")[0] == "* 1 FETCH (FLAGS (\\Flagged))")
        await client.close()
        try await server.tearDown()
    }

    /// A client that comes again and again, and asks only for what has changed since, while others change everything.
    @Test(arguments: 0..<3)
    func whatChangedSinceTellsIsEnough(seed: Int) async throws {
        let (server, client) = try await filled(12)
        let writers = Task {
            try await withThrowingDiscardingTaskGroup { tasks in
                for writer in 0..<3 {
                    tasks.addTask {
                        try await Self.write(server.tlsPort, seed: UInt64(seed * 3 + writer), commands: 60)
                    }
                }
            }
        }
        var reader = Synchroniser(client: client)
        for _ in 0..<25 { try await reader.synchronise() }
        try await writers.value
        try await reader.synchronise()
        let whole = try await reader.everything()
        #expect(reader.flags == whole, "seed \(seed)")
        #expect(!whole.isEmpty)
        await client.close()
        try await server.tearDown()
    }

    private static func write(_ port: Int, seed: UInt64, commands: Int) async throws {
        var random = SeededGenerator(seed: seed)
        let client = try await TestClient.loggedIn(port)
        try await client.command("SELECT INBOX")
        for number in 0..<commands {
            let flag = ["\\Seen", "\\Flagged", "$A", "$B"].randomElement(using: &random) ?? ""
            let uid = Int.random(in: 1...16, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: _ = try await client.append("Subject: \(seed) \(number)\r\n\r\nx")
            case 1: try await client.command("UID COPY \(uid) INBOX")
            case 2:
                try await client.command("UID STORE \(uid) +FLAGS.SILENT (\\Deleted)")
                try await client.command("UID EXPUNGE \(uid)")
            default:
                let mode = ["+", "-", ""].randomElement(using: &random) ?? ""
                try await client.command("UID STORE \(uid):* \(mode)FLAGS.SILENT (\(flag))")
            }
        }
        await client.close()
    }
}

/// A client with a cache of flags, which reads UIDs and what has changed.
private struct Synchroniser {
    let client: TestClient
    private(set) var flags: [String: Set<String>] = [:]
    private var known: String?

    init(client: TestClient) { self.client = client }

    mutating func synchronise() async throws {
        let selected = try await client.command("SELECT INBOX (CONDSTORE)")
        let modifier = known.map { " (CHANGEDSINCE \($0))" } ?? ""
        Self.learn(try await client.command("UID FETCH 1:* (FLAGS)\(modifier)"), &flags)
        let present = Set(try await client.command("UID SEARCH ALL")[0].split(separator: " ").map(String.init))
        flags = flags.filter { present.contains($0.key) }
        known = selected.compactMap { Self.word(after: "[HIGHESTMODSEQ ", in: $0) }.first ?? known
        try await client.command("UNSELECT")
    }

    func everything() async throws -> [String: Set<String>] {
        try await client.command("EXAMINE INBOX")
        var result: [String: Set<String>] = [:]
        Self.learn(try await client.command("UID FETCH 1:* (FLAGS)"), &result)
        return result
    }

    private static func learn(_ lines: [String], _ flags: inout [String: Set<String>]) {
        for line in lines where line.contains(" FETCH (") {
            guard let uid = word(after: "UID ", in: line), let start = line.firstRange(of: "FLAGS (") else { continue }
            flags[uid] = Set(line[start.upperBound...].prefix { $0 != ")" }.split(separator: " ").map(String.init))
        }
    }

    private static func word(after text: String, in line: String) -> String? {
        line.firstRange(of: text).map { String(line[$0.upperBound...].prefix { $0.isNumber }) }
    }
}
