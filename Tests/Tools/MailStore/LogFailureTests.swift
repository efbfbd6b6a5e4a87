// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Storage
import Synchronization
import Testing

@testable import MailStore

/// The disk fills up or fails: what could not be made durable never was, and everything else goes on.
@Suite("A failing disk", .timeLimit(.minutes(10)))
struct LogFailureTests {
    @Test(arguments: [true, false]) func aWriteThatFailsIsRefusedAndInvisible(isFull: Bool) async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        try await alice.append("kept")
        let mailbox = try await alice.open("INBOX") {}
        let before = try await AccountDump(alice)
        fixture.files.set { faults in
            if isFull { faults.room = 10 } else { faults.failingSyncs = 1 }
        }
        await expect(isFull ? .diskFull : .unavailable) { try await alice.append("lost") }
        #expect(try await AccountDump(alice) == before)
        #expect(words(mailbox).isEmpty)
        #expect(try await mailbox.messages(after: 0, limit: 10).map(\.uid) == [1])

        // For a moment nobody tries again.
        fixture.files.set { $0.room = .max }
        let writes = fixture.files.counts.writes
        await expect(isFull ? .diskFull : .unavailable) { try await alice.append("refused") }
        await expect(isFull ? .diskFull : .unavailable) { try await alice.createMailbox("refused") }
        await expect(isFull ? .diskFull : .unavailable) {
            _ = try await mailbox.store([1], .add(MessageFlagNames(system: .seen)))
        }
        #expect(fixture.files.counts.writes == writes)

