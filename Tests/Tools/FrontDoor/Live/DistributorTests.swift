// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPTestSupport
import IMAPService
import NIOCore
import NodeSupport
import Testing

@testable import FrontDoor

/// A distributor in front of a worker and storage, all alive.
@Suite("The distributor", .timeLimit(.minutes(10)))
struct DistributorTests {
    @Test func aClientWorksThroughTheDoor() async throws {
        let cluster = try await TestCluster()
        try await cluster.deliver(["Subject: one\r\n\r\nbody\r\n"])
        let client = try await TestClient.connect(port: cluster.tlsPort, isTLS: true)
        #expect(try await client.line().hasPrefix("* OK [CAPABILITY"))
        #expect(try await client.command("LOGIN alice ecila").last?.contains("OK [CAPABILITY") == true)
        #expect(try await client.command("SELECT INBOX").contains("* 1 EXISTS"))
        #expect(try await client.append("Subject: two\r\n\r\nbody\r\n").hasPrefix("ap OK [APPENDUID"))
        let lines = try await client.command("FETCH 1:2 (UID BODY.PEEK[TEXT])")
        #expect(lines.count == 3)
        #expect(try await client.command("LOGOUT").first == "* BYE Logging out")
        _ = await client.rest()
        #expect(cluster.metrics.contains("pluto_distributor_connections_total 1\n"))
        #expect(
            cluster.metrics.contains("pluto_distributor_commands_total{command=\"LOGIN\",status=\"success\"} 1\n"))
        #expect(
            cluster.metrics.contains("pluto_distributor_commands_total{command=\"FETCH\",status=\"success\"} 1\n"))
        #expect(cluster.worker.metric("pluto_front_sessions_total{kind=\"new\"} 1\n"))
        try await cluster.tearDown()
    }

    @Test func startTLSProtectsTheLogin() async throws {
        let cluster = try await TestCluster()
        let client = try await TestClient.connect(port: cluster.plainPort)
        #expect(try await client.line().contains("LOGINDISABLED"))
        #expect(try await client.command("LOGIN alice ecila").last?.contains("NO [PRIVACYREQUIRED]") == true)
        try await client.command("STARTTLS")
        try await client.startTLS()
        #expect(try await client.command("LOGIN alice ecila").last?.contains(" OK ") == true)
        #expect(try await client.command("SELECT INBOX").last?.contains(" OK ") == true)
        await client.close()
        try await cluster.tearDown()
    }

    @Test func whatComesBehindALoginIsServedByTheNode() async throws {
        let cluster = try await TestCluster()
        let client = try await TestClient.connect(port: cluster.tlsPort, isTLS: true)
        _ = try await client.line()
        try await client.send("a LOGIN alice ecila\r\nb SELECT INBOX\r\nc APPEND INBOX {2+}\r\nhi\r\nd NOOP\r\n")
        #expect(try await client.lines(to: "a").last?.hasPrefix("a OK") == true)
        #expect(try await client.lines(to: "b").last?.hasPrefix("b OK") == true)
        #expect(try await client.lines(to: "c").last?.hasPrefix("c OK") == true)
        #expect(try await client.lines(to: "d").last?.hasPrefix("d OK") == true)
        await client.close()
        try await cluster.tearDown()
    }

    @Test func aWrongPasswordIsRefusedAtTheDoor() async throws {
        let cluster = try await TestCluster()
        let client = try await TestClient.connect(port: cluster.tlsPort, isTLS: true)
        _ = try await client.line()
        #expect(try await client.command("LOGIN alice wrong").last?.contains("NO [AUTHENTICATIONFAILED]") == true)
        #expect(!cluster.worker.metric("pluto_front_sessions_total{kind=\"new\"} 1\n"))
        await client.close()
        try await cluster.tearDown()
    }

    @Test("a user whom no node serves is told so, and so is one whose node is somebody else")
    func aUserWithoutANodeIsTold() async throws {
        let cluster = try await TestCluster()
        for user in ["carol", "dave"] {
            let client = try await TestClient.connect(port: cluster.tlsPort, isTLS: true)
            _ = try await client.line()
            let reply = try await client.command("LOGIN \(user) \(String(user.reversed()))").last
            #expect(reply?.contains("NO [UNAVAILABLE]") == true, "\(user): \(reply ?? "")")
            #expect(try await client.command("LOGIN alice ecila").last?.contains(" OK ") == true)
            await client.close()
        }
        try await cluster.tearDown()
    }

    // MARK: What the original did wrong

    @Test("D3: an upload that stands still holds up nobody, not even its own user")
    func anIdleUploadHoldsUpNobody() async throws {
        let cluster = try await TestCluster()
        let stalled = try await cluster.connect()
        try await stalled.send("u APPEND INBOX {1000}\r\n")
        #expect(try await stalled.line().hasPrefix("+"))
        try await stalled.send("Subject: half")
        let other = try await cluster.connect()
        #expect(try await other.append("Subject: whole\r\n\r\n").contains(" OK "))
        #expect(try await other.command("SELECT INBOX").contains("* 1 EXISTS"))
        for client in [stalled, other] { await client.close() }
        try await cluster.tearDown()
    }

    @Test("D9: an unknown first command is answered with BAD and the connection stays")
    func anUnknownFirstCommandDoesNotEndTheConnection() async throws {
        let cluster = try await TestCluster()
        let client = try await TestClient.connect(port: cluster.tlsPort, isTLS: true)
        _ = try await client.line()
        #expect(try await client.command("FROB").last?.contains(" BAD ") == true)
        #expect(try await client.command("NOOP").last?.contains(" OK ") == true)
        #expect(try await client.command("LOGIN \"alice\" \"ecila\"").last?.contains(" OK ") == true)
        #expect(try await client.command("FROB").last?.contains(" BAD ") == true)
        #expect(try await client.command("NOOP").last?.contains(" OK ") == true)
        await client.close()
        try await cluster.tearDown()
    }

    @Test(
        "D10: absurd literals and lines without end cost nothing", arguments: ["{-1}", "{4294967295}", "{99999999999}"])
    func absurdLiteralsAreRefused(literal: String) async throws {
        let cluster = try await TestCluster()
        let client = try await TestClient.connect(port: cluster.tlsPort, isTLS: true)
        _ = try await client.line()
        #expect(try await client.command("LOGIN \(literal)").last?.contains(" BAD ") == true)
        #expect(try await client.command("LOGIN alice ecila").last?.contains(" OK ") == true)
        let reply = try await client.command("APPEND INBOX \(literal)").last ?? ""
        #expect(reply.contains(" BAD ") || reply.contains(" NO "), "\(reply)")
        #expect(try await client.command("NOOP").last?.contains(" OK ") == true)
        await client.close()
        try await cluster.tearDown()
    }

    @Test("D10: a line without end is bounded before and behind the login")
    func aLineWithoutEndIsBounded() async throws {
        let cluster = try await TestCluster()
        let client = try await TestClient.connect(port: cluster.tlsPort, isTLS: true)
        _ = try await client.line()
        let junk = [UInt8](repeating: UInt8(ascii: "x"), count: 64 << 10)
        try await client.send("j ")
        for _ in 0..<40 { try? await client.send(junk) }
        #expect(await client.rest().contains("* BYE"))
        let second = try await cluster.connect()
        try await second.send("j ")
        for _ in 0..<40 { try? await second.send(junk) }
        #expect(await second.rest().contains("* BYE"))
        try await cluster.tearDown()
    }

    @Test func connectionsAreLimitedInAllAndPerAddress() async throws {
        let cluster = try await TestCluster { $0.limits.connectionsPerAddress = 2 }
        let first = try await cluster.connect()
        let second = try await cluster.connect()
        let third = try await TestClient.connect(port: cluster.plainPort)
        #expect(await third.rest().contains("* BYE Too many connections"))
        #expect(cluster.metrics.contains("pluto_distributor_refused_total{reason=\"connections_per_address\"} 1\n"))
        for client in [first, second] { await client.close() }
        try await cluster.tearDown()
    }

    @Test func aSlowReaderDoesNotFillTheMemory() async throws {
        let cluster = try await TestCluster()
        let body = "Subject: large\r\n\r\n" + String(repeating: "0123456789abcde\r\n", count: 1_500_000)
        try await cluster.deliver([body])
        let client = try await cluster.selected(0)
        try await client.pause()
        try await client.send("c FETCH 1 BODY.PEEK[]\r\n")
        // The distributor sends what buffers hold and stands still; its counter shows how much.
        var before: Double = -1
        while true {
            let sent = try #require(cluster.value("pluto_distributor_sent_bytes_total"))
            if sent == before, sent > 10_000 { break }
            before = sent
            try await Task.sleep(for: .milliseconds(300))
        }
        #expect(before < 20_000_000)
        try await client.resume()
        #expect(try await client.lines(to: "c").first?.hasSuffix("0123456789abcde\r\n)") == true)
        await client.close()
        try await cluster.tearDown()
    }

    // MARK: PROXY protocol

    private func proxied(_ header: [UInt8]) async throws -> (TestCluster, TestClient) {
        let cluster = try await TestCluster {
            $0.listeners[1].proxies = [try AddressRange(parsing: "127.0.0.0/8")]
        }
        let client = try await TestClient.connect(port: cluster.plainPort)
        try await client.send(header)
        return (cluster, client)
    }

    @Test("a balancer's header names the client, before STARTTLS and before implicit TLS", arguments: [false, true])
    func aBalancersHeaderNamesTheClient(isImplicit: Bool) async throws {
        let cluster = try await TestCluster { configuration in
            for index in configuration.listeners.indices {
                configuration.listeners[index].proxies = [try AddressRange(parsing: "127.0.0.0/8")]
            }
            configuration.limits.connectionsPerAddress = 1
        }
        func connect(_ body: [UInt8]) async throws -> TestClient {
            let client = try await TestClient.connect(port: isImplicit ? cluster.tlsPort : cluster.plainPort)
            try await client.send(ProxyHeaderTests.header(body))
            if isImplicit { try await client.startTLS() }
            return client
        }
        let client = try await connect(ProxyHeaderTests.version4)
        #expect(try await client.line().hasPrefix("* OK"))
        if !isImplicit {
            try await client.command("STARTTLS")
            try await client.startTLS()
        }
        #expect(try await client.command("LOGIN alice ecila").last?.contains(" OK ") == true)
        // Connections are counted by the client's address, not by the balancer's.
        let same = try await connect(ProxyHeaderTests.version4)
        // Before the handshake nothing can be said on the port of implicit TLS.
        #expect(await same.rest().contains("* BYE Too many connections") != isImplicit)
        let refused = "pluto_distributor_refused_total{reason=\"connections_per_address\"} 1\n"
        #expect(cluster.metrics.contains(refused))
        var neighbour = ProxyHeaderTests.version4
        neighbour[3] += 1
        let other = try await connect(neighbour)
        #expect(try await other.line().hasPrefix("* OK"))
        #expect(cluster.metrics.contains(refused))
        for client in [client, other] { await client.close() }
        try await cluster.tearDown()
    }

    @Test(
        "a header that is no header, or another version, closes the connection",
        arguments: [Array("a NOOP\r\n".utf8), ProxyHeaderTests.header(command: 0x11, ProxyHeaderTests.version4)])
    func aBadHeaderClosesTheConnection(header: [UInt8]) async throws {
        let (cluster, client) = try await proxied(header)
        #expect(await client.rest() == "")
        await cluster.waitFor("pluto_distributor_refused_total{reason=\"proxy_header\"} 1\n")
        try await cluster.tearDown()
    }

    @Test func aTruncatedHeaderIsNotWaitedForForEver() async throws {
        let cluster = try await TestCluster {
            $0.listeners[1].proxies = [try AddressRange(parsing: "127.0.0.1")]
            $0.links.openingTime = .milliseconds(200)
        }
        let client = try await TestClient.connect(port: cluster.plainPort)
        try await client.send(Array(ProxyHeaderTests.header(ProxyHeaderTests.version4).dropLast()))
        #expect(await client.rest() == "")
        try await cluster.tearDown()
    }

    @Test func aStrangersHeaderIsNoHeader() async throws {
        let cluster = try await TestCluster {
            $0.listeners[1].proxies = [try AddressRange(parsing: "192.0.2.0/24")]
        }
        let client = try await TestClient.connect(port: cluster.plainPort)
        #expect(try await client.line().hasPrefix("* OK"))
        try await client.send(ProxyHeaderTests.header(ProxyHeaderTests.version4) + Array("\r\n".utf8))
        #expect(try await client.line().hasPrefix("* BAD"))
        await client.close()
        try await cluster.tearDown()
    }

    // MARK: Shutdown

    @Test func onShutdownEverybodyIsToldGoodbye() async throws {
        let cluster = try await TestCluster()
        let idle = try await cluster.selected(1)
        try await idle.send("i IDLE\r\n")
        #expect(try await idle.line() == "+ idling")
        let quiet = try await cluster.connect()
        let guest = try await TestClient.connect(port: cluster.plainPort)
        _ = try await guest.line()
        try await cluster.end()
        for client in [idle, quiet, guest] { #expect(await client.rest().contains("* BYE")) }
        try await cluster.worker.tearDown()
        try await cluster.storage.tearDown()
    }
}

extension TestCluster {
    /// The value of a metric without labels.
    func value(_ name: String) -> Double? {
        for line in metrics.split(separator: "\n") where line.hasPrefix(name + " ") {
            return Double(line.dropFirst(name.count + 1))
        }
        return nil
    }
}
