// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPTestSupport
import IMAPCore
import MailStore
import Testing

@testable import IMAPService

/// Whole sessions over real sockets.
@Suite("Sessions of the IMAP server", .timeLimit(.minutes(10)))
struct SessionTests {
    @Test func aThousandCommandsInOneGoAreAnsweredInOrder() async throws {
        let server = try await TestServer()
        let client = try await TestClient.loggedIn(server.tlsPort)
        try await client.command("SELECT INBOX")
        let commands = (0..<1_000).map {
            "p\($0) \($0 % 3 == 0 ? "NOOP" : $0 % 3 == 1 ? "CAPABILITY" : "UID SEARCH ALL")\r\n"
        }
        async let sending: Void = client.send(commands.joined())
        for number in 0..<1_000 {
            #expect(try await client.lines(to: "p\(number)").last?.contains(" OK") ?? false)
        }
        try await sending
        await client.close()
        try await server.tearDown()
    }

    @Test func idlersHearOfAMessageWithoutAsking() async throws {
        let server = try await TestServer()
        let idler = try await TestClient.loggedIn(server.tlsPort)
        try await idler.command("SELECT INBOX")
        try await idler.send("i IDLE\r\n")
        #expect(try await idler.line().hasPrefix("+"))
        let writer = try await TestClient.loggedIn(server.tlsPort)
        #expect(try await writer.append("Subject: x\r\n\r\ny").contains("APPENDUID"))
        #expect(try await idler.line() == "* 1 EXISTS")
        try await writer.command("SELECT INBOX")
        try await writer.command("STORE 1 +FLAGS (\\Deleted)")
        var line = try await idler.line()
        while !line.contains("FETCH") { line = try await idler.line() }
        #expect(line.contains("\\Deleted"))
        try await writer.command("EXPUNGE")
        #expect(try await idler.line() == "* 1 EXPUNGE")
        try await idler.send("DONE\r\n")
        #expect(try await idler.lines(to: "i").last?.contains("OK") ?? false)
        await idler.close()
        await writer.close()
        try await server.tearDown()
    }

