// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Crypto
import Storage
import Synchronization
import TestSupport
import Testing

@testable import MailStore

/// Bodies that travel behind their operations.
@Suite("Missing bodies", .timeLimit(.minutes(10)))
struct MissingBodyTests {
    private let large = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

    @Test func aLargeBodyComesInPartsFromWhereItStopped() async throws {
        let peers = try await StorePeers(3)
        let anna = try await peers[0].account(named: "anna")
        try await anna.append(large, to: "INBOX")
        try await peers.carry(from: 0, to: 1, bodies: false)
        try await peers.carry(from: 0, to: 2)
        let missing = try #require(peers[1].missingBodies(limit: 10).first)
        #expect(missing.size == UInt64(large.count) && missing.held == 0)
        // Half of it comes from one peer, the rest from another.
        let half = await peers[1].storeBody(missing.digest, size: missing.size, offset: 0, Array(large[..<40_000]))
        #expect(half == .partial(held: 40_000))
        #expect(peers[1].missingBodies(limit: 10).first?.held == 40_000)
        let repeated = await peers[1].storeBody(missing.digest, size: missing.size, offset: 0, Array(large[..<40_000]))
        #expect(repeated == .partial(held: 40_000), "what is here already is not taken twice")
        try await peers.carryBodies(from: 2, to: 1, part: 7_000)
        #expect(peers[1].missingBodies(limit: 10).isEmpty)
        try await expectBody(peers[1])
        try await peers[1].checkpoint()
        try await expectBody(peers[1])
        await peers.closeAll()
    }

    @Test func whatIsMissingIsKnownAfterARestart() async throws {
        let peers = try await StorePeers(2)
        let anna = try await peers[0].account(named: "anna")
        try await anna.append(large, to: "INBOX")
        try await anna.append("small")
        try await peers.carry(from: 0, to: 1, bodies: false)
        #expect(peers[1].missingBodies(limit: 10).count == 2)
        // Once out of the log alone, once out of the engine.
        for _ in 0..<2 {
            await peers.close(1)
            try await peers.open(1)
            #expect(peers[1].missingBodies(limit: 10).count == 2)
            try await peers[1].checkpoint()
        }
        #expect(try peers[1].count(.missingBody) == 2)
        try await peers.carryBodies(from: 0, to: 1)
        try await peers[1].checkpoint()
        #expect(try peers[1].count(.missingBody) == 0)
        await peers.close(1)
        try await peers.open(1)
        #expect(peers[1].missingBodies(limit: 10).isEmpty)
        try await expectBody(peers[1])
        await peers.closeAll()
    }

    @Test func postponedBodiesAreNamedLast() async throws {
        let peers = try await StorePeers(2)
        let anna = try await peers[0].account(named: "anna")
        for number in 0..<5 { try await anna.append(large + [UInt8(number)], to: "INBOX") }
        try await peers.carry(from: 0, to: 1, bodies: false)
        let all = peers[1].missingBodies(limit: 10)
        #expect(all.count == 5 && all.allSatisfy { !$0.isPostponed })
        // The newest are named first, of those that were postponed the one that was so the longest ago.
        for digest in [all[0].digest, all[3].digest, all[0].digest] { peers[1].postponeBody(digest) }
        let after = peers[1].missingBodies(limit: 10)
        #expect(after.map(\.digest) == [all[1], all[2], all[4], all[3], all[0]].map(\.digest))
        #expect(after.map(\.isPostponed) == [false, false, false, true, true])
        #expect(peers[1].missingBodies(limit: 4).map(\.digest) == after.prefix(4).map(\.digest))
        try await peers.carryBodies(from: 0, to: 1)
        #expect(peers[1].missingBodies(limit: 10).isEmpty)
        await peers.closeAll()
    }

    @Test func damagedBytesAreDroppedAndAskedForAgain() async throws {
        let peers = try await StorePeers(2)
        let anna = try await peers[0].account(named: "anna")
        try await anna.append(large, to: "INBOX")
        try await peers.carry(from: 0, to: 1, bodies: false)
        let missing = try #require(peers[1].missingBodies(limit: 1).first)
        var damaged = large
        damaged[99_999] ^= 1
        #expect(await peers[1].storeBody(missing.digest, size: missing.size, offset: 0, damaged) == .mismatch)
        #expect(await peers[1].storeBody(missing.digest, size: 5, offset: 0, [1]) == .mismatch)
        #expect(peers[1].missingBodies(limit: 1).first?.held == 0)
        try await peers.carryBodies(from: 0, to: 1)
        try await expectBody(peers[1])
        await peers.closeAll()
    }

