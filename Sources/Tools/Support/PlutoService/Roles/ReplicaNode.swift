// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import FrontDoor
internal import IMAPService
internal import Logging
internal import MailStore
internal import NIOCore
package import NodeSupport
internal import PeerTransport
internal import ReplicaService
internal import ServiceLifecycle

/// A node that has mail: a worker, with the users of its range, or storage, with those of all ranges.
package enum ReplicaNode {
    /// Runs a worker until a signal asks it to stop.
    ///
    /// - Parameters:
    ///   - configuration: The cluster's configuration.
    ///   - warnings: What is doubtful about it, for the log.
    ///   - name: The worker's name, or the key of its section.
    ///   - options: What the command line says.
    /// - Throws: ``NodeError`` or ``MailStoreError``, when the configuration, a file, the store or an address cannot be
    ///   used.
    package static func runWorker(
        _ configuration: ClusterConfiguration, warnings: [ConfigProblem], name: String, options: RoleOptions
    ) async throws {
        let settings = try configuration.worker(named: name)
        let frame = try NodeFrame(
            identity: settings.identity, files: settings.files, configuration: configuration, warnings: warnings,
            options: options)
        try await run(
            frame, configuration, mail: settings.mailListen, metrics: settings.metrics,
            limits: limits(settings.headerCacheBytes), replicas: [settings.replica])
    }

    /// Runs the storage node until a signal asks it to stop.
    ///
    /// - Parameters:
    ///   - configuration: The cluster's configuration.
    ///   - warnings: What is doubtful about it, for the log.
    ///   - options: What the command line says.
    /// - Throws: ``NodeError`` or ``MailStoreError``, when the configuration, a file, a store or an address cannot be
    ///   used.
    package static func runStorage(
        _ configuration: ClusterConfiguration, warnings: [ConfigProblem], options: RoleOptions
    ) async throws {
        let settings = try configuration.storageNode()
        let frame = try NodeFrame(
            identity: settings.identity, files: settings.files, configuration: configuration, warnings: warnings,
            options: options)
        try await run(
            frame, configuration, mail: settings.mailListen, metrics: settings.metrics,
            limits: limits(settings.headerCacheBytes), replicas: settings.replicas)
    }

    private static func limits(_ headerCacheBytes: Int?) -> IMAPServerLimits {
        var limits = IMAPServerLimits()
        if let headerCacheBytes { limits.headerBytes = headerCacheBytes }
        return limits
    }

    /// The stores are closed again when something later cannot be used.
    private static func run(
        _ frame: NodeFrame, _ configuration: ClusterConfiguration, mail: HostPort, metrics: HostPort?,
        limits: IMAPServerLimits, replicas: [ReplicaSettings]
    ) async throws {
        var groups: [GroupOfNode] = []
        do {
            let measures = try ReplicationMetrics(registry: frame.registry)
            for replica in replicas {
                groups.append(try await GroupOfNode(replica, frame, configuration, measures))
            }
            try await serve(frame, configuration, mail: mail, metrics: metrics, limits: limits, groups: groups)
        } catch {
            // Those that ran are closed already, which closing again does not change.
            for group in groups { await group.store.close() }
            throw error
        }
    }

    private static func serve(
        _ frame: NodeFrame, _ configuration: ClusterConfiguration, mail: HostPort, metrics: HostPort?,
        limits: IMAPServerLimits, groups: [GroupOfNode]
    ) async throws {
        try GroupStoreMetrics.register(groups.map { ($0.name, $0.store) }, in: frame.registry)
        let services = SessionServices(
            session: frame.session(configuration.imap), limits: limits, tls: nil,
            meter: try IMAPServerMetrics(registry: frame.registry), logger: frame.logger)
        let front = FrontLinkServer(
            services: services, stores: Dictionary(groups.map { ($0.name, $0.store) }) { first, _ in first },
            tls: frame.tls, metrics: try FrontServerMetrics(registry: frame.registry), group: frame.group,
            logger: frame.logger)
        let bound = try await front.bind(mail)
        var sync: [HostPort] = []
        for group in groups { sync += try await group.replication.bind() }
        let metricsServer = try await frame.metricsServer(at: metrics) {
            var report = frame.report()
            report.sessions = front.sessionCount
            report.groups = groups.compactMap(\.report)
            return report
        }
        var all: [any Service] = groups.map { StoreService(store: $0.store) }
        if let metricsServer { all.append(metricsServer) }
        all += groups.map(\.replication)
        for group in groups { all.append(try await group.control(logger: frame.logger)) }
        all.append(front)
        let links = sync.enumerated().map { ($0.offset == 0 ? "sync" : "sync\($0.offset + 1)", Optional($0.element)) }
        try await frame.run(all, ready: [("mail", bound)] + links + [("metrics", metricsServer?.address)])
    }
}
