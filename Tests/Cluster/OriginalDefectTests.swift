// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

extension Clusters {
    /// What broke a running cluster of the original design, one test for each.
    @Suite("defects of the original") struct OriginalDefects {
        @Test("2.6.1: \\Deleted set in both regions, and an EXPUNGE in one, converge")
        func deletedFlagsSetInBothRegionsAndThenExpungedConverge() throws {
            let cluster = try Cluster()
            try cluster.start()
            let (eu, us) = (try cluster.client("eu"), try cluster.client("us"))
            #expect(try eu.append(to: "INBOX", ClusterMail.simple("one")).isOK)
            try cluster.eventually("us has it") { try MailboxView("INBOX", us).messages.count == 1 }
            cluster.isolate("eu-worker")
            for client in [eu, us] {
                #expect(try client.command("SELECT INBOX").isOK)
                #expect(try client.command("STORE 1 +FLAGS (\\Deleted)").isOK)
            }
            #expect(try eu.command("EXPUNGE").isOK)
            cluster.mend()
            #expect(try eu.command("UNSELECT").isOK && us.command("UNSELECT").isOK)
            try cluster.eventually("the message is gone everywhere") {
                try MailboxView("INBOX", us).messages.isEmpty && MailboxView("INBOX", eu).messages.isEmpty
            }
            try cluster.stopAll()
        }

