// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import LiveTestSupport
internal import Testing

extension Clusters {
    /// Every replica accepts writes, always, and all converge.
    @Suite("convergence") struct Convergence {
        @Test func idleInOneRegionAnnouncesWhatAnotherWrote() throws {
            let cluster = try Cluster()
            try cluster.start()
            let near = try cluster.client("eu")
            let far = try cluster.client("us")
            #expect(try near.command("SELECT INBOX").isOK)
            #expect(try far.command("SELECT INBOX").isOK)
            let tag = try near.begin("IDLE")
            #expect(try near.readLine()?.text.hasPrefix("+") ?? false)

            #expect(try far.append(to: "INBOX", ClusterMail.simple("from afar")).isOK)
            #expect(try Self.next("EXISTS", near) == 1)
            #expect(try far.command("UID STORE 1:* +FLAGS (\\Flagged)").isOK)
            #expect(try Self.next("FETCH", near) == 1)
            #expect(try far.command("UID STORE 1:* +FLAGS.SILENT (\\Deleted)").isOK)
            #expect(try Self.next("FETCH", near) == 1)
            #expect(try far.command("EXPUNGE").isOK)
            #expect(try Self.next("EXPUNGE", near) == 1)
            try near.send("DONE\r\n")
            #expect(try near.finish(tag).isOK)
            try cluster.stopAll()
        }

        /// A program that synchronises drops its own copy of what it does not find.
        @Test func aClientThatMovesFindsWhatItWasShown() throws {
            let cluster = try Cluster(replication: ["SessionWaitMilliseconds = 8000"])
            try cluster.start()
            let us = try cluster.client("us")
            #expect(try us.append(to: "INBOX", ClusterMail.simple("mail 0")).isOK)
            for round in 1...3 {
                cluster.isolate("eu-worker")
                for number in 1...5 {
                    #expect(try us.append(to: "INBOX", ClusterMail.simple("mail \(round).\(number)")).isOK)
                }
                // Long enough for the waits between two attempts to grow.
                poll(nil, 0, 1_500)
                cluster.mend()
                #expect(try MailboxView("INBOX", cluster.client("eu")) == MailboxView("INBOX", us))
            }
            try cluster.stopAll()
        }

