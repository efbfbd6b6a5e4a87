// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPTestSupport
import CRDTKit
import MailStore
import Testing

@testable import FrontDoor

/// Sessions whose node dies, hangs or leaves.
@Suite("Fail-over", .timeLimit(.minutes(10)))
struct FailOverTests {
    @Test("a login while the worker is dead goes to storage")
    func aLoginToADeadWorkerIsFast() async throws {
        let cluster = try await TestCluster()
        await cluster.waitForHealth(cluster.worker, isUp: true)
        cluster.worker.relay.cut()
        await cluster.waitForHealth(cluster.worker, isUp: false)
        let client = try await TestClient.connect(port: cluster.tlsPort, isTLS: true)
        _ = try await client.line()
        let began = ContinuousClock.now
        #expect(try await client.command("LOGIN alice ecila").last?.contains(" OK ") == true)
        print("login while the worker is down: \(ContinuousClock.now - began)")
        #expect(cluster.storage.metric("pluto_front_sessions_total{kind=\"new\"} 1\n"))
        await client.close()
        try await cluster.tearDown()
    }

    @Test("a login while the worker hangs, and nobody knows yet, is answered by storage")
    func aLoginToAHangingWorkerIsHedged() async throws {
        // Only the hedge can help: the attempt at the worker would take 20 seconds.
        let cluster = try await TestCluster { $0.health.hedge = HealthTimes().hedge }
        await cluster.waitForHealth(cluster.worker, isUp: true)
        await cluster.waitForHealth(cluster.storage, isUp: true)
        cluster.worker.relay.silence()
        let client = try await TestClient.connect(port: cluster.tlsPort, isTLS: true)
        _ = try await client.line()
        let began = ContinuousClock.now
        #expect(try await client.command("LOGIN alice ecila").last?.contains(" OK ") == true)
        print("login while the worker hangs: \(ContinuousClock.now - began)")
        #expect(cluster.storage.metric("pluto_front_sessions_total{kind=\"new\"} 1\n"))
        await client.close()
        try await cluster.tearDown()
    }

    @Test("1.3: a session whose worker dies goes on at storage, with its mailbox and its numbers")
    func aSelectedSessionGoesOn() async throws {
        let cluster = try await TestCluster()
        let client = try await cluster.selected()
        cluster.worker.relay.cut()
        #expect(try await client.command("FETCH 3 UID") == ["* 3 FETCH (UID 3)", "c3 OK FETCH completed"])
        #expect(try await client.command("NOOP").last?.contains(" OK ") == true)
        #expect(cluster.metrics.contains("pluto_distributor_failovers_total{outcome=\"carried\"} 1\n"))
        #expect(cluster.storage.metric("pluto_front_sessions_total{kind=\"resumed\"} 1\n"))
        // Storage, and a worker that has come back, go on serving.
        cluster.worker.relay.mend()
        await cluster.waitForHealth(cluster.worker, isUp: true)
        let second = try await cluster.connect()
        #expect(try await second.command("SELECT INBOX").contains("* 3 EXISTS"))
        for client in [client, second] { await client.close() }
        try await cluster.tearDown()
    }

    @Test(arguments: ["ENABLE CONDSTORE", "FETCH 1 MODSEQ", "STATUS INBOX (HIGHESTMODSEQ)", "SELECT INBOX (CONDSTORE)"])
    func aClientWithCondstoreKeepsIt(command: String) async throws {
        let cluster = try await TestCluster()
        let client = try await cluster.selected()
        #expect(try await client.command(command).last?.contains(" OK ") == true)
        cluster.worker.relay.cut()
        let stored = try await client.command("STORE 2 +FLAGS.SILENT (\\Flagged)")
        // The one that was in the air when the worker went may have been done.
        let lines =
            stored.last?.contains("UNAVAILABLE") == true
            ? try await client.command("STORE 2 +FLAGS.SILENT (\\Flagged)") : stored
        #expect(lines.first?.hasPrefix("* 2 FETCH (UID 2 MODSEQ (") == true, "\(lines)")
        #expect(cluster.metrics.contains("pluto_distributor_failovers_total{outcome=\"carried\"} 1\n"))
        await client.close()
        try await cluster.tearDown()
    }

    @Test func flagsThatStorageHasOtherwiseAreToldToAClientWithCondstore() async throws {
        let cluster = try await TestCluster()
        let client = try await cluster.selected()
        try await client.command("ENABLE CONDSTORE")
        let mailbox = try await cluster.storage.store.account(named: "alice").open("INBOX") {}
        // Its clock is that of the worker, so a change now is later than what the client has been told.
        let changed = try await mailbox.store([2], .add(.init(system: .flagged)))[0].modSeq
        mailbox.close()
        cluster.worker.relay.cut()
        let lines = try await client.command("NOOP")
        #expect(lines.contains("* 2 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (\(changed)))"), "\(lines)")
        await client.close()
        try await cluster.tearDown()
    }

