// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import IMAPCore
internal import IMAPService
internal import Logging
internal import MailStore
internal import NIOCore
internal import NIOPosix
internal import NodeSupport
internal import ServiceLifecycle

/// What `pluto demo` was asked to do.
struct DemoSettings {
    var directory: String
    var users: String?
    var imap: HostPort
    var imaps: HostPort
    var metrics: HostPort?
    var logLevel: Logger.Level
    var allowsInsecureAuthentication: Bool

    /// The users when no file names others; for a machine's own loopback only.
    static let demoUsers = [("alice", "wonderland"), ("bob", "builder"), ("carol", "cipher")]
}

/// A whole mail server in one process: builds the services, says how to connect, and runs them until it is told to end.
struct Demo {
    let settings: DemoSettings

    func run() async throws {
        // A client that goes away and a file that grows too large are errors of a call, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        let logger = JSONLogHandler.logger(
            label: "pluto", node: "demo", level: settings.logLevel, output: LogOutput())
        let verifier = PasswordVerifier()
        let users = try loadUsers(verifier)
        try DataDirectory.create(settings.directory)
        let registry = MetricsRegistry()
        try ProcessMetrics.register(in: registry)

        var options = MailStoreOptions()
        options.hierarchySeparator = "/"
        let store = try await MailStore.open(directory: settings.directory + "/store", options: options, logger: logger)
        try StoreMetrics.register(store, in: registry)
        let identity = try CertificateStore.loadOrCreate(
            directory: settings.directory + "/tls", hosts: [settings.imap.host, settings.imaps.host])
        for change in identity.changes { logger.notice("certificates", metadata: ["change": "\(change)"]) }

        let group = MultiThreadedEventLoopGroup.singleton
        let gate = LoginGate(authenticator: users)
        let server = IMAPServer(
            configuration: configuration(identity, options), store: store, gate: gate,
            metrics: try IMAPServerMetrics(registry: registry), group: group, logger: logger)
        let bound: IMAPServer.Addresses
        var metricsServer: MetricsServer?
        do {
            bound = try await server.bind()
            if let address = settings.metrics {
                metricsServer = try await MetricsServer.bind(address, registry: registry, group: group)
            }
        } catch {
            await store.close()
            throw error
        }
        let greeting = greeting(
            bound, metrics: metricsServer?.address, authority: identity.authorityPath ?? identity.certificatePath)
        var services: [any Service] = [StoreService(store: store), verifier]
        if let metricsServer { services.append(metricsServer) }
        services += [server, Announcement(text: greeting)]
        try await ProcessLifecycle(logger: logger).run(services)
    }

    private func loadUsers(_ verifier: PasswordVerifier) throws -> FileAuthenticator {
        if let file = settings.users {
            return try FileAuthenticator(source: FileAuthenticator.Source(path: file), verifier: verifier)
        }
        let lines = DemoSettings.demoUsers.map { "\($0.0);\($0.1)\n" }.joined()
        let directory = try UserDirectory(parsing: Array(lines.utf8), file: "the demo's users")
        return FileAuthenticator(directory: directory, verifier: verifier)
    }

    private func configuration(_ identity: ServerIdentity, _ options: MailStoreOptions) -> IMAPServerConfiguration {
        var session = SessionConfiguration()
        session.allowsInsecureAuthentication = settings.allowsInsecureAuthentication
        session.greeting = "Pluto ready."
        session.identification = [
            IDField(name: Array("name".utf8), value: Array("pluto".utf8)),
            IDField(name: Array("version".utf8), value: Array(PlutoVersion.current.utf8)),
        ]
        session.limits.afterAuthentication.appendLiteralBytes = Int(options.messageBytes)
        return IMAPServerConfiguration(
            plainAddress: settings.imap, tlsAddress: settings.imaps, tls: identity.context, session: session)
    }

    /// How to connect; the last line is for programs.
    private func greeting(_ bound: IMAPServer.Addresses, metrics: HostPort?, authority: String) -> String {
        guard let plain = bound.plain, let tls = bound.tls else { return "" }
        var lines = [
            "A mail server is running on this machine.",
            "",
            "  IMAP with TLS        \(tls)",
            "  IMAP with STARTTLS   \(plain)",
            "  CA certificate       \(authority)",
        ]
        if let file = settings.users {
            lines.append("  Users                those of \(file)")
        } else {
            for (name, password) in DemoSettings.demoUsers {
                lines.append("  User                 \(name), password \(password)")
            }
        }
        if let metrics { lines.append("  Metrics              http://\(metrics)/metrics") }
        lines += [
            "  Mail is kept in      \(settings.directory)",
            "",
            "  Ctrl-C ends it.",
            "",
            "ready imap=\(plain) imaps=\(tls) ca=\(authority)" + (metrics.map { " metrics=\($0)" } ?? ""),
        ]
        return lines.joined(separator: "\n") + "\n"
    }
}

/// Keeps the store's engine up with its log, and closes it after all that use it have ended.
private struct StoreService: Service {
    let store: MailStore

    func run() async throws {
        // The store stops last: everybody who uses it has ended when it is told to.
        try await cancelWhenGracefulShutdown { try await store.run() }
        await store.close()
    }
}

/// Says that the services are running: the last to start, so that whoever reads it can connect, and can end the process by a signal.
private struct Announcement: Service {
    let text: String

    func run() async throws {
        Console.say(text)
        try await gracefulShutdown()
    }
}
