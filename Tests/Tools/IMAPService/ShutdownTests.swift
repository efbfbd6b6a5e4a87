// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPTestSupport
import MailStore
import NodeSupport
import Testing

@testable import IMAPService

/// The server ends when it is told to, whatever its clients do.
@Suite("Shutdown of the IMAP server", .timeLimit(.minutes(10)))
struct ShutdownTests {
    @Test func everybodyIsToldGoodbye() async throws {
        let server = try await TestServer()
        let idle = try await TestClient.loggedIn(server.tlsPort)
        let waiting = try await TestClient.loggedIn(server.tlsPort)
        try await waiting.command("SELECT INBOX")
        try await waiting.send("i IDLE\r\n")
        #expect(try await waiting.line().hasPrefix("+"))
        let plain = try await TestClient.connect(port: server.plainPort)
        _ = try await plain.line()
        try await server.end()
        for client in [idle, waiting, plain] { #expect(await client.rest().contains("* BYE")) }
        #expect(server.connections == 0)
        #expect(server.store.openMailboxes == 0)
        try await server.tearDown()
    }

    /// A client that does not answer, one that does not read, one that waits for its password and one that has not shaken hands.
    @Test func nobodyCanHoldTheServerUp() async throws {
        var delays = LoginThrottle.Limits()
        delays.firstDelay = .seconds(30)
        let server = try await TestServer(delays: delays) { $0.limits.goodbyeMilliseconds = 100 }
        let writer = try await TestClient.loggedIn(server.tlsPort)
        let body = "Subject: large\r\n\r\n" + String(repeating: "0123456789abcde\r\n", count: 1_000_000)
        #expect(try await writer.append(body).contains("APPENDUID"))
        try await writer.command("SELECT INBOX")
        let deaf = try await TestClient.connect(port: server.tlsPort, isTLS: true, isEager: false)
        for _ in 0..<3 { deaf.read() }
        try await deaf.send("1 LOGIN alice ecila\r\n2 SELECT INBOX\r\n3 FETCH 1 BODY.PEEK[]\r\n")
        let uploader = try await TestClient.loggedIn(server.tlsPort, user: "carol")
        try await uploader.send("a APPEND INBOX {1000000}\r\n")
        #expect(try await uploader.line().hasPrefix("+"))
        let silent = try await TestClient.connect(port: server.tlsPort)
        await eventually { server.connections >= 4 }
        let guesser = try await TestClient.connect(port: server.tlsPort, isTLS: true)
        _ = try await guesser.line()
        try await guesser.command("LOGIN bob wrong")
        try await guesser.send("x LOGIN bob wrong\r\n")
        let clock = ContinuousClock()
        let began = clock.now
        try await server.end()
        #expect(began.duration(to: clock.now) < .seconds(4))
        #expect(server.connections == 0)
        #expect(server.store.openMailboxes == 0 && server.store.openUploads == 0)
        for client in [writer, deaf, silent, guesser, uploader] { await client.reset() }
        try await server.tearDown()
    }
}