        /// RFC 7162 section 3.1.4.1; the client knows only what the other region told it.
        @Test func aClientThatMovesGetsTheFlagsThatChangedWhereItWasNot() throws {
            let cluster = try Cluster()
            try cluster.start()
            let eu = try cluster.client("eu")
            let us = try cluster.client("us")
            for number in 1...3 { #expect(try eu.append(to: "INBOX", ClusterMail.simple("mail \(number)")).isOK) }
            try cluster.eventually("us has the mail") { try us.command("SELECT INBOX").exists == 3 }
            let toldByEU = try Self.highestModSeq(eu)
            cluster.isolate("eu-worker")
            #expect(try us.command("STORE 2 +FLAGS (\\Flagged)").isOK)
            #expect(try Self.changes(since: toldByEU, us).contains(2))
            let toldByUS = try Self.highestModSeq(us)
            #expect(toldByUS != toldByEU && toldByUS & 15 != toldByEU & 15)
            #expect(try eu.command("STORE 3 +FLAGS (\\Answered)").isOK)
            #expect(try Self.changes(since: toldByUS, eu).contains(3))
            cluster.mend()
            try cluster.eventually("both have both changes") {
                try MailboxView("INBOX", cluster.client("eu")) == MailboxView("INBOX", cluster.client("us"))
            }
            #expect(try Self.changes(since: toldByEU, eu).isSuperset(of: [2, 3]))
            #expect(try Self.changes(since: toldByUS, us).contains(3))
            try cluster.stopAll()
        }

        private static func highestModSeq(_ client: RawIMAPClient) throws -> UInt64 {
            let word = "HIGHESTMODSEQ "
            for line in try client.command("SELECT INBOX").untagged {
                guard let range = line.text.firstRange(of: word) else { continue }
                if let value = UInt64(line.text[range.upperBound...].prefix { $0.isNumber }) { return value }
            }
            throw LiveFailure("SELECT tells no HIGHESTMODSEQ")
        }

        private static func changes(since modSeq: UInt64, _ client: RawIMAPClient) throws -> Set<UInt32> {
            let reply = try client.command("FETCH 1:* (FLAGS) (CHANGEDSINCE \(modSeq))")
            guard reply.isOK else { throw LiveFailure("FETCH: \(reply)") }
            return Set(reply.fetched.compactMap { UInt32($0.text.split(separator: " ")[1]) })
        }

        @Test func allCommandsReplicate() throws {
            let cluster = try Cluster(regions: ["eu", "us", "asia"])
            try cluster.start()
            let eu = try cluster.client("eu")
            for command in [
                "CREATE Work", "CREATE Work.Deep", "CREATE Old", "SUBSCRIBE Work", "CREATE Gone", "DELETE Gone",
            ] { #expect(try eu.command(command).isOK, "\(command)") }
            for number in 1...10 {
                #expect(try eu.append(to: "INBOX", flags: "\\Seen", ClusterMail.simple("mail \(number)")).isOK)
            }
            #expect(try eu.command("SELECT INBOX").isOK)
            #expect(try eu.command("COPY 1:3 Work").isOK)
            #expect(try eu.command("MOVE 4:5 Work.Deep").isOK)
            #expect(try eu.command("STORE 1 FLAGS (\\Answered $Important)").isOK)
            #expect(try eu.command("STORE 2 +FLAGS (\\Deleted)").isOK)
            #expect(try eu.command("EXPUNGE").isOK)
            #expect(try eu.command("RENAME Old New.Place").isOK)
            #expect(try eu.command("UNSELECT").isOK)

            let names = ["INBOX", "Work", "Work.Deep", "New.Place"]
            let expected = try names.map { try MailboxView($0, eu) }
            for region in ["us", "asia"] {
                let client = try cluster.client(region)
                try cluster.eventually("\(region) sees what eu wrote") {
                    guard try client.command("LIST \"\" *").untagged.contains(where: { $0.text.hasSuffix("New.Place") })
                    else { return false }
                    return try names.map { try MailboxView($0, client) } == expected
                }
                #expect(try client.command("LSUB \"\" *").untagged.contains { $0.text.hasSuffix(" Work") })
            }
            try cluster.stopAll()
        }

        @Test func bothSidesOfACutAcceptWritesAndConvergeWhenItIsMended() throws {
            let cluster = try Cluster()
            try cluster.start()
            let eu = try cluster.client("eu")
            let us = try cluster.client("us")
            #expect(try eu.append(to: "INBOX", ClusterMail.simple("before")).isOK)
            try cluster.eventually("us has the mail") { try MailboxView("INBOX", us).subjects.count == 1 }
            cluster.isolate("eu-worker")
            cluster.isolate("us-worker")
            for number in 1...20 {
                #expect(try eu.append(to: "INBOX", ClusterMail.simple("eu \(number)")).isOK)
                #expect(try us.append(to: "INBOX", ClusterMail.simple("us \(number)")).isOK)
                #expect(try eu.command("CREATE eu\(number)").isOK)
                #expect(try us.command("CREATE us\(number)").isOK)
            }
            #expect(try eu.command("CREATE Both").isOK)
            #expect(try us.command("CREATE Both").isOK)
            cluster.mend()
            let expected = Set(
                ["Subject: before"] + (1...20).flatMap { ["Subject: eu \($0)", "Subject: us \($0)"] })
            try cluster.eventually("both see everything, equally") {
                let (left, right) = (try MailboxView("INBOX", eu), try MailboxView("INBOX", us))
                return Set(left.subjects) == expected && left == right && left.messages.count == expected.count
            }
            let lists = try [eu, us].map { client in
                Set(try client.command("LIST \"\" *").untagged.map(\.text))
            }
            #expect(lists[0] == lists[1])
            #expect(lists[0].count >= 43)
            try cluster.stopAll()
        }

        @Test(
            "a node starts and serves alone; the others join in any order",
            arguments: [
                ["eu-worker", "us-worker", "storage"], ["eu-worker", "storage", "us-worker"],
                ["us-worker", "eu-worker", "storage"], ["us-worker", "storage", "eu-worker"],
                ["storage", "eu-worker", "us-worker"], ["storage", "us-worker", "eu-worker"],
            ])
        func nodesStartInAnyOrder(order: [String]) throws {
            let cluster = try Cluster()
            try cluster.start(["eu-distributor", "us-distributor"])
            for (number, name) in order.enumerated() {
                try cluster.start([name])
                let region = name == "storage" ? "eu" : String(name.prefix(2))
                var client: RawIMAPClient?
                try cluster.eventually("somebody serves \(region)") {
                    // Until the distributor has noticed the node a login is refused.
                    client = try? cluster.client(region)
                    return client != nil
                }
                let reply = try client?.append(to: "INBOX", ClusterMail.simple("mail \(number)"))
                #expect(reply?.isOK == true, "\(String(describing: reply))")
            }
            let clients = try [cluster.client("eu"), cluster.client("us")]
            try cluster.eventually("everybody has three mails") {
                let views = try clients.map { try MailboxView("INBOX", $0) }
                return views[0] == views[1] && views[0].messages.count == 3
            }
            try cluster.stopAll()
        }

        @Test("distributors that come last find everybody", arguments: ["eu-worker", "us-worker", "storage"])
        func distributorsStartLast(first: String) throws {
            let cluster = try Cluster()
            try cluster.start([first])
            try cluster.start(["eu-worker", "us-worker", "storage"].filter { $0 != first })
            try cluster.start(["us-distributor", "eu-distributor"])
            let clients = try [cluster.client("eu"), cluster.client("us")]
            for (number, client) in clients.enumerated() {
                #expect(try client.append(to: "INBOX", ClusterMail.simple("mail \(number)")).isOK)
            }
            try cluster.eventually("both have both") {
                let views = try clients.map { try MailboxView("INBOX", $0) }
                return views[0] == views[1] && views[0].messages.count == 2
            }
            try cluster.stopAll()
        }

        @Test("a replica that starts empty does not make an INBOX that its peers have")
        func aNewReplicaTakesAccountsFromItsPeers() throws {
            let cluster = try Cluster()
            try cluster.start(["eu-worker", "storage", "eu-distributor", "us-distributor"])
            let eu = try cluster.client("eu")
            for number in 1...50 { #expect(try eu.append(to: "INBOX", ClusterMail.simple("mail \(number)")).isOK) }
            let before = try MailboxView("INBOX", eu)
            // The first login comes with the node's first breath.
            try cluster.start(["us-worker"])
            let us = try cluster.client("us")
            try cluster.eventually("us shows the same mail under the same UIDs") {
                try MailboxView("INBOX", us) == before
            }
            #expect(try MailboxView("INBOX", eu) == before)
            try cluster.stopAll()
        }

        /// Reads on until `* NUMBER WORD` comes.
        static func next(_ word: String, _ client: RawIMAPClient) throws -> Int? {
            while let line = try client.readLine() {
                let parts = line.text.split(separator: " ")
                if parts.count > 2, parts[2] == word { return Int(parts[1]) }
            }
            return nil
        }
    }
}
