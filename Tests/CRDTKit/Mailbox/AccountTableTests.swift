// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import CRDTKit

struct AccountTableTests {
    /// A writer's frames over many accounts, with the operations of each frame in the order of their counters.
    private struct History {
        var frames: [[Operation]] = []
        var digests: [StateDigest] = []
    }

    private static let context = ApplyContext(replicas: [ReplicaID(30)], keywords: ["$Forwarded"])
    private static let validity = UIDValiditySource(nowSeconds: 1_000, stripe: 1)

    private func history(accounts: Int, frames: Int, seed: UInt64) throws -> History {
        var generator = SeededGenerator(seed: seed)
        var result = History()
        var table = AccountTable()
        var counter: UInt64 = 1
        var live: [[Dot]] = Array(repeating: [], count: accounts)
        for frame in 0..<frames {
            var context = Self.context
            context.past[ReplicaIndex(1)] = counter - 1
            var batch = OperationBatch(
                replica: ReplicaIndex(1), firstCounter: counter,
                timestamp: HybridTimestamp(rawValue: UInt64(frame + 1)),
                account: AccountIndex(0), context: context)
            for _ in 0..<Int.random(in: 1...100, using: &generator) {
                let account = Int.random(in: 0..<accounts, using: &generator)
                batch.account = AccountIndex(UInt32(account))
                if !table.contains(batch.account) {
                    _ = try table[batch.account].createMailbox(name: "INBOX", validity: Self.validity, batch: &batch)
                }
                let choice = Int.random(in: 0..<4, using: &generator)
                if choice < 2 || live[account].isEmpty {
                    let flags = choice == 0 ? FlagSet([.seen], keywords: [KeywordIndex(0)]) : FlagSet([.deleted])
                    let facts = TestReplica.facts(counter)
                    live[account].append(
                        try table[batch.account].append(facts, flags: flags, to: .inbox, batch: &batch).id)
                } else if choice == 2 {
                    let message = live[account].randomElement(using: &generator) ?? .none
                    try table[batch.account].store(
                        .replace(FlagSet([.answered])), message: message, in: .inbox, batch: &batch)
                } else {
                    try table[batch.account].expunge([live[account].removeFirst()], in: .inbox, batch: &batch)
                }
            }
            counter += UInt64(batch.operations.count)
            result.frames.append(batch.operations)
        }
        for account in 0..<accounts {
            let index = AccountIndex(UInt32(account))
            result.digests.append(table.contains(index) ? table[index].digest : StateDigest())
        }
        return result
    }

    @Test(arguments: [1, 3, 200])
    func aFrameThroughManyAccountsIsAppliedAsOperationByOperation(accounts: Int) throws {
        let seed = UInt64.random(in: 0 ... .max)
        let history = try history(accounts: accounts, frames: 30, seed: seed)
        var table = AccountTable()
        var single = AccountTable()
        var counter: UInt64 = 0
        for operations in history.frames {
            var context = Self.context
            if counter > 0 { context.past[ReplicaIndex(1)] = counter }
            var changes = StateChanges()
            var ends: [Int] = []
            table.apply(operations, context: context, changes: &changes, ends: &ends)
            #expect(ends.count == operations.count, "seed \(seed)")
            var expected = StateChanges()
            for (position, operation) in operations.enumerated() {
                single[operation.account].apply(operation, context: context, changes: &expected)
                context.past[ReplicaIndex(1)] = operation.dot.counter
                #expect(ends[position] == expected.count, "seed \(seed)")
            }
            #expect(changes == expected, "seed \(seed)")
            counter += UInt64(operations.count)
        }
        for (account, digest) in history.digests.enumerated() {
            let index = AccountIndex(UInt32(account))
            guard table.contains(index) else {
                #expect(digest == StateDigest(), "seed \(seed)")
                continue
            }
            #expect(table[index].digest == digest, "seed \(seed)")
            #expect(table[index].checkInvariants() == nil, "seed \(seed)")
        }
    }

    @Test func lookingChangesNothingAndToleratesWhatIsNotThere() throws {
        var table = AccountTable()
        let context = Self.context
        var batch = OperationBatch(
            replica: ReplicaIndex(1), firstCounter: 1, timestamp: HybridTimestamp(rawValue: 1),
            account: AccountIndex(5), context: context)
        _ = try table[batch.account].createMailbox(name: "INBOX", validity: Self.validity, batch: &batch)
        let placed = try table[AccountIndex(5)].append(TestReplica.facts(1), to: .inbox, batch: &batch)
        let before = table[AccountIndex(5)].digest
        table.look(at: [
            (AccountIndex(5), .inbox, placed.id), (AccountIndex(5), .inbox, .none),
            (AccountIndex(5), MailboxID(Dot(ReplicaIndex(9), 9)), placed.id), (AccountIndex(70_000), .inbox, .none),
            (AccountIndex(5), .inbox, Dot(ReplicaIndex(7), 1)),
        ])
        #expect(table[AccountIndex(5)].digest == before)
        #expect(table.count == 1)
        let isMade = table.contains(AccountIndex(70_000))
        #expect(!isMade)
    }
}
