// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

extension Clusters {
    /// Users in two ranges, each with a group of replicas of its own, as the original's operators wrote it: a file for each region, and no key of ours.
    @Suite("more than one subnet") struct Subnets {
        private static let users = ["alice", "bob", "carol", "dave"]
        private static let regions = ["eu", "us"]

        private let folder: TemporaryDirectory
        /// Ports by what they are for, such as `eu-worker-1 mail`.
        private let ports: [String: Int]

        init() throws {
            folder = try TemporaryDirectory("cluster")
            let workers = Self.regions.flatMap { ["\($0)-worker-1", "\($0)-worker-2"] }
            let uses =
                workers.flatMap { ["\($0) mail", "\($0) sync", "\($0) metrics"] }
                + Self.regions.flatMap { ["\($0)-distributor mail", "\($0)-distributor metrics"] }
                + ["storage mail", "storage metrics", "storage subnet1", "storage subnet2"]
            ports = Dictionary(uniqueKeysWithValues: zip(uses, try FreePorts.find(uses.count)))
            try folder.write("users.txt", Self.users.map { "\($0);secret-\($0)\n" }.joined())
            for region in Self.regions { try folder.write("\(region).toml", file(of: region)) }
            try pluto("pki", "init", "--config", "eu.toml")
            // The second file has the same authority and storage node, and nodes that have no certificates yet.
            try pluto("pki", "renew", "--config", "us.toml", "--within", "30")
            for region in Self.regions { try pluto("pki", "public", "--config", "\(region).toml") }
        }

        @Test("users are at their range's worker, storage holds both ranges, metrics tell them apart")
        func eachRangeHasItsOwnWorkerAndGroup() throws {
            for region in Self.regions { try pluto("check-config", "--config", "\(region).toml") }
            var nodes = ["storage": try start(["-storage"], "eu", "storage")]
            for region in Self.regions {
                for number in 1...2 {
                    let name = "\(region)-worker-\(number)"
                    nodes[name] = try start(["-worker", name], region, name)
                }
            }
            for region in Self.regions {
                let name = "\(region)-distributor"
                nodes[name] = try start(["-distributor"], region, name)
                try eventually("\(name) knows its nodes") {
                    try metrics(name).sum("pluto_distributor_node_up") == 3
                }
            }

            // The first of a range writes in one region and the last of the other range in the other.
            let (alice, dave) = (try client("eu", "alice"), try client("us", "dave"))
            for number in 1...3 {
                #expect(try alice.append(to: "INBOX", ClusterMail.simple("alice \(number)")).isOK)
                #expect(try dave.append(to: "INBOX", ClusterMail.simple("dave \(number)")).isOK)
            }
            let (aliceFar, daveFar) = (try client("us", "alice"), try client("eu", "dave"))
            try eventually("both are in both regions") {
                try MailboxView("INBOX", aliceFar).subjects == (1...3).map { "Subject: alice \($0)" }
                    && MailboxView("INBOX", daveFar).subjects == (1...3).map { "Subject: dave \($0)" }
            }
            for region in Self.regions {
                for number in 1...2 {
                    let scrape = try metrics("\(region)-worker-\(number)")
                    #expect(try scrape.sum("pluto_front_sessions_total") >= 1, "\(region) \(number)")
                    #expect(try scrape.sum("pluto_log_units_total", label: "group=\"subnet\(number)\"") >= 1)
                    #expect(!scrape.text.contains("group=\"subnet\(3 - number)\""))
                }
            }
            for group in ["subnet1", "subnet2"] {
                try eventually("storage is level with \(group)") {
                    let scrape = try metrics("storage")
                    return try scrape.sum("pluto_replication_received_operations", label: "group=\"\(group)\"") >= 3
                        && scrape.sum("pluto_replication_link_up", label: "group=\"\(group)\"") == 4
                        && scrape.sum("pluto_replication_lag_operations", label: "group=\"\(group)\"") == 0
                }
            }

            // Without its worker a range is served by storage, and the other range does not notice.
            nodes.removeValue(forKey: "eu-worker-1")?.signal(9)
            let carried = try client("eu", "alice")
            #expect(try MailboxView("INBOX", carried).messages.count == 3)
            #expect(try carried.append(to: "INBOX", ClusterMail.simple("alice 4")).isOK)
            #expect(try daveFar.append(to: "INBOX", ClusterMail.simple("dave 4")).isOK)
            #expect(try metrics("storage").sum("pluto_front_sessions_total") >= 1)
            try eventually("both have the fourth") {
                try MailboxView("INBOX", aliceFar).messages.count == 4 && MailboxView("INBOX", dave).messages.count == 4
            }
            for name in nodes.keys.sorted() {
                nodes[name]?.signal(15)
                #expect(try nodes[name]?.wait(within: .seconds(20)) == .exited(0), "\(name)")
            }
        }

