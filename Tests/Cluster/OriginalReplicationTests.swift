// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport
internal import Testing

extension Clusters.OriginalDefects {
    @Test("1.5: what is sent again after a cut is applied once, and nobody spins")
    func whatIsSentAgainIsAppliedOnce() throws {
        let cluster = try Cluster(regions: ["eu", "us", "asia"])
        try cluster.start()
        let clients = try ["eu", "us", "asia"].map { try cluster.client($0) }
        #expect(try clients[0].command("NOOP").isOK)
        for round in 1...4 {
            // Everybody's operations depend on everybody's, and links break while they are under way.
            let tags = try clients.enumerated().map { index, client in
                try (1...10).map { number in
                    try client.beginAppend(to: "INBOX", ClusterMail.simple("\(round).\(index).\(number)"))
                }
            }
            cluster.allLinks.forEach { $0.cut() }
            cluster.mend()
            for (client, tags) in zip(clients, tags) {
                for tag in tags { #expect(try client.finish(tag).isOK) }
            }
        }
        try cluster.eventually("all have everything once") {
            let views = try clients.map { try MailboxView("INBOX", $0) }
            return views.allSatisfy { $0 == views[0] } && views[0].messages.count == 120
                && Set(views[0].subjects).count == 120
        }
        for name in cluster.plan.replicas.map(\.name) {
            #expect(try cluster.logText(of: name).utf8.count < 200_000, "\(name)")
        }
        try cluster.stopAll()
    }

    @Test("1.7: the login of a user of whom no node has a directory is no node's end")
    func aUserWithoutADirectoryIsWelcome() throws {
        let cluster = try Cluster()
        try cluster.start()
        let alice = try cluster.client("eu")
        // Both regions at once, and cut off from each other.
        cluster.isolate("eu-worker")
        let carols = try ["eu", "us"].map { try cluster.client($0, user: "carol", password: "cipher") }
        for (number, carol) in carols.enumerated() {
            #expect(try carol.append(to: "INBOX", ClusterMail.simple("mail \(number)")).isOK)
        }
        let stranger = try cluster.connect("eu")
        #expect(try stranger.command("LOGIN mallory nobody").status == "NO")
        cluster.mend()
        try cluster.eventually("the two INBOXes are one") {
            let views = try ["eu", "us"].map {
                try MailboxView("INBOX", cluster.client($0, user: "carol", password: "cipher"))
            }
            return views[0] == views[1] && Set(views[0].subjects) == ["Subject: mail 0", "Subject: mail 1"]
        }
        #expect(try alice.append(to: "INBOX", ClusterMail.simple("of alice")).isOK)
        try cluster.stopAll()
    }

    @Test("2.2: flags set in two regions at once are both there, on one message")
    func flagsSetInTwoRegionsAtOnceDoubleNothing() throws {
        let cluster = try Cluster()
        try cluster.start()
        let (eu, us) = (try cluster.client("eu"), try cluster.client("us"))
        for number in 1...3 { #expect(try eu.append(to: "INBOX", ClusterMail.simple("mail \(number)")).isOK) }
        try cluster.eventually("us has them") { try MailboxView("INBOX", us).messages.count == 3 }
        let before = try MailboxView("INBOX", eu)
        cluster.isolate("eu-worker")
        for client in [eu, us] { #expect(try client.command("SELECT INBOX").isOK) }
        #expect(try eu.command("STORE 1:2 +FLAGS (\\Flagged)").isOK)
        #expect(try us.command("STORE 1:2 +FLAGS (\\Answered)").isOK)
        // The same flag on both sides, and one that is set, removed and set again.
        for client in [eu, us] { #expect(try client.command("STORE 3 +FLAGS (\\Seen)").isOK) }
        for sign in ["-", "+"] { #expect(try us.command("STORE 3 \(sign)FLAGS (\\Seen)").isOK) }
        for client in [eu, us] { #expect(try client.command("UNSELECT").isOK) }
        cluster.mend()
        try cluster.eventually("both have both flags, and three messages under their old UIDs") {
            let views = (try MailboxView("INBOX", eu), try MailboxView("INBOX", us))
            return views.0 == views.1 && views.0.messages.map(\.uid) == before.messages.map(\.uid)
                && views.0.subjects == before.subjects
                && views.0.messages.map(\.flags)
                    == [["\\Flagged", "\\Answered"], ["\\Flagged", "\\Answered"], ["\\Seen"]]
        }
        try cluster.stopAll()
    }

    @Test("2.6.3 and 2.6.4: a node that dies while it applies loses and doubles nothing")
    func effectsAreAppliedWholeHoweverTheirNodeDies() throws {
        let cluster = try Cluster()
        try cluster.start()
        let eu = try cluster.client("eu")
        #expect(try eu.command("CREATE Work").isOK)
        let mailboxes = try Self.mailboxes(eu)
        for number in 1...60 { #expect(try eu.append(to: "Work", ClusterMail.simple("mail \(number)")).isOK) }
        for round in 0..<3 {
            // Effects of two parts each: flags, then expunges; a mailbox that goes with its mail.
            var tags = try ["CREATE f\(round)", "SELECT Work", "COPY 1:20 f\(round)"].map { try eu.begin($0) }
            for number in 1...10 { tags.append(try eu.begin("STORE \(number * 2) +FLAGS.SILENT (\\Deleted)")) }
            tags += try ["EXPUNGE", "UNSELECT", "DELETE f\(round)"].map { try eu.begin($0) }
            for tag in tags.prefix(2 + 5 * round) { #expect(try eu.finish(tag).isOK) }
            try cluster.killHard("us-worker")
            for tag in tags.dropFirst(2 + 5 * round) { #expect(try eu.finish(tag).isOK) }
            try cluster.start(["us-worker"])
        }
        let us = try cluster.client("us")
        try cluster.eventually("both have the same") {
            try MailboxView("Work", us) == MailboxView("Work", eu) && Self.mailboxes(us) == Self.mailboxes(eu)
        }
        let view = try MailboxView("Work", us)
        #expect(view.messages.count == 30 && Set(view.subjects).count == 30)
        #expect(try Self.mailboxes(us) == mailboxes)
        try cluster.stopAll()
    }

    @Test("3.3 D11: an expunge in another region renumbers no session in the middle of a FETCH")
    func aRemoteExpungeWaitsForASafePoint() throws {
        let cluster = try Cluster()
        try cluster.start()
        let (eu, us) = (try cluster.client("eu"), try cluster.client("us"))
        let filler = [UInt8](repeating: UInt8(ascii: "x"), count: 1_000_000)
        for number in 1...5 {
            #expect(try eu.append(to: "INBOX", ClusterMail.simple("mail \(number)") + filler).isOK)
        }
        let other = try cluster.client("us")
        try cluster.eventually("us has them") { try MailboxView("INBOX", other).messages.count == 5 }
        #expect(try us.command("SELECT INBOX").exists == 5)
        let uids = try us.command("UID SEARCH ALL").found
        try #require(uids.count == 5)

        // The reply is longer than what the way to a client that does not read holds.
        let tag = try us.begin("FETCH 1:5 (UID BODY.PEEK[])")
        #expect(try eu.command("SELECT INBOX").isOK)
        #expect(try eu.command("STORE 1,3 +FLAGS.SILENT (\\Deleted)").isOK)
        #expect(try eu.command("EXPUNGE").isOK)
        try cluster.eventually("us knows") { try MailboxView("INBOX", other).messages.count == 3 }
        let fetched = try us.finish(tag)
        #expect(fetched.isOK)
        #expect(!fetched.untagged.contains { $0.isMessageData("EXPUNGE") })
        #expect(fetched.fetched.compactMap { $0.number(after: "UID") } == uids)
        // The numbers mean what they meant until the client has been told; STORE, too, is no place to tell.
        let stored = try us.command("STORE 2 +FLAGS (\\Flagged)")
        #expect(stored.isOK && !stored.untagged.contains { $0.isMessageData("EXPUNGE") }, "\(stored)")
        let told = try us.command("NOOP").untagged.filter { $0.isMessageData("EXPUNGE") }.map(\.text)
        #expect(told == ["* 3 EXPUNGE", "* 1 EXPUNGE"] || told == ["* 1 EXPUNGE", "* 2 EXPUNGE"], "\(told)")
        #expect(try us.command("UID SEARCH ALL").found == [uids[1], uids[3], uids[4]])
        #expect(try us.command("UID SEARCH FLAGGED").found == [uids[1]])
        try cluster.stopAll()
    }
}
