// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport
internal import Testing

extension Clusters {
    /// The example in the documentation is a cluster: what its first lines say to type starts one.
    @Suite("the example configuration") struct ExampleConfiguration {
        private let folder: TemporaryDirectory
        private let ports: [Int: Int]
        private var file: String { folder.file("config.toml.example") }

        /// Copies the example; nothing but the ports differs, since somebody may listen on those.
        init() throws {
            folder = try TemporaryDirectory()
            let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
            let text = String(
                decoding: try Files.read(root.joined(separator: "/") + "/docs/config.toml.example"), as: UTF8.self)
            let parts = text.split(separator: "127.0.0.1:", omittingEmptySubsequences: false)
            let named = Set(parts.dropFirst().compactMap { Int($0.prefix { $0.isASCII && $0.isNumber }) })
            let ports = Dictionary(uniqueKeysWithValues: zip(named.sorted(), try FreePorts.find(named.count)))
            self.ports = ports
            let mapped = parts.dropFirst().map { part in
                let digits = part.prefix { $0.isASCII && $0.isNumber }
                let port = Int(digits).flatMap { ports[$0] } ?? 0
                return "127.0.0.1:\(port)\(part.dropFirst(digits.count))"
            }
            try folder.write("config.toml.example", (parts.first.map(String.init) ?? "") + mapped.joined())
            try folder.write("users.txt", "alice;wonderland\nbob;builder\n")
        }

        @Test(arguments: [false, true])
        func startsACluster(withTheSpellingsOfTheOriginal originalSpelling: Bool) throws {
            try run("pki", "init")
            try run("pki", "public")
            try run("check-config")
            var nodes: [ChildProcess] = []
            for (role, name) in [
                ("storage", nil), ("worker", "eu-worker-1"), ("worker", "us-worker-1"),
                ("distributor", "eu-distributor"), ("distributor", "us-distributor"),
            ] {
                // The original has one distributor for each file, and so no way to say which.
                let isOriginal = originalSpelling && role != "distributor"
                var arguments = [isOriginal ? "-\(role)" : role]
                if let name { arguments.append(name) }
                arguments += isOriginal ? ["-config", file, "-loglevel", "debug"] : ["--config", file]
                let log = folder.file("\(name ?? role).log")
                let node = try ChildProcess([PlutoServer.executable] + arguments, folder: folder.path, errors: log)
                var isReady = false
                while !isReady, let line = try node.readLine() { isReady = line.hasPrefix("ready") }
                let text = String(decoding: try Files.read(log), as: UTF8.self)
                try #require(isReady, "\(name ?? role): \(text)")
                nodes.append(node)
            }
            let eu = try client("eu", 1993)
            #expect(try eu.append(to: "INBOX", ClusterMail.simple("from the example")).isOK)
            let us = try client("us", 2993)
            let deadline = Deadline(.seconds(30))
            while try MailboxView("INBOX", us).subjects != ["Subject: from the example"] {
                try #require(!deadline.isOver)
            }
            // Nodes that have only just found each other say so.
            while try !status().contains("all is well") { try #require(!deadline.isOver) }
            for node in nodes.reversed() {
                node.signal(SIGTERM)
                #expect(try node.wait(within: .seconds(20)) == .exited(0))
            }
        }

        private func status() throws -> String {
            try ChildProcess.run([PlutoServer.executable, "status", "--config", file], folder: folder.path).output
        }

        private func run(_ command: String...) throws {
            let result = try ChildProcess.run(
                [PlutoServer.executable] + command + ["--config", file], folder: folder.path)
            try #require(result.ending == .exited(0), "\(command): \(result.output)")
        }

        private func client(_ region: String, _ port: Int) throws -> RawIMAPClient {
            let client = try RawIMAPClient(
                LiveSocket(
                    tlsPort: ports[port] ?? 0, authority: folder.file("private/public-\(region)-distributor-cert.pem")))
            try #require(try client.command("LOGIN alice wonderland").isOK)
            return client
        }
    }
}
