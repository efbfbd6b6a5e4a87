// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing
import TestSupport

@testable import CRDTKit

/// The memory of a mailbox's messages against a dictionary.
@Suite struct MailboxMessagesTests {
    /// The slabs, and what they should hold.
    private struct Pair {
        var messages = MailboxMessages()
        var expected: [Dot: MessageRecord] = [:]
        var lastUID: UInt32 = 0

        var fault: String? {
            if let violation = messages.violation() { return violation }
            if messages.count != expected.count { return "\(messages.count) messages, not \(expected.count)" }
            var work = WorkCounters()
            for (id, record) in expected {
                guard let position = messages.position(of: id, work: &work) else { return "\(id) is missing" }
                let found = messages[position]
                if found.uid != record.uid || found.modSeq != record.modSeq || found.place != record.place {
                    return "\(id) is \(found), not \(record)"
                }
                if messages.facts(of: found) != MailboxMessagesTests.facts(id) {
                    return "the facts of \(id) are others"
                }
            }
            return nil
        }

        mutating func insert(_ id: Dot, isVisible: Bool) -> Bool {
            var work = WorkCounters()
            var record = MessageRecord(id: id)
            record.presence = id
            record.place = isVisible ? .visible : .waiting
            if isVisible { record.uid = lastUID + 1 }
            guard messages.insert(record, MailboxMessagesTests.facts(id), work: &work) else { return false }
            lastUID = max(lastUID, record.uid)
            expected[id] = record
            return true
        }

        mutating func remove(_ id: Dot) {
            var work = WorkCounters()
            guard let position = messages.position(of: id, work: &work) else { return }
            messages.forget(messages.take(position, work: &work))
            messages.compactIfSparse(work: &work)
            expected[id] = nil
        }

        /// Takes a message out and puts it back, as a waiting one or under a new UID.
        mutating func settle(_ id: Dot, isVisible: Bool) {
            var work = WorkCounters()
            guard let position = messages.position(of: id, work: &work) else { return }
            var record = messages.take(position, work: &work)
            record.place = isVisible ? .visible : .waiting
            record.uid = isVisible ? lastUID + 1 : 0
            lastUID = max(lastUID, record.uid)
            messages.put(record, work: &work)
            messages.compactIfSparse(work: &work)
            expected[id] = record
        }

        mutating func change(_ id: Dot, modSeq: UInt64) {
            var work = WorkCounters()
            guard let position = messages.position(of: id, work: &work) else { return }
            messages[position].modSeq = modSeq
            expected[id]?.modSeq = modSeq
        }
    }

    private static func facts(_ id: Dot) -> MessageFacts {
        MessageFacts(
            body: BodyDigest(words: (id.packed, 1, 2, 3)), size: id.counter, internalDateSeconds: 0,
            internalDateZoneMinutes: 0)
    }

    @Test("The slabs equal a dictionary, and copies that shared their memory go their own ways", arguments: 0..<8)
    func slabsEqualADictionary(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var pairs = [Pair()]
        for step in 0..<4_000 {
            let at = Int.random(in: 0..<pairs.count, using: &generator)
            let id = Dot(
                ReplicaIndex(UInt16.random(in: 1..<4, using: &generator)), UInt64.random(in: 1..<200, using: &generator)
            )
            let isGrowing = step / 500 % 2 == 0
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<(isGrowing ? 6 : 2):
                let isNew = pairs[at].expected[id] == nil
                let isEntered = pairs[at].insert(id, isVisible: Bool.random(using: &generator))
                #expect(isEntered == isNew)
            case 6: pairs[at].settle(id, isVisible: Bool.random(using: &generator))
            case 7: pairs[at].change(id, modSeq: UInt64(step))
            case 8 where step % 3 == 0:
                if pairs.count < 3 { pairs.append(pairs[at]) } else { pairs[0] = pairs[at] }
            default: pairs[at].remove(id)
            }
            if step % 50 == 0 {
                for pair in pairs where pair.fault != nil { Issue.record("seed \(seed), step \(step): \(pair.fault!)") }
            }
        }
    }

    @Test("A mailbox without messages keeps no memory for them")
    func emptySlabsHaveNoMemory() {
        var pair = Pair()
        for counter in 1...100 { _ = pair.insert(Dot(ReplicaIndex(1), UInt64(counter)), isVisible: true) }
        for counter in 1...100 { pair.remove(Dot(ReplicaIndex(1), UInt64(counter))) }
        #expect(pair.messages.memory == nil)
        #expect(pair.fault == nil)
        let isEntered = pair.insert(Dot(ReplicaIndex(1), 200), isVisible: true)
        #expect(isEntered)
        #expect(pair.fault == nil)
    }

    @Test("An assignment in a mailbox that knows no epoch is a typed error")
    func assignmentsNeedEpochs() {
        var mailbox = Mailbox(id: .inbox, context: ApplyContext(replicas: [ReplicaID(1)]))
        mailbox.uidNext = 10
        var record = MessageRecord(id: Dot(ReplicaIndex(1), 1))
        record.presence = record.id
        record.uid = 5
        var records = [RestoredMessage(record: record, facts: MailboxMessagesTests.facts(record.id), allDots: nil)]
        var code: CRDTError.Code?
        do throws(CRDTError) { _ = try mailbox.assembled(&records) } catch { code = error.code }
        #expect(code == .malformed)
    }
}
