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
