// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import FoundationEssentials
import Logging
import NodeSupport
import PeerTransport
import Testing

@testable import PlutoService

@Suite struct ClusterConfigurationTests {
    private func read(_ text: String) throws -> ClusterConfiguration {
        let (configuration, problems) = ClusterConfiguration.examine(Array(text.utf8), file: "/etc/pluto/config.toml")
        return try #require(configuration, "\(problems)")
    }

    private static func example() throws -> String {
        var root = URL(filePath: #filePath)
        for _ in 0..<5 { root.deleteLastPathComponent() }
        return String(
            decoding: try Data(contentsOf: root.appending(path: "docs/config.toml.example")), as: UTF8.self)
    }

    @Test func readsAFileOfTheOriginalAsItIs() throws {
        let problems = ClusterConfiguration.examine(Array(OriginalStyle.text.utf8), file: "config.toml").problems
        #expect(problems.isEmpty, "\(problems)")
        let configuration = try read(OriginalStyle.text)
        #expect(configuration.rootPath == "/etc/pluto/private/root-cert.pem")
        #expect(configuration.rootKeyPath == "/etc/pluto/private/root-key.pem")
        #expect(configuration.imap.greeting == "Hello.")
        #expect(configuration.imap.hierarchySeparator == ".")
        #expect(configuration.replication == ReplicationSettings())
        #expect(configuration.log == LogSettings())

        let distributor = try configuration.distributor()
        #expect(distributor.identity == NodeIdentity(role: .distributor, name: "eu-west-distributor"))
        #expect(distributor.mailPublic.description == "192.0.2.1:993")
        #expect(distributor.mailListen.description == "0.0.0.0:993")
        #expect(distributor.startTLSListen == nil)
        #expect(distributor.metrics == nil)
        #expect(distributor.expectsProxyProtocol == false)
        #expect(distributor.proxySources == [])
        #expect(distributor.publicCertificatePath == "/etc/pluto/private/public-cert.pem")
        #expect(distributor.files.keyPath == "/etc/pluto/private/internal-eu-west-distributor-key.pem")
        guard case .postgres(let database) = distributor.authentication else {
            Issue.record("\(distributor.authentication)")
            return
        }
        #expect(database.host == "192.0.2.9")
        #expect(database.port == 5432)
        #expect(database.password?.value == "sesame")
        #expect(!"\(database)".contains("sesame"))
        #expect(database.usesTLS)
        #expect(database.poolSize == 4)
    }

    @Test func readsTheOriginalsNodesAndSubnets() throws {
        let configuration = try read(OriginalStyle.text)
        let worker = try configuration.worker(named: "eu-west-worker-1")
        #expect(worker.key == "worker-1")
        #expect(worker.users == 1...10)
        #expect(worker.metrics?.description == "0.0.0.0:9001")
        #expect(worker.files.keyPath == "/etc/pluto/internal-eu-west-worker-1-key.pem")
        #expect(worker.replica.group.name == "subnet1")
        #expect(worker.replica.group.members == ["eu-west-worker-1", "storage", "us-east-worker-1"])
        #expect(worker.replica.group.stripe(of: "us-east-worker-1") == 2)
        #expect(worker.replica.group.stripe(of: "other") == nil)
        #expect(worker.replica.syncListen?.description == "0.0.0.0:30001")
        #expect(worker.replica.syncPublic?.description == "192.0.2.11:30001")
        #expect(
            worker.replica.peers.map { "\($0.name) \($0.address)" }
                == ["storage 203.0.113.1:31000", "us-east-worker-1 198.51.100.11:30101"])
        #expect(worker.replica.storeDirectory == "/etc/pluto/private/crdt-layers/eu-west-worker-1/subnet1")

        let storage = try configuration.storageNode()
        #expect(storage.replicas.map(\.group.name) == ["subnet1", "subnet2"])
        #expect(storage.replicas.map(\.group) == configuration.groups)
        #expect(storage.replicas[1].syncListen?.description == "0.0.0.0:32000")
        #expect(storage.replicas[1].storeDirectory == "/etc/pluto/private/crdt-layers/storage/subnet2")
        #expect(storage.replicas[0].group.stripe(of: "storage") == 1)

        let routes = try configuration.distributor().routes
        #expect(routes.map(\.users) == [1...10, 11...20])
        #expect(routes[1].candidates.map(\.identity.name) == ["eu-west-worker-2", "storage"])
        #expect(routes[1].candidates[0].address.description == "192.0.2.12:20002")
        #expect(try configuration.distributor().route(for: 20)?.group.name == "subnet2")
        #expect(try configuration.distributor().route(for: 21) == nil)
    }

    /// D15: the original's tools disagreed about whether a worker goes by its Name or by the key of its section.
    @Test func aWorkerGoesByItsNameOrItsKey() throws {
        let configuration = try read(OriginalStyle.text)
        #expect(try configuration.worker(named: "worker-2").identity.name == "eu-west-worker-2")
        let unknown = #expect(throws: NodeError.self) { try configuration.worker(named: "eu-west-worker-3") }
        #expect(unknown?.code == .nodeUnknown)
        #expect(unknown?.message.contains("eu-west-worker-1") == true)
    }

