// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPTestSupport
import IMAPCore
import Testing

@testable import IMAPService

/// Implicit TLS, STARTTLS, and what is refused without.
@Suite("TLS of the IMAP server", .timeLimit(.minutes(10)))
struct TLSTests {
    @Test func implicitTLSGreetsAndServes() async throws {
        let server = try await TestServer()
        let client = try await TestClient.connect(port: server.tlsPort, isTLS: true)
        let greeting = try await client.line()
        #expect(greeting.hasPrefix("* OK"))
        #expect(!greeting.contains("STARTTLS") && !greeting.contains("LOGINDISABLED"))
        #expect(try await client.command("LOGIN alice ecila").last?.contains(" OK") ?? false)
        #expect(try await client.command("LOGOUT").contains { $0.hasPrefix("* BYE") })
        _ = await client.rest()
        await server.waitUntilIdle()
        try await server.tearDown()
    }

    @Test func loginWithoutTLSIsRefused() async throws {
        let server = try await TestServer()
        let client = try await TestClient.connect(port: server.plainPort)
        let greeting = try await client.line()
        #expect(greeting.contains("STARTTLS") && greeting.contains("LOGINDISABLED"))
        let answer = try await client.command("LOGIN alice ecila").last ?? ""
        #expect(answer.contains(" NO") || answer.contains(" BAD"))
        await client.close()
        try await server.tearDown()
    }

    @Test func startTLSGoesOnEncrypted() async throws {
        let server = try await TestServer()
        let client = try await TestClient.connect(port: server.plainPort)
        _ = try await client.line()
        #expect(try await client.command("STARTTLS").last?.contains(" OK") ?? false)
        try await client.startTLS()
        let capability = try await client.command("CAPABILITY").first ?? ""
        #expect(!capability.contains("STARTTLS") && !capability.contains("LOGINDISABLED"))
        #expect(try await client.command("LOGIN alice ecila").last?.contains(" OK") ?? false)
        #expect(try await client.append("Subject: x\r\n\r\nbody").contains("APPENDUID"))
        await client.close()
        try await server.tearDown()
    }

    /// What an attacker put behind STARTTLS in plain text is never carried out.
    @Test func whatFollowsStartTLSInPlainTextIsForgotten() async throws {
        let server = try await TestServer()
        let client = try await TestClient.connect(port: server.plainPort)
        _ = try await client.line()
        try await client.send("s STARTTLS\r\ninjected CREATE evil\r\n")
        #expect(try await client.line().hasPrefix("s "))
        do {
            try await client.startTLS()
            let answer = try await client.command("NOOP")
            #expect(!answer.contains { $0.contains("injected") })
        } catch {
            // Ending the connection is as good an answer.
        }
        #expect(!server.metrics.contains("command=\"CREATE\""))
        await client.close()
        await server.waitUntilIdle()
        try await server.tearDown()
    }

    @Test func garbageInsteadOfAHandshakeClosesTheConnection() async throws {
        let server = try await TestServer()
        let client = try await TestClient.connect(port: server.tlsPort)
        try await client.send("a LOGIN alice ecila\r\n")
        _ = await client.rest()
        await server.waitUntilIdle()
        try await server.tearDown()
    }

    @Test func aClientThatNeverShakesHandsIsGivenUpWithTheLoginsTime() async throws {
        let server = try await TestServer { $0.session.limits.loginTimeout = .milliseconds(200) }
        let client = try await TestClient.connect(port: server.tlsPort)
        _ = await client.rest()
        await server.waitUntilIdle()
        try await server.tearDown()
    }
}
