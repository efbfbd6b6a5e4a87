// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import CRDTKit

@Suite("Mailbox commands")
struct MailboxCommandTests {
    static func names(_ replica: TestReplica) -> [String] { replica.state.mailboxes.map(\.name) }

    static func create(_ replica: TestReplica, _ names: String...) throws {
        try replica.issue { (state, batch) throws(CRDTError) in
            for name in names {
                try state.createMailbox(name: name, separator: "/", validity: replica.validity, batch: &batch)
            }
        }
    }

    static func code(_ body: () throws -> Void) -> CRDTError.Code? {
        do { try body() } catch let error as CRDTError { return error.code } catch { return nil }
        return nil
    }

    @Test("CREATE makes missing superiors and refuses a taken name")
    func createMakesSuperiors() throws {
        let replica = TestReplica(1)
        try MailboxCommandTests.create(replica, "a/b/c", "INBOX")
        #expect(MailboxCommandTests.names(replica) == ["INBOX", "a", "a/b", "a/b/c"])
        #expect(MailboxCommandTests.code { try MailboxCommandTests.create(replica, "a") } == .mailboxExists)
        #expect(MailboxCommandTests.code { try MailboxCommandTests.create(replica, "inBox") } == .mailboxExists)
        #expect(replica.state.mailbox(named: "Inbox") == .inbox)
        #expect(replica.violation == nil)
    }

    @Test(
        "Names that no mailbox can have are refused",
        arguments: ["", "a//b", "/a", "a/", "a\u{0}b", "a\r\nb", "\u{7f}"])
    func impossibleNamesAreRefused(name: String) throws {
        let replica = TestReplica(1)
        #expect(MailboxCommandTests.code { try MailboxCommandTests.create(replica, name) } == .notPermitted)
        #expect(replica.state.digest == StateDigest())
    }

    @Test("Limits are typed errors and change nothing")
    func limitsAreTypedErrors() throws {
        let replica = TestReplica(1)
        replica.state.limits = AccountLimits(maximumNameBytes: 4, maximumMailboxes: 2, maximumSubscriptions: 1)
        #expect(MailboxCommandTests.code { try MailboxCommandTests.create(replica, "abcde") } == .limitExceeded)
        #expect(MailboxCommandTests.code { try MailboxCommandTests.create(replica, "a/b/") } == .notPermitted)
        try MailboxCommandTests.create(replica, "a")
        #expect(MailboxCommandTests.code { try MailboxCommandTests.create(replica, "b/c") } == .limitExceeded)
        #expect(MailboxCommandTests.names(replica) == ["a"])
        try replica.issue { (state, batch) throws(CRDTError) in try state.subscribe("x", batch: &batch) }
        let refused = MailboxCommandTests.code {
            try replica.issue { (state, batch) throws(CRDTError) in try state.subscribe("y", batch: &batch) }
        }
        #expect(refused == .limitExceeded)
        #expect(replica.state.subscribedNames == ["x"])
    }

    @Test("DELETE refuses INBOX and what is not there, and leaves inferiors")
    func deleteLeavesInferiors() throws {
        let replica = TestReplica(1)
        try MailboxCommandTests.create(replica, "INBOX", "a/b")
        let box = replica.state.mailbox(named: "a") ?? .inbox
        try replica.issue { (state, batch) throws(CRDTError) in try state.deleteMailbox(box, batch: &batch) }
        #expect(MailboxCommandTests.names(replica) == ["INBOX", "a/b"])
        #expect(replica.changes.contains(.mailboxVanished(box, name: "a")))
        let again = MailboxCommandTests.code {
            try replica.issue { (state, batch) throws(CRDTError) in try state.deleteMailbox(box, batch: &batch) }
        }
        #expect(again == .noSuchMailbox)
        let inbox = MailboxCommandTests.code {
            try replica.issue { (state, batch) throws(CRDTError) in try state.deleteMailbox(.inbox, batch: &batch) }
        }
        #expect(inbox == .notPermitted)
    }