        fixture.clock.advance(seconds: 2)
        let uid = try await alice.append("later")
        #expect(uid == 2)
        // The open mailbox goes on hearing, although the log that it was opened on is gone.
        #expect(words(mailbox) == ["arrived 2"])
        _ = try await mailbox.store([1], .add(MessageFlagNames(system: .seen)))
        #expect(words(mailbox) == ["flags 1 own"])
        mailbox.close()
        let after = try await AccountDump(alice)
        await store.close()
        let again = try await fixture.open()
        #expect(try await AccountDump(again.account(named: "alice")) == after)
        await again.close()
    }

    /// A listener of long standing heard nothing any more, because the new log numbers its units from one.
    @Test func aSessionOfLongStandingHearsOfWhatFollowsAFailure() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        for number in 0..<50 { try await alice.append("message \(number)") }
        let mailbox = try await alice.open("INBOX") {}
        fixture.files.set { $0.failingSyncs = 1 }
        await expect(.unavailable) { try await alice.append("lost") }
        fixture.clock.advance(seconds: 2)
        try await alice.append("heard")
        #expect(words(mailbox) == ["arrived 51"])
        mailbox.close()
        await store.close()
    }

    /// An account that was never durable must not leave its index to another while somebody uses a later one.
    @Test func accountsKeepTheirIndexThroughAFailure() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        // A first login that is still on its way when bob, who came after it, is served already.
        try store.core.withLock { core throws in _ = try core.replica.account(named: "never") }
        let bob = try await store.account(named: "bob")
        try await bob.append("for bob")
        fixture.files.set { $0.failingSyncs = 1 }
        await expect(.unavailable) { try await bob.append("lost") }
        fixture.clock.advance(seconds: 2)
        let never = try await store.account(named: "never")
        let carol = try await store.account(named: "carol")
        #expect(Set([bob.index, never.index, carol.index]).count == 3)
        #expect(try await bob.messages(of: "INBOX").count == 1)
        #expect(try await never.messages(of: "INBOX").isEmpty)
        #expect(try await carol.messages(of: "INBOX").isEmpty)
        try await bob.append("again for bob")
        #expect(try await never.messages(of: "INBOX").isEmpty)
        await store.close()
        let again = try await fixture.open()
        #expect(try await again.account(named: "bob").messages(of: "INBOX").count == 2)
        #expect(try await again.account(named: "never").messages(of: "INBOX").isEmpty)
        await again.close()
    }

    @Test func whoReadsABodyReadsOnThroughAFailure() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        let body = [UInt8](repeating: 3, count: 50_000)
        try await alice.append(body, to: "INBOX")
        let reader = alice.openBody(of: try #require(try await alice.messages(of: "INBOX").first))
        fixture.files.set { $0.room = 0 }
        await expect(.diskFull) { try await alice.append("lost") }
        #expect(try reader.read(0..<50_000) == body)
        fixture.files.set { $0.room = .max }
        fixture.clock.advance(seconds: 2)
        try await expungeAll("INBOX", alice)
        for _ in 0..<3 { try await store.checkpoint() }
        // Its pin survived the failure.
        #expect(try reader.read(0..<50_000) == body)
        reader.close()
        await store.close()
    }

    @Test func anUploadThatMeetsAFullDiskIsRefusedAndForgotten() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open {
            $0.inlineBodyBytes = 1_000
            $0.bodyChunkBytes = 1_000
        }
        let alice = try await store.account(named: "alice")
        let before = try await AccountDump(alice)
        let upload = try await alice.beginUpload(to: "INBOX", size: 200_000, flags: MessageFlagNames(), date: nil)
        await upload.write([UInt8](repeating: 1, count: 50_000))
        fixture.files.set { $0.room = 5_000 }
        await upload.write([UInt8](repeating: 1, count: 100_000))
        await upload.write([UInt8](repeating: 1, count: 50_000))
        await expect(.diskFull) { _ = try await upload.finish() }
        #expect(try await AccountDump(alice) == before)
        #expect(store.core.withLock { $0.uploads.isEmpty })
        fixture.files.set { $0.room = .max }
        fixture.clock.advance(seconds: 2)
        try await alice.append([UInt8](repeating: 1, count: 200_000), to: "INBOX")
        #expect(try alice.body(of: try #require(await alice.messages(of: "INBOX").first)).count == 200_000)
        await store.close()
    }

    @Test func concurrentCommandsFailTogetherAndReadersDoNot() async throws {
        for round in 0..<10 {
            let fixture = try StoreFixture()
            let store = try await fixture.open()
            let alice = try await store.account(named: "alice")
            let outcomes = Outcomes()
            await withDiscardingTaskGroup { tasks in
                for number in 0..<8 {
                    tasks.addTask {
                        for turn in 0..<6 {
                            if number == 0, turn == 2 { fixture.files.set { $0.failingSyncs = 1 } }
                            let text = "message \(number) \(turn)"
                            let isDone: Bool
                            do {
                                try await alice.append(text)
                                isDone = true
                            } catch {
                                isDone = false
                                fixture.clock.advance(seconds: 2)
                            }
                            outcomes.values.withLock { $0[text] = isDone }
                        }
                    }
                }
                tasks.addTask {
                    for _ in 0..<50 {
                        do { _ = try await alice.messages(of: "INBOX") } catch {
                            Issue.record("a reader met \(error) in round \(round)")
                        }
                    }
                }
            }
            let found = try await texts(of: alice)
            let acknowledged = outcomes.values.withLock { Set($0.filter(\.value).keys) }
            #expect(Set(found) == acknowledged)
            #expect(found.count == acknowledged.count)
            await store.close()
            let again = try await fixture.open()
            #expect(try await Set(texts(of: again.account(named: "alice"))) == acknowledged)
            await again.close()
        }
    }

    /// While the disk cannot even be read back nothing works, and nothing is made worse; then all is as it was.
    @Test func aDiskThatStaysBrokenIsTriedAgainLater() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        try await alice.append("kept")
        let before = try await AccountDump(alice)
        fixture.files.set { $0.failingSyncs = 3 }
        await expect(.unavailable) { try await alice.append("lost") }
        await expect(.unavailable) { _ = try await alice.messages(of: "INBOX") }
        fixture.files.set { $0.failingSyncs = 0 }
        fixture.clock.advance(seconds: 2)
        #expect(try await AccountDump(alice) == before)
        fixture.clock.advance(seconds: 2)
        try await alice.append("again")
        await store.close()
    }

    @Test func aCheckpointThatFailsLeavesEverythingInTheLog() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        try await alice.append("one")
        try await store.checkpoint()
        try await alice.append("two")
        let body = [UInt8](repeating: 4, count: 30_000)
        try await alice.append(body, to: "Sent")
        try await alice.deleteMailbox("Junk")
        // The plan is made, and the engine refuses it.
        let plan = try #require(store.core.withLock { $0.planCheckpoint(arrivalBytes: .max) })
        store.core.withLock { $0.abandon(plan) }
        let before = try await AccountDump(alice)
        let copy = try fixture.crashed("crash")
        let crashed = try await fixture.open(copy)
        #expect(try await AccountDump(crashed.account(named: "alice")) == before)
        await crashed.close()
        try await store.checkpoint()
        #expect(store.core.withLock { $0.bodies.logged.isEmpty })
        #expect(try store.count(.bodyCount) == 3)
        await store.close()
        let again = try await fixture.open()
        #expect(try await AccountDump(again.account(named: "alice")) == before)
        await again.close()
    }

    /// More keywords than an operation can carry are refused before anything changes, also when they come in several commands.
    @Test func tooManyKeywordsAreRefusedWithoutHarm() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        let uids = [try await alice.append("one"), try await alice.append("two")]
        let mailbox = try await alice.open("INBOX") {}
        func flags(_ range: Range<Int>) -> MessageFlagNames { MessageFlagNames(keywords: range.map { "k\($0)" }) }
        await expect(.limitExceeded) { _ = try await mailbox.store(uids, .add(flags(0..<101))) }
        await expect(.limitExceeded) { _ = try await mailbox.store(uids, .replace(flags(0..<300))) }
        await expect(.limitExceeded) { try await alice.append("three", flags: flags(0..<101)) }
        await expect(.limitExceeded) { try await alice.append("three", flags: flags(0..<300)) }
        _ = try await mailbox.store([uids[1]], .add(flags(0..<80)))
        // The first of the two could have them.
        await expect(.limitExceeded) { _ = try await mailbox.store(uids, .add(flags(60..<110))) }
        #expect(try await alice.messages(of: "INBOX").first?.flags.keywords.isEmpty ?? false)
        _ = try await mailbox.store([uids[1]], .add(flags(60..<100)))
        _ = try await mailbox.copy([uids[1]], to: "Sent")
        _ = try await mailbox.store([uids[1]], .replace(MessageFlagNames()))
        #expect(store.core.withLock { $0.failure == nil && $0.generation == 0 })
        #expect(try await alice.messages(of: "Sent").first?.flags.keywords.count == 100)
        mailbox.close()
        await store.close()
    }

    /// A command that breaks its promise to change nothing when it throws costs a rebuilding, not the truth.
    @Test func aCommandThatFailsHalfwayIsUndone() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        let mailbox = try await alice.open("INBOX") {}
        let before = try await AccountDump(alice)
        await expect(.notPermitted) {
            try await store.issue(on: alice) { _, box, unit in
                try box.state.subscribe("half", batch: &unit.batch)
                throw MailStoreError(.notPermitted, "halfway")
            }
        }
        #expect(try await AccountDump(alice) == before)
        #expect(store.core.withLock { $0.generation } == 1)
        fixture.clock.advance(seconds: 2)
        try await alice.append("after")
        #expect(words(mailbox) == ["arrived 1"])
        mailbox.close()
        await store.close()
    }

    /// An open that could not be shown leaves nobody behind who listens.
    @Test func anOpenThatFailsLeavesNoListener() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        fixture.files.set { $0.failingSyncs = 100 }
        await withDiscardingTaskGroup { tasks in
            tasks.addTask { _ = try? await alice.append("lost") }
            for _ in 0..<5 {
                tasks.addTask { if let mailbox = try? await alice.open("INBOX", signal: {}) { mailbox.close() } }
            }
        }
        #expect(store.core.withLock { $0.listeners.isEmpty })
        await store.close()
    }

    private func expect(_ code: MailStoreError.Code, _ body: () async throws -> Void) async {
        do {
            try await body()
            Issue.record("not refused")
        } catch {
            #expect((error as? MailStoreError)?.code == code, "\(error)")
        }
    }

    private func texts(of account: MailAccount) async throws -> [String] {
        try await account.messages(of: "INBOX").map { String(decoding: try account.body(of: $0), as: UTF8.self) }
    }
}

/// Which messages were acknowledged.
private final class Outcomes: Sendable {
    let values = Mutex<[String: Bool]>([:])
}
