// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import IMAPCore
import MailStore
import NIOCore
import NIOPosix
import NodeSupport
import PeerTransport
import Testing

@testable import FrontDoor

/// Who may open a session at a node, and with what.
@Suite("The node's end of front links", .timeLimit(.minutes(10)))
struct FrontLinkServerTests {
    private static let preamble = FrontPreamble(
        user: "alice", userID: 1, group: TestCluster.group, client: "192.0.2.1", protection: "TLSv1.3")

    private var limits: FrontLimits {
        var limits = FrontLimits()
        limits.connectTime = .seconds(20)
        limits.readyTime = .seconds(20)
        return limits
    }

    private func link(
        _ node: TestNode, _ mesh: Mesh, as role: NodeRole = .distributor, name: String? = nil
    ) async throws -> FrontLink {
        try await FrontLink.connect(
            to: FrontNode(name: name ?? node.name, address: node.address), tls: try mesh.tls(role, "tester"),
            group: MultiThreadedEventLoopGroup.singleton, limits: limits)
    }

    /// Finds an address of each family for every host.
    private struct TwoAddresses: Resolver {
        let loop: any EventLoop

        func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { find("127.0.0.1", port) }
        func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { find("::1", port) }
        func cancelQueries() {}

        private func find(_ address: String, _ port: Int) -> EventLoopFuture<[SocketAddress]> {
            loop.makeCompletedFuture { [try SocketAddress(ipAddress: address, port: port)] }
        }
    }

    /// The attempt at the address where nobody listens ends while the other goes on.
    @Test func aHostWithSeveralAddressesIsReachedAtTheOneThatAnswers() async throws {
        let mesh = try Mesh()
        let node = try await TestNode("worker-1", .worker, group: TestCluster.group, mesh: mesh)
        let group = MultiThreadedEventLoopGroup.singleton
        let target = FrontNode(
            name: node.name, address: HostPort(host: "node.example", port: UInt16(node.address.port)))
        let link = try await FrontLink.connect(
            to: target, tls: try mesh.tls(.distributor, "tester"), group: group, limits: limits,
            resolver: TwoAddresses(loop: group.next()))
        try await link.open(Self.preamble, limits: limits)
        link.abort()
        try await node.tearDown()
    }

    /// What a node answers to an OPEN.
    private func refusal(
        of preamble: FrontPreamble, as role: NodeRole = .distributor
    ) async throws -> FrontFault.Code? {
        let mesh = try Mesh()
        let node = try await TestNode("worker-1", .worker, group: TestCluster.group, mesh: mesh)
        let link = try await link(node, mesh, as: role)
        var code: FrontFault.Code?
        do throws(FrontFault) {
            try await link.open(preamble, limits: limits)
        } catch {
            code = error.code
        }
        link.abort()
        try await node.tearDown()
        return code
    }

    @Test func aDistributorOpensASession() async throws {
        #expect(try await refusal(of: Self.preamble) == nil)
    }

    @Test("D16: only the certificate of a distributor opens a session", arguments: [NodeRole.worker, .storage])
    func anotherRoleIsRefused(role: NodeRole) async throws {
        #expect(try await refusal(of: Self.preamble, as: role) == .role)
    }

    @Test func aGroupThatIsNotHereIsRefused() async throws {
        var preamble = Self.preamble
        preamble.group = "us-1"
        #expect(try await refusal(of: preamble) == .group)
    }

    @Test(arguments: [[], [9, 9, 9], [1, 0, 0, 1]] as [[UInt8]])
    func aForgedTicketIsRefused(ticket: [UInt8]) async throws {
        var preamble = Self.preamble
        preamble.ticket = ticket
        #expect(try await refusal(of: preamble) == .ticket)
    }

    @Test func aTicketFromTheFutureIsRefused() async throws {
        var preamble = Self.preamble
        preamble.ticket = SessionTicket(enabled: ["QRESYNC"]).encoded()
        #expect(try await refusal(of: preamble) == .ticket)
    }

    @Test func aNodeWithAnotherNameIsNotTalkedTo() async throws {
        let mesh = try Mesh()
        let node = try await TestNode("worker-1", .worker, group: TestCluster.group, mesh: mesh)
        await #expect(throws: FrontFault.self) { try await link(node, mesh, name: "worker-2") }
        try await node.tearDown()
    }

