// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import CRDTKit

/// The sparse index of a log.
@Suite struct PeerLogMarksTests {
    private let one = ReplicaID(1)
    private let two = ReplicaID(2)

    private func at(_ position: UInt64) -> LogPosition { LogPosition(rawValue: position) }

    private func vector(_ first: UInt64, _ second: UInt64 = 0) -> [StreamPosition] {
        [StreamPosition(origin: one, counter: first), StreamPosition(origin: two, counter: second)]
            .filter { $0.counter > 0 }
    }

    @Test func findsTheLatestPlaceBeforeWhatIsWanted() {
        var marks = LogMarks(capacity: 100, spacing: 10)
        for index in 1...9 as ClosedRange<UInt64> { marks.note(at(index * 10), delivered: vector(index * 2, index)) }
        #expect(marks.locate(vector(1)) == .start)
        #expect(marks.locate(vector(9)) == at(40))
        #expect(
            marks.locate([StreamPosition(origin: one, counter: 19), StreamPosition(origin: two, counter: 3)]) == at(20))
        #expect(marks.locate(vector(1_000)) == at(90))
        #expect(marks.locate([StreamPosition(origin: ReplicaID(9), counter: 1)]) == at(90))
    }

    @Test func marksAreSparseAndBounded() {
        var marks = LogMarks(capacity: 16, spacing: 100)
        var asked = 0
        for index in 0..<100_000 as Range<UInt64> {
            func delivered() -> [StreamPosition] {
                asked += 1
                return vector(index)
            }
            marks.note(at(index * 10), delivered: delivered())
        }
        #expect(marks.count <= 16)
        #expect(asked < 200)
        let place = marks.locate(vector(50_000))
        #expect(place.map { $0.rawValue <= 500_000 && $0.rawValue > 350_000 } == true)
    }

    @Test func whatIsCutCannotBeServed() {
        var marks = LogMarks(capacity: 100, spacing: 10)
        for index in 1...9 as ClosedRange<UInt64> { marks.note(at(index * 10), delivered: vector(index)) }
        #expect(marks.lost(before: at(45)) == vector(5))
        #expect(marks.lost(before: at(95)) == nil)
        marks.cut(before: at(45), delivered: vector(5))
        #expect(marks.start == StreamVector(vector(5)))
        #expect(marks.locate(vector(5)) == nil)
        #expect(marks.locate(vector(6)) == at(50))
        #expect(marks.locate([StreamPosition(origin: two, counter: 1)]) == at(90))
    }

    @Test func whatCameBySnapshotCannotBeServed() {
        var marks = LogMarks(capacity: 100, spacing: 10)
        marks.note(at(10), delivered: vector(5))
        marks.skip([StreamPosition(origin: two, counter: 40)])
        #expect(marks.locate([StreamPosition(origin: two, counter: 40)]) == nil)
        #expect(marks.locate([StreamPosition(origin: two, counter: 41)]) == at(10))
        #expect(marks.locate(vector(3)) == .start)
    }

    @Test func comesBackFromItsBytes() throws {
        var marks = LogMarks(capacity: 8, spacing: 10)
        for index in 1...30 as ClosedRange<UInt64> { marks.note(at(index * 10), delivered: vector(index, index / 2)) }
        marks.cut(before: at(100), delivered: vector(10, 5))
        var bytes: [UInt8] = []
        marks.encode(into: &bytes)
        #expect(try LogMarks(decoding: bytes) == marks)
        for count in 0..<bytes.count { #expect(code { _ = try LogMarks(decoding: Array(bytes[..<count])) } != nil) }
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<5_000 {
            var damaged = bytes
            damaged[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8(truncatingIfNeeded: generator.next())
            _ = try? LogMarks(decoding: damaged)
        }
    }
}