    static func rename(_ replica: TestReplica, _ from: String, _ to: String) throws {
        let box = replica.state.mailbox(named: from) ?? MailboxID(.none)
        try replica.issue { (state, batch) throws(CRDTError) in
            try state.renameMailbox(box, to: to, separator: "/", validity: replica.validity, batch: &batch)
        }
    }

    @Test("RENAME takes the subtree along, makes superiors, and keeps identity and UIDs")
    func renameTakesTheSubtree() throws {
        let replica = TestReplica(1)
        try MailboxCommandTests.create(replica, "foo/bar/baz", "foobar")
        let box = replica.state.mailbox(named: "foo/bar")
        try MailboxCommandTests.rename(replica, "foo", "x/zap")
        #expect(MailboxCommandTests.names(replica) == ["foobar", "x", "x/zap", "x/zap/bar", "x/zap/bar/baz"])
        #expect(replica.state.mailbox(named: "x/zap/bar") == box)
        #expect(replica.violation == nil)
    }

    @Test("RENAME refuses a taken name, one below itself and a mailbox that is not there, and changes nothing")
    func renameRefuses() throws {
        let replica = TestReplica(1)
        try MailboxCommandTests.create(replica, "a/b", "c", "d/b")
        let digest = replica.state.digest
        #expect(MailboxCommandTests.code { try MailboxCommandTests.rename(replica, "a", "c") } == .mailboxExists)
        #expect(MailboxCommandTests.code { try MailboxCommandTests.rename(replica, "a", "a") } == .mailboxExists)
        #expect(MailboxCommandTests.code { try MailboxCommandTests.rename(replica, "a", "inbox") } == .mailboxExists)
        #expect(MailboxCommandTests.code { try MailboxCommandTests.rename(replica, "c", "c/d") } == .notPermitted)
        #expect(MailboxCommandTests.code { try MailboxCommandTests.rename(replica, "nope", "e") } == .noSuchMailbox)
        #expect(replica.state.digest == digest)
        // The name itself is free, that of an inferior is not.
        let box = try #require(replica.box("d"))
        try replica.issue { (state, batch) throws(CRDTError) in try state.deleteMailbox(box, batch: &batch) }
        let before = replica.state.digest
        #expect(MailboxCommandTests.code { try MailboxCommandTests.rename(replica, "a", "d") } == .mailboxExists)
        #expect(replica.state.digest == before)
    }

    @Test("RENAME of INBOX moves its messages and leaves it and its inferiors")
    func renameOfInboxMovesItsMessages() throws {
        let replica = TestReplica(1)
        try MailboxCommandTests.create(replica, "INBOX", "INBOX/x")
        try replica.issue { (state, batch) throws(CRDTError) in
            for number in 1...3 { try state.append(TestReplica.facts(UInt64(number)), to: .inbox, batch: &batch) }
        }
        try MailboxCommandTests.rename(replica, "INBOX", "old/mail")
        #expect(MailboxCommandTests.names(replica) == ["INBOX", "INBOX/x", "old", "old/mail"])
        let target = replica.state.mailbox(named: "old/mail") ?? .inbox
        #expect(replica.messages(target).map(\.facts.body.words.0) == [1, 2, 3])
        #expect(replica.messages(.inbox).isEmpty)
        #expect(replica.summary(.inbox)?.uidNext == 4)
        #expect(replica.violation == nil)
    }