    @Test func garbageIsRefusedAndCountedAndHarmsNobody() async throws {
        let mesh = try Mesh()
        let node = try await TestNode("worker-1", .worker, group: TestCluster.group, mesh: mesh)
        for frame in [FrontFrame.ready, .data(ByteBuffer(string: "a LOGIN x y\r\n")), .end] {
            let link = try await link(node, mesh)
            link.send(frame)
            guard case .refused(let fault) = try await link.next(within: .seconds(20)) else {
                Issue.record("not refused")
                continue
            }
            #expect(fault.code == .malformed)
            link.abort()
        }
        #expect(node.metric("pluto_front_refused_total{reason=\"malformed\"} 3\n"))
        let link = try await link(node, mesh)
        try await link.open(Self.preamble, limits: limits)
        link.abort()
        try await node.tearDown()
    }

    @Test func pingsAreAnswered() async throws {
        let mesh = try Mesh()
        let node = try await TestNode("worker-1", .worker, group: TestCluster.group, mesh: mesh)
        let link = try await link(node, mesh)
        for number in 1...5 as ClosedRange<UInt64> {
            link.send(.ping(number))
            #expect(try await link.next(within: .seconds(20)) == .pong(number))
        }
        try await node.end()
        await #expect(throws: FrontFault.self) { _ = try await link.next(within: .seconds(20)) }
        try await node.tearDown()
    }

    /// Of several nodes that are asked to take a session at the same time only one may make the account.
    @Test func anAccountIsMadeWhenTheClientAsksForSomething() async throws {
        let mesh = try Mesh()
        let node = try await TestNode("worker-1", .worker, group: TestCluster.group, mesh: mesh)
        let empty = node.store.replicationStatus().logEnd
        let loser = try await link(node, mesh)
        try await loser.open(Self.preamble, limits: limits)
        #expect(node.store.replicationStatus().logEnd == empty)
        loser.abort()
        let winner = try await link(node, mesh)
        try await winner.open(Self.preamble, limits: limits)
        winner.send(.data(ByteBuffer(string: "a LIST \"\" INBOX\r\n")))
        guard case .data(let bytes) = try await winner.next(within: .seconds(20)) else {
            Issue.record("LIST without an answer")
            return
        }
        #expect(String(buffer: bytes).contains("INBOX"))
        #expect(node.store.replicationStatus().logEnd > empty)
        winner.abort()
        try await node.tearDown()
    }

    @Test func aNodeThatMayNotMakeTheAccountYetTakesNoSession() async throws {
        let mesh = try Mesh()
        let node = try await TestNode("worker-1", .worker, group: TestCluster.group, mesh: mesh)
        node.store.makeAccounts { false }
        let link = try await link(node, mesh)
        do throws(FrontFault) {
            try await link.open(Self.preamble, limits: limits)
            Issue.record("it took the session")
        } catch {
            #expect(error.code == .unavailable)
        }
        link.abort()
        try await node.tearDown()
    }

    @Test func aSessionReportsItsTicketWithWhatChangesIt() async throws {
        let mesh = try Mesh()
        let node = try await TestNode("worker-1", .worker, group: TestCluster.group, mesh: mesh)
        let link = try await link(node, mesh)
        try await link.open(Self.preamble, limits: limits)
        link.send(.data(ByteBuffer(string: "a SELECT INBOX\r\n")))
        guard case .change(let update, let bytes) = try await link.next(within: .seconds(20)) else {
            Issue.record("SELECT without a change")
            return
        }
        #expect(update.isComplete)
        #expect(try SessionTicket(decoding: update.bytes.span).mailbox?.name == .inbox)
        #expect(String(buffer: bytes).hasSuffix("a OK [READ-WRITE] SELECT completed\r\n"))
        link.send(.data(ByteBuffer(string: "b LOGOUT\r\n")))
        guard case .data(let goodbye) = try await link.next(within: .seconds(20)) else {
            Issue.record("LOGOUT without an answer")
            return
        }
        #expect(String(buffer: goodbye).hasPrefix("* BYE"))
        guard case .change(let last, _) = try await link.next(within: .seconds(20)) else {
            Issue.record("LOGOUT leaves the mailbox, and says so")
            return
        }
        #expect(try SessionTicket(decoding: last.bytes.span).mailbox == nil)
        #expect(try await link.next(within: .seconds(20)) == .end)
        link.abort()
        try await node.tearDown()
    }
}
