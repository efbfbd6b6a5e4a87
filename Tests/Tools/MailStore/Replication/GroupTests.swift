// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Storage
import Synchronization
import TestSupport
import Testing

@testable import MailStore

/// Members, owners of UIDs, stability and how long the log is kept.
@Suite("The store's part in its group", .timeLimit(.minutes(10)))
struct GroupTests {
    // MARK: Members

    @Test func membershipIsTheSameEverywhere() async throws {
        let peers = try await StorePeers(2)
        let heard = Atomic(0)
        peers[1].observeMembers { heard.wrappingAdd(1, ordering: .relaxed) }
        let identity = MemberIdentity(name: "worker-1", replica: peers[0].replicaID)
        try await peers[0].announce(identity)
        try await peers[0].announce(identity)
        try await peers[0].changeMember(.add(name: "worker-2", stripe: 3, addresses: ["host:1"]))
        try await peers.converge()
        for index in 0..<2 {
            let members = try await peers[index].members()
            #expect(members.map(\.name) == ["worker-1", "worker-2"])
            #expect(members.first?.replica == peers[0].replicaID)
            #expect(members.last?.stripe == 3)
        }
        #expect(heard.load(ordering: .relaxed) > 0)
        #expect(peers[0].replicationStatus().durable.first { $0.origin == peers[0].replicaID }?.counter == 2)
        try await expectAgreement(peers)
        await peers.close(1)
        try await peers.open(1)
        #expect(try await peers[1].members().count == 2)
        await peers.closeAll()
    }

    @Test func theGroupsAccountIsNobodysMail() async throws {
        let peers = try await StorePeers(1)
        do {
            _ = try await peers[0].account(named: GroupAccount.name)
            Issue.record("it was opened")
        } catch let error as MailStoreError {
            #expect(error.code == .badName)
        }
        await peers.closeAll()
    }

    @Test func aStoreOfAnotherGroupIsRefused() async throws {
        let peers = try await StorePeers(1)
        _ = try await peers[0].account(named: "anna")
        await peers.close(0)
        do {
            _ = try await peers.fixtures[0].open { $0.partition = PartitionID(8) }
            Issue.record("it was opened")
        } catch let error as MailStoreError {
            #expect(error.code == .corrupt)
            #expect(error.message.contains("another replication group"))
        }
    }

    // MARK: Owners

    @Test func aMailboxWhoseOwnerIsGoneIsTakenOverByTheReplicaThatIsUsed() async throws {
        let peers = try await StorePeers(3)
        let first = try await peers[0].account(named: "anna").append("one")
        try await peers.converge()
        let there = try await peers[1].account(named: "anna")
        #expect(try await there.append("two") == 0)
        try await peers.carry(from: 1, to: 2)
        let owner = peers[0].replicaID
        for index in 1..<3 {
            peers[index].setUnreachable([owner])
            try await peers[index].maintainUIDs()
            try await peers.settle(index)
        }
        let uids = try await there.messages(of: "INBOX").map(\.uid)
        #expect(uids.count == 2 && uids.first == first)
        // The third replica has nobody who waits, and leaves the mailbox alone.
        #expect(try await peers[2].account(named: "anna").messages(of: "INBOX").count == 1)
        // From now on there is no waiting: an append knows that the owner is gone.
        #expect(try await there.append("three") > uids[1])
        peers[1].setUnreachable([])
        try await peers.converge()
        try await expectAgreement(peers)
        #expect(try await peers[0].account(named: "anna").messages(of: "INBOX").count == 3)
        await peers.closeAll()
    }

    /// Two stores with a message in common, of which the second takes the first one for unreachable.
    private static func splitBrain() async throws -> (StorePeers, MailAccount, MailAccount) {
        let peers = try await StorePeers(2)
        let here = try await peers[0].account(named: "anna")
        try await here.append("common")
        try await peers.converge()
        peers[1].setUnreachable([peers[0].replicaID])
        return (peers, here, try await peers[1].account(named: "anna"))
    }

    @Test func aForkIsMergedWhenThePeersHaveHeardOfIt() async throws {
        let (peers, here, there) = try await Self.splitBrain()
        for number in 0..<3 {
            try await here.append("here \(number)")
            try await there.append("there \(number)")
        }
        peers[1].setUnreachable([])
        let before = try await there.messages(of: "INBOX").map(\.uid)
        try await peers.settle(0)
        // What the former owner did comes in pieces: the new one does not merge each of them.
        try await peers.carry(from: 0, to: 1)
        try await peers[1].maintainUIDs()
        #expect(peers[1].uidCounts.merges == 0)
        #expect(try await there.messages(of: "INBOX").map(\.uid) == before)
        try await here.append("late")
        try await peers.converge()
        try await peers[1].maintainUIDs()
        #expect(peers[1].uidCounts.merges == 1)
        try await peers.converge()
        try await expectAgreement(peers)
        let uids = try await here.messages(of: "INBOX").map(\.uid)
        #expect(uids.count == 8 && Set(uids).intersection(before).count == 1)
        await peers.closeAll()
    }

