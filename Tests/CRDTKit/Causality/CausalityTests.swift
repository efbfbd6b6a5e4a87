// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing
import TestSupport

@testable import CRDTKit

/// Vectors and clocks.
@Suite struct CausalityTests {
    private func vector(_ counters: [UInt64]) -> VersionVector {
        var result = VersionVector()
        for (position, counter) in counters.enumerated() { result[ReplicaIndex(UInt16(position))] = counter }
        return result
    }

    @Test func vectorsAreEqualWhenTheirSetsAre() {
        var shrunk = vector([0, 3, 0, 9])
        shrunk[ReplicaIndex(3)] = 0
        #expect(shrunk == vector([0, 3]) && shrunk.counters.count == 2)
        #expect(vector([0, 0]) == VersionVector())
    }

    @Test func unionIntersectionAndCoverAgreeWithSets() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<500 {
            let (a, b) = (
                (0..<Int.random(in: 0..<5, using: &generator)).map { _ in UInt64.random(in: 0...4, using: &generator) },
                (0..<Int.random(in: 0..<5, using: &generator)).map { _ in UInt64.random(in: 0...4, using: &generator) }
            )
            let (setA, setB) = (dots(a), dots(b))
            var union = vector(a)
            union.formUnion(vector(b))
            var both = vector(a)
            both.formIntersection(vector(b))
            #expect(dots(union.counters) == setA.union(setB))
            #expect(dots(both.counters) == setA.intersection(setB))
            #expect(vector(a).covers(vector(b)) == setA.isSuperset(of: setB))
            #expect((vector(a) == vector(b)) == (setA == setB))
        }
    }

    private func dots(_ counters: [UInt64]) -> Set<Dot> {
        var result: Set<Dot> = []
        for (position, counter) in counters.enumerated() where counter > 0 {
            for value in 1...counter { result.insert(Dot(ReplicaIndex(UInt16(position)), value)) }
        }
        return result
    }

    @Test func clocksNeverFall() {
        var clock = HybridClock()
        var last = HybridTimestamp(rawValue: 0)
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<1_000 {
            let now = UInt64.random(in: 1_000_000...1_000_100, using: &generator)
            if Bool.random(using: &generator) {
                let remote = HybridTimestamp(milliseconds: now + UInt64.random(in: 0...400_000, using: &generator))
                let taken = clock.observe(remote, nowMilliseconds: now)
                #expect(taken == (remote.milliseconds - now <= 300_000))
                if taken { last = max(last, remote) }
            }
            let next = clock.tick(nowMilliseconds: now)
            #expect(next > last)
            last = next
        }
    }

    @Test func stabilityIgnoresOldAcknowledgementsAndStrangers() {
        var tracker = StabilityTracker()
        let (one, two) = (ReplicaIndex(1), ReplicaIndex(2))
        tracker.admit(two)
        let newer = tracker.acknowledge(two, vector([0, 5, 2]))
        let older = tracker.acknowledge(two, vector([0, 4]))
        let stranger = tracker.acknowledge(ReplicaIndex(9), vector([0, 1]))
        #expect(newer && older && !stranger)
        #expect(tracker.stable(vector([0, 7, 9, 4])) == vector([0, 5, 2]))
        #expect(tracker.members == [two] && tracker.acknowledgement(of: one) == nil)
        tracker.admit(two)
        #expect(tracker.acknowledgement(of: two) == vector([0, 5, 2]))
    }
}