        @Test(
            "2.6.2: a DELETE here and a change there kill nobody",
            arguments: ["STORE 1 +FLAGS (\\Flagged)", "EXPUNGE", "append"])
        func aConcurrentDeleteKillsNobody(change: String) throws {
            let cluster = try Cluster()
            try cluster.start()
            let (eu, us) = (try cluster.client("eu"), try cluster.client("us"))
            #expect(try eu.command("CREATE f").isOK)
            for number in 1...2 { #expect(try eu.append(to: "f", ClusterMail.simple("mail \(number)")).isOK) }
            try cluster.eventually("us has them") {
                guard try us.command("STATUS f (MESSAGES)").isOK else { return false }
                return try MailboxView("f", us).messages.count == 2
            }
            #expect(try us.command("SELECT f").isOK)
            #expect(try us.command("STORE 2 +FLAGS (\\Deleted)").isOK)
            try cluster.eventually("eu has the flag") { try MailboxView("f", eu).messages.last?.flags == ["\\Deleted"] }
            cluster.isolate("eu-worker")
            #expect(try eu.command("DELETE f").isOK)
            let reply =
                change == "append"
                ? try us.append(to: "f", ClusterMail.simple("mail 3")) : try us.command(change)
            #expect(reply.isOK)
            // The DELETE may be on its way as soon as the links are whole, and ends a session that is in the mailbox.
            #expect(try us.command("UNSELECT").isOK)
            cluster.mend()
            let survivors = change == "append" ? ["Subject: mail 3"] : change == "EXPUNGE" ? [] : ["Subject: mail 1"]
            try cluster.eventually("both have what the DELETE had not seen") {
                guard try eu.command("STATUS f (MESSAGES)").isOK, try us.command("STATUS f (MESSAGES)").isOK else {
                    return false
                }
                let views = (try MailboxView("f", eu), try MailboxView("f", us))
                return views.0 == views.1 && views.0.subjects == survivors
            }
            try cluster.stopAll()
        }

        @Test("3.3 D2 and D3: a literal that does not come holds up neither other sessions nor replication")
        func anIdleLiteralHoldsUpNeitherOtherSessionsNorReplication() throws {
            let cluster = try Cluster()
            try cluster.start()
            let (eu, us) = (try cluster.client("eu"), try cluster.client("us"))
            let stalled = try cluster.client("us")
            try stalled.send("x APPEND INBOX {1000}\r\n")
            #expect(try stalled.readLine()?.text.hasPrefix("+") ?? false)
            try stalled.send("Subject: half")
            for number in 1...20 {
                #expect(try eu.append(to: "INBOX", ClusterMail.simple("eu \(number)")).isOK)
                #expect(try us.append(to: "INBOX", ClusterMail.simple("us \(number)")).isOK)
            }
            try cluster.eventually("everything is everywhere") {
                try MailboxView("INBOX", us).messages.count == 40 && MailboxView("INBOX", eu).messages.count == 40
            }
            try cluster.stopAll()
        }

        @Test("1.8 and 3.3 D4: a dead peer neither stops nor floods the others")
        func aDeadPeerNeitherStopsNorFloodsTheOthers() throws {
            let cluster = try Cluster()
            try cluster.start(["eu-distributor", "eu-worker", "us-distributor", "us-worker"])
            let (eu, us) = (try cluster.client("eu"), try cluster.client("us"))
            for number in 1...50 { #expect(try eu.append(to: "INBOX", ClusterMail.simple("mail \(number)")).isOK) }
            try cluster.eventually("us has all of it") { try MailboxView("INBOX", us).messages.count == 50 }
            #expect(try cluster.logText(of: "eu-worker").utf8.count < 200_000)
            try cluster.stopAll()
        }

        @Test("3.2 and 3.3 D7: standard clients may quote, bad clients may not leave their mailboxes")
        func standardClientsMayQuoteAndBadClientsMayNotLeaveTheirMailbox() throws {
            let cluster = try Cluster()
            try cluster.start()
            let bob = try cluster.client("eu", user: "bob", password: "builder")
            #expect(try bob.command("CREATE Private").isOK)
            #expect(try bob.append(to: "Private", ClusterMail.simple("of bob")).isOK)
            let (mailboxes, mail) = (try Self.mailboxes(bob), try MailboxView("Private", bob))
            let client = try cluster.client("eu")
            let own = try Self.mailboxes(client)
            #expect(try client.command("LIST \"\" \"*\"").isOK)
            #expect(try client.command("CREATE ../bob/evil").isOK == false)
            for name in ["../bob", "../bob/Private", "\"../bob.Private\"", "/bob/Private", "~bob/Private"] {
                #expect(try client.command("SELECT \(name)").isOK == false, "\(name)")
                #expect(try client.append(to: name, ClusterMail.simple("evil")).isOK == false, "\(name)")
                #expect(try client.command("DELETE \(name)").isOK == false, "\(name)")
            }
            #expect(try client.command("CREATE cur").isOK)
            #expect(try Self.mailboxes(client) == (own + ["cur"]).sorted())
            // Bob has what he had, here and where it was replicated to.
            let far = try cluster.client("us", user: "bob", password: "builder")
            try cluster.eventually("bob's mail is in the other region") {
                guard try Self.mailboxes(far).contains("Private") else { return false }
                return try MailboxView("Private", far) == mail
            }
            for client in [bob, far] { #expect(try Self.mailboxes(client) == mailboxes) }
            #expect(try MailboxView("Private", bob) == mail)
            try cluster.stopAll()
        }

        @Test(
            "3.3 D1, D9 and D10: unknown first commands and huge literals cost only themselves; EXISTS counts messages")
        func unknownFirstCommandsAndHugeLiteralsCostOnlyThemselves() throws {
            let cluster = try Cluster()
            try cluster.start()
            let client = try cluster.connect("eu")
            #expect(try client.command("NOOP").isOK)
            #expect(try client.command("XYZZY").status == "BAD")
            #expect(try client.command("LOGIN alice {-1}").status == "BAD")
            #expect(try client.command("LOGIN alice wonderland").isOK)
            #expect(try client.command("SELECT INBOX").exists == 0)
            #expect(try client.append(to: "INBOX", ClusterMail.simple("one")).isOK)
            #expect(try client.command("CREATE a").isOK && client.command("CREATE b").isOK)
            #expect(try client.command("SELECT INBOX").exists == 1)
            try cluster.stopAll()
        }

        /// The names of a user's mailboxes.
        static func mailboxes(_ client: RawIMAPClient) throws -> [String] {
            try client.command("LIST \"\" *").untagged.compactMap { line in
                line.text.split(separator: " ").last.map { $0.filter { $0 != "\"" } }
            }.sorted()
        }
    }
}
