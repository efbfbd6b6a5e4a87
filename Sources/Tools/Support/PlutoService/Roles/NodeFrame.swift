// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import IMAPCore
internal import IMAPService
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NodeSupport
internal import PeerTransport
internal import ServiceLifecycle

/// What every node has, whatever its role: a name, a log, metrics, its identity inside the cluster, and an end.
struct NodeFrame {
    let identity: NodeIdentity
    let options: RoleOptions
    let logger: Logger
    let registry: MetricsRegistry
    let tls: MeshTLS
    let group: any EventLoopGroup
    let started = StartTime()

    /// Prepares a node.
    ///
    /// - Parameters:
    ///   - identity: Who the configuration says it is.
    ///   - files: How it proves that.
    ///   - configuration: What is the same at every node.
    ///   - warnings: What is doubtful about the configuration, for the log.
    ///   - options: What the command line says.
    /// - Throws: ``NodeError``, when its certificate cannot be used or is another node's.
    init(
        identity: NodeIdentity, files: NodeFiles, configuration: ClusterConfiguration, warnings: [ConfigProblem],
        options: RoleOptions
    ) throws(NodeError) {
        // A client that goes away and a file that grows too large are errors of a call, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        self.identity = identity
        self.options = options
        logger = JSONLogHandler.logger(
            label: "pluto", node: identity.name, level: options.logLevel ?? configuration.log.level,
            output: LogOutput())
        for warning in warnings { logger.warning("configuration", metadata: ["problem": "\(warning)"]) }
        registry = MetricsRegistry()
        try ProcessMetrics.register(in: registry)
        tls = try MeshTLS(
            certificatePath: files.certificatePath, keyPath: files.keyPath, rootPath: files.rootPath, logger: logger)
        guard tls.own == identity else {
            throw NodeError(
                .identityForeign,
                "\(files.certificatePath): is the certificate of \(tls.own), but this is \(identity); "
                    + "run pluto pki init, or give the right file")
        }
        group = MultiThreadedEventLoopGroup.singleton
    }

    /// What sessions offer, at the distributor before the login and at the node after it.
    func session(_ imap: IMAPSettings) -> SessionConfiguration {
        var session = SessionConfiguration()
        session.greeting = imap.greeting
        session.hierarchySeparator = imap.hierarchySeparator.asciiValue ?? session.hierarchySeparator
        session.identification = [
            IDField(name: Array("name".utf8), value: Array("pluto".utf8)),
            IDField(name: Array("version".utf8), value: Array(options.version.utf8)),
        ]
        session.limits.afterAuthentication.appendLiteralBytes = imap.maximumMessageBytes
        session.limits.idleTimeout = .seconds(60 * imap.idleTimeoutMinutes)
        return session
    }

    /// Serves metrics and the status, if the configuration wants that.
    func metricsServer(
        at address: HostPort?, status: @escaping @Sendable () -> NodeReport
    ) async throws(NodeError) -> MetricsServer? {
        guard let address else { return nil }
        return try await MetricsServer.bind(
            address, registry: registry, pages: [StatusJSON.page(status)], group: group)
    }

    /// An empty report of this node.
    func report() -> NodeReport {
        NodeReport(
            node: identity.name, role: identity.role.rawValue, version: options.version,
            uptimeSeconds: started.uptimeSeconds)
    }

    /// Runs the services until a signal asks to stop; they stop in the reverse order.
    ///
    /// - Parameters:
    ///   - services: The services; the first is the one that others build on.
    ///   - ready: What the ready line says besides the node's name.
    /// - Throws: What a service threw.
    func run(_ services: [any Service], ready: [(key: String, value: HostPort?)]) async throws {
        let facts = ready.compactMap { fact in fact.value.map { " \(fact.key)=\($0)" } }.joined()
        var all: [any Service] = [tls] + services
        if options.isSupervised { all.append(ParentWatch()) }
        all.append(
            Announcement(text: "ready node=\(identity.name)\(facts)\n", say: options.announce, started: started))
        try await ProcessLifecycle(logger: logger).run(all)
    }
}

extension NodeError.Code {
    /// A node's certificate is another node's.
    static let identityForeign = NodeError.Code("identityForeign")
}
