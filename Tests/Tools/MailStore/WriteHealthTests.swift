// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Storage
import Synchronization
import Testing

@testable import MailStore

/// What a store says about its ability to write.
@Suite("Whether a store can write", .timeLimit(.minutes(5)))
struct WriteHealthTests {
    // MARK: The rule

    @Test func asMuchAsWasLostHasToBeWritten() {
        var health = WriteHealth()
        #expect(health.isWritable)
        health.failed(1_000, at: 5)
        #expect(!health.isWritable)
        // A flag change that fits says nothing about the next message.
        health.wrote(100, at: 6)
        health.wrote(899, at: 7)
        #expect(!health.isWritable)
        health.wrote(1, at: 8)
        #expect(health.isWritable)
    }

    @Test func aFailureOnTheWayBackCountsAsTheFirst() {
        var health = WriteHealth()
        health.failed(1_000, at: 5)
        health.wrote(900, at: 6)
        health.failed(500, at: 7)
        health.wrote(499, at: 8)
        #expect(!health.isWritable)
        health.wrote(1, at: 8)
        #expect(health.isWritable)
    }

    @Test func afterAQuietWhileAnyWriteWillDo() {
        var health = WriteHealth()
        health.failed(1_000, at: 5)
        health.wrote(0, at: 70_000)
        #expect(!health.isWritable)
        health.wrote(10, at: 5 + WriteHealth.quietMilliseconds - 1)
        #expect(!health.isWritable)
        health.wrote(10, at: 5 + WriteHealth.quietMilliseconds)
        #expect(health.isWritable)
    }

    @Test func nobodyOwesMoreThanAMessage() {
        var health = WriteHealth()
        health.failed(1 << 30, at: 5)
        health.wrote(WriteHealth.debtLimit, at: 6)
        #expect(health.isWritable)
        health.failed(0, at: 7)
        #expect(!health.isWritable)
    }

    @Test func freeSpaceCountsBesides() {
        var health = WriteHealth()
        let news = [false, true, true, false].map { health.note(lacksSpace: $0) }
        #expect(news == [false, true, false, true])
        health.failed(10, at: 5)
        _ = health.note(lacksSpace: true)
        health.wrote(10, at: 6)
        #expect(!health.isWritable)
        _ = health.note(lacksSpace: false)
        #expect(health.isWritable)
    }

    // MARK: Stores

    @Test(arguments: [true, false]) func aStoreThatCouldNotWriteSaysSoUntilItHasCaughtUp(isFull: Bool) async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        try await alice.append("kept")
        #expect(store.replicationStatus().isWritable)
        let signals = Atomic(0)
        store.observeReplication { signals.wrappingAdd(1, ordering: .relaxed) }
        fixture.files.set { faults in
            if isFull { faults.room = 10 } else { faults.failingSyncs = 1 }
        }
        let large = [UInt8](repeating: 65, count: 20_000)
        await #expect(throws: MailStoreError.self) { try await alice.append(large, to: "INBOX") }
        #expect(!store.replicationStatus().isWritable && !store.isWritable)
        #expect(signals.load(ordering: .relaxed) > 0)

        // There is room for a little, which is not enough to take messages again.
        fixture.files.set { $0.room = 5_000 }
        fixture.clock.advance(seconds: 2)
        try await alice.append("small")
        #expect(!store.replicationStatus().isWritable)
        fixture.files.set { $0.room = .max }
        try await alice.append(large, to: "INBOX")
        #expect(store.replicationStatus().isWritable)
        await store.close()
    }

    @Test func aStoreWithoutFreeSpaceSaysSo() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open { $0.reservedDiskBytes = 1 << 60 }
        let signals = Atomic(0)
        store.observeReplication { signals.wrappingAdd(1, ordering: .relaxed) }
        #expect(store.replicationStatus().isWritable)
        let before = signals.load(ordering: .relaxed)
        store.checkDisk()
        #expect(!store.replicationStatus().isWritable)
        let after = signals.load(ordering: .relaxed)
        #expect(after > before)
        // Peers hear of a change, not of every look.
        store.checkDisk()
        #expect(signals.load(ordering: .relaxed) == after)
        await store.close()
    }
}
