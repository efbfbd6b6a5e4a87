// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import CRDTKit

@Suite("Effectors: totality and counted work")
struct EffectorTests {
    static func dot(_ generator: inout SeededGenerator) -> Dot {
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: Dot.none
        case 1: Dot(ReplicaIndex(90), Dot.maximumCounter)
        case 2: Dot(.wellKnown, UInt64.random(in: 0..<30, using: &generator))
        default:
            Dot(ReplicaIndex(UInt16.random(in: 1..<6, using: &generator)), UInt64.random(in: 0..<12, using: &generator))
        }
    }

    static func flags(_ generator: inout SeededGenerator) -> FlagSet {
        let keywords = (0..<Int.random(in: 0..<3, using: &generator)).map { _ in
            KeywordIndex([0, 1, 7, UInt16.max].randomElement(using: &generator) ?? 0)
        }
        return FlagSet(SystemFlags(rawValue: UInt8.random(in: 0...255, using: &generator)), keywords: keywords)
    }

    static func assignment(_ generator: inout SeededGenerator) -> UIDAssignment? {
        let uid: UInt32 = [0, 1, 2, 3, .max, .max - 1].randomElement(using: &generator) ?? 0
        let number: UInt32 = [0, 1, 5, 9, .max].randomElement(using: &generator) ?? 0
        let owner = ReplicaID(UInt64.random(in: 0..<4, using: &generator) * 10)
        return Bool.random(using: &generator)
            ? UIDAssignment(uid: uid, epoch: UIDEpoch(number: number, owner: owner)) : nil
    }

    static func body(_ generator: inout SeededGenerator) -> OperationBody {
        let box = MailboxID(Bool.random(using: &generator) ? Dot(ReplicaIndex(1), 1) : dot(&generator))
        let name = ["", "a", "INBOX", "inbox", "a~b", "\u{0}", "é"].randomElement(using: &generator) ?? ""
        let facts = MessageFacts(
            body: BodyDigest(words: (1, 2, 3, .max)), size: [0, 5, .max].randomElement(using: &generator) ?? 0,
            internalDateSeconds: .min, internalDateZoneMinutes: .max)
        switch Int.random(in: 0..<16, using: &generator) {
        case 0:
            let validity: UInt32 = [0, 1, 5, 9, .max].randomElement(using: &generator) ?? 0
            return .create(mailbox: box, name: name, uidValidity: validity, use: .trash)
        case 1: return .delete(mailbox: box)
        case 2: return .rename(mailbox: box, name: name)
        case 3, 4, 5:
            return .append(mailbox: box, facts: facts, flags: flags(&generator), assignment: assignment(&generator))
        case 6: return .expunge(mailbox: box, message: dot(&generator))
        case 7, 8, 9:
            return .store(
                mailbox: box, message: dot(&generator), adding: flags(&generator), removing: flags(&generator))
        case 10:
            let assignment =
                assignment(&generator) ?? UIDAssignment(uid: 1, epoch: UIDEpoch(number: 0, owner: ReplicaID(0)))
            return .assign(mailbox: box, message: dot(&generator), assignment: assignment)
        case 11:
            let isMark = Bool.random(using: &generator)
            return isMark
                ? .mark(stripe: UInt8.random(in: 0...255, using: &generator)) : .member(member(name, &generator))
        case 12, 13, 14:
            let epochs = (0..<2).map { _ in
                assignment(&generator)?.epoch
                    ?? UIDEpoch(number: 6, owner: TestReplica.context.replica(ReplicaIndex(2)))
            }
            let bound: UInt32 = [0, 1, 5, 9, .max].randomElement(using: &generator) ?? 0
            let settled = Bool.random(using: &generator) ? assignment(&generator).map { [$0] } : nil
            let opening = EpochOpening(
                epoch: epochs[0], parent: epochs[1], inheritedUpTo: bound, settled: settled ?? [])
            return .epoch(mailbox: box, opening: opening)
        default: return Bool.random(using: &generator) ? .subscribe(name: name) : .unsubscribe(name: name)
        }
    }

    static func member(_ name: String, _ generator: inout SeededGenerator) -> MemberChange {
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: .add(name: name, stripe: .max, addresses: [name, ""])
        case 1: .remove(name: name)
        default: .announce(name: name, replica: ReplicaID(0, incarnation: 0))
        }
    }

    @Test("P6: effectors take any operation, with any causal past, and keep all invariants", arguments: 0..<4)
    func effectorsAreTotal(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<30 {
            var state = AccountState()
            var changes: StateChanges = []
            for step in 0..<60 {
                var context = TestReplica.context
                for replica in 0..<6 {
                    context.past[ReplicaIndex(UInt16(replica))] = UInt64.random(in: 0..<12, using: &generator)
                }
                let operation = Operation(
                    dot: EffectorTests.dot(&generator),
                    timestamp: HybridTimestamp(rawValue: Bool.random(using: &generator) ? .max : UInt64(step)),
                    account: AccountIndex(9), body: EffectorTests.body(&generator))
                state.apply(operation, context: context, changes: &changes)
                if let violation = state.checkInvariants() {
                    Issue.record("seed \(seed), step \(step): \(violation) after \(operation)")
                    return
                }
                let digest = state.recomputedDigest(context: TestReplica.context)
                if digest != state.digest {
                    Issue.record("seed \(seed), step \(step): a wrong digest after \(operation)")
                    return
                }
                if step % 10 == 9 {
                    state = try SnapshotCopy.copy(state, context: TestReplica.context)
                }
            }
        }
    }

    /// The work of one operation on a mailbox of a size.
    static func work(messages: Int) throws -> [WorkCounters] {
        let replica = try MessageCommandTests.replica(messages: messages)
        let ids = [messages / 3, messages / 2, messages - 1].map { replica.state.uids(in: .inbox)[$0] }
            .compactMap { replica.state.message(in: .inbox, uid: $0)?.id }
        var result: [WorkCounters] = []
        var before = replica.state.work
        let note = {
            var work = replica.state.work
            work.slotsTouched -= before.slotsTouched
            work.probes -= before.probes
            work.recordsMoved -= before.recordsMoved
            before = replica.state.work
            result.append(work)
        }
        for id in ids {
            _ = try UIDTests.append(replica, 1)
            note()
            _ = try MessageCommandTests.store(replica, id, .add(FlagSet(.seen)))
            note()
            _ = try MessageCommandTests.store(replica, id, .replace(FlagSet([.answered, .deleted])))
            note()
            try replica.issue { (state, batch) throws(CRDTError) in try state.expunge([id], in: .inbox, batch: &batch) }
            note()
        }
        return result
    }

    @Test("APPEND, STORE and EXPUNGE touch as much in 100,000 messages as in 100")
    func workDoesNotGrowWithTheMailbox() throws {
        let small = try EffectorTests.work(messages: 100)
        for messages in [10_000, 100_000] {
            let large = try EffectorTests.work(messages: messages)
            #expect(large.map(\.slotsTouched) == small.map(\.slotsTouched))
            #expect(large.allSatisfy { $0.recordsMoved == 0 && $0.slotsTouched <= 2 })
            #expect(large.allSatisfy { $0.probes <= 48 })
        }
    }

    @Test("Expunging everything moves each record at most once per halving, and the slab gives its room back")
    func compactionIsAmortised() throws {
        let replica = try MessageCommandTests.replica(messages: 5_000)
        var ids = replica.messages(.inbox).map(\.id)
        var generator = SeededGenerator(seed: 5)
        ids.shuffle(using: &generator)
        try replica.issue { (state, batch) throws(CRDTError) in try state.expunge(ids, in: .inbox, batch: &batch) }
        #expect(replica.state.work.recordsMoved <= 5_000)
        let slot = try #require(replica.slot(.inbox))
        #expect(replica.state.slots[slot].messages.ordered.isEmpty)
        #expect(replica.violation == nil)
    }

    @Test("Liveness holds one counter per replica, whatever happens")
    func livenessIsBoundedByReplicas() throws {
        let replicas = [TestReplica(1), TestReplica(2), TestReplica(3)]
        var sent = try UIDTests.createInbox(replicas[0])
        for replica in replicas.dropFirst() { replica.deliver(sent) }
        for round in 0..<50 {
            for (index, replica) in replicas.enumerated() {
                sent = try UIDTests.append(replica, UInt64(round))
                for (other, receiver) in replicas.enumerated() where other != index { receiver.deliver(sent) }
            }
        }
        let slot = try #require(replicas[0].slot(.inbox))
        #expect(replicas[0].state.slots[slot].liveness.counters.count == 4)
    }

    @Test("The dot table equals a dictionary under random insertions, moves and removals")
    func dotTableEqualsADictionary() {
        var generator = SeededGenerator(seed: 11)
        var table = DotTable()
        var expected: [Dot: UInt32] = [:]
        var probes = 0
        for step in 0..<6_000 {
            let dot = Dot(
                ReplicaIndex(UInt16.random(in: 0..<3, using: &generator)), UInt64.random(in: 1..<400, using: &generator)
            )
            if Int.random(in: 0..<5, using: &generator) < (step / 1_000 % 2 == 0 ? 3 : 1) {
                table.set(dot, position: UInt32(step), probes: &probes)
                expected[dot] = UInt32(step)
            } else {
                table.remove(dot, probes: &probes)
                expected[dot] = nil
            }
            if step % 100 == 0 {
                #expect(table.violation() == nil)
                #expect(Dictionary(uniqueKeysWithValues: table.contents.map { ($0.dot, $0.position) }) == expected)
            }
        }
        #expect(table.position(of: .none, probes: &probes) == nil)
    }
}
