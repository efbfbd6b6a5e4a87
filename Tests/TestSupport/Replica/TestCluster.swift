// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
package import LiveTestSupport
package import Logging
package import MailStore
internal import NIOPosix
package import NodeSupport
package import PeerTransport
package import ReplicaService

/// A group of real services over real stores, in one process, linked by TLS over loopback; every link runs through a proxy of its own.
package final class TestCluster {
    package static let partition = PartitionID(7)

    package let directory: TemporaryDirectory
    package let authority: MeshAuthority
    package private(set) var nodes: [String: TestReplica] = [:]
    /// The proxy through which the first node dials the second.
    private var proxies: [String: LinkProxy] = [:]
    package let names: [String]

    /// Makes the nodes' certificates and the proxies; nobody runs yet. All files are under TMPDIR, or in another directory.
    package init(_ names: [String], in parent: String? = nil) throws {
        self.names = names
        directory = try TemporaryDirectory("replica", in: parent)
        authority = try MeshAuthority.make()
        try directory.write("root.pem", authority.certificatePEM)
        for from in names {
            guard let identity = NodeIdentity(role: .worker, name: from) else { throw LiveFailure("bad name") }
            try authority.issue(for: identity, hosts: ["127.0.0.1"])
                .write(certificatePath: directory.file("\(from).pem"), keyPath: directory.file("\(from)-key.pem"))
            // Until the target runs, nobody listens behind the proxy.
            for to in names where to != from { proxies["\(from)>\(to)"] = try LinkProxy(to: 1) }
        }
    }

    /// A node that runs.
    package subscript(_ name: String) -> TestReplica {
        guard let node = nodes[name] else { preconditionFailure("\(name) does not run") }
        return node
    }

    /// The proxy through which one node dials another.
    package func proxy(_ from: String, _ to: String) -> LinkProxy {
        guard let proxy = proxies["\(from)>\(to)"] else { preconditionFailure("no proxy") }
        return proxy
    }

    /// Cuts both links between two nodes.
    package func cut(_ first: String, _ second: String) {
        proxy(first, second).cut()
        proxy(second, first).cut()
    }

    /// Mends both links between two nodes.
    package func mend(_ first: String, _ second: String) {
        proxy(first, second).mend()
        proxy(second, first).mend()
    }

    /// Who a node is to its peers.
    package func mesh(_ name: String, logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) throws
        -> MeshTLS
    {
        try MeshTLS(
            certificatePath: directory.file("\(name).pem"), keyPath: directory.file("\(name)-key.pem"),
            rootPath: directory.file("root.pem"), logger: logger)
    }

    /// The group as a node's configuration describes it.
    package func group(of name: String) -> ReplicaGroup {
        ReplicaGroup(
            name: "range-1", partition: Self.partition, node: name,
            members: names.enumerated().map { index, member in
                ReplicaGroup.Member(
                    name: member, stripe: UInt8(index),
                    addresses: member == name
                        ? [] : [HostPort(host: "127.0.0.1", port: UInt16(proxy(name, member).port))])
            }, settings: ["separator": "/"])
    }

    /// Starts a node, on the store that it had if it ran before.
    @discardableResult
    package func start(
        _ name: String, change: (inout ReplicaGroup) -> Void = { _ in },
        options: (inout MailStoreOptions) -> Void = { _ in }, limits: ReplicationLimits = ReplicationLimits(),
        wrap: (MailStoreReplica) -> any ReplicatedStore = { $0 }
    ) async throws -> TestReplica {
        var group = group(of: name)
        change(&group)
        let node = try await TestReplica(
            name, group: group, directory: directory, index: names.firstIndex(of: name) ?? 0, options: options,
            limits: limits, wrap: wrap)
        for other in names where other != name { proxy(other, name).retarget(to: node.port) }
        nodes[name] = node
        return node
    }

    /// Stops a node's service and closes its store; its directory stays.
    package func stop(_ name: String) async throws {
        try await nodes.removeValue(forKey: name)?.stop()
    }

    package func stopAll() async throws {
        for name in names { try await stop(name) }
        for proxy in proxies.values { proxy.stop() }
    }

    /// Waits until all nodes that run hold the same operations and the same state, and nobody lacks a body.
    package func waitUntilEqual(_ some: [String]? = nil) async throws {
        let chosen = (some ?? names).compactMap { nodes[$0] }
        try await waitUntil {
            let states = chosen.map { $0.store.replicationStatus() }
            guard let first = states.first, first.digest != nil else { return false }
            return states.allSatisfy {
                StreamVector($0.durable) == StreamVector(first.durable) && $0.digest == first.digest
            }
                && chosen.allSatisfy { $0.store.missingBodyCount == 0 }
        }
    }
}

