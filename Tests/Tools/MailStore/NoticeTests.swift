// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Synchronization
import Storage
import Testing

@testable import MailStore

/// What open mailboxes are told: everything after their snapshot, once, in order, and only what is durable.
@Suite("Notices", .timeLimit(.minutes(10)))
struct NoticeTests {
    @Test func twoSessionsSeeEachOther() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        let first = try await alice.open("INBOX") {}
        let second = try await alice.open("INBOX") {}
        let uid = try await alice.append("one")
        _ = try await first.store([uid], .add(MessageFlagNames(system: .seen, keywords: ["k"])))
        _ = try await second.store([uid], .add(MessageFlagNames(system: .deleted)))
        _ = try await first.expunge(nil)
        #expect(words(first) == ["arrived 1", "keywords k", "flags 1 own", "flags 1 other", "vanished 1"])
        #expect(words(second) == ["arrived 1", "keywords k", "flags 1 other", "flags 1 own", "vanished 1"])
        #expect(words(first).isEmpty)
        first.close()
        second.close()
        #expect(store.core.withLock { $0.listeners.isEmpty })
        await store.close()
    }

    @Test func whatTheSnapshotHoldsIsNotToldAgain() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        // Many open while many append: a message is in the snapshot or told, never both and never neither.
        try await withThrowingDiscardingTaskGroup { tasks in
            for number in 0..<4 {
                tasks.addTask { for turn in 0..<25 { try await alice.append("message \(number) \(turn)") } }
            }
            for _ in 0..<4 {
                tasks.addTask {
                    for _ in 0..<10 {
                        let mailbox = try await alice.open("INBOX") {}
                        let known = mailbox.snapshot.uids
                        for _ in 0..<5 { try await mailbox.barrier() }
                        let told = mailbox.takeNotices().compactMap { notice -> UInt32? in
                            if case .arrived(let uid, _) = notice { uid } else { nil }
                        }
                        let all = known + told
                        #expect(all == Array(1...UInt32(max(all.count, 1))).prefix(all.count).map { $0 })
                        mailbox.close()
                    }
                }
            }
        }
        await store.close()
    }

    @Test func nothingIsToldBeforeItIsDurable() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        let mailbox = try await alice.open("INBOX") {}
        let notices = Mutex<[Int]>([])
        fixture.files.set { faults in
            faults.beforeSync = { [weak mailbox] in
                // The operation is written but not synchronised.
                if let mailbox { notices.withLock { $0.append(mailbox.takeNotices().count) } }
            }
        }
        try await alice.append("one")
        fixture.files.set { $0.beforeSync = nil }
        #expect(notices.withLock { $0 } == [0])
        #expect(words(mailbox) == ["arrived 1"])
        mailbox.close()
        await store.close()
    }

    @Test func endsAreTold() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        try await alice.createMailbox("a/b")
        let mailbox = try await alice.open("a/b") {}
        try await alice.renameMailbox("a", to: "c")
        try await alice.deleteMailbox("c/b")
        #expect(words(mailbox) == ["renamed c/b", "deleted"])
        #expect(try await mailbox.messages(after: 0, limit: 10).isEmpty)
        await #expect(throws: MailStoreError.self) { _ = try await mailbox.copy([1], to: "c/b") }
        mailbox.close()
        await store.close()
    }

    /// A mailbox of a special use comes back under the identity of the one that was deleted.
    @Test func aMailboxThatComesBackIsNoneOfTheOldOnesBusiness() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        let old = try await alice.open("Archive") {}
        try await alice.deleteMailbox("Archive")
        try await alice.createMailbox("Archive", use: .archive)
        try await alice.append("new", to: "Archive")
        #expect(words(old) == ["deleted"])
        old.close()
        await store.close()
    }

    /// Its old records have to leave the engine although the mailbox is there again when the checkpoint comes.
    @Test func aMailboxThatComesBackIsEmptyAfterARestart() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        for number in 0..<3 { try await alice.append("old \(number)", to: "Archive") }
        try await store.checkpoint()
        try await alice.deleteMailbox("Archive")
        try await alice.createMailbox("Archive", use: .archive)
        try await alice.append("new", to: "Archive")
        try await store.checkpoint()
        #expect(try store.count(.record) == 1)
        let before = try await AccountDump(alice)
        await store.close()
        let again = try await fixture.open()
        #expect(try await AccountDump(again.account(named: "alice")) == before)
        await again.close()
    }

    @Test func whoDoesNotListenIsOverrun() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        let mailbox = try await alice.open("INBOX") {}
        let many = (1...UInt32(OpenMailbox.noticeLimit / 4)).map { MailboxNotice.arrived(uid: $0, modSeq: UInt64($0)) }
        for unit in 1...5 as ClosedRange<UInt64> { mailbox.deliver(many, of: 1_000 + unit, isOwn: false) }
        #expect(words(mailbox) == ["overrun"])
        try await alice.append("more")
        #expect(words(mailbox) == ["overrun"])
        mailbox.close()
        await store.close()
    }

    @Test func aClosedMailboxHearsNothing() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        let signals = Mutex(0)
        let mailbox = try await alice.open("INBOX") { signals.withLock { $0 += 1 } }
        try await alice.append("one")
        #expect(signals.withLock { $0 } == 1)
        mailbox.close()
        try await alice.append("two")
        #expect(signals.withLock { $0 } == 1)
        await store.close()
    }
}

/// Notices as words.
func words(_ mailbox: OpenMailbox) -> [String] {
    mailbox.takeNotices().map { notice in
        switch notice {
        case .arrived(let uid, _): "arrived \(uid)"
        case .vanished(let uid, _): "vanished \(uid)"
        case .flagsChanged(let uid, _, _, let isOwn): "flags \(uid) \(isOwn ? "own" : "other")"
        case .keywordsSeen(let keywords): "keywords \(keywords.joined(separator: " "))"
        case .deleted: "deleted"
        case .overrun: "overrun"
        case .renamed(let name): "renamed \(name)"
        }
    }
}
