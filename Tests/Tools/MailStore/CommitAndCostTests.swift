// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Glibc
import Synchronization
import Storage
import Testing

@testable import MailStore

/// What commands cost: shared synchronisations, and the same work whatever the mailbox holds.
@Suite("Costs", .serialized, .timeLimit(.minutes(10)))
struct CommitAndCostTests {
    @Test func twentyAppendersShareTheirSynchronisations() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        // An account for each: what one reads waits for what was written to its account.
        var accounts: [MailAccount] = []
        for number in 0..<20 {
            let account = try await store.account(named: "user\(number)")
            try await account.append("first")
            accounts.append(account)
        }
        let (before, issued) = (store.logCounts, store.core.withLock { $0.units })
        // A disk so slow that whoever is not in the commit has queued meanwhile, however busy the machine is; the bound is for a test that fails.
        fixture.files.set { faults in
            faults.beforeSync = { [weak store] in
                guard let store else { return }
                let wanted = min(store.logCounts.units - before.units + 20, 500)
                var patience = 100_000
                while patience > 0, store.core.withLock({ $0.units }) - issued < wanted {
                    usleep(100)
                    patience -= 1
                }
            }
        }
        let left = Countdown(from: 500)
        try await withThrowingDiscardingTaskGroup { tasks in
            for (number, account) in accounts.enumerated() {
                tasks.addTask {
                    // Whoever is served takes the next message, so that all twenty are at work to the end.
                    while let message = left.next() { try await account.append("message \(number) \(message)") }
                }
            }
        }
        let after = store.logCounts
        fixture.files.set { $0.beforeSync = nil }
        #expect(after.units - before.units == 500)
        // Two commits after each other have all twenty sessions.
        #expect(after.syncs - before.syncs <= 51, "\(after.syncs - before.syncs) synchronisations for 500 messages")
        print("group commit: \(after.syncs - before.syncs) synchronisations for 500 messages of 20 sessions")
        await store.close()
    }

    @Test func aCommandCostsTheSameWhateverTheMailboxHolds() async throws {
        let small = try await cost(messages: 100)
        let large = try await cost(messages: 100_000)
        for (name, few) in small.sorted(by: { $0.key < $1.key }) {
            let many = try #require(large[name])
            print("\(name): \(few) with 100 messages, \(many) with 100,000")
            #expect(many.slots <= few.slots + 2, "\(name)")
            #expect(many.moved <= few.moved, "\(name)")
            #expect(many.probes <= few.probes + 64, "\(name)")
            // Numbers grow by some bytes: a UID, a counter.
            #expect(many.logBytes <= few.logBytes + 32, "\(name)")
            #expect(many.puts == few.puts, "\(name)")
        }
    }

    private struct Cost: CustomStringConvertible {
        var slots: Int
        var probes: Int
        var moved: Int
        var logBytes: UInt64
        var puts: Int

        var description: String { "slots \(slots) probes \(probes) moved \(moved) log \(logBytes) puts \(puts)" }
    }

    private func cost(messages: Int) async throws -> [String: Cost] {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let alice = try await store.account(named: "alice")
        try await fill(alice, messages)
        try await store.checkpoint()
        let clock = ContinuousClock()
        let began = clock.now
        let mailbox = try await alice.open("INBOX") {}
        print("SELECT of \(messages) messages: \(began.duration(to: clock.now))")
        #expect(mailbox.snapshot.uids.count == messages)
        var costs: [String: Cost] = [:]
        func measure(_ name: String, _ body: () async throws -> Void) async throws {
            let before = (work(store, alice), store.logCounts.bytes)
            try await body()
            let after = (work(store, alice), store.logCounts.bytes)
            let plan = try #require(
                store.core.withLock { $0.planCheckpoint(arrivalBytes: .max) })
            store.core.withLock { $0.abandon(plan) }
            try await store.checkpoint()
            costs[name] = Cost(
                slots: after.0.slotsTouched - before.0.slotsTouched, probes: after.0.probes - before.0.probes,
                moved: after.0.recordsMoved - before.0.recordsMoved, logBytes: after.1 - before.1,
                puts: plan.puts.count { $0.key.first == EngineKey.Family.record.rawValue }
                    + plan.puts.count { $0.key.first == EngineKey.Family.mailbox.rawValue })
        }
        let middle = UInt32(messages / 2)
        try await measure("APPEND") { try await alice.append("one more message") }
        try await measure("STORE") {
            _ = try await mailbox.store([middle], .add(MessageFlagNames(system: .deleted)))
        }
        try await measure("EXPUNGE") {
            let gone = try await mailbox.expunge(nil)
            #expect(gone == [middle])
        }
        try await measure("COPY") { _ = try await mailbox.copy([middle + 1], to: "Sent") }
        try await measure("MOVE") { _ = try await mailbox.move([middle + 2], to: "Sent") }
        mailbox.close()
        await store.close()
        return costs
    }

    /// Fills INBOX by doubling it: one command for many messages.
    private func fill(_ account: MailAccount, _ messages: Int) async throws {
        let batch = min(messages, 100)
        for number in 0..<batch {
            try await account.append("message \(number)", flags: MessageFlagNames(system: .seen))
        }
        let mailbox = try await account.open("INBOX") {}
        var count = batch
        while count < messages {
            let copied = try await mailbox.copy(Array(1...UInt32(min(count, messages - count))), to: "INBOX")
            count += copied.pairs.count
            _ = mailbox.takeNotices()
        }
        mailbox.close()
    }

    private func work(_ store: MailStore, _ account: MailAccount) -> WorkCounters {
        store.core.withLock { $0.accounts[account.index]?.state.work ?? WorkCounters() }
    }
}

/// Numbers that several tasks take, each once.
private final class Countdown: Sendable {
    private let left: Mutex<Int>

    init(from count: Int) { left = Mutex(count) }

    func next() -> Int? {
        left.withLock { left in
            guard left > 0 else { return nil }
            left -= 1
            return left
        }
    }
}
