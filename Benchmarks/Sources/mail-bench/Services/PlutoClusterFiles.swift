// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The nodes of a cluster on loopback and a configuration file for each, in which it finds the others through proxies.
struct PlutoClusterFiles {
    /// A node and where it listens.
    struct Node {
        enum Role: String { case distributor, worker, storage }

        let role: Role
        let name: String
        let region: String
        let mail: Int
        let sync: Int
    }

    let nodes: [Node]

    /// Names the nodes: in each region a distributor and a worker, and a storage node.
    init(regions: [String]) throws {
        var ports = try LoopbackSocket.freePorts(regions.count * 3 + 2)[...]
        func next() -> Int { ports.popFirst() ?? 0 }
        nodes =
            regions.flatMap { region in
                [
                    Node(role: .distributor, name: "\(region)-distributor", region: region, mail: next(), sync: 0),
                    Node(role: .worker, name: "\(region)-worker", region: region, mail: next(), sync: next()),
                ]
            } + [Node(role: .storage, name: "storage", region: "", mail: next(), sync: next())]
    }

    var replicas: [Node] { nodes.filter { $0.role != .distributor } }

    /// A file with some nodes.
    ///
    /// - Parameters:
    ///   - nodes: who is in the file.
    ///   - mail: where the reader of the file finds a node's sessions.
    ///   - sync: where the node in question finds a peer.
    /// - Returns: the text.
    func text(_ nodes: [Node], mail: (Node) -> Int, sync: (_ from: Node, _ to: Node) -> Int) -> String {
        let top = """
            RootCertLoc = "pki/root-cert.pem"

            [IMAP]
            Greeting = "Pluto ready."
            HierarchySeparator = "."

            [Log]
            Level = "error"

            """
        return top
            + nodes.map { node in
                let peers = replicas.filter { $0.name != node.name }.map {
                    "\($0.name) = \"127.0.0.1:\(sync(node, $0))\""
                }
                .joined(separator: "\n")
                return switch node.role {
                case .distributor: distributor(node)
                case .worker: worker(node, mail(node), peers)
                case .storage: storage(node, mail(node), peers)
                }
            }.joined()
    }

    private func worker(_ node: Node, _ mail: Int, _ peers: String) -> String {
        """

        [Workers.\(node.name)]
        Name = "\(node.name)"
        Region = "\(node.region)"
        PublicMailAddr = "127.0.0.1:\(mail)"
        ListenMailAddr = "127.0.0.1:\(node.mail)"
        PublicSyncAddr = "127.0.0.1:\(node.sync)"
        ListenSyncAddr = "127.0.0.1:\(node.sync)"
        CertLoc = "pki/\(node.name)-cert.pem"
        KeyLoc = "pki/\(node.name)-key.pem"
        UserStart = 1
        UserEnd = 1000
        CRDTLayerRoot = "data"

        [Workers.\(node.name).Peers.users]
        \(peers)

        """
    }

    private func storage(_ node: Node, _ mail: Int, _ peers: String) -> String {
        """

        [Storage]
        Name = "storage"
        PublicMailAddr = "127.0.0.1:\(mail)"
        ListenMailAddr = "127.0.0.1:\(node.mail)"
        CertLoc = "pki/storage-cert.pem"
        KeyLoc = "pki/storage-key.pem"
        CRDTLayerRoot = "data"

        [Storage.SyncAddrs.users]
        Public = "127.0.0.1:\(node.sync)"
        Listen = "127.0.0.1:\(node.sync)"

        [Storage.Peers.users]
        \(peers)

        """
    }

    private func distributor(_ node: Node) -> String {
        """

        [Distributors.\(node.region)]
        Name = "\(node.name)"
        Region = "\(node.region)"
        PublicMailAddr = "127.0.0.1:\(node.mail)"
        ListenMailAddr = "127.0.0.1:\(node.mail)"
        PublicCertLoc = "pki/public-\(node.name)-cert.pem"
        PublicKeyLoc = "pki/public-\(node.name)-key.pem"
        InternalCertLoc = "pki/\(node.name)-cert.pem"
        InternalKeyLoc = "pki/\(node.name)-key.pem"
        AuthAdapter = "AuthFile"

        [Distributors.\(node.region).AuthFile]
        File = "users.txt"
        Separator = ";"

        """
    }
}