    @Test func whatStorageHasMoreOrLessOfIsTold() async throws {
        let cluster = try await TestCluster()
        let client = try await cluster.selected()
        let other = try await cluster.storage.store.account(named: "alice")
        let mailbox = try await other.open("INBOX") {}
        _ = try await mailbox.store([2], .add(.init(system: .deleted)))
        _ = try await mailbox.expunge(nil)
        mailbox.close()
        let upload = try await other.beginUpload(to: "INBOX", size: 2, flags: .init(), date: nil)
        await upload.write(Array("hi".utf8))
        _ = try await upload.finish()
        cluster.worker.relay.cut()
        #expect(try await client.command("NOOP") == ["* 2 EXPUNGE", "* 3 EXISTS", "c3 OK NOOP completed"])
        await client.close()
        try await cluster.tearDown()
    }

    @Test func anIdleClientDoesNotNotice() async throws {
        let cluster = try await TestCluster()
        let client = try await cluster.selected()
        try await client.send("i IDLE\r\n")
        #expect(try await client.line() == "+ idling")
        cluster.worker.relay.cut()
        await cluster.waitFor("pluto_distributor_failovers_total{outcome=\"carried\"} 1\n")
        try await cluster.deliver(["Subject: news\r\n\r\n"])
        #expect(try await client.line() == "* 4 EXISTS")
        try await client.send("DONE\r\n")
        #expect(try await client.line() == "i OK IDLE completed")
        await client.close()
        try await cluster.tearDown()
    }

    @Test func anUploadIsRefusedAndNotDoneTwice() async throws {
        let cluster = try await TestCluster()
        let client = try await cluster.selected(0)
        let body = String(repeating: "x DELETE INBOX\r\n", count: 4_000)
        try await client.send("u APPEND INBOX {\(body.utf8.count)}\r\n")
        #expect(try await client.line().hasPrefix("+"))
        try await client.send(Array(body.utf8.prefix(30_000)))
        cluster.worker.relay.cut()
        try await client.send(Array(body.utf8.dropFirst(30_000)))
        try await client.send("\r\nn NOOP\r\n")
        let lines = [try await client.line(), try await client.line()]
        #expect(lines[0].hasPrefix("u NO [UNAVAILABLE]") && lines[1].hasPrefix("n OK"), "\(lines)")
        #expect(try await client.append("Subject: again\r\n\r\n").contains("OK"))
        let status = try await client.command("STATUS INBOX (MESSAGES)")
        #expect(status.first == "* STATUS INBOX (MESSAGES 1)", "\(status)")
        await client.close()
        try await cluster.tearDown()
    }

    @Test func aResponseThatIsCutInTheMiddleClosesTheConnection() async throws {
        let cluster = try await TestCluster()
        let body = "Subject: large\r\n\r\n" + String(repeating: "0123456789abcde\r\n", count: 200_000)
        try await cluster.deliver([body])
        let client = try await cluster.selected(0)
        cluster.worker.relay.cut(after: 1_000_000)
        try await client.send("f FETCH 1 BODY.PEEK[]\r\n")
        let rest = await client.rest()
        #expect(rest.hasPrefix("* 1 FETCH"))
        #expect(rest.utf8.count < body.utf8.count)
        #expect(!rest.contains("BYE"))
        try await cluster.tearDown()
    }

    @Test("1.3: a command that may have been carried out is not repeated")
    func aCreateIsNotRepeated() async throws {
        let cluster = try await TestCluster.withoutPings()
        let client = try await cluster.connect()
        _ = try await client.command("NOOP")
        // The command gets through; the answer does not.
        cluster.worker.relay.cut(after: 0)
        #expect(try await client.command("CREATE Once").last?.contains("NO [UNAVAILABLE]") == true)
        let account = try await cluster.storage.store.account(named: "alice")
        #expect(try await !account.mailboxes().mailboxes.contains { $0.name == "Once" })
        #expect(try await client.command("CREATE Once").last?.contains(" OK ") == true)
        await client.close()
        try await cluster.tearDown()
    }

    @Test func pipelinedCommandsKeepTheirOrderAndNoneIsDoneTwice() async throws {
        let cluster = try await TestCluster.withoutPings()
        let client = try await cluster.selected()
        // The commands get through; no answer does.
        cluster.worker.relay.cut(after: 0)
        try await client.send("a STORE 1 +FLAGS (\\Seen)\r\nb FETCH 2 UID\r\nd CREATE New\r\ne NOOP\r\n")
        let lines = try await client.lines(to: "e")
        let starts = ["a NO [UNAVAILABLE]", "* 2 FETCH (UID 2)", "b OK", "d NO [UNAVAILABLE]", "e OK"]
        #expect(zip(lines, starts).allSatisfy { $0.hasPrefix($1) } && lines.count == starts.count, "\(lines)")
        await client.close()
        try await cluster.tearDown()
    }