/// Looks again and again until a condition holds; the suite's time limit ends a wait in vain.
package func waitUntil(_ condition: () async throws -> Bool) async throws {
    while try await !condition() { try await Task.sleep(for: .milliseconds(2)) }
}

/// One running node.
package final class TestReplica {
    package let name: String
    package let store: MailStore
    package let service: ReplicaService
    package let registry = MetricsRegistry()
    package let lines = LineCollector()
    package private(set) var port = 0
    private let runner: Task<Void, any Error>
    private let keeper: Task<Void, any Error>

    package init(
        _ name: String, group: ReplicaGroup, directory: TemporaryDirectory, index: Int,
        options change: (inout MailStoreOptions) -> Void, limits: ReplicationLimits,
        wrap: (MailStoreReplica) -> any ReplicatedStore
    ) async throws {
        self.name = name
        var options = MailStoreOptions()
        options.partition = group.partition
        options.uidStripe = UIDStripe(index: index) ?? .sole
        options.reservedDiskBytes = 0
        change(&options)
        let path = directory.file("store-\(name)")
        try Files.makeDirectory(path)
        let logger = lines.logger
        let store = try await MailStore.open(directory: path, options: options, logger: logger)
        let tls = try MeshTLS(
            certificatePath: directory.file("\(name).pem"), keyPath: directory.file("\(name)-key.pem"),
            rootPath: directory.file("root.pem"), logger: logger)
        let loops = MultiThreadedEventLoopGroup.singleton
        let endpoint = TLSEndpoint(listen: [HostPort(host: "127.0.0.1", port: 0)], tls: tls, group: loops)
        let service = ReplicaService(
            group: group, store: wrap(MailStoreReplica(store)), endpoint: endpoint, eventLoop: loops.next(),
            metrics: try ReplicationMetrics(registry: registry), logger: logger, limits: limits)
        self.store = store
        self.service = service
        port = try await service.bind().first?.port ?? 0
        runner = Task { try await service.run() }
        keeper = Task { try await store.run() }
    }

    package func stop() async throws {
        runner.cancel()
        keeper.cancel()
        try await runner.value
        // The store's keeper ends by being cancelled.
        _ = await keeper.result
        await store.close()
    }

    /// How the node sees a peer.
    package func peer(_ name: String) -> PeerStatus? { service.status?.group.peers.first { $0.name == name } }

    /// The value of a metric, by the beginning of its line.
    package func metric(_ name: String, _ labels: String...) -> Double {
        let text = String(decoding: registry.exposition(), as: UTF8.self)
        var sum = 0.0
        for line in text.split(separator: "\n") where line.hasPrefix(name + "{") || line.hasPrefix(name + " ") {
            guard labels.allSatisfy({ line.contains($0) }), let value = line.split(separator: " ").last else {
                continue
            }
            sum += Double(value) ?? 0
        }
        return sum
    }

    /// A user's account here.
    package func account(_ user: String = "alice") async throws -> MailAccount { try await store.account(named: user) }

    /// Appends a message; its text is `label` and so many more octets.
    @discardableResult
    package func append(
        _ label: String, octets: Int = 0, to mailbox: String = "INBOX", user: String = "alice"
    ) async throws -> UInt32? {
        let body = Array("Subject: \(label)\r\n\r\n".utf8) + [UInt8](repeating: 0x61, count: octets)
        let upload = try await account(user).beginUpload(
            to: mailbox, size: UInt64(body.count), flags: MessageFlagNames(),
            date: MessageDate(seconds: 1_700_000_000, zoneMinutes: 0))
        await upload.write(body)
        return try await upload.finish().uid
    }

    /// The messages that a session sees.
    package func messages(in mailbox: String = "INBOX", user: String = "alice") async throws -> [StoredMessage] {
        let open = try await account(user).open(mailbox) {}
        defer { open.close() }
        return try await open.messages(after: 0, limit: .max)
    }
}
