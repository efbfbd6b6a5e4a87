// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport
internal import PeerTransport

/// Turns a draft without errors into the settings of each node.
struct SettingsBuilder {
    let draft: DraftCluster
    let rootPath: String

    /// All settings; nil when something that the reader demands is absent, which it has reported.
    func build(file: String) -> ClusterConfiguration? {
        let workers = draft.workers.compactMap(worker)
        let storage = draft.storage.flatMap(storage)
        let distributors = draft.distributors.compactMap { distributor($0, workers: workers, storage: storage) }
        guard workers.count == draft.workers.count, distributors.count == draft.distributors.count,
            (storage == nil) == (draft.storage == nil)
        else { return nil }
        return ClusterConfiguration(
            file: file, rootPath: rootPath, rootKeyPath: draft.rootKey?.value ?? Self.keyPath(beside: rootPath),
            imap: draft.imap, replication: draft.replication, log: draft.log, distributors: distributors,
            workers: workers, storage: storage)
    }

    /// Where the authority's key is when no key says so: beside its certificate.
    static func keyPath(beside certificate: String) -> String {
        let slash = certificate.lastIndex(of: "/") ?? certificate.startIndex
        let name = certificate[slash...].dropFirst()
        let directory = certificate[..<slash]
        // The original's names: root-cert.pem and root-key.pem.
        if name.hasSuffix("-cert.pem") { return "\(directory)/\(name.dropLast(9))-key.pem" }
        return "\(directory)/\(name.hasSuffix(".pem") ? String(name.dropLast(4)) : String(name))-key.pem"
    }

    private func worker(_ draft: DraftReplica) -> WorkerSettings? {
        guard let key = draft.key, let name = draft.name?.value,
            let identity = NodeIdentity(role: .worker, name: name), let listen = draft.mailListen?.value,
            let shown = draft.mailPublic?.value, let files = files(draft.certificate, draft.privateKey),
            let users = draft.users?.value, let root = draft.dataRoot?.value
        else { return nil }
        let replica: ReplicaSettings
        if let subnet = draft.subnets.first {
            replica = self.replica(subnet, users: users, name: name, root: root)
        } else {
            replica = ReplicaSettings(
                group: GroupSettings(name: name, members: [name]), users: users, syncListen: nil, syncPublic: nil,
                peers: [],
                storeDirectory: Self.storeDirectory(root: root, node: name, group: name))
        }
        return WorkerSettings(
            key: key, identity: identity, region: draft.regionName, mailListen: listen, mailPublic: shown,
            metrics: draft.metrics?.value, files: files, users: users, replica: replica,
            headerCacheBytes: draft.headerCacheBytes)
    }

    private func storage(_ draft: DraftReplica) -> StorageSettings? {
        guard let name = draft.name?.value, let identity = NodeIdentity(role: .storage, name: name),
            let listen = draft.mailListen?.value, let shown = draft.mailPublic?.value,
            let files = files(draft.certificate, draft.privateKey), let root = draft.dataRoot?.value
        else { return nil }
        let replicas = draft.subnets.map { replica($0, users: users(of: $0.name), name: name, root: root) }
        return StorageSettings(
            identity: identity, mailListen: listen, mailPublic: shown, metrics: draft.metrics?.value, files: files,
            replicas: replicas.sorted { $0.group.name < $1.group.name }, headerCacheBytes: draft.headerCacheBytes)
    }

    /// The users of a subnet, if the file has a worker of it; all workers of a subnet have the same.
    private func users(of subnet: String) -> ClosedRange<Int>? {
        draft.workers.first { $0.groupName == subnet }?.users?.value
    }

    private func replica(
        _ subnet: DraftSubnet, users: ClosedRange<Int>?, name: String, root: String
    ) -> ReplicaSettings {
        let peers = subnet.peers.compactMap { peer in
            peer.address.map { PeerSettings(name: peer.name, address: $0) }
        }
        return ReplicaSettings(
            group: GroupSettings(
                name: subnet.name, members: subnet.peers.map(\.name) + [name],
                numbering: draft.numbering[subnet.name]?.value),
            users: users, syncListen: subnet.syncListen?.value, syncPublic: subnet.syncPublic?.value,
            peers: peers.sorted { $0.name < $1.name },
            storeDirectory: Self.storeDirectory(root: root, node: name, group: subnet.name))
    }

    /// Nodes that share a directory, on one machine or by one file for all, never share a store.
    private static func storeDirectory(root: String, node: String, group: String) -> String {
        "\(root)/\(node)/\(group)"
    }

    private func files(_ certificate: Located<String>?, _ key: Located<String>?) -> NodeFiles? {
        guard let certificate, let key else { return nil }
        return NodeFiles(certificatePath: certificate.value, keyPath: key.value, rootPath: rootPath)
    }

    // MARK: Distributors

    private func distributor(
        _ draft: DraftDistributor, workers: [WorkerSettings], storage: StorageSettings?
    ) -> DistributorSettings? {
        guard let name = draft.name?.value, let identity = NodeIdentity(role: .distributor, name: name),
            let listen = draft.mailListen?.value, let shown = draft.mailPublic?.value,
            let publicCertificate = draft.publicCertificate?.value, let publicKey = draft.publicKey?.value,
            let files = files(draft.certificate, draft.privateKey), let authentication = draft.authentication
        else { return nil }
        let region = draft.region?.value ?? ""
        let others = Set(workers.map(\.region)).subtracting([region]).sorted()
        return DistributorSettings(
            key: draft.key, identity: identity, region: region, mailPublic: shown, mailListen: listen,
            startTLSListen: draft.startTLSListen?.value, expectsProxyProtocol: draft.expectsProxyProtocol,
            proxySources: draft.proxySources,
            metrics: draft.metrics?.value, publicCertificatePath: publicCertificate, publicKeyPath: publicKey,
            files: files, authentication: authentication,
            routes: routes(
                from: [region], to: draft.failoverRegions?.value ?? others, workers: workers, storage: storage),
            limits: draft.limits)
    }

    private func routes(
        from own: [String], to others: [String], workers: [WorkerSettings], storage: StorageSettings?
    ) -> [UserRoute] {
        var routes: [UserRoute] = []
        for (name, replicas) in Dictionary(grouping: workers, by: \.replica.group.name) {
            guard let first = replicas.first else { continue }
            func nodes(in regions: [String]) -> [SessionNode] {
                regions.flatMap { region in
                    replicas.filter { $0.region == region }
                        .sorted { $0.identity.name < $1.identity.name }
                        .map { SessionNode(identity: $0.identity, region: $0.region, address: $0.mailPublic) }
                }
            }
            var candidates = nodes(in: own)
            if let storage, storage.replicas.contains(where: { $0.group.name == name }) {
                candidates.append(SessionNode(identity: storage.identity, region: "", address: storage.mailPublic))
            }
            candidates += nodes(in: others)
            routes.append(UserRoute(users: first.users, group: first.replica.group, candidates: candidates))
        }
        return routes.sorted { $0.users.lowerBound < $1.users.lowerBound }
    }
}
