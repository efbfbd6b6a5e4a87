// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

extension Clusters {
    /// A worker that is gone costs a client next to nothing.
    @Suite("fail-over") struct Failover {
        /// A cluster whose distributors know that all nodes are up, so that sessions are at the workers.
        private static func startedCluster() throws -> Cluster {
            let cluster = try Cluster(isPatient: false)
            try cluster.start()
            return cluster
        }

        @Test func aSelectedSessionIsCarriedOverToStorage() throws {
            let cluster = try Self.startedCluster()
            let client = try cluster.client("eu")
            for number in 1...5 { #expect(try client.append(to: "INBOX", ClusterMail.simple("mail \(number)")).isOK) }
            #expect(try client.command("SELECT INBOX").exists == 5)
            #expect(try client.command("STORE 2 +FLAGS (\\Deleted)").isOK)
            let uids = try client.command("UID SEARCH ALL").found
            let us = try cluster.client("us")
            try cluster.eventually("the others have the flag") {
                try MailboxView("INBOX", us).messages.contains { $0.flags == ["\\Deleted"] }
            }
            try cluster.killHard("eu-worker")

            // The same connection, the same numbers, the same mailbox: the client need not know.
            try cluster.eventually("storage has all of it") {
                let reply = try client.command("UID SEARCH ALL")
                #expect(reply.isOK, "\(reply)")
                return reply.found == uids
            }
            #expect(try client.command("STORE 1 +FLAGS (\\Flagged)").isOK)
            #expect(try client.command("EXPUNGE").untagged.contains { $0.text == "* 2 EXPUNGE" })
            #expect(try client.append(to: "INBOX", ClusterMail.simple("mail 6")).isOK)
            try cluster.start(["eu-worker"])
            let fresh = try cluster.client("eu")
            try cluster.eventually("all of that is at the worker when it is back") {
                let view = try MailboxView("INBOX", fresh)
                return view.messages.count == 5 && view.messages.first?.flags == ["\\Flagged"]
            }
            try cluster.stopAll()
        }

        @Test func idleIsCarriedOver() throws {
            let cluster = try Self.startedCluster()
            let client = try cluster.client("eu")
            #expect(try client.command("SELECT INBOX").isOK)
            let tag = try client.begin("IDLE")
            #expect(try client.readLine()?.text.hasPrefix("+") ?? false)
            let us = try cluster.client("us")
            #expect(try us.append(to: "INBOX", ClusterMail.simple("one")).isOK)
            #expect(try Convergence.next("EXISTS", client) == 1)
            try cluster.killHard("eu-worker")
            #expect(try us.append(to: "INBOX", ClusterMail.simple("two")).isOK)
            #expect(try Convergence.next("EXISTS", client) == 2)
            try client.send("DONE\r\n")
            #expect(try client.finish(tag).isOK)
            try cluster.stopAll()
        }

        @Test func aLoginGoesOnWhileTheWorkerIsDown() throws {
            let cluster = try Self.startedCluster()
            let first = try cluster.client("eu")
            #expect(try first.append(to: "INBOX", ClusterMail.simple("one")).isOK)
            let us = try cluster.client("us")
            try cluster.eventually("us has it") { try MailboxView("INBOX", us).messages.count == 1 }
            try cluster.killHard("eu-worker")
            let second = try cluster.client("eu")
            try cluster.eventually("storage has it") { try MailboxView("INBOX", second).messages.count == 1 }
            #expect(try second.append(to: "INBOX", ClusterMail.simple("two")).isOK)
            try cluster.eventually("us has it") { try MailboxView("INBOX", us).messages.count == 2 }
            try cluster.killHard("storage")
            let third = try cluster.client("eu")
            try cluster.eventually("another region takes over") {
                try MailboxView("INBOX", third).messages.count == 2
            }
            try cluster.stopAll()
        }

        @Test func whatWasAcknowledgedIsThereAndWhatWasNotIsThereAtMostOnce() throws {
            let cluster = try Self.startedCluster()
            let client = try cluster.client("eu")
            #expect(try client.command("SELECT INBOX").isOK)
            let subjects = (1...40).map { "Subject: mail \($0)" }
            let tags = try (1...40).map { try client.beginAppend(to: "INBOX", ClusterMail.simple("mail \($0)")) }
            var replies = try tags.prefix(10).map { try client.finish($0) }
            try cluster.killHard("eu-worker")
            replies += try tags.dropFirst(10).map { try client.finish($0) }
            for reply in replies { #expect(reply.isOK || reply.tagged.text.contains("NO [UNAVAILABLE]"), "\(reply)") }
            #expect(try client.command("NOOP").isOK)
            try cluster.start(["eu-worker"])

            let sure = Set(zip(subjects, replies).filter { $0.1.isOK }.map(\.0))
            let (eu, us) = (try cluster.client("eu"), try cluster.client("us"))
            try cluster.eventually("all that was acknowledged is everywhere") {
                let views = (try MailboxView("INBOX", eu), try MailboxView("INBOX", us))
                return views.0 == views.1 && sure.isSubset(of: views.0.subjects)
            }
            let found = try MailboxView("INBOX", us).subjects
            #expect(Set(found).count == found.count && Set(found).isSubset(of: subjects), "\(found)")
            try cluster.stopAll()
        }

        @Test func whatOnlyADeadWorkerHasComesBackWithIt() throws {
            let cluster = try Self.startedCluster()
            let client = try cluster.client("eu")
            #expect(try client.command("SELECT INBOX").isOK)
            cluster.isolate("eu-worker")
            #expect(try client.append(to: "INBOX", ClusterMail.simple("at the worker")).isOK)
            try cluster.killHard("eu-worker")
            // A command that is under way when the worker dies may be refused, and is then given again.
            try cluster.eventually("storage takes a message") {
                try client.append(to: "INBOX", ClusterMail.simple("at storage")).isOK
            }
            #expect(try client.command("NOOP").isOK)
            cluster.mend()
            try cluster.start(["eu-worker"])
            let (eu, us) = (try cluster.client("eu"), try cluster.client("us"))
            try cluster.eventually("both are everywhere") {
                let views = (try MailboxView("INBOX", eu), try MailboxView("INBOX", us))
                return views.0 == views.1
                    && Set(views.0.subjects) == ["Subject: at the worker", "Subject: at storage"]
                    && views.0.messages.count == 2
            }
            // The session that was carried over sees the same.
            try cluster.eventually("so it is in the session") {
                #expect(try client.command("NOOP").isOK)
                return try client.command("FETCH 1:* UID").untagged.count == 2
            }
            try cluster.stopAll()
        }

        @Test func anUploadThatIsCutIsRefusedAndTheSessionGoesOn() throws {
            let cluster = try Self.startedCluster()
            let client = try cluster.client("eu")
            #expect(try client.command("SELECT INBOX").isOK)
            let message = ClusterMail.simple("large") + [UInt8](repeating: UInt8(ascii: "x"), count: 200_000)
            try client.send("u APPEND INBOX {\(message.count)}\r\n")
            #expect(try client.readLine()?.text.hasPrefix("+") ?? false)
            try client.socket.send(Array(message.prefix(100_000)))
            try cluster.killHard("eu-worker")
            try client.socket.send(Array(message.dropFirst(100_000)) + [13, 10])
            let reply = try client.finish("u")
            #expect(reply.tagged.text.contains("NO [UNAVAILABLE]"), "\(reply)")
            #expect(try client.append(to: "INBOX", ClusterMail.simple("again")).isOK)
            try cluster.eventually("the second attempt is there, and only that") {
                try MailboxView("INBOX", cluster.client("us")).subjects == ["Subject: again"]
            }
            try cluster.stopAll()
        }

        @Test func aWorkerThatIsStoppedHandsItsSessionsOver() throws {
            let cluster = try Self.startedCluster()
            let (busy, idle) = (try cluster.client("eu"), try cluster.client("eu"))
            for client in [busy, idle] { #expect(try client.command("SELECT INBOX").isOK) }
            let tag = try idle.begin("IDLE")
            #expect(try idle.readLine()?.text.hasPrefix("+") ?? false)
            for number in 1...3 { #expect(try busy.append(to: "INBOX", ClusterMail.simple("mail \(number)")).isOK) }
            let us = try cluster.client("us")
            try cluster.eventually("a survivor has all of it") { try MailboxView("INBOX", us).messages.count == 3 }
            try cluster.stop("eu-worker")
            // Not even a change is refused: the worker says what it has not begun.
            for number in 4...6 { #expect(try busy.append(to: "INBOX", ClusterMail.simple("mail \(number)")).isOK) }
            var count = 0
            while count < 6 { count = try #require(try Convergence.next("EXISTS", idle)) }
            try idle.send("DONE\r\n")
            #expect(try idle.finish(tag).isOK)
            try cluster.start(["eu-worker"])
            try cluster.eventually("the worker has all of it") {
                try MailboxView("INBOX", cluster.client("eu")).messages.count == 6
            }
            try cluster.stopAll()
        }

        @Test func aWorkerThatHangsIsLeft() throws {
            let cluster = try Self.startedCluster()
            let client = try cluster.client("eu")
            #expect(try client.command("SELECT INBOX").isOK)
            // Else storage would make an INBOX of its own, one of which the sessions in it have to leave.
            let worker = try #require(cluster.plan.node("eu-worker"))
            try cluster.eventually("the others have the account") {
                try MetricsScrape(port: worker.metrics).sum("pluto_replication_lag_operations") == 0
            }
            cluster.freeze("eu-worker")
            let second = try cluster.client("eu")
            #expect(try second.append(to: "INBOX", ClusterMail.simple("one")).isOK)
            #expect(try client.command("SEARCH ALL").isOK)
            #expect(try client.command("CREATE Work").isOK)
            cluster.thaw("eu-worker")
            try cluster.eventually("the worker serves again") {
                let fresh = try cluster.client("eu")
                return try fresh.command("STATUS Work (MESSAGES)").isOK
                    && MailboxView("INBOX", fresh).messages.count == 1
            }
            try cluster.stopAll()
        }
    }
}
