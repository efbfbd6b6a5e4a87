// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import FoundationEssentials
import IMAPCore
import IMAPService
import IMAPTestSupport
import Logging
import MailStore
import NIOCore
import NIOPosix
import NIOSSL
import NodeSupport
import PeerTransport
import ServiceLifecycle
import Synchronization

@testable import FrontDoor

/// A node with a store of its own, behind a cable that can be cut.
final class TestNode: Sendable {
    let name: String
    let store: MailStore
    let server: FrontLinkServer
    let relay: Relay
    let registry: MetricsRegistry
    let address: HostPort
    private let services: ServiceGroup
    private let running: Task<Void, any Error>

    init(_ name: String, _ role: NodeRole, group: String, mesh: Mesh) async throws {
        self.name = name
        var options = MailStoreOptions()
        options.reservedDiskBytes = 0
        // Stores that see the same commands at the same time hold the same: what replication would bring about.
        store = try await MailStore.open(
            directory: mesh.path + "/" + name, options: options, logger: .quiet, clock: { 1_700_000_000_000 })
        registry = MetricsRegistry()
        var limits = IMAPServerLimits()
        limits.goodbyeMilliseconds = 2_000
        // On a busy machine a handshake takes its time.
        var links = FrontLimits()
        links.openingTime = .seconds(60)
        server = FrontLinkServer(
            services: SessionServices(
                session: SessionConfiguration(), limits: limits, tls: nil,
                meter: try IMAPServerMetrics(registry: registry), logger: .quiet),
            stores: [group: store], tls: try mesh.tls(role, name), limits: links,
            metrics: try FrontServerMetrics(registry: registry), group: MultiThreadedEventLoopGroup.singleton,
            logger: .quiet)
        address = try await server.bind(HostPort(host: "127.0.0.1", port: 0))
        relay = try await Relay.make(to: address)
        let services = ServiceGroup(services: [server], logger: .quiet)
        self.services = services
        running = Task { try await services.run() }
    }

    /// Ends as with SIGTERM.
    func end() async throws {
        await services.triggerGracefulShutdown()
        try await running.value
    }

    func tearDown() async throws {
        await relay.close()
        try await end()
        await store.close()
    }

    /// What the node shows of a metric.
    func metric(_ line: String) -> Bool { String(decoding: registry.exposition(), as: UTF8.self).contains(line) }
}

/// A distributor and two nodes with equal mail.
final class TestCluster: Sendable {
    static let group = "eu-1"
    let mesh: Mesh
    let worker: TestNode
    let storage: TestNode
    let registry = MetricsRegistry()
    let distributor: Distributor
    let ports: [Int]
    private let services: ServiceGroup
    private let running: Task<Void, any Error>

    /// Starts a cluster whose worker is first asked.
    init(_ change: (inout DistributorConfiguration) throws -> Void = { _ in }) async throws {
        mesh = try Mesh()
        worker = try await TestNode("worker-1", .worker, group: Self.group, mesh: mesh)
        storage = try await TestNode("storage", .storage, group: Self.group, mesh: mesh)
        let identity = try CertificateStore.loadOrCreate(directory: mesh.path + "/public", hosts: ["127.0.0.1"])
        let context = identity.context
        let loopback = HostPort(host: "127.0.0.1", port: 0)
        let candidates = [worker, storage].map {
            FrontCandidate(node: $0.name, address: $0.relay.address, group: Self.group)
        }
        var configuration = DistributorConfiguration(
            listeners: [.init(address: loopback, isTLS: true), .init(address: loopback, isTLS: false)],
            tls: { context },
            placement: UserPlacement([
                .init(first: 1, last: 10, candidates: candidates),
                .init(
                    first: 20, last: 20,
                    candidates: [FrontCandidate(node: "worker-9", address: worker.relay.address, group: Self.group)]),
            ]))
        configuration.limits.goodbyeMilliseconds = 2_000
        configuration.links.openingTime = .seconds(60)
        // A loaded machine answers late; only the tests of times want short ones.
        configuration.links.connectTime = .seconds(20)
        configuration.links.readyTime = .seconds(20)
        configuration.health.down = .seconds(30)
        configuration.health.late = .seconds(20)
        configuration.health.hedge = .seconds(20)
        configuration.health.shortHedge = .seconds(20)
        try change(&configuration)
        var delays = LoginThrottle.Limits()
        delays.firstDelay = .zero
        distributor = try Distributor(
            configuration: configuration, gate: LoginGate(authenticator: TestUsers(), delays: delays),
            tls: try mesh.tls(.distributor, "distributor-1"), metrics: try DistributorMetrics(registry: registry),
            group: MultiThreadedEventLoopGroup.singleton, logger: .quiet)
        ports = try await distributor.bind().map(\.port)
        let services = ServiceGroup(services: [distributor], logger: .quiet)
        self.services = services
        running = Task { try await services.run() }
    }

