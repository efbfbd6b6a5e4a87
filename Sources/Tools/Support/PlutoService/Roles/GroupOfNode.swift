// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Logging
internal import MailStore
internal import NIOCore
internal import NodeSupport
internal import PeerTransport
internal import ReplicaService

/// A group of which a node is a member: its store there, and what keeps it in step with the others.
struct GroupOfNode: Sendable {
    let name: String
    let node: String
    let directory: String
    let members: [ReplicaGroup.Member]
    private let vacated: Set<UInt8>
    let store: MailStore
    let replication: ReplicaService

    /// Opens the store; nothing listens yet.
    ///
    /// - Throws: ``NodeError`` or ``MailStoreError``.
    init(
        _ settings: ReplicaSettings, _ frame: NodeFrame, _ configuration: ClusterConfiguration,
        _ metrics: ReplicationMetrics
    ) async throws {
        let group = settings.group
        let node = frame.identity.name
        guard let stripe = group.stripe(of: node) else {
            throw NodeError(.nodeUnknown, "\(configuration.file): \(node) is not among the members of \(group.name)")
        }
        var logger = frame.logger
        logger[metadataKey: "group"] = "\(group.name)"
        try DataDirectory.create(settings.storeDirectory)
        try StripeRecord.keep(stripe, of: node, group: group, directory: settings.storeDirectory)
        let store = try await MailStore.open(
            directory: settings.storeDirectory, options: try Self.options(group, stripe, configuration),
            logger: logger)
        members = group.members.map { name in
            let peer = settings.peers.first { $0.name == name }?.address
            return ReplicaGroup.Member(
                name: name, stripe: group.stripe(of: name) ?? 0,
                addresses: [name == node ? settings.syncPublic : peer].compactMap { $0 })
        }
        vacated = group.vacatedStripes
        // The group's links and what drives them are on one event loop, so that a message costs no hand-off.
        let loop = frame.group.next()
        let endpoint = TLSEndpoint(listen: [settings.syncListen].compactMap { $0 }, tls: frame.tls, group: loop)
        replication = ReplicaService(
            group: ReplicaGroup(
                name: group.name, partition: group.partition, node: node, members: members,
                settings: [
                    "HierarchySeparator": String(configuration.imap.hierarchySeparator),
                    "WindowBytes": String(configuration.replication.windowBytes),
                ], partialSettings: settings.partialSettings),
            store: MailStoreReplica(store), endpoint: endpoint, eventLoop: loop, metrics: metrics,
            logger: logger,
            limits: Self.limits(configuration.replication))
        store.makeAccounts { [replication] in await replication.hasCaughtUp(within: Self.accountPatience) }
        let patience = Duration.milliseconds(configuration.replication.sessionWaitMilliseconds)
        store.beginSessions { [replication] in await replication.catchUp(within: patience) }
        self.name = group.name
        self.node = node
        self.store = store
        directory = settings.storeDirectory
    }

    /// How long a user's first login waits for what peers know of the user; less than a distributor waits for a node.
    private static let accountPatience = Duration.seconds(5)

    /// What the status says about the group.
    var report: GroupReport? { replication.status.map { GroupReport($0.group, uids: UIDReport(store.uidCounts)) } }

    /// Takes requests about the group's members.
    func control(logger: Logger) async throws(NodeError) -> ControlServer {
        var logger = logger
        logger[metadataKey: "group"] = "\(name)"
        let administration = MemberAdministration(
            group: name, node: node, configured: members, vacated: vacated, store: store)
        return try await ControlServer.bind(path: Self.controlPath(in: directory), logger: logger) { request in
            await administration.answer(request)
        }
    }

    /// Where a group's control socket is.
    static func controlPath(in directory: String) -> String { directory + "/" + ControlServer.fileName }

    private static func options(
        _ group: GroupSettings, _ stripe: UInt8, _ configuration: ClusterConfiguration
    ) throws(NodeError) -> MailStoreOptions {
        var options = MailStoreOptions()
        options.partition = group.partition
        guard let share = UIDStripe(index: Int(stripe)) else {
            throw NodeError(.nodeUnknown, "the group \(group.name) has more members than there are UID stripes")
        }
        options.uidStripe = share
        options.hierarchySeparator = configuration.imap.hierarchySeparator
        options.messageBytes = UInt64(configuration.imap.maximumMessageBytes)
        options.assignmentWaitMilliseconds = configuration.replication.assignmentWaitMilliseconds
        options.retentionBytes = UInt64(configuration.replication.retentionBytes)
        return options
    }

    private static func limits(_ settings: ReplicationSettings) -> ReplicationLimits {
        var limits = ReplicationLimits()
        limits.windowBytes = settings.windowBytes
        limits.unreachableMilliseconds = UInt64(settings.unreachableAfterMilliseconds)
        limits.presenceMilliseconds = UInt64(settings.presenceIntervalMilliseconds)
        limits.maximumLeadMilliseconds = UInt64(settings.maximumClockLeadSeconds) * 1_000
        limits.snapshotLagOperations = UInt64(settings.snapshotLagOperations)
        return limits
    }
}
