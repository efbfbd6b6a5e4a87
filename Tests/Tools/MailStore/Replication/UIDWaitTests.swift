// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import TestSupport
import Testing

@testable import MailStore

/// How long a write waits for the UID that another replica assigns.
@Suite("Waiting for UIDs", .timeLimit(.minutes(5)))
struct UIDWaitTests {
    private static let limit = 400
    private static let short = UIDPatience.shortWaitMilliseconds

    private func pair(_ timer: ManualTimer, _ count: Int = 2) async throws -> StorePeers {
        try await StorePeers(count) { options in
            options.assignmentWaitMilliseconds = Self.limit
            options.assignmentTimer = { try await timer.wait($0) }
        }
    }

    // MARK: The rule

    private let one = ReplicaID(1, incarnation: 1)
    private let two = ReplicaID(2, incarnation: 1)

    @Test func anOwnerIsWaitedForInVainOnce() {
        var patience = UIDPatience()
        func wait(_ owner: ReplicaID?, _ unreachable: Set<ReplicaID> = []) -> Int {
            patience.milliseconds(for: owner, atMost: 500, unreachable: unreachable)
        }
        #expect(wait(one) == 500)
        patience.waitedInVain(for: one)
        #expect(wait(one) == Self.short)
        // Others are none the worse for it.
        #expect(wait(two) == 500)
        patience.heard(from: two)
        #expect(wait(one) == Self.short)
        patience.heard(from: one)
        #expect(wait(one) == 500)
        #expect(patience.waitsInVain == 1)
    }

    @Test func nobodyWaitsForAnOwnerThatIsKnownToBeAway() {
        var patience = UIDPatience()
        #expect(patience.milliseconds(for: one, atMost: 500, unreachable: [one]) == 0)
        #expect(patience.milliseconds(for: two, atMost: 500, unreachable: [one]) == 500)
        patience.waitedInVain(for: two)
        #expect(patience.milliseconds(for: two, atMost: 500, unreachable: [one]) == Self.short)
    }

    @Test func aShortLimitIsNotMadeLonger() {
        var patience = UIDPatience()
        patience.waitedInVain(for: one)
        #expect(patience.milliseconds(for: one, atMost: 5, unreachable: []) == 5)
        #expect(patience.milliseconds(for: one, atMost: 0, unreachable: []) == 0)
    }

    @Test func anUnknownOwnerIsWaitedFor() {
        var patience = UIDPatience()
        patience.waitedInVain(for: nil)
        #expect(patience.milliseconds(for: nil, atMost: 500, unreachable: [one]) == 500)
    }

    @Test func numbersOfWaitsThatWereReleasedAreNotUsedAgain() {
        let key = MailboxKey(account: AccountIndex(1), mailbox: MailboxID(Dot(ReplicaIndex(1), 1)))
        var old = UIDWaits()
        let first = old.begin([Dot(ReplicaIndex(1), 2)], in: key, of: one)
        _ = old.timeIsOver(first)
        _ = old.releaseAll()
        var fresh = UIDWaits()
        fresh.succeed(old)
        let second = fresh.begin([Dot(ReplicaIndex(1), 3)], in: key, of: one)
        #expect(second != first)
        #expect(fresh.finish(first).isEmpty)
        #expect(fresh.milliseconds(second, atMost: 500, unreachable: []) == Self.short)
    }

    // MARK: Stores

    @Test func onlyTheFirstWriteWaitsForAnOwnerThatDoesNotAnswer() async throws {
        let timer = ManualTimer()
        let peers = try await pair(timer)
        let here = try await peers[0].account(named: "anna")
        let uid = try await here.append("of the owner")
        try await peers.converge()
        let there = try await peers[1].account(named: "anna")
        let mailbox = try await there.open("INBOX") {}
        #expect(try await there.append("first") == 0)
        #expect(try await there.append("second") == 0)
        #expect(try await mailbox.copy([uid], to: "Archive").targets.isEmpty)
        #expect(timer.asked == [400, 20, 20])
        #expect(peers[1].uidCounts.waitsInVain == 3)

        // What the owner has assigned arrives: it is worth waiting for again, and the answer tells the UID.
        try await peers.converge()
        #expect(try await there.messages(of: "INBOX").count == 3)
        timer.set(rings: false)
        async let third = there.append("third")
        while try await here.messages(of: "INBOX").count < 4 {
            try await peers.carry(from: 1, to: 0)
            await Task.yield()
        }
        try await peers.carry(from: 0, to: 1)
        #expect(try await third == here.messages(of: "INBOX").last?.uid)
        #expect(timer.asked == [400, 20, 20, 400])
        #expect(peers[1].uidCounts.waitsInVain == 3)
        mailbox.close()
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    @Test func anotherOwnerIsWaitedForAnew() async throws {
        let timer = ManualTimer()
        let peers = try await pair(timer, 3)
        _ = try await peers[0].account(named: "anna")
        try await peers.converge()
        let there = try await peers[1].account(named: "anna")
        #expect(try await there.append("first") == 0)
        #expect(try await there.append("second") == 0)
        #expect(timer.asked == [400, 20])
        // The third replica has lost sight of the owner sooner, and takes the mailbox over.
        try await peers.carry(from: 1, to: 2)
        peers[2].setUnreachable([peers[0].replicaID])
        #expect(try await peers[2].account(named: "anna").append("of the third") > 0)
        try await peers.carry(from: 2, to: 1)
        #expect(try await there.append("third") == 0)
        #expect(timer.asked == [400, 20, 400])
        try await peers.converge()
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    @Test func nobodyWaitsForAnOwnerThatIsUnreachable() async throws {
        let timer = ManualTimer()
        let peers = try await pair(timer)
        _ = try await peers[0].account(named: "anna")
        try await peers.converge()
        let there = try await peers[1].account(named: "anna")
        let upload = try await there.beginUpload(to: "INBOX", size: 1, flags: MessageFlagNames(), date: nil)
        await upload.write([65])
        #expect(try await upload.finish().uid == nil)
        #expect(timer.asked == [400])
        // The owner is known to be away, and what waits was not taken over: there is nothing to wait for.
        peers[1].setUnreachable([peers[0].replicaID])
        let (mailbox, waiting) = try await there.store.read(there) { core, box in
            let mailbox = try MailAccount.find("INBOX", in: box.state)
            return (mailbox, box.state.uidFacts(of: mailbox, context: core.context(past: VersionVector()))?.waiting)
        }
        #expect(waiting == 1)
        let message = Dot(ReplicaIndex(1), 1_000)
        #expect(await peers[1].awaitUIDs(of: [message], in: mailbox, of: there).isEmpty)
        #expect(timer.asked == [400])
        // The next write takes the mailbox over in one unit with its own operation, and gets its UID at once.
        #expect(try await there.append("second") > 0)
        #expect(timer.asked == [400])
        #expect(peers[1].uidCounts.waitsInVain == 1)
        await peers.closeAll()
    }

    @Test func aWaitThatIsCancelledSaysNothingAboutTheOwner() async throws {
        let timer = ManualTimer()
        timer.set(rings: false)
        let peers = try await pair(timer)
        _ = try await peers[0].account(named: "anna")
        try await peers.converge()
        let there = try await peers[1].account(named: "anna")
        let write = Task { try await there.append("given up") }
        while timer.asked.isEmpty { await Task.yield() }
        write.cancel()
        #expect(try await write.value == 0)
        #expect(peers[1].uidCounts.waitsInVain == 0)
        timer.set(rings: true)
        #expect(try await there.append("first") == 0)
        #expect(timer.asked == [400, 400])
        await peers.closeAll()
    }
}
