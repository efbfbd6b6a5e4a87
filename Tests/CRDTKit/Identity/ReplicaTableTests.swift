// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// Replicas and their indexes.
@Suite struct ReplicaTableTests {
    @Test func indexesAreStableAndLivesAreTold() throws {
        var table = ReplicaTable()
        let first = try table.intern(ReplicaID(7))
        let second = try table.intern(ReplicaID(7, incarnation: 2))
        let again = try table.intern(ReplicaID(7))
        #expect(first == ReplicaIndex(1) && second == ReplicaIndex(2) && again == first)
        #expect(table.id(at: second) == ReplicaID(7, incarnation: 2) && table.id(at: .wellKnown) == nil)
        #expect(table.id(at: ReplicaIndex(3)) == nil && table.count == 2)
        #expect(Set(table.hashes).count == 3 && table.hashes[1] == StableHash.hash(ReplicaID(7)))
    }

    @Test func hashesDoNotDependOnTheOrderOfArrival() throws {
        var one = ReplicaTable()
        var other = ReplicaTable()
        for name in 1...5 { _ = try one.intern(ReplicaID(UInt64(name))) }
        for name in (1...5).reversed() { _ = try other.intern(ReplicaID(UInt64(name))) }
        #expect(one.hashes.dropFirst() == Array(other.hashes.dropFirst().reversed())[...])
        #expect(one.hashes[0] == other.hashes[0])
    }

    @Test func rejectsZeroAndMoreThanItCanTellApart() throws {
        var table = ReplicaTable()
        let name = code { _ = try table.intern(ReplicaID(0)) }
        let life = code { _ = try table.intern(ReplicaID(1, incarnation: 0)) }
        #expect(name == .malformed && life == .malformed)
        for value in 1...UInt64(ReplicaTable.capacity) { _ = try table.intern(ReplicaID(value)) }
        let full = code { _ = try table.intern(ReplicaID(1 << 40)) }
        #expect(full == .limitExceeded && table.count == 65_535)
    }

    @Test func stableHashesAreWhatTheyWere() {
        // Digests of different versions are compared: these values never change.
        #expect(StableHash.mix(0) == 0xe220_a839_7b1d_cdaf)
        #expect(StableHash.hash([UInt8]()) == StableHash.mix(0xcbf2_9ce4_8422_2325))
        #expect(StableHash.hash(Array("$junk".utf8)) == StableHash.hash("$junk".utf8))
    }
}