    /// D15: the original wanted its directory to be called "pluto".
    @Test(arguments: [
        ("/srv/mail/config.toml", "/srv/mail/private/root-cert.pem"),
        ("/srv/mail/../mail/./config.toml", "/srv/mail/../mail/private/root-cert.pem"),
        ("/config.toml", "/private/root-cert.pem"),
        ("config.toml", "\(FileManager.default.currentDirectoryPath)/private/root-cert.pem"),
        ("etc/config.toml", "\(FileManager.default.currentDirectoryPath)/etc/private/root-cert.pem"),
    ]) func relativePathsBeginInTheFilesDirectory(file: String, expected: String) throws {
        let configuration = ClusterConfiguration.examine(Array(OriginalStyle.text.utf8), file: file).configuration
        #expect(configuration?.rootPath == expected)
    }

    @Test func theExampleIsRight() throws {
        let (found, problems) = ClusterConfiguration.examine(
            Array(try Self.example().utf8), file: "/etc/pluto/config.toml.example")
        #expect(problems.isEmpty, "\(problems)")
        let configuration = try #require(found)
        #expect(configuration.distributors.map(\.identity.name) == ["eu-distributor", "us-distributor"])
        #expect(configuration.groups.map(\.name) == ["users-1"])
        #expect(configuration.groups[0].members == ["eu-worker-1", "storage", "us-worker-1"])
        let eu = try configuration.distributor(named: "eu-distributor")
        let us = try configuration.distributor(named: "us")
        #expect(eu.routes[0].candidates.map(\.identity.name) == ["eu-worker-1", "storage", "us-worker-1"])
        #expect(us.routes[0].candidates.map(\.identity.name) == ["us-worker-1", "storage", "eu-worker-1"])
        #expect(eu.startTLSListen?.description == "127.0.0.1:1143")
        // What the example spells out are the defaults.
        #expect(configuration.replication == ReplicationSettings())
        #expect(configuration.log == LogSettings())
        #expect(configuration.imap == IMAPSettings())
        #expect(configuration.nodes.count == 5)
        #expect(Set(configuration.nodes.map(\.files.keyPath)).count == 5)
        #expect(configuration.nodes.allSatisfy { $0.hosts == ["127.0.0.1"] })
        #expect(throws: NodeError.self) { try configuration.distributor() }
    }

    @Test func ourKeysAreOptionalAndRead() throws {
        let text =
            OriginalStyle.text
            .replacing(
                "HierarchySeparator = \".\"",
                with: "HierarchySeparator = \"/\"\nIdleTimeoutMinutes = 60\nMaximumMessageBytes = 1_048_576"
            )
            .replacing(
                "AuthAdapter = \"AuthPostgres\"",
                with: """
                    AuthAdapter = "AuthPostgres"
                    ProxyProtocol = true
                    ProxySources = ["10.0.0.0/8", "::1"]
                    StartTLSAddr = "0.0.0.0:143"
                    MaximumConnections = 5
                    MaximumConnectionsPerAddress = 2
                    HealthIntervalMilliseconds = 100
                    ConnectTimeoutMilliseconds = 200
                    """
            )
            .replacing(
                "Password = \"sesame\"",
                with: """
                    PasswordFile = "secret"
                    RootCertLoc = "db.pem"
                    PoolSize = 9
                    ConnectTimeoutMilliseconds = 1000
                    LookupTimeoutMilliseconds = 1500
                    """
            )
            .replacing("CRDTLayerRoot = ", with: "HeaderCacheBytes = 1048576\nCRDTLayerRoot = ")
                + """
                [Replication]
                WindowBytes = 2097152
                RetentionBytes = 4194304
                AssignmentWaitMilliseconds = 0
                UnreachableAfterMilliseconds = 1000
                PresenceIntervalMilliseconds = 250
                MaximumClockLeadSeconds = 60
                SnapshotLagOperations = 1000
                [Log]
                Level = "warn"

                """
        let configuration = try read("RootKeyLoc = \"/safe/root.key\"\n" + text)
        #expect(configuration.rootKeyPath == "/safe/root.key")
        #expect(configuration.imap.hierarchySeparator == "/")
        #expect(configuration.imap.idleTimeoutMinutes == 60)
        #expect(configuration.imap.maximumMessageBytes == 1 << 20)
        #expect(configuration.log.level == .warning)
        #expect(configuration.workers.allSatisfy { $0.headerCacheBytes == 1 << 20 })
        #expect(configuration.storage?.headerCacheBytes == 1 << 20)
        let replication = configuration.replication
        #expect(replication.windowBytes == 2 << 20)
        #expect(replication.retentionBytes == 4 << 20)
        #expect(replication.assignmentWaitMilliseconds == 0)
        #expect(replication.unreachableAfterMilliseconds == 1_000)
        #expect(replication.presenceIntervalMilliseconds == 250)
        #expect(replication.maximumClockLeadSeconds == 60)
        #expect(replication.snapshotLagOperations == 1_000)
        let distributor = try configuration.distributor()
        #expect(distributor.expectsProxyProtocol)
        #expect(distributor.proxySources == ["10.0.0.0/8", "::1"])
        #expect(distributor.startTLSListen?.port == 143)
        #expect(distributor.limits.maximumConnections == 5)
        #expect(distributor.limits.maximumConnectionsPerAddress == 2)
        #expect(distributor.limits.healthIntervalMilliseconds == 100)
        #expect(distributor.limits.connectTimeoutMilliseconds == 200)
        guard case .postgres(let database) = distributor.authentication else {
            Issue.record("\(distributor.authentication)")
            return
        }
        #expect(database.password == nil)
        #expect(database.passwordFile == "/etc/pluto/secret")
        #expect(database.rootPath == "/etc/pluto/db.pem")
        #expect(database.poolSize == 9)
        #expect(database.connectTimeoutMilliseconds == 1_000)
        #expect(database.lookupTimeoutMilliseconds == 1_500)
    }

