// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

extension Clusters {
    /// Nodes die, hang and lose their disks; nothing that was acknowledged is lost, and nobody else is held up.
    @Suite("crashes") struct Crashes {
        /// Who is killed, and who is gone already, so that sessions are where it hurts.
        struct Victim: CustomTestStringConvertible {
            let name: String
            var absent: String?
            /// The region whose sessions run through it.
            let region: String
            var testDescription: String { name }
        }

        private static let victims = [
            Victim(name: "eu-worker", region: "eu"), Victim(name: "us-worker", region: "us"),
            Victim(name: "storage", absent: "eu-worker", region: "eu"), Victim(name: "eu-distributor", region: "eu"),
        ]

        @Test("kill -9 under load", arguments: victims)
        func losesNothingWhenANodeIsKilledUnderLoad(victim: Victim) throws {
            let cluster = try Cluster()
            try cluster.start()
            if let absent = victim.absent { try cluster.killHard(absent) }
            var load = Load(cluster: cluster)
            for number in 1...20 {
                for region in ["eu", "us"] { try load.write(region, "before \(number) \(region)") }
            }

            // Both regions have commands in the air: the victim has begun some, and has others before it.
            let batches = try [("victim", victim.region), ("eu", "eu"), ("us", "us")].map { name, region in
                try Load.Batch(cluster.client(region), name)
            }
            for batch in batches { try batch.begin(30, "first") }
            cluster.freeze(victim.name)
            try batches[0].begin(30, "second")
            try cluster.killHard(victim.name)
            for batch in batches { try load.finish(batch) }
            #expect(load.unacknowledged.count >= 30, "nothing was under way at \(victim.name)")

            for number in 1...20 {
                for region in ["eu", "us"] { try load.write(region, "during \(number) \(region)") }
            }
            try cluster.start([victim.name] + (victim.absent.map { [$0] } ?? []))
            for number in 1...20 { for region in ["eu", "us"] { try load.write(region, "after \(number) \(region)") } }
            #expect(load.acknowledged.count > 80)
            try load.verify()
            try cluster.stopAll()
        }

        @Test("a node that lost its disk comes back by state transfer", arguments: ["us-worker", "storage"])
        func comesBackAfterItsDiskWasLost(victim: String) throws {
            let cluster = try Cluster()
            try cluster.start()
            let eu = try cluster.client("eu")
            #expect(try eu.command("CREATE Work").isOK)
            for number in 1...200 {
                #expect(try eu.append(to: "Work", flags: "\\Seen", ClusterMail.simple("mail \(number)")).isOK)
            }
            try cluster.killHard(victim)
            try cluster.wipe(victim)
            for number in 201...220 { #expect(try eu.append(to: "Work", ClusterMail.simple("mail \(number)")).isOK) }
            try cluster.start([victim])
            let expected = try MailboxView("Work", eu)
            let port = try #require(cluster.plan.node(victim)).metrics
            try cluster.eventually(within: .seconds(60), "\(victim) has taken everything over") {
                let scrape = try MetricsScrape(port: port)
                // A series appears with its first count.
                let snapshots = try? scrape.sum("pluto_replication_snapshots_total", label: "outcome=\"completed\"")
                return try snapshots ?? 0 >= 1 && scrape.sum("pluto_replication_link_up") == 4
                    && scrape.sum("pluto_replication_lag_operations", label: "direction=\"receive\"") == 0
                    && scrape.sum("pluto_replication_missing_bodies") == 0
            }
            // Whoever serves region us now has to be the node that came back.
            for other in ["eu-worker", "us-worker", "storage"] where other != victim { try cluster.killHard(other) }
            var us: RawIMAPClient?
            try cluster.eventually("\(victim) serves") {
                // Until the distributor has noticed who is left a login may be refused.
                us = try? cluster.client("us")
                return us != nil
            }
            #expect(try MailboxView("Work", #require(us)) == expected)
            try cluster.stopAll()
        }

        @Test func aFrozenPeerHoldsNobodyUp() throws {
            let cluster = try Cluster(regions: ["eu", "us", "asia"])
            try cluster.start()
            cluster.freeze("asia-worker")
            let eu = try cluster.client("eu")
            let us = try cluster.client("us")
            for number in 1...100 { #expect(try eu.append(to: "INBOX", ClusterMail.simple("mail \(number)")).isOK) }
            try cluster.eventually("us has all of it") { try MailboxView("INBOX", us).messages.count == 100 }
            cluster.thaw("asia-worker")
            let asia = try cluster.client("asia")
            try cluster.eventually("asia has all of it") { try MailboxView("INBOX", asia).messages.count == 100 }
            try cluster.stopAll()
        }
    }

    /// Mail on its way into INBOX, and what became of it.
    private struct Load {
        /// Messages that are sent without waiting for the replies, on a connection of their own.
        final class Batch {
            let client: RawIMAPClient
            let name: String
            var waiting: [(tag: String, subject: String)] = []

            init(_ client: RawIMAPClient, _ name: String) {
                self.client = client
                self.name = name
            }

            func begin(_ count: Int, _ label: String) throws {
                for number in 1...count {
                    let subject = "Subject: \(label) \(number) \(name)"
                    waiting.append((tag: try client.beginAppend(to: "INBOX", Load.mail(subject)), subject: subject))
                }
            }
        }

        let cluster: Cluster
        private var clients: [String: RawIMAPClient] = [:]
        private(set) var acknowledged: Set<String> = []
        private(set) var unacknowledged: Set<String> = []

        init(cluster: Cluster) { self.cluster = cluster }

        /// Sends one message and waits for the reply.
        mutating func write(_ region: String, _ subject: String) throws {
            let subject = "Subject: \(subject)"
            do {
                let client = try clients[region] ?? cluster.client(region)
                clients[region] = client
                note(subject, try client.append(to: "INBOX", Self.mail(subject)).isOK)
            } catch {
                // The connection went with the node: the write is not acknowledged, and the next one has a new connection.
                note(subject, false)
                clients[region] = nil
            }
        }

        /// Reads the replies, up to the end of the connection.
        mutating func finish(_ batch: Batch) throws {
            for entry in batch.waiting {
                do { note(entry.subject, try batch.client.finish(entry.tag).isOK) } catch {
                    // The connection has ended: so it is with all that are left.
                    note(entry.subject, false)
                }
            }
        }

        private mutating func note(_ subject: String, _ isOK: Bool) {
            if isOK { acknowledged.insert(subject) } else { unacknowledged.insert(subject) }
        }

        fileprivate static func mail(_ subject: String) -> [UInt8] {
            ClusterMail.simple(String(subject.dropFirst("Subject: ".count)))
        }

        /// What was acknowledged is there once, everywhere; of the rest nothing is there twice.
        func verify() throws {
            let readers = try [cluster.client("eu"), cluster.client("us")]
            try cluster.eventually(within: .seconds(60), "all acknowledged mail is everywhere") {
                let views = try readers.map { try MailboxView("INBOX", $0) }
                return views[0] == views[1] && acknowledged.isSubset(of: views[0].subjects)
            }
            let subjects = try MailboxView("INBOX", readers[0]).subjects
            let counts = subjects.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
            #expect(counts.filter { $0.value > 1 }.isEmpty)
            let unknown = Set(subjects).subtracting(acknowledged).subtracting(unacknowledged)
            #expect(unknown.isEmpty)
        }
    }
}
