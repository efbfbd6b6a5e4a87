// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

extension Clusters {
    /// Nodes die, hang and lose their disks; nothing that was acknowledged is lost, and nobody else is held up.
    @Suite("crashes") struct Crashes {
        @Test("kill -9 under load", arguments: ["eu-worker", "us-worker", "storage", "eu-distributor"])
        func losesNothingWhenANodeIsKilledUnderLoad(victim: String) throws {
            let cluster = try Cluster()
            try cluster.start()
            var acknowledged: Set<String> = []
            var clients: [String: RawIMAPClient] = [:]
            func write(_ region: String, _ subject: String) throws {
                do {
                    let client = try clients[region] ?? cluster.client(region)
                    clients[region] = client
                    if try client.append(to: "INBOX", ClusterMail.simple(subject)).isOK {
                        acknowledged.insert("Subject: \(subject)")
                    }
                } catch {
                    // The connection went with the node: the write is not acknowledged, and the next one has a new connection.
                    clients[region] = nil
                }
            }
            for number in 1...150 {
                if number == 50 { try cluster.killHard(victim) }
                if number == 100 { try cluster.start([victim]) }
                try write("us", "us \(number)")
                try write("eu", "eu \(number)")
            }
            #expect(acknowledged.count > 140)
            let readers = try [cluster.client("eu"), cluster.client("us")]
            try cluster.eventually(within: .seconds(60), "all acknowledged mail is everywhere") {
                let views = try readers.map { try MailboxView("INBOX", $0) }
                return views[0] == views[1] && acknowledged.isSubset(of: views[0].subjects)
            }
            let view = try MailboxView("INBOX", readers[0])
            for subject in acknowledged { #expect(view.subjects.count { $0 == subject } == 1, "\(subject)") }
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
            // Whoever serves region us now has to be the node that came back.
            if victim == "storage" { try cluster.killHard("us-worker") }
            try cluster.eventually(within: .seconds(60), "\(victim) has everything again") {
                // While the node takes the state in, a login may be refused.
                guard let us = try? cluster.client("us"), let view = try? MailboxView("Work", us) else { return false }
                return view == expected
            }
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
}
