// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Synchronization
import TestSupport
import Testing

@testable import MailStore

/// What is kept of a mailbox for the next SELECT is what looking through the mailbox would find.
@Suite("Overviews", .timeLimit(.minutes(10)))
struct OverviewTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func everySelectTellsWhatTheMailboxHolds(seed: UInt64) async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        var random = SeededGenerator(seed: seed)
        for step in 0..<250 {
            try await act(on: alice, store, &random)
            for name in ["INBOX", "Sent"] {
                guard let mailbox = try? await alice.open(name, signal: {}) else { continue }
                let id = mailbox.snapshot.id
                let (uids, keywords, unseen) = store.core.withLock { core -> ([UInt32], Int, UInt32?) in
                    guard let box = core.accounts[alice.index] else { return ([], 0, nil) }
                    let messages = box.state.messages(in: id)
                    let keywords = Set(messages.flatMap(\.flags.keywords))
                    return (
                        messages.map(\.uid), keywords.count,
                        messages.first { !$0.flags.system.contains(.seen) }?.uid
                    )
                }
                #expect(mailbox.snapshot.uids == uids, "seed \(seed), step \(step)")
                #expect(mailbox.snapshot.uids.count == mailbox.snapshot.counts.messages, "seed \(seed), step \(step)")
                #expect(mailbox.snapshot.firstUnseenUID == unseen, "seed \(seed), step \(step)")
                #expect(mailbox.snapshot.keywords.count == keywords, "seed \(seed), step \(step)")
                mailbox.close()
            }
        }
        await store.close()
    }

    /// What is kept only to be quick goes with the mailbox, whoever deletes it: eviction looks at living ones.
    @Test func aMailboxThatIsGoneLeavesNothingBehind() async throws {
        let peers = try await StorePeers(2)
        let alice = try await peers[0].account(named: "alice")
        try await alice.createMailbox("Gone")
        try await alice.createMailbox("Gone elsewhere")
        try await alice.append("one", to: "Gone")
        try await alice.append("one", to: "Gone elsewhere")
        try await peers.converge()
        let here = try await peers[0].account(named: "alice")
        var sessions = [try await here.open("Gone") {}, try await here.open("Gone elsewhere") {}]
        #expect(Set(kept(peers[0], here)).isSuperset(of: sessions.map(\.snapshot.id)))
        try await here.deleteMailbox("Gone")
        try await peers[1].account(named: "alice").deleteMailbox("Gone elsewhere")
        try await peers.converge()
        // Sessions may go on asking.
        for session in sessions {
            _ = try? await session.store([1], .add(MessageFlagNames(system: .seen)))
            _ = try? await session.messages(after: 0, limit: 10)
        }
        #expect(Set(kept(peers[0], here)).isDisjoint(with: sessions.map(\.snapshot.id)))
        for session in sessions { session.close() }
        sessions = []
        for number in 0..<20 {
            try await here.createMailbox("Short-lived \(number)")
            try await here.append("one", to: "Short-lived \(number)")
            try await here.open("Short-lived \(number)") {}.close()
            try await here.deleteMailbox("Short-lived \(number)")
        }
        let living = Set(peers[0].core.withLock { $0.accounts[here.index]?.state.mailboxes.map(\.id) ?? [] })
        #expect(living.isSuperset(of: kept(peers[0], here)))
        await peers.closeAll()
    }

    /// The mailboxes of which something is kept to be quick.
    private func kept(_ store: MailStore, _ account: MailAccount) -> [MailboxID] {
        store.core.withLock { core in
            guard let box = core.accounts[account.index] else { return [] }
            return Array(box.overviews.keys) + Array(box.lastUse.keys)
        }
    }

    @Test func theFirstUnseenMessageIsFoundBehindManySeenOnes() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        for _ in 0..<300 { try await alice.append("a message", flags: MessageFlagNames(system: .seen)) }
        let mailbox = try await alice.open("INBOX") {}
        func expect(_ uid: UInt32?) async throws {
            let again = try await alice.open("INBOX") {}
            #expect(again.snapshot.firstUnseenUID == uid)
            again.close()
        }
        let seen = MessageFlagNames(system: .seen)
        try await expect(nil)
        _ = try await mailbox.store([250, 290], .remove(seen))
        try await expect(250)
        _ = try await mailbox.store([250], .add(seen))
        try await expect(290)
        _ = try await mailbox.store([1], .remove(seen))
        try await expect(1)
        _ = try await mailbox.store([1], .add(seen))
        _ = try await mailbox.store([290], .add(MessageFlagNames(system: .flagged)))
        try await expect(290)
        _ = try await mailbox.store([290], .add(seen))
        try await expect(nil)
        try await alice.append("a new one")
        try await expect(301)
        _ = try await mailbox.store([300, 301], .replace(MessageFlagNames(system: .deleted)))
        try await expect(300)
        _ = try await mailbox.expunge(nil)
        try await expect(nil)
        mailbox.close()
        await store.close()
    }

    /// Does something, also what cannot be done.
    private func act(on account: MailAccount, _ store: MailStore, _ random: inout SeededGenerator) async throws {
        let name = Bool.random(using: &random) ? "INBOX" : "Sent"
        let other = name == "INBOX" ? "Sent" : "INBOX"
        guard let mailbox = try? await account.open(name, signal: {}) else {
            try await account.createMailbox(name)
            return
        }
        defer { mailbox.close() }
        let some = mailbox.snapshot.uids.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
        switch Int.random(in: 0..<13, using: &random) {
        case 0...3: try await account.append("a message", to: name)
        case 4: _ = try await mailbox.store(some, .add(MessageFlagNames(system: .seen)))
        case 5: _ = try await mailbox.store(some, .remove(MessageFlagNames(system: .seen)))
        case 6: _ = try await mailbox.store(some, .add(MessageFlagNames(system: .deleted, keywords: ["a"])))
        case 7: _ = try await mailbox.store(some, .replace(MessageFlagNames(keywords: ["b"])))
        case 8: _ = try await mailbox.expunge(nil)
        case 9: _ = try? await mailbox.move(some, to: other)
        case 10: _ = try? await mailbox.copy(some, to: other)
        case 11:
            // Takes the messages out of memory; the next SELECT reads them again.
            try await store.checkpoint()
            mailbox.close()
            store.core.withLock { $0.evict(downTo: 0) }
        default: try? await account.deleteMailbox("Sent")
        }
    }
}
