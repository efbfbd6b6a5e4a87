// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

extension Clusters.OriginalDefects {
    @Test("3.3 D6: what a command costs does not grow with the mailbox")
    func theCostOfACommandDoesNotGrowWithTheMailbox() throws {
        let cluster = try Cluster()
        try cluster.start()
        let eu = try cluster.client("eu")
        let node = try #require(cluster.plan.node("eu-worker"))
        #expect(try eu.command("SELECT INBOX").isOK)

        /// What the same commands write to the log here, and to the peers.
        func cost(_ label: String) throws -> (log: Double, units: Double) {
            let before = try MetricsScrape(port: node.metrics)
            for number in 1...20 {
                #expect(try eu.append(to: "INBOX", ClusterMail.simple("\(label)\(number)")).isOK)
                #expect(try eu.command("STORE * +FLAGS (\\Seen)").isOK)
                #expect(try eu.command("UID STORE 1 +FLAGS (\\Flagged)").isOK)
                #expect(try eu.command("UID STORE 1 -FLAGS (\\Flagged)").isOK)
            }
            let after = try MetricsScrape(port: node.metrics)
            func growth(_ name: String) throws -> Double { try after.sum(name) - before.sum(name) }
            return (try growth("pluto_log_bytes_total"), try growth("pluto_log_units_total"))
        }

        #expect(try eu.append(to: "INBOX", ClusterMail.simple("first")).isOK)
        _ = try cost("warm")
        let small = try cost("aaaa")
        let tags = try (1...1_500).map { try eu.beginAppend(to: "INBOX", ClusterMail.simple("filler \($0)")) }
        for tag in tags { #expect(try eu.finish(tag, within: .seconds(120)).isOK) }
        let large = try cost("bbbb")
        #expect(large.units <= small.units + 2, "\(small) \(large)")
        #expect(large.log <= small.log * 1.2, "\(small) \(large)")
        try cluster.stopAll()
    }

    @Test("3.3 D13: a full disk ends no process and harms no other node")
    func aFullDiskEndsNothing() throws {
        let cluster = try Cluster()
        try cluster.start()
        let (eu, us) = (try cluster.client("eu"), try cluster.client("us"))
        #expect(try eu.append(to: "INBOX", ClusterMail.simple("before")).isOK)
        try cluster.eventually("us has it") { try MailboxView("INBOX", us).messages.count == 1 }

        // Bob's home is the other region: its node gives his messages their UIDs.
        let bob = try cluster.client("us", user: "bob", password: "builder")
        #expect(try bob.append(to: "INBOX", ClusterMail.simple("of bob")).isOK)

        try cluster.limitFiles(of: "eu-worker", toBytes: 300_000)
        var acknowledged = 0
        var refusal: IMAPReply?
        for number in 1...20 where refusal == nil {
            let mail = ClusterMail.simple("eu \(number)") + [UInt8](repeating: UInt8(ascii: "x"), count: 60_000)
            let reply = try eu.append(to: "INBOX", mail)
            if reply.isOK { acknowledged += 1 } else { refusal = reply }
        }
        try #require(acknowledged > 0)
        let reply = try #require(refusal, "1.2 MB fitted into files of 300 kB")
        #expect(reply.status == "NO", "\(reply)")
        // The others go on, and so does reading here; what they write has no room here.
        for number in 1...5 {
            let mail = ClusterMail.simple("us \(number)") + [UInt8](repeating: UInt8(ascii: "y"), count: 60_000)
            #expect(try us.append(to: "INBOX", mail).isOK)
            #expect(try bob.append(to: "INBOX", mail).isOK)
        }
        #expect(try MailboxView("INBOX", bob).messages.count == 6)
        // The node that gives alice's messages their UIDs cannot; another one takes that over, and shows them.
        try cluster.eventually("us shows what is written there while eu is full") {
            try Set((1...5).map { "Subject: us \($0)" }).isSubset(of: MailboxView("INBOX", us).subjects)
        }
        try cluster.eventually("status and metrics say which node is full") {
            let node = try #require(cluster.plan.node("us-worker"))
            let status = try cluster.pluto(["status", "--config", "whole.toml"])
            return try MetricsScrape(port: node.metrics).sum(
                "pluto_replication_peer_writable", label: "peer=\"eu-worker\"") == 0
                && status.output.contains("eu-worker: group users: cannot write: its disk is full or fails")
        }
        try cluster.eventually("us has what eu acknowledged") {
            try Set((1...acknowledged).map { "Subject: eu \($0)" }).isSubset(of: MailboxView("INBOX", us).subjects)
        }
        #expect(try eu.command("NOOP").isOK)
        #expect(try MailboxView("INBOX", eu).messages.count >= 1 + acknowledged)

        // There is room again: everything goes on by itself.
        try cluster.limitFiles(of: "eu-worker", toBytes: nil)
        try cluster.eventually("eu takes mail again") {
            try eu.append(to: "INBOX", ClusterMail.simple("after")).isOK
        }
        try cluster.eventually("both have everything") {
            let views = (try MailboxView("INBOX", eu), try MailboxView("INBOX", us))
            return views.0 == views.1 && views.0.messages.count == 7 + acknowledged
        }
        try cluster.stopAll()
    }

    @Test("3.3 D14: a torn or damaged end of a log keeps no node from starting")
    func aTornLogKeepsNoNodeFromStarting() throws {
        let cluster = try Cluster()
        try cluster.start()
        let (eu, us) = (try cluster.client("eu"), try cluster.client("us"))
        for number in 1...10 { #expect(try eu.append(to: "INBOX", ClusterMail.simple("mail \(number)")).isOK) }
        try cluster.eventually("us has them") { try MailboxView("INBOX", us).messages.count == 10 }
        try cluster.killHard("us-worker")
        let logs = try ChildProcess.run(["find", cluster.folder.file("data/us-worker"), "-name", "*.log"])
        let segment = try #require(logs.output.split(separator: "\n").map(String.init).max())
        // As after a power cut: the record that was being written is half there.
        let bytes = try Files.read(segment)
        try Files.write(segment, bytes + bytes.prefix(37))
        try cluster.start(["us-worker"])
        let again = try cluster.client("us")
        #expect(try again.append(to: "INBOX", ClusterMail.simple("mail 11")).isOK)
        try cluster.eventually("both have everything") {
            let views = (try MailboxView("INBOX", eu), try MailboxView("INBOX", again))
            return views.0 == views.1 && views.0.subjects == (1...11).map { "Subject: mail \($0)" }
        }
        try cluster.stopAll()
    }
}