    @Test("Mailboxes of one name made apart: the smallest identity has it, everybody agrees on the other's")
    func namesMadeApartNeverCollide() throws {
        let replicas = [TestReplica(1), TestReplica(2), TestReplica(3)]
        let made = try replicas.map { replica in
            try replica.issue { (state, batch) throws(CRDTError) in
                try state.createMailbox(name: "work", validity: replica.validity, batch: &batch)
            }
        }
        for (receiver, order) in [[1, 2], [2, 0], [0, 1]].enumerated() {
            for origin in order { replicas[receiver].deliver(made[origin]) }
        }
        for replica in replicas {
            #expect(replica.account == replicas[0].account)
            #expect(replica.violation == nil)
            // Index 3 is the replica with the smallest name.
            #expect(replica.state.mailbox(named: "work")?.dot.replica == ReplicaIndex(3))
            let names = MailboxCommandTests.names(replica)
            #expect(Set(names).count == 3)
            #expect(names.allSatisfy { $0 == "work" || $0.hasPrefix("work~") })
        }
        let loser = try #require(replicas[0].state.mailboxes.last)
        // When the winner goes, the next one gets the plain name.
        let winner = try #require(replicas[0].box("work"))
        try replicas[0].issue { (state, batch) throws(CRDTError) in try state.deleteMailbox(winner, batch: &batch) }
        #expect(replicas[0].state.mailbox(named: "work") != nil)
        #expect(replicas[0].changes.contains { if case .mailboxRenamed(_, _, "work") = $0 { true } else { false } })
        // Somebody takes a loser's very name: the loser moves to a longer one.
        let before = replicas[1].state.effectiveName(of: loser.id)
        try replicas[2].issue { (state, batch) throws(CRDTError) in
            try state.createMailbox(name: "plain", validity: replicas[2].validity, batch: &batch)
        }
        let plain = try #require(replicas[2].box("plain"))
        _ = replicas[2].issueRaw(.rename(mailbox: plain, name: before ?? ""))
        #expect(replicas[2].state.mailbox(named: before ?? "") == plain)
        #expect(replicas[2].state.effectiveName(of: loser.id)?.hasPrefix(before ?? "?") == true)
        #expect(replicas[2].violation == nil)
    }

    @Test("Effective names do not depend on the order in which mailboxes come and go")
    func namesDoNotDependOnTheOrder() {
        var generator = SeededGenerator(seed: 17)
        let context = TestReplica.context
        let wanted = ["a", "a", "a", "b", "a~b", "", "b"]
        let claimants = wanted.indices.map { index in
            let id = MailboxID(Dot(ReplicaIndex(UInt16(index % 3 + 1)), UInt64(index + 1)))
            return MailboxNames.Claimant(id, identity: context.identityHash(id.dot), context: context)
        }
        var expected: [MailboxID: String] = [:]
        for _ in 0..<200 {
            var names = MailboxNames()
            for index in wanted.indices.shuffled(using: &generator) {
                names.set(claimants[index], wants: wanted.randomElement(using: &generator)) { _ in }
                names.set(claimants[index], wants: index % 2 == 0 ? nil : "b") { _ in }
                names.set(claimants[index], wants: wanted[index]) { _ in }
            }
            #expect(names.violation() == nil)
            let result = Dictionary(uniqueKeysWithValues: names.ascending.map { ($0.id, $0.name) })
            if expected.isEmpty { expected = result }
            #expect(result == expected)
        }
    }

    @Test("Subscriptions: subscribing wins over a concurrent unsubscribing, and says nothing twice")
    func subscribingWins() throws {
        let left = TestReplica(1)
        let right = TestReplica(2)
        right.deliver(try left.issue { (state, batch) throws(CRDTError) in try state.subscribe("x", batch: &batch) })
        let nothing = try left.issue { (state, batch) throws(CRDTError) in try state.subscribe("x", batch: &batch) }
        #expect(nothing.isEmpty)
        let off = try left.issue { (state, batch) throws(CRDTError) in state.unsubscribe("x", batch: &batch) }
        let again = try right.issue { (state, batch) throws(CRDTError) in
            state.unsubscribe("x", batch: &batch)
            try state.subscribe("x", batch: &batch)
        }
        left.deliver(again)
        right.deliver(off)
        #expect(left.state.subscribedNames == ["x"])
        #expect(left.state.digest == right.state.digest)
        #expect(left.violation == nil)
    }
}
