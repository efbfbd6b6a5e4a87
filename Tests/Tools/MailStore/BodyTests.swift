// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Crypto
import TestSupport
import Storage
import Synchronization
import Testing

@testable import MailStore

/// Bodies: stored once, counted, streamed, and freed when nobody holds, reads or sends them any more.
@Suite("Bodies", .timeLimit(.minutes(10)))
struct BodyTests {
    @Test func oneBodyInManyMailboxesAndAccountsIsStoredOnceAndFreedWithItsLastHolder() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        let bob = try await store.account(named: "bob")
        let body = [UInt8](repeating: 7, count: 40_000)
        for name in ["INBOX", "Sent", "Archive"] { try await alice.append(body, to: name) }
        try await bob.append(body, to: "INBOX")
        try await store.checkpoint()
        try await bob.append(body, to: "Trash")
        try await store.checkpoint()
        #expect(try store.count(.bodyCount) == 1)
        #expect(try store.count(.body) == 3)
        for (account, name) in [(alice, "INBOX"), (alice, "Sent"), (alice, "Archive"), (bob, "INBOX")] {
            try await expungeAll(name, account)
            try await store.checkpoint()
            try await store.checkpoint()
            #expect(try store.count(.body) == 3)
        }
        #expect(try bob.body(of: try #require(await bob.messages(of: "Trash").first)) == body)
        try await expungeAll("Trash", bob)
        try await store.checkpoint()
        try await store.checkpoint()
        #expect(try store.count(.body) == 0)
        #expect(try store.count(.bodyCount) == 0)
        #expect(try store.count(.idleBody) == 0)
        await store.close()
    }

    @Test func aBodyThatIsReadStaysUntilItsReaderCloses() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        let body = [UInt8](repeating: 9, count: 100_000)
        try await alice.append(body, to: "INBOX")
        let message = try #require(try await alice.messages(of: "INBOX").first)
        let reader = alice.openBody(of: message)
        #expect(try reader.read(0..<10) == Array(body[..<10]))
        try await store.checkpoint()
        #expect(try reader.read(10..<60_000) == Array(body[10..<60_000]))
        try await expungeAll("INBOX", alice)
        for _ in 0..<3 { try await store.checkpoint() }
        #expect(try reader.read(60_000..<100_000) == Array(body[60_000...]))
        reader.close()
        try await store.checkpoint()
        #expect(try store.count(.body) == 0)
        let late = alice.openBody(of: message)
        #expect { try late.read(0..<1) } throws: { ($0 as? MailStoreError)?.code == .bodyGone }
        late.close()
        await store.close()
    }

    @Test func fiftyMegabytesStreamInAndOutThroughASmallQueue() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open { $0.segmentBytes = 8 << 20 }
        let alice = try await store.account(named: "alice")
        let size = 50 << 20
        let upload = try await alice.beginUpload(
            to: "INBOX", size: UInt64(size), flags: MessageFlagNames(), date: nil)
        var random = SeededGenerator(seed: 50)
        var hash = SHA256()
        var sent = 0
        var mostQueued = 0
        while sent < size {
            var piece = [UInt8](repeating: 0, count: min(64 << 10, size - sent))
            for index in stride(from: 0, to: piece.count, by: 64) {
                piece[index] = UInt8.random(in: 0...255, using: &random)
            }
            hash.update(data: piece)
            await upload.write(piece)
            sent += piece.count
            mostQueued = max(mostQueued, store.core.withLock { $0.log.queuedBytes })
            if sent == 25 << 20 { try await store.checkpoint() }
        }
        _ = try await upload.finish()
        #expect(mostQueued < 40 << 20)
        let digest = Array(hash.finalize())
        try await compare(alice, size, digest)
        try await store.checkpoint()
        try await compare(alice, size, digest)
        #expect(store.core.withLock { $0.uploads.isEmpty })
        await store.close()
        let again = try await fixture.open()
        try await compare(try await again.account(named: "alice"), size, digest)
        await again.close()
    }

    @Test func anUploadThatIsGivenUpLeavesNothing() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open {
            $0.inlineBodyBytes = 1_000
            $0.bodyChunkBytes = 1_000
            $0.segmentBytes = 32 << 10
        }
        let alice = try await store.account(named: "alice")
        let upload = try await alice.beginUpload(to: "INBOX", size: 100_000, flags: MessageFlagNames(), date: nil)
        await upload.write([UInt8](repeating: 1, count: 50_000))
        try await alice.append("something durable after the chunks")
        let pinned = store.core.withLock { $0.firstNeededPosition(upTo: $0.log.end) }
        #expect(pinned < store.core.withLock { $0.log.end })
        await upload.abort()
        await upload.write([UInt8](repeating: 1, count: 50_000))
        await #expect(throws: MailStoreError.self) { _ = try await upload.finish() }
        try await store.checkpoint()
        #expect(store.core.withLock { $0.uploads.isEmpty && $0.bodies.logged.isEmpty })
        #expect(try store.count(.bodyCount) == 1)
        #expect(store.core.withLock { $0.log.first > pinned })
        await store.close()
        let again = try await fixture.open()
        #expect(again.core.withLock { $0.bodies.logged.isEmpty })
        await again.close()
    }

    @Test func anUploadUnderWayKeepsItsChunksThroughCheckpointsAndTheNextStart() async throws {
        let fixture = try StoreFixture()
        func open() async throws -> MailStore {
            try await fixture.open {
                $0.inlineBodyBytes = 1_000
                $0.bodyChunkBytes = 1_000
                $0.segmentBytes = 32 << 10
            }
        }
        let store = try await open()
        let alice = try await store.account(named: "alice")
        let body = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 300) }
        let upload = try await alice.beginUpload(
            to: "INBOX", size: UInt64(body.count), flags: MessageFlagNames(), date: nil)
        for start in stride(from: 0, to: body.count, by: 20_000) {
            await upload.write(Array(body[start..<start + 20_000]))
            try await alice.append("between \(start)", to: "Sent")
            try await store.checkpoint()
        }
        _ = try await upload.finish()
        let copy = try fixture.crashed("crash")
        let crashed = try await fixture.open(copy)
        let survivor = try await crashed.account(named: "alice")
        #expect(try survivor.body(of: try #require(await survivor.messages(of: "INBOX").first)) == body)
        await crashed.close()
        await store.close()
        let again = try await open()
        let account = try await again.account(named: "alice")
        #expect(try account.body(of: try #require(await account.messages(of: "INBOX").first)) == body)
        await again.close()
    }

    /// The engine still shows the body while the checkpoint that removes it runs; whoever brings it again must not rely on that.
    @Test func aBodyThatComesBackWhileItIsBeingRemovedIsWrittenAnew() async throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let fixture = try StoreFixture()
            let store = try await fixture.open()
            let alice = try await store.account(named: "alice")
            let body = [UInt8](repeating: UInt8(seed), count: 5_000)
            try await alice.append(body, to: "INBOX")
            try await store.checkpoint()
            try await expungeAll("INBOX", alice)
            try await store.checkpoint()
            #expect(try store.count(.idleBody) == 1)
            async let removal: Void = store.checkpoint()
            async let uid = alice.append(body, to: "INBOX")
            for _ in 0..<seed { await Task.yield() }
            _ = try await (removal, uid)
            try await store.checkpoint()
            try await store.checkpoint()
            #expect(try alice.body(of: try #require(await alice.messages(of: "INBOX").first)) == body)
            #expect(try store.count(.bodyCount) == 1)
            await store.close()
        }
    }

    @Test func aPinThatComesTooLateIsToldSo() {
        var ledger = BodyLedger()
        guard let digest = BodyDigest(Array(SHA256.hash(data: [1, 2, 3]))) else { return }
        ledger = BodyLedger(idle: [digest])
        let plan = ledger.plan()
        #expect(plan.removals == [digest])
        let isTooLate = ledger.pin(digest)
        #expect(isTooLate)
        _ = ledger.completed(plan, unheld: [])
        ledger.unpin(digest)
        let isTooLateAfter = ledger.pin(digest)
        #expect(!isTooLateAfter)
    }

    @Test func aPinnedIdleBodyIsNotRemoved() {
        guard let digest = BodyDigest(Array(SHA256.hash(data: [1, 2, 3]))) else { return }
        var ledger = BodyLedger(idle: [digest])
        ledger.pin(digest)
        #expect(ledger.plan().removals.isEmpty)
        var next = BodyLedger(idle: [digest])
        next.takePins(of: ledger)
        #expect(next.plan().removals.isEmpty)
        next.unpin(digest)
        #expect(next.plan().removals == [digest])
    }

    @Test func readersAndCheckpointsShareABodyOnItsWayFromTheLogToTheEngine() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open { $0.segmentBytes = 64 << 10 }
        let alice = try await store.account(named: "alice")
        try await withThrowingDiscardingTaskGroup { tasks in
            for number in 0..<6 {
                tasks.addTask {
                    for turn in 0..<15 {
                        let body = [UInt8](repeating: UInt8(number * 15 + turn), count: 20_000 + number)
                        let uid = try await alice.append(body, to: "INBOX")
                        let mailbox = try await alice.open("INBOX") {}
                        defer { mailbox.close() }
                        let message = try #require(try await mailbox.messages([uid]).first)
                        let reader = mailbox.openBody(of: message)
                        defer { reader.close() }
                        for start in stride(from: 0, to: 20_000, by: 5_000) {
                            #expect(try reader.read(start..<start + 5_000) == Array(body[start..<start + 5_000]))
                            await Task.yield()
                        }
                    }
                }
            }
            tasks.addTask { for _ in 0..<40 { try await store.checkpoint() } }
        }
        await store.close()
    }

    private func compare(_ account: MailAccount, _ size: Int, _ digest: [UInt8]) async throws {
        let message = try #require(try await account.messages(of: "INBOX").first)
        let reader = account.openBody(of: message)
        defer { reader.close() }
        var hash = SHA256()
        for start in stride(from: 0, to: size, by: 100_000) {
            hash.update(data: try reader.read(start..<min(start + 100_000, size)))
        }
        #expect(Array(hash.finalize()) == digest)
    }
}

/// Removes all messages of a mailbox.
func expungeAll(_ name: String, _ account: MailAccount) async throws {
    let mailbox = try await account.open(name) {}
    defer { mailbox.close() }
    _ = try await mailbox.store(mailbox.snapshot.uids, .add(MessageFlagNames(system: .deleted)))
    _ = try await mailbox.expunge(nil)
}
