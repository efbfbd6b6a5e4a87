// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import FrontDoor
internal import IMAPService
internal import NIOCore
package import NodeSupport
internal import PeerTransport
internal import ServiceLifecycle

/// A node that takes clients, and passes them on to where their mail is.
package enum DistributorNode {
    /// Runs a distributor until a signal asks it to stop.
    ///
    /// - Parameters:
    ///   - configuration: The cluster's configuration.
    ///   - warnings: What is doubtful about it, for the log.
    ///   - name: Which distributor of the file; the only one when `nil`.
    ///   - options: What the command line says.
    /// - Throws: ``NodeError``, when the configuration, a file or an address cannot be used.
    package static func run(
        _ configuration: ClusterConfiguration, warnings: [ConfigProblem], name: String?, options: RoleOptions
    ) async throws {
        let settings = try configuration.distributor(named: name)
        let frame = try NodeFrame(
            identity: settings.identity, files: settings.files, configuration: configuration, warnings: warnings,
            options: options)
        let certificate = try PublicCertificate(
            certificatePath: settings.publicCertificatePath, keyPath: settings.publicKeyPath, logger: frame.logger)
        let users = try UsersOfNode(settings.authentication, registry: frame.registry, logger: frame.logger)
        let distributor = try Distributor(
            configuration: try Self.configuration(settings, configuration, frame, certificate),
            gate: LoginGate(authenticator: users.authenticator), tls: frame.tls,
            metrics: DistributorMetrics(registry: frame.registry), group: frame.group, logger: frame.logger)
        let bound = try await distributor.bind()
        let metrics = try await frame.metricsServer(at: settings.metrics) {
            var report = frame.report()
            report.sessions = distributor.sessionCount
            report.backends = distributor.nodes.map {
                BackendReport(name: $0.name, address: "\($0.address)", isUp: $0.isUp)
            }
            return report
        }
        var services = users.services + [certificate]
        if let metrics { services.append(metrics) }
        services.append(distributor)
        try await frame.run(
            services,
            ready: [
                ("imaps", bound.first), ("imap", settings.startTLSListen == nil ? nil : bound.last),
                ("metrics", metrics?.address),
            ])
    }

    /// Whose PROXY headers are believed: nobody's unless the configuration says so.
    static func trustedProxies(_ settings: DistributorSettings) throws(NodeError) -> [AddressRange] {
        guard settings.expectsProxyProtocol else { return [] }
        return try settings.proxySources.map { source throws(NodeError) in try AddressRange(parsing: source) }
    }

    private static func configuration(
        _ settings: DistributorSettings, _ cluster: ClusterConfiguration, _ frame: NodeFrame,
        _ certificate: PublicCertificate
    ) throws(NodeError) -> DistributorConfiguration {
        let proxies = try trustedProxies(settings)
        var listeners = [
            DistributorConfiguration.Listener(address: settings.mailListen, isTLS: true, proxies: proxies)
        ]
        if let address = settings.startTLSListen {
            listeners.append(DistributorConfiguration.Listener(address: address, isTLS: false, proxies: proxies))
        }
        var limits = IMAPServerLimits()
        limits.connections = settings.limits.maximumConnections
        limits.connectionsPerAddress = settings.limits.maximumConnectionsPerAddress
        let placement = UserPlacement(
            settings.routes.map { route in
                UserPlacement.Range(
                    first: Int64(route.users.lowerBound), last: Int64(route.users.upperBound),
                    candidates: route.candidates.map {
                        FrontCandidate(node: $0.identity.name, address: $0.address, group: route.group.name)
                    })
            })
        var health = HealthTimes()
        health.interval = .milliseconds(settings.limits.healthIntervalMilliseconds)
        // In the proportions of the defaults: who asks rarely hears rarely.
        health.late = health.interval * 12 / 5
        health.down = health.interval * 8
        health.hedge = .milliseconds(settings.limits.connectTimeoutMilliseconds)
        health.shortHedge = health.hedge * 3 / 10
        return DistributorConfiguration(
            listeners: listeners, tls: { certificate.context }, placement: placement,
            session: frame.session(cluster.imap), limits: limits, health: health)
    }
}