        // MARK: Steps

        private func start(_ role: [String], _ region: String, _ name: String) throws -> ChildProcess {
            let log = folder.file("\(name).log")
            let node = try ChildProcess(
                [PlutoServer.executable] + role + ["-config", folder.file("\(region).toml"), "-loglevel", "info"],
                errors: log)
            while let line = try node.readLine() { if line.hasPrefix("ready") { return node } }
            throw LiveFailure("\(name): \(String(decoding: try Files.read(log), as: UTF8.self))")
        }

        private func pluto(_ arguments: String...) throws {
            let result = try ChildProcess.run([PlutoServer.executable] + arguments, folder: folder.path)
            try #require(result.ending == .exited(0), "\(arguments): \(result.output)")
        }

        private func metrics(_ name: String) throws -> MetricsScrape {
            try MetricsScrape(port: ports["\(name) metrics"] ?? 0)
        }

        private func client(_ region: String, _ user: String) throws -> RawIMAPClient {
            let client = try RawIMAPClient(
                LiveSocket(
                    tlsPort: ports["\(region)-distributor mail"] ?? 0,
                    authority: folder.file("private/public-\(region)-cert.pem")))
            let reply = try client.command("LOGIN \(user) secret-\(user)")
            try #require(reply.isOK, "\(user) at \(region): \(reply)")
            return client
        }

        private func eventually(_ what: String, _ condition: () throws -> Bool) throws {
            let deadline = Deadline(.seconds(30))
            while !(try condition()) { try #require(!deadline.isOver, "\(what)") }
        }

        // MARK: Files

        private func at(_ use: String) -> String { "127.0.0.1:\(ports[use] ?? 0)" }

        private func file(of region: String) -> String {
            """
            RootCertLoc = "private/root-cert.pem"

            [IMAP]
            Greeting = "Pluto ready."
            HierarchySeparator = "."

            [Distributor]
            Name = "\(region)-distributor"
            PublicMailAddr = "\(at("\(region)-distributor mail"))"
            ListenMailAddr = "\(at("\(region)-distributor mail"))"
            PrometheusAddr = "\(at("\(region)-distributor metrics"))"
            PublicCertLoc = "private/public-\(region)-cert.pem"
            PublicKeyLoc = "private/public-\(region)-key.pem"
            InternalCertLoc = "private/internal-\(region)-distributor-cert.pem"
            InternalKeyLoc = "private/internal-\(region)-distributor-key.pem"
            AuthAdapter = "AuthFile"

                [Distributor.AuthFile]
                File = "users.txt"
                Separator = ";"

            [Workers]

            \(worker(1, region, users: 1...2))
            \(worker(2, region, users: 3...4))
            [Storage]
            Name = "storage"
            PublicMailAddr = "\(at("storage mail"))"
            ListenMailAddr = "\(at("storage mail"))"
            PrometheusAddr = "\(at("storage metrics"))"
            CertLoc = "private/internal-storage-cert.pem"
            KeyLoc = "private/internal-storage-key.pem"
            MaildirRoot = "private/Maildirs/"
            CRDTLayerRoot = "private/crdt-layers/"

            \(storage(1))
            \(storage(2))
            """
        }

        private func worker(_ number: Int, _ region: String, users: ClosedRange<Int>) -> String {
            let name = "\(region)-worker-\(number)"
            let other = Self.regions.first { $0 != region } ?? ""
            return """
                [Workers.worker-\(number)]
                    Name = "\(name)"
                    PublicMailAddr = "\(at("\(name) mail"))"
                    ListenMailAddr = "\(at("\(name) mail"))"
                    PublicSyncAddr = "\(at("\(name) sync"))"
                    ListenSyncAddr = "\(at("\(name) sync"))"
                    PrometheusAddr = "\(at("\(name) metrics"))"
                    CertLoc = "private/internal-\(name)-cert.pem"
                    KeyLoc = "private/internal-\(name)-key.pem"
                    UserStart = \(users.lowerBound)
                    UserEnd = \(users.upperBound)
                    MaildirRoot = "private/Maildirs/"
                    CRDTLayerRoot = "private/crdt-layers/"

                        [Workers.worker-\(number).Peers.subnet\(number)]
                        \(other)-worker-\(number) = "\(at("\(other)-worker-\(number) sync"))"
                        storage = "\(at("storage subnet\(number)"))"

                """
        }

        private func storage(_ number: Int) -> String {
            """
                [Storage.SyncAddrs.subnet\(number)]
                Public = "\(at("storage subnet\(number)"))"
                Listen = "\(at("storage subnet\(number)"))"

                [Storage.Peers.subnet\(number)]
                \(Self.regions.map { "\($0)-worker-\(number) = \"\(at("\($0)-worker-\(number) sync"))\"" }
                    .joined(separator: "\n    "))

            """
        }
    }
}
