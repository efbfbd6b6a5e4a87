// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport

/// The nodes of a test's cluster, their ports and their configuration files.
///
/// Each replica has a file of its own, in which it finds its peers through proxies; the file for the distributors and the certificates has everybody.
struct ClusterPlan {
    /// A node and where it listens.
    struct Node: Hashable {
        enum Role: String { case distributor, worker, storage }

        let role: Role
        let name: String
        let region: String
        let mail: Int
        let sync: Int
        let metrics: Int
    }

    static let group = "users"

    /// Those that the files describe.
    private(set) var nodes: [Node]
    /// Those that are in no file: they have not joined yet, or have left.
    private(set) var outsiders: [Node] = []
    /// The names of the members by their numbers; empty while those are in the order of the names.
    private(set) var numbers: [String] = []
    /// What else stands in every replica's file.
    var replication: [String] = ["UnreachableAfterMilliseconds = 1000"]
    var usersFile = "users.txt"
    /// Whether the distributors wait for a busy node: a session that a slow machine puts elsewhere than at its region's worker makes nonsense of a test
    /// that cuts links.
    var isPatient = true

    init(regions: [String]) throws {
        var ports = try FreePorts.find(regions.count * 5 + 3)[...]
        func next() -> Int { ports.popFirst() ?? 0 }
        var nodes: [Node] = []
        for region in regions {
            nodes.append(
                Node(
                    role: .distributor, name: "\(region)-distributor", region: region, mail: next(), sync: 0,
                    metrics: next()))
            nodes.append(
                Node(
                    role: .worker, name: "\(region)-worker", region: region, mail: next(), sync: next(),
                    metrics: next()))
        }
        nodes.append(Node(role: .storage, name: "storage", region: "", mail: next(), sync: next(), metrics: next()))
        self.nodes = nodes
    }

    var replicas: [Node] { nodes.filter { $0.role != .distributor } }

    func node(_ name: String) -> Node? { (nodes + outsiders).first { $0.name == name } }

    /// Takes a node out of the files.
    mutating func leave(_ name: String) {
        outsiders += nodes.filter { $0.name == name }
        nodes.removeAll { $0.name == name }
        numbers.removeAll { $0 == name }
    }

    /// Puts a replica that was left out into the files, behind the others: their numbers do not change.
    mutating func join(_ name: String) {
        numbers = replicas.map(\.name).sorted() + [name]
        nodes += outsiders.filter { $0.name == name }
        outsiders.removeAll { $0.name == name }
    }

    /// The file for the distributors and the certificates.
    var whole: String { top + nodes.map { section($0) { peer in peer.sync } }.joined() + settings }

    /// A replica's own file.
    ///
    /// - Parameter port: where the node finds a peer.
    func file(of node: Node, peers port: (Node) -> Int) -> String { top + section(node, peers: port) + settings }

    private var top: String {
        """
        RootCertLoc = "pki/root-cert.pem"

        [IMAP]
        Greeting = "Pluto ready."
        HierarchySeparator = "."

        """
    }

    private var settings: String {
        "\n[Replication]\n" + replication.joined(separator: "\n") + "\n"
            + (numbers.isEmpty ? "" : "\n[Replication.Members]\n\(numberLine)\n")
    }

    /// The numbers of the members as a file has them.
    var numberLine: String { "\(Self.group) = [\(numbers.map { "\"\($0)\"" }.joined(separator: ", "))]" }

    private func section(_ node: Node, peers port: (Node) -> Int) -> String {
        let peers = replicas.filter { $0 != node }.map { "\($0.name) = \"127.0.0.1:\(port($0))\"" }
            .joined(separator: "\n")
        switch node.role {
        case .distributor: return distributor(node)
        case .worker:
            return """

                [Workers.\(node.name)]
                Name = "\(node.name)"
                Region = "\(node.region)"
                PublicMailAddr = "127.0.0.1:\(node.mail)"
                ListenMailAddr = "127.0.0.1:\(node.mail)"
                PublicSyncAddr = "127.0.0.1:\(node.sync)"
                ListenSyncAddr = "127.0.0.1:\(node.sync)"
                PrometheusAddr = "127.0.0.1:\(node.metrics)"
                CertLoc = "pki/\(node.name)-cert.pem"
                KeyLoc = "pki/\(node.name)-key.pem"
                UserStart = 1
                UserEnd = 1000
                CRDTLayerRoot = "data/\(node.name)"

                [Workers.\(node.name).Peers.\(Self.group)]
                \(peers)

                """
        case .storage:
            return """

                [Storage]
                Name = "storage"
                PublicMailAddr = "127.0.0.1:\(node.mail)"
                ListenMailAddr = "127.0.0.1:\(node.mail)"
                PrometheusAddr = "127.0.0.1:\(node.metrics)"
                CertLoc = "pki/storage-cert.pem"
                KeyLoc = "pki/storage-key.pem"
                CRDTLayerRoot = "data/storage"

                [Storage.SyncAddrs.\(Self.group)]
                Public = "127.0.0.1:\(node.sync)"
                Listen = "127.0.0.1:\(node.sync)"

                [Storage.Peers.\(Self.group)]
                \(peers)

                """
        }
    }

    private func distributor(_ node: Node) -> String {
        """

        [Distributors.\(node.region)]
        Name = "\(node.name)"
        Region = "\(node.region)"
        PublicMailAddr = "127.0.0.1:\(node.mail)"
        ListenMailAddr = "127.0.0.1:\(node.mail)"
        PrometheusAddr = "127.0.0.1:\(node.metrics)"
        PublicCertLoc = "pki/public-\(node.name)-cert.pem"
        PublicKeyLoc = "pki/public-\(node.name)-key.pem"
        InternalCertLoc = "pki/\(node.name)-cert.pem"
        InternalKeyLoc = "pki/\(node.name)-key.pem"
        AuthAdapter = "AuthFile"
        \(isPatient ? "ConnectTimeoutMilliseconds = 5000\nHealthIntervalMilliseconds = 1000" : "")

        [Distributors.\(node.region).AuthFile]
        File = "\(usersFile)"
        Separator = ";"

        """
    }
}
