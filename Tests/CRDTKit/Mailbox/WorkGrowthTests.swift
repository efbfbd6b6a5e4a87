// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import CRDTKit

/// What an operation costs as the group and the number of users grow: counted, not timed.
@Suite struct WorkGrowthTests {
    /// Messages that are there before anything is counted.
    private static let messages = 2_000
    /// Messages that are appended, changed and expunged while it is counted.
    private static let rounds = 500

    private struct World: ~Copyable {
        let replicas: Int
        let users: Int
        var table = AccountTable()
        var context: ApplyContext
        var counters: [UInt64]
        var issued: [(user: Int, message: Dot)] = []
        private var nextUID: [UInt32]

        init(replicas: Int, users: Int) {
            self.replicas = replicas
            self.users = users
            context = ApplyContext(replicas: (1...replicas).map { ReplicaID(UInt64($0)) })
            counters = Array(repeating: 0, count: replicas)
            nextUID = Array(repeating: 1, count: users)
        }

        /// Applies the next operation of a replica.
        @discardableResult
        mutating func apply(_ body: OperationBody, by replica: Int, of user: Int) -> Dot {
            counters[replica] += 1
            let dot = Dot(ReplicaIndex(UInt16(replica + 1)), counters[replica])
            let account = AccountIndex(UInt32(user))
            let time = HybridTimestamp(rawValue: counters[replica] << 16)
            var changes: StateChanges = []
            table[account].apply(
                Operation(dot: dot, timestamp: time, account: account, body: body), context: context, changes: &changes)
            context.past[dot.replica] = dot.counter
            return dot
        }

        /// Appends a message of a number, with a UID of the mailbox's creator.
        mutating func append(_ number: Int) {
            let (replica, user) = (number % replicas, number % users)
            let assignment = UIDAssignment(
                uid: nextUID[user], epoch: UIDEpoch(number: 1, owner: context.replica(ReplicaIndex(1))))
            nextUID[user] += 1
            let body = OperationBody.append(
                mailbox: .inbox, facts: TestReplica.facts(UInt64(number)), flags: FlagSet(), assignment: assignment)
            issued.append((user, apply(body, by: replica, of: user)))
        }

        /// The work done on all accounts so far.
        var work: WorkCounters {
            var sum = WorkCounters()
            for user in 0..<users {
                let work = table[AccountIndex(UInt32(user))].work
                sum.slotsTouched += work.slotsTouched
                sum.probes += work.probes
            }
            return sum
        }
    }

    /// The work of appending, changing and expunging messages once the mailboxes hold some.
    private func work(replicas: Int, users: Int) -> (slots: Int, probes: Int) {
        var world = World(replicas: replicas, users: users)
        for user in 0..<users {
            let body = OperationBody.create(mailbox: .inbox, name: "INBOX", uidValidity: 1, use: .none)
            world.apply(body, by: 0, of: user)
        }
        for number in 0..<Self.messages { world.append(number) }
        let before = world.work
        for round in 0..<Self.rounds {
            world.append(Self.messages + round)
            let (user, message) = world.issued[round]
            let replica = (round * 7) % replicas
            world.apply(
                .store(mailbox: .inbox, message: message, adding: FlagSet(.seen), removing: FlagSet()), by: replica,
                of: user)
            world.apply(.expunge(mailbox: .inbox, message: message), by: replica, of: user)
        }
        let after = world.work
        return (after.slotsTouched - before.slotsTouched, after.probes - before.probes)
    }

    @Test("Operations of 2 replicas and of 128 touch as much")
    func workDoesNotGrowWithReplicas() {
        let few = work(replicas: 2, users: 1)
        let many = work(replicas: 128, users: 1)
        #expect(few.slots == many.slots)
        #expect(few.probes <= 12 * Self.rounds && many.probes <= 12 * Self.rounds)
    }

    @Test("Operations of one user and of 2,000 touch as much")
    func workDoesNotGrowWithUsers() {
        let one = work(replicas: 2, users: 1)
        let many = work(replicas: 2, users: 2_000)
        #expect(one.slots == many.slots)
        #expect(one.probes <= 12 * Self.rounds && many.probes <= 12 * Self.rounds)
    }
}
