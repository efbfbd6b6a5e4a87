// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

extension Clusters {
    /// Replicas join and leave a cluster that runs, in the steps of docs/configuration.md.
    @Suite("members come and go") struct Membership {
        /// A replica that comes later, and the region where clients meet it.
        struct Newcomer: CustomTestStringConvertible {
            let name: String
            let region: String
            var testDescription: String { name }
        }

        private static let regions = ["eu", "us", "asia"]
        private static let newcomers = [
            Newcomer(name: "asia-worker", region: "asia"), Newcomer(name: "storage", region: "us"),
        ]

        @Test("a replica joins, serves, leaves and is refused from then on", arguments: newcomers)
        func aReplicaJoinsAndLeaves(newcomer: Newcomer) throws {
            let (name, region) = (newcomer.name, newcomer.region)
            let cluster = try Cluster(regions: Self.regions, without: name)
            let others = cluster.plan.replicas.map(\.name)
            try cluster.start()
            let eu = try cluster.client("eu")
            #expect(try eu.command("CREATE Work").isOK)
            for number in 1...40 {
                #expect(try eu.append(to: "Work", flags: "\\Seen", ClusterMail.simple("mail \(number)")).isOK)
            }
            #expect(try members(cluster, at: "eu-worker") == others.sorted())
            let before = try Dictionary(uniqueKeysWithValues: others.map { ($0, try number(of: $0, cluster)) })

            // Join: the operation, then the files and the certificate, then the start.
            let node = try #require(cluster.plan.node(name))
            let added = try cluster.pluto(
                ["member", "add", name, "127.0.0.1:\(node.sync)", "--config", "eu-worker.toml"])
            #expect(added.ending == .exited(0), "\(added.output)")
            try cluster.putIntoFiles(name)
            #expect(
                name > others.sorted()[others.count - 1] || added.output.contains(cluster.plan.numberLine),
                "\(added.output)")
            try cluster.start([name])
            for member in others + [name] {
                try cluster.eventually("\(member) lists everybody") {
                    try members(cluster, at: member) == (others + [name]).sorted()
                }
            }
            for other in others { #expect(try number(of: other, cluster) == before[other], "\(other)") }
            try awaitAllIn(cluster, name, of: others)

            // It serves: its region's distributor learns of it, and nobody else is there for that region.
            try restart("\(region)-distributor", cluster)
            let worker = "\(region)-worker"
            if worker != name { try cluster.stop(worker) }
            let client = try cluster.client(region)
            #expect(try MailboxView("Work", client) == MailboxView("Work", eu))
            #expect(try client.append(to: "Work", ClusterMail.simple("of the newcomer")).isOK)
            #expect(try MetricsScrape(port: node.metrics).sum("pluto_front_sessions_total") >= 1)
            try awaitCount(41, eu, cluster)
            if worker != name { try cluster.start([worker]) }

            // The next start of a member, with the files that now have the newcomer.
            try restart("eu-worker", cluster)
            let again = try cluster.client("eu")
            #expect(try again.append(to: "Work", ClusterMail.simple("after a restart")).isOK)
            try awaitCount(42, try cluster.client(region), cluster)

            try leave(name, others, again, cluster)
            try cluster.stopAll()
        }

        /// Leave: the end, the operation, the files; what comes of it later is refused, and the others go on.
        private func leave(_ name: String, _ others: [String], _ eu: RawIMAPClient, _ cluster: Cluster) throws {
            try cluster.stop(name)
            let removed = try cluster.pluto(["member", "remove", name, "--config", "eu-worker.toml"])
            #expect(removed.ending == .exited(0), "\(removed.output)")
            for member in others {
                try cluster.eventually("\(member) does not list it any more") {
                    try members(cluster, at: member) == others.sorted()
                }
            }
            try cluster.takeOutOfFiles(name)
            for distributor in Self.regions.map({ "\($0)-distributor" }) { try restart(distributor, cluster) }
            let fresh = try cluster.client("eu")
            #expect(try fresh.append(to: "Work", ClusterMail.simple("without it")).isOK)
            let us = try cluster.client("us")
            try awaitCount(43, us, cluster)

            try cluster.start([name])
            for member in others {
                let port = try #require(cluster.plan.node(member)).metrics
                try cluster.eventually("\(member) refuses it") {
                    // A series appears with its first count.
                    let count = try? MetricsScrape(port: port).sum(
                        "pluto_replication_refusals_total", label: "by=\"here\",reason=\"unknownMember\"")
                    return count ?? 0 >= 1
                }
            }
            // It has heard nothing of what came after it had left, and nobody is the worse for it.
            let own = try #require(cluster.plan.node(name))
            #expect(try MetricsScrape(port: own.metrics).sum("pluto_replication_link_up") == 0)
            #expect(try fresh.append(to: "Work", ClusterMail.simple("still without it")).isOK)
            try awaitCount(44, us, cluster)
            try cluster.eventually("all is well without it") {
                try cluster.pluto(["status", "--config", "whole.toml"]).ending == .exited(0)
            }
        }

        // MARK: Steps

        private func restart(_ name: String, _ cluster: Cluster) throws {
            try cluster.stop(name)
            try cluster.start([name])
        }

        private func awaitCount(_ count: Int, _ client: RawIMAPClient, _ cluster: Cluster) throws {
            try cluster.eventually("\(count) messages in Work") {
                try MailboxView("Work", client).messages.count == count
            }
        }

        /// Waits until a replica lacks nothing that others have.
        private func awaitAllIn(_ cluster: Cluster, _ name: String, of others: [String]) throws {
            let port = try #require(cluster.plan.node(name)).metrics
            try cluster.eventually("\(name) has taken everything over") {
                let scrape = try MetricsScrape(port: port)
                return try scrape.sum("pluto_replication_link_up") == Double(2 * others.count)
                    && scrape.sum("pluto_replication_lag_operations", label: "direction=\"receive\"") == 0
                    && scrape.sum("pluto_replication_missing_bodies") == 0
            }
        }

        /// The names that a node lists.
        private func members(_ cluster: Cluster, at node: String) throws -> [String] {
            try rows(cluster, at: node).map { String($0[0]) }.sorted()
        }

        /// The number that a node has in the group, as another lists it.
        private func number(of member: String, _ cluster: Cluster) throws -> Int? {
            let row = try rows(cluster, at: "eu-worker").first { $0[0] == member }
            return row?.first { $0.allSatisfy(\.isNumber) }.flatMap { Int($0) }
        }

        private func rows(_ cluster: Cluster, at node: String) throws -> [[Substring]] {
            let list = try cluster.pluto(["member", "list", "--config", "\(node).toml"])
            guard list.ending == .exited(0) else { throw LiveFailure("member list at \(node): \(list.output)") }
            return list.output.split(separator: "\n").prefix { !$0.hasPrefix("When ") }.dropFirst(2)
                .map { $0.split(separator: " ") }
        }
    }
}
