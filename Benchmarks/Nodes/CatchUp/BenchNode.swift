// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit
internal import Foundation
internal import Logging
internal import MailStore
internal import NIOPosix
internal import NodeSupport
internal import PeerTransport
internal import ReplicaService

/// One member of the measured group: a store on disk, the replication service, and TLS over loopback.
struct BenchNode: Sendable {
    static let names = ["a", "b"]
    static let partition = PartitionID(7)

    let store: MailStore
    let service: ReplicaService
    let port: Int
    private let registry = MetricsRegistry()

    /// Makes the authority and the certificates of both members.
    static func issueCertificates(in directory: String) throws {
        let authority = try MeshAuthority.make()
        try Data(authority.certificatePEM.utf8).write(to: URL(fileURLWithPath: directory + "/root.pem"))
        for name in names {
            guard let identity = NodeIdentity(role: .worker, name: name) else { throw BenchFailure("bad name \(name)") }
            try authority.issue(for: identity, hosts: ["127.0.0.1"])
                .write(certificatePath: directory + "/\(name).pem", keyPath: directory + "/\(name)-key.pem")
        }
    }

    /// The options of every store in the run.
    static func options(_ name: String) -> MailStoreOptions {
        var options = MailStoreOptions()
        options.partition = partition
        options.uidStripe = UIDStripe(index: names.firstIndex(of: name) ?? 0) ?? .sole
        options.segmentBytes = 8 << 20
        return options
    }

    /// Opens a member's store and listens.
    ///
    /// - Parameters:
    ///   - name: the member.
    ///   - directory: where the certificates are.
    ///   - path: where its store is.
    ///   - peerPort: where the other member listens; nil if that is not known yet.
    /// - Throws: what the store or the certificates report.
    init(_ name: String, in directory: String, store path: String, peerPort: Int?) async throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let logger = JSONLogHandler.logger(label: "node-bench", node: name, level: .error, output: LogOutput())
        store = try await MailStore.open(
            directory: path, options: Self.options(name), logger: logger)
        let tls = try MeshTLS(
            certificatePath: directory + "/\(name).pem", keyPath: directory + "/\(name)-key.pem",
            rootPath: directory + "/root.pem", logger: logger)
        let loops = MultiThreadedEventLoopGroup.singleton
        let members = Self.names.enumerated().map { index, member in
            ReplicaGroup.Member(
                name: member, stripe: UInt8(index),
                addresses: member == name ? [] : Self.addresses(peerPort))
        }
        service = ReplicaService(
            group: ReplicaGroup(
                name: "bench", partition: Self.partition, node: name, members: members, settings: ["separator": "/"]),
            store: MailStoreReplica(store),
            endpoint: TLSEndpoint(listen: [HostPort(host: "127.0.0.1", port: 0)], tls: tls, group: loops),
            eventLoop: loops.next(), metrics: try ReplicationMetrics(registry: registry), logger: logger)
        guard let bound = try await service.bind().first else { throw BenchFailure("\(name) does not listen") }
        port = Int(bound.port)
    }

    /// Says where the other member listens.
    func setPeer(port: Int) {
        service.setAddresses(of: Self.names[1], Self.addresses(port))
    }

    private static func addresses(_ port: Int?) -> [HostPort] {
        port.map { [HostPort(host: "127.0.0.1", port: UInt16(clamping: $0))] } ?? []
    }

    /// Runs until it is cancelled.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await store.run() }
            tasks.addTask { try await service.run() }
            try await tasks.next()
            tasks.cancelAll()
        }
    }

    /// The octets of messages that went to the other member so far, before TLS.
    func sentBytes() -> Int {
        for line in String(decoding: registry.exposition(), as: UTF8.self).split(separator: "\n")
        where line.hasPrefix("pluto_replication_bytes_total{") && line.contains("send") {
            return line.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) } ?? 0
        }
        return 0
    }

    /// The operations of a replica that are durable here.
    func durable(_ replica: ReplicaID) -> UInt64 {
        StreamVector(store.replicationStatus().durable)[replica]
    }
}
