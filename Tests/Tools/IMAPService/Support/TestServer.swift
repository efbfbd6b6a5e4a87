// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import FoundationEssentials
import IMAPCore
import IMAPTestSupport
import Logging
import MailStore
import NIOPosix
import NIOSSL
import NodeSupport
import ServiceLifecycle
import Synchronization

@testable import IMAPService

/// An IMAP server in this process, on free ports, with a store of its own.
final class TestServer: Sendable {
    let store: MailStore
    let server: IMAPServer
    let registry: MetricsRegistry
    let plainPort: Int
    let tlsPort: Int
    let log: LogCapture
    private let directory: String
    private let group: ServiceGroup
    private let running: Task<Void, any Error>

    /// Starts a server.
    init(
        delays: LoginThrottle.Limits = TestServer.noDelays, storeOptions: MailStoreOptions = MailStoreOptions(),
        _ change: (inout IMAPServerConfiguration) -> Void = { _ in }
    ) async throws {
        directory = FileManager.default.temporaryDirectory.path() + "/imap-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let log = LogCapture()
        self.log = log
        let logger = Logger(label: "test") { _ in CapturingHandler(log) }
        var options = storeOptions
        options.reservedDiskBytes = 0
        store = try await MailStore.open(directory: directory + "/store", options: options, logger: logger)
        registry = MetricsRegistry()
        let identity = try CertificateStore.loadOrCreate(directory: directory + "/tls", hosts: ["127.0.0.1"])
        let loopback = HostPort(host: "127.0.0.1", port: 0)
        var configuration = IMAPServerConfiguration(
            plainAddress: loopback, tlsAddress: loopback, tls: identity.context)
        change(&configuration)
        server = IMAPServer(
            configuration: configuration, store: store, gate: LoginGate(authenticator: TestUsers(), delays: delays),
            metrics: try IMAPServerMetrics(registry: registry), group: MultiThreadedEventLoopGroup.singleton,
            logger: logger)
        let bound = try await server.bind()
        plainPort = Int(bound.plain?.port ?? 0)
        tlsPort = Int(bound.tls?.port ?? 0)
        let group = ServiceGroup(services: [server], logger: Logger(label: "group") { _ in SwiftLogNoOpLogHandler() })
        self.group = group
        running = Task { try await group.run() }
    }

    /// No waiting after failed logins.
    static var noDelays: LoginThrottle.Limits {
        var limits = LoginThrottle.Limits()
        limits.firstDelay = .zero
        return limits
    }

    /// Shuts the server down as SIGTERM does, and waits for its end.
    func end() async throws {
        await group.triggerGracefulShutdown()
        try await running.value
    }

    /// Ends everything and removes the directory.
    func tearDown() async throws {
        try await end()
        await store.close()
        try FileManager.default.removeItem(atPath: directory)
    }

    var connections: Int { Int(server.metrics.connections.value) }

    /// The file of the authority that the server's certificate comes from.
    var authority: String { directory + "/tls/ca.pem" }

    /// Waits until no connection is left; the test's time limit is the only other end.
    func waitUntilIdle() async {
        await eventually { connections == 0 }
    }

    /// The metrics page.
    var metrics: String { String(decoding: registry.exposition(), as: UTF8.self) }
}

/// Three users; the password is the name backwards.
private struct TestUsers: Authenticator {
    func authenticate(user: String, password: [UInt8], client: String) async -> AuthenticationOutcome {
        guard ["alice", "bob", "carol"].contains(user), password == Array(user.utf8.reversed()),
            let name = try? UserName(user)
        else { return .rejected }
        return .accepted(AuthenticatedUser(name: name, id: UserID(rawValue: 1)))
    }
}

/// Keeps every line that was logged.
final class LogCapture: Sendable {
    private let captured = Mutex<[String]>([])

    func add(_ line: String) { captured.withLock { $0.append(line) } }

    var lines: [String] { captured.withLock { $0 } }
}

private struct CapturingHandler: LogHandler {
    let capture: LogCapture
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    init(_ capture: LogCapture) { self.capture = capture }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        capture.add("\(event.level) \(event.message) \(all.map { "\($0)=\($1)" }.sorted().joined(separator: " "))")
    }
}