    /// What arrives between the snapshot and the answer to SELECT is told afterwards, not forgotten.
    @Test func nothingIsLostBetweenSelectAndItsAnswer() async throws {
        let server = try await TestServer()
        let writer = try await TestClient.loggedIn(server.tlsPort)
        let reader = try await TestClient.loggedIn(server.tlsPort)
        let sending = Task { for number in 0..<150 { _ = try await writer.append("Subject: \(number)\r\n\r\nx") } }
        for _ in 0..<40 {
            let lines = try await reader.command("SELECT INBOX")
            var count = Self.exists(lines) ?? 0
            // A mailbox that forgot an arrival would count one message too few from then on.
            for _ in 0..<3 { count = Self.exists(try await reader.command("NOOP")) ?? count }
            let found = try await reader.command("SEARCH ALL")
            let news = Self.exists(found) ?? count
            let total = found.first { $0.hasPrefix("* SEARCH") }?.split(separator: " ").count ?? 2
            #expect(total - 2 <= max(news, count))
            let after = try await reader.command("STATUS INBOX (MESSAGES)")
            let exact = Self.exists(try await reader.command("NOOP")) ?? Self.exists(after) ?? news
            let status = after.first { $0.contains("STATUS") }?.split(separator: " ").last?.dropLast()
            if let status, let messages = Int(status) { #expect(exact >= messages) }
        }
        try await sending.value
        await reader.close()
        await writer.close()
        try await server.tearDown()
    }

    private static func exists(_ lines: [String]) -> Int? {
        lines.last { $0.hasSuffix(" EXISTS") }.flatMap { Int($0.split(separator: " ")[1]) }
    }

    @Test func aDisconnectAtEveryByteLeavesNothingOpen() async throws {
        let server = try await TestServer()
        let setup = try await TestClient.loggedIn(server.tlsPort)
        _ = try await setup.append("Subject: x\r\n\r\ny")
        await setup.close()
        let script =
            "1 LOGIN alice ecila\r\n2 SELECT INBOX\r\n3 FETCH 1 (FLAGS BODY[])\r\n4 APPEND INBOX {40+}\r\n"
            + "Subject: cut\r\n\r\nsome words of a text\r\n\r\n5 IDLE\r\nDONE\r\n6 LOGOUT\r\n"
        let bytes = Array(script.utf8)
        for count in stride(from: 0, through: bytes.count, by: 1) {
            let client = try await TestClient.connect(port: server.tlsPort, isTLS: true)
            _ = try await client.line()
            try? await client.send(Array(bytes[..<count]))
            if count % 2 == 0 { await client.close() } else { await client.reset() }
        }
        await server.waitUntilIdle()
        #expect(server.store.openMailboxes == 0)
        #expect(server.store.openUploads == 0)
        let client = try await TestClient.loggedIn(server.tlsPort)
        #expect(try await client.command("SELECT INBOX").last?.contains(" OK") ?? false)
        await client.close()
        try await server.tearDown()
    }

    @Test func twoHundredConnectionsAreServed() async throws {
        let server = try await TestServer()
        var clients: [TestClient] = []
        for number in 0..<200 {
            clients.append(
                try await TestClient.loggedIn(server.tlsPort, user: ["alice", "bob", "carol"][number % 3]))
        }
        #expect(server.connections == 200)
        for client in clients {
            try await client.command("SELECT INBOX")
            try await client.send("i IDLE\r\n")
            #expect(try await client.line().hasPrefix("+"))
        }
        let writer = try await TestClient.loggedIn(server.tlsPort)
        #expect(try await writer.append("Subject: x\r\n\r\ny").contains("APPENDUID"))
        for (number, client) in clients.enumerated() where number % 3 == 0 {
            #expect(try await client.line() == "* 1 EXISTS")
        }
        for client in clients { await client.close() }
        await writer.close()
        await server.waitUntilIdle()
        #expect(server.store.openMailboxes == 0)
        try await server.tearDown()
    }

    @Test func connectionsThatAreResetAtOnceDoNotStopTheListener() async throws {
        let server = try await TestServer()
        for _ in 0..<100 { await (try await TestClient.connect(port: server.plainPort)).reset() }
        let client = try await TestClient.connect(port: server.plainPort)
        #expect(try await client.line().hasPrefix("* OK"))
        await client.close()
        await server.waitUntilIdle()
        try await server.tearDown()
    }

    @Test func metricsNameTheCommandsAndTheLogHoldsNoSecret() async throws {
        let server = try await TestServer()
        let client = try await TestClient.connect(port: server.tlsPort, isTLS: true)
        _ = try await client.line()
        try await client.command("LOGIN alice not-the-password")
        try await client.command("AUTHENTICATE PLAIN AGFsaWNlAGVjaWxh")
        try await client.command("SELECT INBOX")
        try await client.command("SELECT nowhere")
        try await client.command("BOGUS")
        _ = try await client.append("Subject: secret-subject\r\n\r\nsecret-body")
        try await client.command("LOGOUT")
        await server.waitUntilIdle()
        let page = server.metrics
        for line in [
            "pluto_imap_commands_total{command=\"LOGIN\",status=\"no\"} 1",
            "pluto_imap_commands_total{command=\"AUTHENTICATE\",status=\"ok\"} 1",
            "pluto_imap_commands_total{command=\"SELECT\",status=\"ok\"} 1",
            "pluto_imap_commands_total{command=\"SELECT\",status=\"no\"} 1",
            "pluto_imap_commands_total{command=\"UNKNOWN\",status=\"bad\"} 1",
            "pluto_imap_commands_total{command=\"APPEND\",status=\"ok\"} 1",
            "pluto_imap_command_seconds_count{command=\"APPEND\"} 1", "pluto_imap_connections 0",
            "pluto_imap_logins_total{outcome=\"accepted\"} 1", "pluto_imap_logins_total{outcome=\"rejected\"} 1",
        ] {
            #expect(page.contains(line), "\(line)")
        }
        let log = server.log.lines.joined(separator: "\n")
        #expect(log.contains("login"))
        for secret in ["not-the-password", "ecila", "AGFsaWNlAGVjaWxh", "secret-subject", "secret-body"] {
            #expect(!log.contains(secret))
        }
        try await server.tearDown()
    }
}