    @Test func splitBrainGivesEveryMessageAUIDOfItsOwn() async throws {
        let (peers, here, there) = try await Self.splitBrain()
        for number in 0..<5 {
            #expect(try await here.append("here \(number)") > 0)
            #expect(try await there.append("there \(number)") > 0)
        }
        peers[1].setUnreachable([])
        try await peers.converge()
        for index in 0..<2 { try await peers[index].maintainUIDs() }
        try await peers.converge()
        let uids = try await here.messages(of: "INBOX").map(\.uid)
        #expect(uids.count == 11 && Set(uids).count == 11)
        #expect(try await there.messages(of: "INBOX").map(\.uid) == uids)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    @Test func theReplicaThatIsUsedGetsTheMailbox() async throws {
        let peers = try await StorePeers(2)
        _ = try await peers[0].account(named: "anna")
        try await peers.converge()
        let there = try await peers[1].account(named: "anna")
        for number in 0..<6 {
            try await there.append("message \(number)")
            try await peers.converge()
        }
        #expect(try await there.append("at once") > 0)
        try await peers.converge()
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    @Test func nothingIsHandedOverToAReplicaThatCannotBeReached() async throws {
        let peers = try await StorePeers(2)
        _ = try await peers[0].account(named: "anna")
        try await peers.converge()
        let there = try await peers[1].account(named: "anna")
        peers[0].setUnreachable([peers[1].replicaID])
        for number in 0..<6 {
            try await there.append("message \(number)")
            try await peers.converge()
        }
        // The owner is who it was, and the message waits for it.
        #expect(try await there.append("later") == 0)
        try await peers.converge()
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    // MARK: Stability

    @Test func whatADeleteBuriedStaysUntilItIsStable() async throws {
        let peers = try await StorePeers(2)
        let here = try await peers[0].account(named: "anna")
        try await here.createMailbox("a")
        try await here.append("kept", to: "a")
        try await peers.converge()
        try await here.deleteMailbox("a")
        // The other side, which has not heard of it, flags the message.
        let there = try await peers[1].account(named: "anna")
        let mailbox = try await there.open("a") {}
        _ = try await mailbox.store(mailbox.snapshot.uids, .add(MessageFlagNames(system: .flagged)))
        mailbox.close()
        try await peers[0].checkpoint()
        try await peers.converge()
        #expect(try await here.messages(of: "a").count == 1, "the flag change brought it back")
        try await here.deleteMailbox("a")
        try await peers.converge()
        let before = try buried(peers[0])
        #expect(before > 0)
        let stable = peers[0].replicationStatus().durable
        for index in 0..<2 {
            await peers[index].advanceStability(GroupProgress(stable: stable, retain: stable, ownSecured: .max))
            #expect(try buried(peers[index]) == 0)
        }
        try await peers[0].checkpoint()
        #expect(try peers[0].count(.record) == 0)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    private func buried(_ store: MailStore) throws -> Int {
        store.core.withLock { core in
            core.accounts.values.reduce(0) { sum, box in
                sum + box.state.recordedMailboxes.reduce(0) { $0 + Int(box.state.recordCount(of: $1)) }
            }
        }
    }

    // MARK: Retention

    @Test func theLogIsKeptForPeersUpToTheCap() async throws {
        let peers = try await StorePeers(2) {
            // Every command has a segment of its own.
            $0.segmentBytes = 400
            $0.retentionBytes = 40_000
        }
        let anna = try await peers[0].account(named: "anna")
        for number in 0..<20 { try await anna.append("message \(number)") }
        try await peers[0].checkpoint()
        try await peers.settle(0)
        // Nobody has acknowledged anything: all of it can still be had.
        #expect(peers[0].replicationStatus().logStart.isEmpty)
        try await peers.carry(from: 0, to: 1)
        let own = peers[0].replicaID
        let half = [StreamPosition(origin: own, counter: 10)]
        await peers[0].advanceStability(GroupProgress(stable: [], retain: half, ownSecured: 10))
        let start = StreamVector(peers[0].replicationStatus().logStart)
        #expect(start[own] > 0 && start[own] <= 10)
        #expect(peers[0].locate([StreamPosition(origin: own, counter: 11)]) != nil)
        #expect(peers[0].locate([StreamPosition(origin: own, counter: 1)]) == nil)
        // The peer stays away while much is written, which others have: then it is not waited for.
        for _ in 0..<40 {
            try await anna.append([UInt8](repeating: 1, count: 3_000) + [UInt8.random(in: 0...255)], to: "INBOX")
        }
        try await peers.settle(0)
        let last = StreamVector(peers[0].replicationStatus().durable)[own]
        await peers[0].advanceStability(GroupProgress(stable: [], retain: half, ownSecured: last))
        try await peers[0].checkpoint()
        #expect(peers[0].locate([StreamPosition(origin: own, counter: 11)]) == nil)
        let status = peers[0].replicationStatus()
        #expect(status.logEnd.rawValue - peers[0].core.withLock { $0.log.first.rawValue } <= 40_000 + 8_000)
        await peers.closeAll()
    }

    @Test func ownOperationsThatNobodyHasAreNeverCut() async throws {
        let peers = try await StorePeers(2) {
            $0.segmentBytes = 4_000
            $0.retentionBytes = 10_000
        }
        let anna = try await peers[0].account(named: "anna")
        for _ in 0..<40 {
            try await anna.append([UInt8](repeating: 1, count: 3_000) + [UInt8.random(in: 0...255)], to: "INBOX")
        }
        try await peers[0].checkpoint()
        try await peers.settle(0)
        #expect(peers[0].replicationStatus().logStart.isEmpty)
        try await peers.carry(from: 0, to: 1)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    /// Segments that only peers need are not read at the start.
    @Test func recoveryDoesNotReadWhatIsKeptForPeers() async throws {
        let peers = try await StorePeers(2) { $0.segmentBytes = 4_000 }
        let anna = try await peers[0].account(named: "anna")
        for number in 0..<100 { try await anna.append("message \(number)") }
        await peers.close(0)
        let store = try await peers.open(0)
        #expect(store.core.withLock { $0.log.recoverySummary.segments } <= 2)
        #expect(store.replicationStatus().logStart.isEmpty)
        try await peers.carry(from: 0, to: 1)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    @Test func marksOfTheLogSurviveRestarts() async throws {
        let peers = try await StorePeers(2) { $0.segmentBytes = 100_000 }
        let anna = try await peers[0].account(named: "anna")
        for _ in 0..<100 {
            try await anna.append([UInt8](repeating: 1, count: 3_000) + [UInt8.random(in: 0...255)], to: "INBOX")
        }
        try await peers.settle(0)
        let own = peers[0].replicaID
        let end = StreamVector(peers[0].replicationStatus().durable)[own]
        let wanted = [StreamPosition(origin: own, counter: end)]
        let before = try #require(peers[0].locate(wanted))
        #expect(before > .start)
        await peers.close(0)
        try await peers.open(0)
        #expect(peers[0].locate(wanted) == before)
        await peers.closeAll()
    }

    // MARK: Incarnations

    @Test func aNewIncarnationGoesOnWithoutReusingACounter() async throws {
        let peers = try await StorePeers(2)
        try await peers[0].account(named: "anna").append("one")
        try await peers.converge()
        let old = peers[0].replicaID
        let new = try await peers[0].takeNewIncarnation()
        #expect(new != old && peers[0].replicaID == new)
        try await peers[0].account(named: "anna").append("two")
        try await peers.converge()
        try await expectAgreement(peers)
        await peers.close(0)
        try await peers.open(0)
        #expect(peers[0].replicaID == new)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    // MARK: Digests

    @Test func pagesOfDigestsNameEveryAccountOnce() async throws {
        let peers = try await StorePeers(2)
        for name in ["carla", "anna", "bert", "dora", "emil"] { _ = try await peers[0].account(named: name) }
        try await peers.converge()
        for index in 0..<2 {
            await peers.close(index)
            try await peers.open(index)
        }
        var pages: [[AccountDigest]] = []
        for index in 0..<2 {
            var entries: [AccountDigest] = []
            var name: String?
            while true {
                let page = try #require(try peers[index].accountDigests(after: name, limit: 2))
                entries += page.entries
                name = page.entries.last?.account
                if page.isLast { break }
            }
            pages.append(entries)
        }
        #expect(pages[0] == pages[1])
        #expect(pages[0].map(\.account) == ["anna", "bert", "carla", "dora", "emil"])
        await peers.closeAll()
    }
}
