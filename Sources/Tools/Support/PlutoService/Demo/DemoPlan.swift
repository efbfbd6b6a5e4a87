// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport

/// The nodes of a demonstration cluster, and its configuration file.
struct DemoPlan {
    /// A distributor's addresses.
    struct Distributor {
        var name: String
        var region: String
        var imaps: HostPort
        var imap: HostPort
        var metrics: HostPort
    }

    /// The addresses of a worker or of storage.
    struct Replica {
        var name: String
        /// Empty for storage.
        var region: String
        var mail: HostPort
        var sync: HostPort
        var metrics: HostPort
    }

    /// The most regions: storage and that many workers have the stripes of one group.
    static let maximumRegions = 15
    /// The name of the one group.
    static let group = "users"
    /// The IDs of all users that a file can have.
    static let lastUser = 1_000_000

    let distributors: [Distributor]
    let workers: [Replica]
    let storage: Replica

    /// How many ports a cluster needs.
    static func portCount(regions: Int) -> Int { regions * 6 + 3 }

    /// Names the nodes and gives them ports of loopback.
    ///
    /// - Parameters:
    ///   - regions: How many regions, 1 to ``maximumRegions``.
    ///   - ports: ``portCount(regions:)`` ports, for each region the distributor's IMAPS, IMAP and metrics and the
    ///     worker's sessions, links and metrics, then storage's three.
    init(regions: Int, ports: [UInt16]) {
        var rest = ports[...]
        func next() -> HostPort { HostPort(host: "127.0.0.1", port: rest.popFirst() ?? 0) }
        var distributors: [Distributor] = []
        var workers: [Replica] = []
        for number in 1...max(1, regions) {
            let region = "region-\(number)"
            distributors.append(
                Distributor(
                    name: "distributor-\(number)", region: region, imaps: next(), imap: next(), metrics: next()))
            workers.append(
                Replica(name: "worker-\(number)", region: region, mail: next(), sync: next(), metrics: next()))
        }
        self.distributors = distributors
        self.workers = workers
        storage = Replica(name: "storage", region: "", mail: next(), sync: next(), metrics: next())
    }

    /// The configuration file of the whole cluster; paths are relative to it.
    func configuration(usersFile: String) -> String {
        var text = """
            # The configuration of a demonstration cluster; pluto demo writes it anew at each start.

            RootCertLoc = "pki/root.pem"

            [IMAP]
            HierarchySeparator = "/"

            """
        for distributor in distributors { text += section(distributor, usersFile: usersFile) }
        for worker in workers {
            let peers = workers.filter { $0.name != worker.name } + [storage]
            text += """

                [Workers.\(worker.name)]
                Name = "\(worker.name)"
                Region = "\(worker.region)"
                PublicMailAddr = "\(worker.mail)"
                ListenMailAddr = "\(worker.mail)"
                PublicSyncAddr = "\(worker.sync)"
                ListenSyncAddr = "\(worker.sync)"
                PrometheusAddr = "\(worker.metrics)"
                CertLoc = "pki/\(worker.name).pem"
                KeyLoc = "pki/\(worker.name)-key.pem"
                UserStart = 1
                UserEnd = \(Self.lastUser)
                CRDTLayerRoot = "\(worker.name)"

                [Workers.\(worker.name).Peers.\(Self.group)]
                \(Self.peerLines(peers))

                """
        }
        return text + """

            [Storage]
            Name = "\(storage.name)"
            PublicMailAddr = "\(storage.mail)"
            ListenMailAddr = "\(storage.mail)"
            PrometheusAddr = "\(storage.metrics)"
            CertLoc = "pki/\(storage.name).pem"
            KeyLoc = "pki/\(storage.name)-key.pem"
            CRDTLayerRoot = "\(storage.name)"

            [Storage.SyncAddrs.\(Self.group)]
            Public = "\(storage.sync)"
            Listen = "\(storage.sync)"

            [Storage.Peers.\(Self.group)]
            \(Self.peerLines(workers))

            """
    }

    private func section(_ distributor: Distributor, usersFile: String) -> String {
        """

        [Distributors.\(distributor.name)]
        Name = "\(distributor.name)"
        Region = "\(distributor.region)"
        PublicMailAddr = "\(distributor.imaps)"
        ListenMailAddr = "\(distributor.imaps)"
        StartTLSAddr = "\(distributor.imap)"
        PrometheusAddr = "\(distributor.metrics)"
        PublicCertLoc = "tls/server.pem"
        PublicKeyLoc = "tls/server-key.pem"
        InternalCertLoc = "pki/\(distributor.name).pem"
        InternalKeyLoc = "pki/\(distributor.name)-key.pem"
        AuthAdapter = "AuthFile"

        [Distributors.\(distributor.name).AuthFile]
        File = "\(usersFile)"
        Separator = ";"

        """
    }

    private static func peerLines(_ peers: [Replica]) -> String {
        peers.map { "\($0.name) = \"\($0.sync)\"" }.joined(separator: "\n")
    }
}
