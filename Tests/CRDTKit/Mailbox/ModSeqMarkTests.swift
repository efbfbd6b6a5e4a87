// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// Replicas 1, 2 and 3 have the stripes 4, 5 and 6.
@Suite("Modification sequences of several replicas")
struct ModSeqMarkTests {
    private static let (first, second, third) = (ReplicaIndex(1), ReplicaIndex(2), ReplicaIndex(3))

    private static func past(_ counters: UInt64...) -> VersionVector {
        var vector = VersionVector()
        for (index, counter) in counters.enumerated() where counter > 0 {
            vector[ReplicaIndex(UInt16(index + 1))] = counter
        }
        return vector
    }

    private static func told(_ value: UInt64, by stripe: UInt64) -> UInt64 { value << 4 | stripe }

    @Test(
        "A replica's values end with its stripe, ascend, and are above its last mark", arguments: [0, 5, 15] as [UInt8])
    func valuesNameTheirReplica(tag: UInt8) {
        let stamp = ModSeqStamp(tag: tag, floor: 1_000)
        var last: UInt64 = 0
        for least in [0, 1, 999, 1_000, 1_001, 1_015, 1_016, 5_000] as [UInt64] {
            let value = stamp.value(notBelow: max(least, last + 1))
            #expect(value >= least && value > last && value > 1_000)
            #expect(ModSeqStamp.tag(of: value) == tag)
            last = value
        }
        #expect(stamp.value(notBelow: .max) == Mailbox.maximumModSeq)
    }

    @Test("What the replica told itself means what it says")
    func ownValuesAreTaken() {
        var marks = ModSeqMarks()
        #expect(marks.local(Self.told(7, by: 4), at: Self.first, stripe: 4) == 0)
        marks.note(Self.first, stripe: 4, .init(modSeq: 1_000, past: Self.past(3)))
        #expect(marks.local(Self.told(100, by: 4), at: Self.first, stripe: 4) == Self.told(100, by: 4))
        // Before its first mark it may have been somebody else, who was wiped.
        #expect(marks.local(Self.told(10, by: 4), at: Self.first, stripe: 4) == 0)
    }

    @Test("What another told means the last own mark within what lay behind the other's")
    func foreignValuesAreTranslated() {
        var marks = ModSeqMarks()
        marks.note(Self.first, stripe: 4, .init(modSeq: 1_000, past: Self.past(3, 2)))
        marks.note(Self.first, stripe: 4, .init(modSeq: 2_000, past: Self.past(5, 4)))
        marks.note(Self.first, stripe: 4, .init(modSeq: 3_000, past: Self.past(8, 4)))
        marks.note(Self.second, stripe: 5, .init(modSeq: 1_500, past: Self.past(4, 6)))
        marks.note(Self.second, stripe: 5, .init(modSeq: 2_500, past: Self.past(7, 9)))
        func local(_ presented: UInt64) -> UInt64 { marks.local(presented, at: Self.first, stripe: 4) }
        #expect(local(Self.told(1_400 >> 4, by: 5)) == 0)
        #expect(local(Self.told(1_600 >> 4, by: 5)) == 1_000)
        #expect(local(Self.told(9_000 >> 4, by: 5)) == 2_000)
        // Nobody with this stripe has set a mark.
        #expect(local(Self.told(9_000 >> 4, by: 6)) == 0)
    }

    @Test("Of a node that was wiped it is not known which life told a value: what all lives had is what counts")
    func livesOfOneStripeAreTakenTogether() {
        var marks = ModSeqMarks()
        marks.note(Self.first, stripe: 4, .init(modSeq: 500, past: Self.past(1)))
        marks.note(Self.first, stripe: 4, .init(modSeq: 1_000, past: Self.past(6)))
        marks.note(Self.second, stripe: 5, .init(modSeq: 1_500, past: Self.past(9, 9)))
        marks.note(Self.third, stripe: 5, .init(modSeq: 2_500, past: Self.past(2, 0, 1)))
        // The second of them may have told this before its first mark.
        #expect(marks.local(Self.told(2_000 >> 4, by: 5), at: Self.first, stripe: 4) == 0)
        #expect(marks.local(Self.told(3_000 >> 4, by: 5), at: Self.first, stripe: 4) == 500)
    }

    @Test("Marks thin out with age, the first stays, and none is taken that goes back")
    func marksThinOut() {
        var marks = ModSeqMarks()
        for number in 1...10_000 as ClosedRange<UInt64> {
            marks.note(Self.first, stripe: 4, .init(modSeq: number * 16, past: Self.past(number)))
        }
        marks.note(Self.first, stripe: 4, .init(modSeq: 99, past: Self.past(20_000)))
        let kept = marks.lives[Self.first]?.marks.map(\.modSeq) ?? []
        #expect(kept.count <= ModSeqMarks.maximumMarks && kept.count > ModSeqMarks.maximumMarks / 2)
        #expect(kept.first == 16 && kept.last == 160_000 && kept == kept.sorted())
        #expect(kept.suffix(30).elementsEqual((9_971...10_000).map { $0 * 16 }))
    }

    @Test("Marks are in the account's record, not in its digest")
    func marksAreRecorded() throws {
        let replica = TestReplica(1)
        let digest = replica.state.digest
        let issued = try replica.issue { (state, batch) throws(CRDTError) in
            state.markModSeqs(stripe: 4, batch: &batch)
        }
        #expect(issued.count == 1 && replica.changes == [.modSeqsMarked])
        #expect(replica.state.digest == digest)
        let time = issued[0].operation.timestamp.rawValue
        #expect(replica.state.lastModSeqMark(of: Self.first) == time)
        replica.state = try SnapshotCopy.copy(replica.state, context: TestReplica.context)
        #expect(replica.state.lastModSeqMark(of: Self.first) == time)
        #expect(replica.state.lastModSeqMark(of: Self.second) == 0)
    }

    @Test(
        "A flag change that a concurrent one made before has a value of its own: what comes from elsewhere may not know it"
    )
    func concurrentChangesAreTold() throws {
        let (left, right) = (TestReplica(1), TestReplica(2))
        right.deliver(try UIDTests.createInbox(left) + UIDTests.append(left, 1))
        let message = left.messages(.inbox)[0].id
        func see(_ replica: TestReplica) throws -> [IssuedOperation] {
            try replica.issue { (state, batch) throws(CRDTError) in
                try state.store(.add(FlagSet(.seen)), message: message, in: .inbox, batch: &batch)
            }
        }
        let there = try see(right)
        _ = try see(left)
        let before = left.messages(.inbox)[0].modSeq
        left.deliver(there)
        #expect(left.messages(.inbox)[0].modSeq > before)
        #expect(left.summary(.inbox)?.highestModSeq == left.messages(.inbox)[0].modSeq)
    }
}
