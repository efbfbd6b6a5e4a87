// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPTestSupport
import IMAPCore
import MailStore
import NodeSupport
import Testing

@testable import IMAPService

/// Everything that a client can hold open ends by itself.
@Suite("Limits of the IMAP server", .serialized, .timeLimit(.minutes(10)))
struct LimitTests {
    @Test func oneConnectionTooManyIsToldSo() async throws {
        let server = try await TestServer { $0.limits.connections = 2 }
        let first = try await TestClient.connect(port: server.plainPort)
        let second = try await TestClient.connect(port: server.plainPort)
        _ = try await (first.line(), second.line())
        let third = try await TestClient.connect(port: server.plainPort)
        #expect(await third.rest().hasPrefix("* BYE"))
        #expect(server.metrics.contains("refused_total{limit=\"connections\"} 1"))
        await first.close()
        await eventually { server.connections <= 1 }
        let fourth = try await TestClient.connect(port: server.plainPort)
        #expect(try await fourth.line().hasPrefix("* OK"))
        await second.close()
        await fourth.close()
        try await server.tearDown()
    }

    @Test func oneAddressHasItsOwnLimit() async throws {
        let server = try await TestServer { $0.limits.connectionsPerAddress = 1 }
        let first = try await TestClient.connect(port: server.plainPort)
        _ = try await first.line()
        let second = try await TestClient.connect(port: server.tlsPort, isTLS: true)
        _ = await second.rest()
        #expect(server.metrics.contains("connections_per_address\"} 1"))
        await first.close()
        try await server.tearDown()
    }

    @Test func whoDoesNotLogInIsLoggedOut() async throws {
        let server = try await TestServer { $0.session.limits.loginTimeout = .seconds(2) }
        let client = try await TestClient.connect(port: server.plainPort)
        #expect(await client.rest().contains("* BYE"))
        await server.waitUntilIdle()
        try await server.tearDown()
    }

    @Test func whoIsIdleIsLoggedOut() async throws {
        let server = try await TestServer { $0.session.limits.idleTimeout = .seconds(1) }
        let client = try await TestClient.loggedIn(server.tlsPort)
        #expect(await client.rest().contains("* BYE"))
        let second = try await TestClient.loggedIn(server.tlsPort)
        try await second.command("SELECT INBOX")
        try await second.send("i IDLE\r\n")
        #expect(await second.rest().contains("* BYE"))
        await server.waitUntilIdle()
        try await server.tearDown()
    }

    @Test func aLiteralThatDoesNotComeEndsTheSession() async throws {
        let server = try await TestServer { $0.session.limits.literalTimeout = .seconds(1) }
        let client = try await TestClient.loggedIn(server.tlsPort)
        try await client.send("a APPEND INBOX {1000000}\r\n")
        #expect(try await client.line().hasPrefix("+"))
        try await client.send(String(repeating: "x", count: 400_000))
        #expect(await client.rest().contains("* BYE"))
        await server.waitUntilIdle()
        try await server.tearDown()
    }

    /// A client that does not read while a large body is sent to it: the server keeps next to nothing, and gives up in the end.
    @Test(arguments: [false, true]) func aClientThatDoesNotReadIsGivenUp(isTLS: Bool) async throws {
        let server = try await TestServer {
            $0.limits.writeSeconds = 3
            $0.session.allowsInsecureAuthentication = true
        }
        let writer = try await TestClient.loggedIn(server.tlsPort)
        let body = "Subject: large\r\n\r\n" + String(repeating: "0123456789abcde\r\n", count: 1_500_000)
        #expect(try await writer.append(body).contains("APPENDUID"))
        await writer.close()
        await server.waitUntilIdle()
        let before = server.server.metrics.sentBytes.value
        let client = try await TestClient.connect(
            port: isTLS ? server.tlsPort : server.plainPort, isTLS: isTLS, isEager: false)
        // So much is read that a handshake can end, and no more.
        if isTLS { for _ in 0..<3 { client.read() } }
        try await client.send("1 LOGIN alice ecila\r\n2 SELECT INBOX\r\n3 FETCH 1 BODY.PEEK[]\r\n")
        await eventually {
            if isTLS, client.receivedBytes < 200 { client.read() }
            return server.server.metrics.sentBytes.value - before >= 100_000 || client.isClosed
        }
        await server.waitUntilIdle()
        let sent = server.server.metrics.sentBytes.value - before
        // What the two sockets take, and one piece; far less than the 25 MB that were asked for.
        #expect(sent < 20_000_000, "\(sent) octets were handed over")
        await client.close()
        try await server.tearDown()
    }

    @Test func failedLoginsWaitAndAClientThatLeavesWaitsForNobody() async throws {
        var delays = LoginThrottle.Limits()
        delays.firstDelay = .seconds(1)
        delays.maximumDelay = .seconds(30)
        let server = try await TestServer(delays: delays)
        let client = try await TestClient.connect(port: server.tlsPort, isTLS: true)
        _ = try await client.line()
        let clock = ContinuousClock()
        var waits: [Duration] = []
        for _ in 0..<3 {
            let began = clock.now
            let answer = try await client.command("LOGIN alice wrong").last ?? ""
            #expect(answer.contains("NO"))
            waits.append(began.duration(to: clock.now))
        }
        // Nothing, then one delay, then two: the least that each must take.
        #expect(waits[1] >= .seconds(1) && waits[2] >= .seconds(2))
        await client.close()
        // Another now has to wait long, and leaves.
        for _ in 0..<3 {
            let hasty = try await TestClient.connect(port: server.tlsPort, isTLS: true)
            _ = try await hasty.line()
            try await hasty.send("x LOGIN alice wrong\r\n")
            await hasty.reset()
        }
        await server.waitUntilIdle()
        #expect(server.metrics.contains("logins_total{outcome=\"rejected\"} 3"))
        try await server.tearDown()
    }
}
