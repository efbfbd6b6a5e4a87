// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import LiveTestSupport
internal import Testing

extension Clusters {
    /// A worker that is gone costs a client next to nothing.
    @Suite("fail-over") struct Failover {
        @Test func aSelectedSessionIsCarriedOverToStorage() throws {
            let cluster = try Cluster()
            try cluster.start()
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
            var reply = try client.command("UID SEARCH ALL")
            for _ in 0..<20 where !reply.isOK { reply = try client.command("UID SEARCH ALL") }
            #expect(reply.isOK && reply.found == uids, "\(reply)")
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
            let cluster = try Cluster()
            try cluster.start()
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
            let cluster = try Cluster()
            try cluster.start()
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
    }
}
