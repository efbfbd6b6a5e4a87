// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

extension Clusters {
    /// New certificates, and a new authority, while everybody works.
    @Suite("certificates are renewed without a stop") struct Renewal {
        @Test func sessionsAndReplicationGoOnWhileCertificatesAndAuthorityChange() throws {
            let cluster = try Cluster()
            try cluster.start()
            let eu = try cluster.client("eu")
            let us = try cluster.client("us")
            #expect(try eu.command("SELECT INBOX").isOK)
            #expect(try us.command("SELECT INBOX").isOK)
            let idle = try us.begin("IDLE")
            #expect(try us.readLine()?.text.hasPrefix("+") ?? false)

            // New pairs; then a second authority beside the first; then pairs of the second.
            for (step, options) in [[], ["--ca"], []].enumerated() {
                let old = try serials(cluster)
                let renewed = try cluster.pluto(["pki", "renew", "--config", "whole.toml"] + options)
                #expect(renewed.ending == .exited(0), "\(renewed.output)")
                let new = try serials(cluster)
                for node in cluster.plan.nodes { #expect(old[node.name] != new[node.name], "\(node.name)") }
                cluster.hangUp()
                for node in cluster.plan.nodes {
                    try cluster.eventually("\(node.name) uses the certificates of step \(step + 1)") {
                        try cluster.logText(of: node.name).split(separator: "\n")
                            .count { $0.contains("new certificates are in use") } > step
                    }
                }
                // All links are new ones, and carry what sessions that are older than the certificates write.
                let links = try linkCount(cluster)
                cluster.allLinks.forEach { $0.cut() }
                #expect(try eu.append(to: "INBOX", ClusterMail.simple("mail \(step + 1)")).isOK)
                cluster.mend()
                #expect(try Convergence.next("EXISTS", us) == step + 1)
                try cluster.eventually("both ways of all links came up again") {
                    try linkCount(cluster) >= links + 6 && linksUp(cluster) == 12
                }
                #expect(try MailboxView("INBOX", cluster.client("eu")).messages.count == step + 1)
            }
            try us.send("DONE\r\n")
            #expect(try us.finish(idle).isOK)

            // Whoever believes in the second authority alone believes in every replica, and is believed.
            let roots = String(decoding: try Files.read(cluster.folder.file("pki/root-cert.pem")), as: UTF8.self)
            let begin = "-----BEGIN CERTIFICATE-----"
            let parts = roots.split(separator: begin).map { begin + $0 }.filter { $0.contains("-----END") }
            try #require(parts.count == 2)
            let answers = try parts.map { part in
                try cluster.folder.write("one-root.pem", part)
                return try Attacker(
                    certificate: cluster.folder.file("pki/us-worker-cert.pem"),
                    key: cluster.folder.file("pki/us-worker-key.pem"),
                    authority: cluster.folder.file("one-root.pem")
                ).attack(port: try #require(cluster.plan.node("eu-worker")).sync, [[0, 0, 0, 0]])
            }
            let believed = answers.map { !$0.ending.contains("CERTIFICATE_VERIFY_FAILED") }
            #expect(believed.sorted { $0 && !$1 } == [true, false], "\(answers)")
            try cluster.stopAll()
        }

        /// What differs between two certificates of a node: all of the file.
        private func serials(_ cluster: Cluster) throws -> [String: [UInt8]] {
            try Dictionary(
                uniqueKeysWithValues: cluster.plan.nodes.map {
                    ($0.name, try Files.read(cluster.folder.file("pki/\($0.name)-cert.pem")))
                })
        }

        private func linkCount(_ cluster: Cluster) throws -> Double {
            try cluster.plan.replicas.map { try MetricsScrape(port: $0.metrics).sum("pluto_replication_links_total") }
                .reduce(0, +)
        }

        private func linksUp(_ cluster: Cluster) throws -> Double {
            try cluster.plan.replicas.map { try MetricsScrape(port: $0.metrics).sum("pluto_replication_link_up") }
                .reduce(0, +)
        }
    }
}