    @Test func aPushedBodyThatIsNotItsDigestsEndsTheBatch() async throws {
        let peers = try await StorePeers(2)
        try await peers[0].account(named: "anna").append("hello")
        try await peers.settle(0)
        let items = try peers.pending(from: 0, to: 1).map { item -> PeerItem in
            guard case .body(let digest, let size, var bytes) = item else { return item }
            bytes[0] ^= 1
            return .body(digest, size: size, bytes: bytes)
        }
        let before = peers[1].replicationStatus()
        let outcome = await peers[1].receive(items)
        #expect(outcome.refusal?.error.code == .malformed)
        #expect(outcome.refusal.map { $0.item < items.count } ?? false)
        try await peers.settle(1)
        // What came before the bad item counts.
        #expect(StreamVector(peers[1].replicationStatus().durable).covers(StreamVector(before.durable)))
        try await peers.carry(from: 0, to: 1)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    /// Whoever fetches a mailbox whose bodies nobody has waits once, not once for each message.
    @Test func afterAWaitInVainTheNextOnesAreShort() {
        var missing = MissingBodies()
        let bodies = (1...3).map { BodyDigest(words: ($0, 0, 0, 0)) }
        for body in bodies { missing.insert(body, size: 10) }
        missing.beginWait(for: bodies[0], 1)
        #expect(missing.patience(10_000) == 10_000)
        _ = missing.endWait(for: bodies[0], 1, inVain: true)
        #expect(missing.patience(10_000) == MissingBodies.dryWaitMilliseconds && missing.patience(5) == 5)
        // Something comes: there is hope again.
        missing.setArrival(MissingBodies.Arrival(upload: 1, received: 4), of: bodies[1])
        #expect(missing.patience(10_000) == 10_000)
        missing.beginWait(for: bodies[0], 2)
        _ = missing.endWait(for: bodies[0], 2, inVain: true)
        _ = missing.remove(bodies[2])
        #expect(missing.patience(10_000) == 10_000)
        // Who has left says nothing, nor does a wait that has ended already.
        missing.beginWait(for: bodies[0], 3)
        _ = missing.endWait(for: bodies[0], 3, inVain: false)
        _ = missing.endWait(for: bodies[0], 2, inVain: true)
        #expect(missing.patience(10_000) == 10_000)
    }

    @Test func aReaderWaitsForABodyThatComes() async throws {
        let peers = try await StorePeers(2) { $0.bodyWaitMilliseconds = 60_000 }
        try await peers[0].account(named: "anna").append(large, to: "INBOX")
        try await peers.carry(from: 0, to: 1, bodies: false)
        let there = try await peers[1].account(named: "anna")
        let message = try #require(try await there.messages(of: "INBOX").first)
        let wanted = Atomic(false)
        peers[1].observeUrgentBodies { wanted.store(true, ordering: .relaxed) }
        async let bytes = Self.read(there, message)
        while !wanted.load(ordering: .relaxed) { await Task.yield() }
        #expect(peers[1].missingBodies(limit: 1).first?.isUrgent == true)
        try await peers.carryBodies(from: 0, to: 1)
        #expect(try await bytes == large)
        await peers.closeAll()
    }

    @Test func aReaderGivesUpOnABodyThatDoesNotCome() async throws {
        let peers = try await StorePeers(2) { $0.bodyWaitMilliseconds = 1 }
        try await peers[0].account(named: "anna").append(large, to: "INBOX")
        try await peers.carry(from: 0, to: 1, bodies: false)
        let there = try await peers[1].account(named: "anna")
        let message = try #require(try await there.messages(of: "INBOX").first)
        do {
            _ = try await Self.read(there, message)
            Issue.record("it was read")
        } catch let error as MailStoreError {
            #expect(error.code == .bodyGone)
        }
        await peers.closeAll()
    }

    @Test func aClientThatBringsTheSameMessageEndsTheSearch() async throws {
        let peers = try await StorePeers(2)
        try await peers[0].account(named: "anna").append(large, to: "INBOX")
        try await peers.carry(from: 0, to: 1, bodies: false)
        try await peers[1].checkpoint()
        #expect(peers[1].missingBodies(limit: 1).count == 1)
        try await peers[1].account(named: "bert").append(large, to: "INBOX")
        #expect(peers[1].missingBodies(limit: 1).isEmpty)
        try await expectBody(peers[1])
        await peers.closeAll()
    }

    @Test func aBodyThatNobodyHoldsAnyMoreIsNotMissed() async throws {
        let peers = try await StorePeers(2)
        let anna = try await peers[0].account(named: "anna")
        let uid = try await anna.append(large, to: "INBOX")
        try await peers.carry(from: 0, to: 1, bodies: false)
        let mailbox = try await anna.open("INBOX") {}
        _ = try await mailbox.store([uid], .add(MessageFlagNames(system: .deleted)))
        _ = try await mailbox.expunge(nil)
        mailbox.close()
        try await peers.carry(from: 0, to: 1)
        try await peers[1].checkpoint()
        #expect(peers[1].missingBodies(limit: 1).isEmpty)
        try await peers[1].checkpoint()
        #expect(try peers[1].count(.missingBody) == 0)
        #expect(try peers[1].count(.bodyCount) == 0)
        await peers.closeAll()
    }

    @Test func anArrivalThatTakesTooLongLetsTheLogGo() async throws {
        let peers = try await StorePeers(2) {
            $0.arrivalBytes = 50_000
            $0.segmentBytes = 20_000
        }
        try await peers[0].account(named: "anna").append(large, to: "INBOX")
        try await peers.carry(from: 0, to: 1, bodies: false)
        let missing = try #require(peers[1].missingBodies(limit: 1).first)
        _ = await peers[1].storeBody(missing.digest, size: missing.size, offset: 0, Array(large[..<10_000]))
        let bert = try await peers[1].account(named: "bert")
        for number in 0..<20 { try await bert.append([UInt8](repeating: UInt8(number), count: 10_000), to: "INBOX") }
        try await peers[1].checkpoint()
        #expect(peers[1].missingBodies(limit: 1).first?.held == 0)
        try await peers.carryBodies(from: 0, to: 1)
        try await expectBody(peers[1])
        await peers.closeAll()
    }

    private static func read(_ account: MailAccount, _ message: StoredMessage) async throws -> [UInt8] {
        let reader = account.openBody(of: message)
        defer { reader.close() }
        try await reader.waitUntilThere()
        return try reader.read(0..<reader.size)
    }

    private func expectBody(_ store: MailStore) async throws {
        let account = try await store.account(named: "anna")
        let message = try #require(try await account.messages(of: "INBOX").first)
        #expect(try account.body(of: message) == large)
    }
}