    @Test func aNodeThatHangsIsLeft() async throws {
        let cluster = try await TestCluster {
            $0.health.late = .milliseconds(300)
            $0.health.down = .milliseconds(900)
        }
        await cluster.waitForHealth(cluster.worker, isUp: true)
        let client = try await cluster.selected()
        cluster.worker.relay.silence()
        #expect(try await client.command("FETCH 1 UID").first == "* 1 FETCH (UID 1)")
        // On a machine that is slow enough the worker had hung for a moment before, and the session began at storage.
        let kinds = ["resumed", "new"]
        #expect(kinds.contains { cluster.storage.metric("pluto_front_sessions_total{kind=\"\($0)\"} ") })
        await client.close()
        try await cluster.tearDown()
    }

    @Test func aNodeThatEndsGivesItsSessionsUpAndNothingIsLost() async throws {
        let cluster = try await TestCluster()
        let client = try await cluster.selected()
        try await client.send("i IDLE\r\n")
        #expect(try await client.line() == "+ idling")
        let second = try await cluster.connect()
        _ = try await second.command("NOOP")
        try await cluster.worker.end()
        await cluster.waitFor("pluto_distributor_failovers_total{outcome=\"carried\"} 2\n")
        try await client.send("DONE\r\n")
        #expect(try await client.line() == "i OK IDLE completed")
        #expect(try await client.command("CREATE New").last?.contains(" OK ") == true)
        #expect(try await second.command("SELECT INBOX").last?.contains(" OK ") == true)
        for client in [client, second] { await client.close() }
        try await cluster.tearDown()
    }

    /// A session that has a mailbox selected begins anew from its ticket, and one that has none goes on.
    @Test func aSnapshotThatIsPutInForceStopsNoSession() async throws {
        let cluster = try await TestCluster()
        try await cluster.deliver((0..<3).map { "Subject: message \($0)\r\n\r\nbody\r\n" }, at: [cluster.worker])
        #expect(try await cluster.transfer(from: cluster.worker, to: cluster.storage) == .accepted)
        let reader = try await cluster.connect()
        #expect(try await reader.command("SELECT INBOX").last?.contains("OK") == true)
        let idler = try await cluster.connect()
        #expect(try await idler.command("LIST \"\" *").last?.contains("OK") == true)
        #expect(try await cluster.transfer(from: cluster.storage, to: cluster.worker) == .accepted)
        await cluster.waitFor("pluto_distributor_failovers_total{outcome=\"carried\"} 1\n")
        #expect(try await reader.command("FETCH 3 UID").first == "* 3 FETCH (UID 3)")
        #expect(try await idler.command("STATUS INBOX (MESSAGES)").first == "* STATUS INBOX (MESSAGES 3)")
        #expect(try await cluster.transfer(from: cluster.storage, to: cluster.worker) == .accepted)
        #expect(try await idler.command("SELECT INBOX").last?.contains("OK") == true)
        #expect(try await cluster.transfer(from: cluster.storage, to: cluster.worker) == .accepted)
        // Selecting again makes good what the session knew, too.
        #expect(try await idler.command("SELECT INBOX").last?.contains("OK") == true)
        #expect(try await idler.append("Subject: one more\r\n\r\n").contains("OK"))
        for client in [reader, idler] { await client.close() }
        try await cluster.tearDown()
    }

    @Test func withoutAnyNodeTheClientIsTold() async throws {
        let cluster = try await TestCluster { $0.health.carryOver = .milliseconds(300) }
        let client = try await cluster.selected()
        cluster.worker.relay.cut()
        cluster.storage.relay.cut()
        #expect(await client.rest().contains("* BYE [UNAVAILABLE]"))
        let second = try await TestClient.connect(port: cluster.tlsPort, isTLS: true)
        _ = try await second.line()
        #expect(try await second.command("LOGIN alice ecila").last?.contains("NO [UNAVAILABLE]") == true)
        await second.close()
        try await cluster.tearDown()
    }

    @Test func aMailboxThatStorageDoesNotHaveEndsTheSession() async throws {
        let cluster = try await TestCluster()
        let client = try await cluster.connect()
        _ = try await client.command("CREATE Here")
        _ = try await client.command("SELECT Here")
        cluster.worker.relay.cut()
        #expect(await client.rest().contains("* BYE"))
        try await cluster.tearDown()
    }

    @Test("D16: nothing of a session stays behind when its distributor or its client is gone")
    func nothingStaysBehind() async throws {
        let cluster = try await TestCluster()
        let clients = [try await cluster.selected(), try await cluster.connect(), try await cluster.connect()]
        #expect(cluster.worker.store.openMailboxes == 1)
        try await clients[1].send("u APPEND INBOX {100000}\r\n")
        _ = try await clients[1].line()
        cluster.worker.relay.cut()
        await eventually { cluster.worker.store.openMailboxes + cluster.worker.store.openUploads == 0 }
        for client in clients { await client.reset() }
        await eventually { cluster.storage.store.openMailboxes + cluster.storage.store.openUploads == 0 }
        await eventually { cluster.storage.metric("pluto_front_sessions 0\n") }
        try await cluster.tearDown()
    }
}