    @Test func aWorkerWithoutPeersIsAGroupOfItsOwn() throws {
        let text = """
            RootCertLoc = "r.pem"
            [Workers.a]
            Name = "alone"
            ListenMailAddr = "127.0.0.1:1"
            CertLoc = "c"
            KeyLoc = "k"
            UserStart = 1
            UserEnd = 1
            CRDTLayerRoot = "d"
            """
        let (configuration, problems) = ClusterConfiguration.examine(Array(text.utf8), file: "/f")
        let worker = try #require(configuration?.workers.first)
        #expect(worker.replica.group.members == ["alone"])
        #expect(worker.replica.syncListen == nil)
        #expect(worker.mailPublic == worker.mailListen)
        #expect(problems.map(\.severity) == [.warning])
    }

    /// Storage learns the range of a subnet from a worker in its file; in a file of its own nobody tells it.
    @Test func theRangeOfASubnetsUsersIsKnownWhereAWorkerTellsIt() throws {
        let configuration = try read(Self.example())
        let worker = try configuration.worker(named: "eu-worker-1")
        #expect(worker.replica.users == worker.users)
        let first = "\(worker.users.lowerBound)"
        let last = "\(worker.users.upperBound)"
        #expect(worker.replica.partialSettings == ["UserStart": first, "UserEnd": last])
        let stored = try configuration.storageNode().replicas.map(\.partialSettings)
        #expect(stored == [["UserStart": first, "UserEnd": last]])
        let alone = """
            RootCertLoc = "r.pem"
            [Storage]
            Name = "storage"
            ListenMailAddr = "127.0.0.1:1"
            CertLoc = "c"
            KeyLoc = "k"
            CRDTLayerRoot = "d"
            [Storage.SyncAddrs.users-1]
            Listen = "127.0.0.1:2"
            [Storage.Peers.users-1]
            eu-worker-1 = "127.0.0.1:3"
            """
        #expect(try read(alone).storageNode().replicas.map(\.partialSettings) == [[:]])
    }

    /// Storage is in several groups: each is compared with its own range.
    @Test func storageKnowsTheRangeOfEachSubnet() throws {
        let configuration = try read(OriginalStyle.text)
        for replica in try configuration.storageNode().replicas {
            let worker = configuration.workers.first { $0.replica.group.name == replica.group.name }
            #expect(replica.users == worker?.users)
        }
        #expect(Set(try configuration.storageNode().replicas.map(\.users)).count > 1)
    }

    @Test func theNumberOfAGroupFollowsFromItsName() {
        // In decimal what this says: printf subnet1 | sha256sum | cut -c1-8
        #expect("\(GroupSettings.partition(of: "subnet1"))" == "1429204802")
        #expect("\(GroupSettings.partition(of: "users-1"))" == "3500163432")
    }

    /// A member that joins a running group gets the next number, and nobody else another one.
    @Test func membersKeepTheirNumbersWhenTheFileSaysThem() throws {
        let numbered =
            OriginalStyle.text
            + "\n[Replication.Members]\nsubnet1 = [\"us-east-worker-1\", \"\", \"storage\", \"eu-west-worker-1\"]\n"
        let group = try read(numbered).worker(named: "eu-west-worker-1").replica.group
        #expect(["us-east-worker-1", "storage", "eu-west-worker-1"].map { group.stripe(of: $0) } == [0, 2, 3])
        #expect(try read(numbered).storageNode().replicas[1].group.numbering == nil)
    }

    @Test func membersAreSortedByTheirBytes() {
        let group = GroupSettings(name: "g", members: ["b", "a", "B", "a-1", "a.1", "a"])
        #expect(group.members == ["B", "a", "a-1", "a.1", "b"])
    }
}
