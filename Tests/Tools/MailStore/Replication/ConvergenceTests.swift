// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Storage
import Synchronization
import TestSupport
import Testing

@testable import MailStore

/// Two and three stores that carry their frames to each other.
@Suite("Stores of one group", .timeLimit(.minutes(10)))
struct ConvergenceTests {
    @Test func whatOneWritesTheOthersShow() async throws {
        let peers = try await StorePeers(3)
        let anna = try await peers[0].account(named: "anna")
        let uid = try await anna.append("hello", flags: MessageFlagNames(system: .seen, keywords: ["$Work"]))
        try await peers.converge()
        for index in 0..<3 {
            let account = try await peers[index].account(named: "anna")
            let messages = try await account.messages(of: "INBOX")
            #expect(messages.map(\.uid) == [uid])
            #expect(messages.first?.flags == MessageFlagNames(system: .seen, keywords: ["$Work"]))
            #expect(try messages.first.map { try account.body(of: $0) } == Array("hello".utf8))
        }
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    @Test func anAccountThatOperationsMadeIsThereWithoutAnyLogin() async throws {
        let peers = try await StorePeers(2)
        try await peers[0].account(named: "anna").createMailbox("Work")
        try await peers.carry(from: 0, to: 1)
        #expect(peers[1].core.withLock { $0.accountNames } == ["anna"])
        let names = try await peers[1].account(named: "anna").mailboxes().mailboxes.map(\.name)
        #expect(names.contains("Work"))
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    @Test func aMessageOfANonOwnerGetsItsUIDFromTheOwner() async throws {
        let peers = try await StorePeers(2)
        let here = try await peers[0].account(named: "anna")
        try await peers.converge()
        let there = try await peers[1].account(named: "anna")
        #expect(try await there.append("from the other region") == 0, "it has no UID yet")
        #expect(try await there.messages(of: "INBOX").isEmpty)
        try await peers.converge()
        let uids = try await here.messages(of: "INBOX").map(\.uid)
        #expect(uids.count == 1)
        #expect(try await there.messages(of: "INBOX").map(\.uid) == uids)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    @Test func anAppendWaitsForTheUIDThatTheOwnerAssigns() async throws {
        let peers = try await StorePeers(2) { $0.assignmentWaitMilliseconds = 60_000 }
        _ = try await peers[0].account(named: "anna")
        try await peers.converge()
        let there = try await peers[1].account(named: "anna")
        async let uid = there.append("patience")
        // Until the other side has its UID, frames go back and forth.
        while try await peers[0].account(named: "anna").messages(of: "INBOX").isEmpty {
            try await peers.carry(from: 1, to: 0)
            await Task.yield()
        }
        try await peers.carry(from: 0, to: 1)
        #expect(try await uid == peers[0].account(named: "anna").messages(of: "INBOX").first?.uid)
        await peers.closeAll()
    }

    @Test func aCopyWithoutUIDsSucceedsWithoutTellingThem() async throws {
        let peers = try await StorePeers(2)
        let here = try await peers[0].account(named: "anna")
        let uid = try await here.append("one")
        try await peers.converge()
        let there = try await peers[1].account(named: "anna")
        let mailbox = try await there.open("INBOX") {}
        let result = try await mailbox.copy([uid, 99], to: "Archive")
        #expect(result.sources == [uid])
        #expect(result.targets.isEmpty)
        #expect(result.missing == [99])
        try await peers.converge()
        #expect(try await there.messages(of: "Archive").count == 1)
        mailbox.close()
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    /// An open mailbox announces what another store wrote, and only when it is durable.
    @Test func openMailboxesHearOfRemoteChanges() async throws {
        let peers = try await StorePeers(2)
        let here = try await peers[0].account(named: "anna")
        try await here.append("first")
        try await peers.converge()
        let there = try await peers[1].account(named: "anna")
        let mailbox = try await there.open("INBOX") {}
        let uid = try await here.append("second")
        let open = try await here.open("INBOX") {}
        _ = try await open.store([uid], .add(MessageFlagNames(system: .flagged)))
        _ = try await open.store([mailbox.snapshot.uids[0]], .add(MessageFlagNames(system: .deleted)))
        _ = try await open.expunge(nil)
        try await peers.carry(from: 0, to: 1)
        var told: [String] = []
        for notice in mailbox.takeNotices() {
            switch notice {
            case .arrived(let uid, _): told.append("+\(uid)")
            case .vanished(let uid, _): told.append("-\(uid)")
            case .flagsChanged(let uid, let flags, _, let isOwn):
                told.append("\(uid)=\(flags.system.rawValue)\(isOwn ? "!" : "")")
            default: told.append("\(notice)")
            }
        }
        #expect(told.contains("+\(uid)"))
        #expect(told.contains("\(uid)=\(SystemFlags.flagged.rawValue)"))
        #expect(told.contains("-\(mailbox.snapshot.uids[0])"))
        open.close()
        mailbox.close()
        await peers.closeAll()
    }

    @Test func frameBytesGoOnUnchanged() async throws {
        let peers = try await StorePeers(3)
        let anna = try await peers[0].account(named: "anna")
        for number in 0..<20 { try await anna.append("message \(number)") }
        try await peers.settle(0)
        let sent = try peers.pending(from: 0, to: 2)
        try await peers.carry(from: 0, to: 1)
        // What the second has of the first's stream is what the first has.
        let relayed = try peers.pending(from: 1, to: 2)
        #expect(sent == relayed)
        await peers.closeAll()
    }

    @Test func framesThatCameTooEarlyAreLoggedInTheOrderOfDelivery() async throws {
        let peers = try await StorePeers(2)
        let anna = try await peers[0].account(named: "anna")
        for number in 0..<10 { try await anna.append("message \(number)") }
        try await peers.settle(0)
        let items = try peers.pending(from: 0, to: 1)
        var reversed = Array(items.reversed())
        let last = reversed.removeLast()
        let early = await peers[1].receive(reversed)
        #expect(early.deliveredOperations == 0)
        #expect(!early.waiting.isEmpty)
        let outcome = await peers[1].receive([last])
        #expect(outcome.waiting.isEmpty)
        try await peers.settle(1)
        try await expectAgreement(peers)
        await peers.close(1)
        try await peers.open(1)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    @Test(arguments: 1...4)
    func randomHistoriesConvergeOverRestartsAndCrashes(seed: Int) async throws {
        try await RandomPeers(seed: UInt64(seed), residents: seed % 2 == 0 ? 1 : 500_000).run(steps: 150)
    }
}

/// Expects that all stores hold the same, and what they keep as their digest is what their state has.
func expectAgreement(_ peers: StorePeers, _ comment: @autoclosure () -> String = "") async throws {
    for index in peers.stores.indices { try await peers.settle(index) }
    let digests = peers.digests()
    #expect(digests.allSatisfy { $0 != nil && $0 == digests[0] }, "\(digests) \(comment())")
    let vectors = peers.stores.indices.map { peers[$0].replicationStatus().durable }
    #expect(vectors.allSatisfy { StreamVector($0) == StreamVector(vectors[0]) }, "\(comment())")
    for index in peers.stores.indices {
        let names = peers[index].core.withLock { $0.accountNames }
        for name in names where name != GroupAccount.name {
            let account = try await peers[index].account(named: name)
            try await peers[index].loadAll(account)
            let isSound = peers[index].core.withLock { core -> Bool in
                guard let box = core.accounts[account.index] else { return false }
                return box.state.digest == box.state.recomputedDigest(context: core.context(past: VersionVector()))
            }
            #expect(isSound, "\(name) at \(index) \(comment())")
        }
    }
}
