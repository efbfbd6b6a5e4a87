// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Testing

@testable import MailStore

@Suite("MODSEQs that clients bring from another replica")
struct ModSeqTests {
    /// Two stores with five messages, and marks at both that know of each other.
    private static func scene() async throws -> StorePeers {
        let peers = try await StorePeers(2)
        let here = try await peers[0].account(named: "anna")
        for number in 1...5 { try await here.append("message \(number)") }
        try await peers.converge()
        for round in 1...3 {
            for index in 0..<2 {
                try await flag(1 + (round + index) % 2, at: peers, index)
                try await peers.converge()
                peers.fixtures[index].clock.advance(seconds: MailStore.modSeqMarkMilliseconds / 1_000 + 1)
                try await peers[index].markModSeqs()
                try await peers.converge()
            }
        }
        return peers
    }

    private static func flag(_ number: Int, at peers: StorePeers, _ index: Int) async throws {
        let account = try await peers[index].account(named: "anna")
        let uid = try await account.messages(of: "INBOX")[number - 1].uid
        let mailbox = try await account.open("INBOX") {}
        let flags = MessageFlagNames(system: .flagged)
        let isSet = try await account.messages(of: "INBOX")[number - 1].flags.system.contains(.flagged)
        _ = try await mailbox.store([uid], isSet ? .remove(flags) : .add(flags))
        mailbox.close()
    }

    /// What a client is told at a replica that presents a MODSEQ.
    private static func changes(since presented: UInt64, at peers: StorePeers, _ index: Int) async throws -> [Int] {
        let known = try await peers[index].localModSeq(presented)
        let messages = try await peers[index].account(named: "anna").messages(of: "INBOX")
        return messages.enumerated().filter { $0.element.modSeq > known }.map { $0.offset + 1 }
    }

    private static func highest(at peers: StorePeers, _ index: Int) async throws -> UInt64 {
        let mailbox = try await peers[index].account(named: "anna").open("INBOX") {}
        defer { mailbox.close() }
        return mailbox.snapshot.counts.highestModSeq
    }

    @Test func aClientThatMovesIsToldWhatItMayNotKnow() async throws {
        let peers = try await Self.scene()
        try await Self.flag(4, at: peers, 1)
        let told = try await Self.highest(at: peers, 0)
        let changes = try await Self.changes(since: told, at: peers, 1)
        // The others have not changed for several marks; the first two may be told again.
        #expect(changes.contains(4) && !changes.contains(3) && !changes.contains(5))
        #expect(try await Self.changes(since: told, at: peers, 0).isEmpty)
        #expect(try await Self.changes(since: Self.highest(at: peers, 1), at: peers, 1).isEmpty)
        // What nobody has told.
        #expect(try await Self.changes(since: 1_000 << 4 | 9, at: peers, 1) == [1, 2, 3, 4, 5])
        await peers.closeAll()
    }

    @Test func whatWasToldBeforeARestartMeansTheSameAfterIt() async throws {
        let peers = try await Self.scene()
        let (own, foreign) = (try await Self.highest(at: peers, 1), try await Self.highest(at: peers, 0))
        let before = try await peers[1].localModSeq(foreign)
        #expect(before > 0)
        for _ in 0..<2 {
            await peers.close(1)
            try await peers.open(1)
            #expect(try await peers[1].localModSeq(foreign) == before)
            #expect(try await peers[1].localModSeq(own) == own)
            // A change that comes late is told above the last mark, as it was before.
            try await Self.flag(3, at: peers, 0)
            try await peers.converge()
            #expect(try await Self.changes(since: own, at: peers, 1) == [3])
            try await peers[1].checkpoint()
        }
        await peers.closeAll()
    }

    @Test func messagesOfASnapshotAreNewToEveryClient() async throws {
        let peers = try await Self.scene()
        let old = try await Self.highest(at: peers, 1)
        try await Self.flag(5, at: peers, 0)
        #expect(try await peers.transfer(from: 0, to: 1) == .accepted)
        let changed = try await Self.changes(since: old, at: peers, 1)
        #expect(changed == [5])
        let told = try await Self.highest(at: peers, 1)
        #expect(ModSeqStamp.tag(of: told) == 1 && told > old)
        await peers.closeAll()
    }

    @Test func aConditionalStoreBelievesWhatTheClientKnows() async throws {
        let peers = try await Self.scene()
        let account = try await peers[1].account(named: "anna")
        let mailbox = try await account.open("INBOX") {}
        let uids = try await account.messages(of: "INBOX").map(\.uid)
        let told = try await Self.highest(at: peers, 0)
        try await Self.flag(4, at: peers, 1)
        let seen = FlagEdit.add(MessageFlagNames(system: .seen))
        let result = try await mailbox.store([uids[2], uids[3]], seen, unchangedSince: told)
        #expect(result.stored.map(\.uid) == [uids[2]] && result.modified.map(\.uid) == [uids[3]])
        let now = try #require(result.modified.first?.modSeq)
        #expect(try await mailbox.store([uids[3]], seen, unchangedSince: now).modified.isEmpty)
        mailbox.close()
        await peers.closeAll()
    }
}