    /// A cluster whose nodes, once they are known to be up, say nothing of their own.
    static func withoutPings() async throws -> TestCluster {
        let cluster = try await TestCluster { $0.health.interval = .seconds(600) }
        for node in [cluster.worker, cluster.storage] { await cluster.waitForHealth(node, isUp: true) }
        return cluster
    }

    var tlsPort: Int { ports[0] }
    var plainPort: Int { ports[1] }

    /// Puts the same messages into both stores, or into some.
    func deliver(
        _ bodies: [String], to mailbox: String = "INBOX", of user: String = "alice", at nodes: [TestNode]? = nil
    ) async throws {
        for node in nodes ?? [worker, storage] {
            let account = try await node.store.account(named: user)
            for body in bodies {
                let upload = try await account.beginUpload(
                    to: mailbox, size: UInt64(body.utf8.count), flags: MessageFlagNames(), date: nil)
                await upload.write(Array(body.utf8))
                _ = try await upload.finish()
            }
        }
    }

    /// Puts a snapshot of one node's mail in force at another.
    func transfer(from source: TestNode, to target: TestNode) async throws -> ImportOutcome {
        let id = TransferID(receiver: target.store.replicaID, number: .random(in: 0 ... .max))
        try source.store.beginExport(id, .everything)
        try await target.store.beginImport(id, .everything)
        var (index, isLast, outcome) = (UInt64(0), false, ImportOutcome.accepted)
        while !isLast, case .accepted = outcome {
            let part = try await source.store.exportPart(id, index: index)
            outcome = await target.store.importPart(id, part)
            isLast = part.isLast
            index += 1
        }
        await source.store.endExport(id)
        return outcome
    }

    func connect() async throws -> TestClient { try await TestClient.loggedIn(tlsPort) }

    /// A session with INBOX selected.
    func selected(_ count: Int = 3) async throws -> TestClient {
        try await deliver((0..<count).map { "Subject: message \($0)\r\n\r\nbody\r\n" })
        let client = try await connect()
        let lines = try await client.command("SELECT INBOX")
        guard lines.last?.contains("OK") == true else { throw MeshError.badName("\(lines)") }
        return client
    }

    /// Waits until a metric of the distributor shows a line.
    func waitFor(_ line: String) async { await eventually { metrics.contains(line) } }

    func waitForHealth(_ node: TestNode, isUp: Bool) async {
        await waitFor(
            "pluto_distributor_node_up{node=\"\(node.name)\",address=\"\(node.relay.address)\"} \(isUp ? 1 : 0)\n")
    }

    var metrics: String { String(decoding: registry.exposition(), as: UTF8.self) }

    /// Ends the distributor as with SIGTERM.
    func end() async throws {
        await services.triggerGracefulShutdown()
        try await running.value
    }

    func tearDown() async throws {
        try await end()
        try await worker.tearDown()
        try await storage.tearDown()
    }
}

/// Users with numbers; the password is the name backwards.
struct TestUsers: Authenticator {
    static let numbers: [String: Int64] = ["alice": 1, "bob": 10, "carol": 11, "dave": 20]

    func authenticate(user: String, password: [UInt8], client: String) async -> AuthenticationOutcome {
        guard let number = Self.numbers[user], password == Array(user.utf8.reversed()), let name = try? UserName(user)
        else { return .rejected }
        return .accepted(AuthenticatedUser(name: name, id: UserID(rawValue: number)))
    }
}
