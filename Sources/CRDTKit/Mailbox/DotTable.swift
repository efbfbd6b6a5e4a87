// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A map from dots to 32-bit positions: open addressing with linear probing, 16 bytes an entry, at most three quarters full.
///
/// Removal shifts later entries back, so there are no tombstones and a table that shrinks and grows for ever keeps its probe lengths. Dots of one
/// replica are dense; multiplying by 2^64 divided by the golden ratio spreads them evenly.
struct DotTable: Sendable {
    private struct Entry: Sendable {
        /// The packed dot; 0, which is no dot, marks a free entry.
        var key: UInt64 = 0
        var position: UInt32 = 0
    }

    private var entries: [Entry] = []
    private var shift: UInt64 = 64
    private(set) var count = 0

    private static let minimumCapacityBits: UInt64 = 3

    /// The position of a dot, and what it cost to find it; nil if the table does not hold it.
    @inline(__always)
    func position(of dot: Dot, probes: inout Int) -> UInt32? {
        if shift > 63 || dot == .none { return nil }
        // Without the array's count, which lies in another line of the cache than the entry.
        let mask = (1 << Int(64 - shift)) - 1
        return entries.withUnsafeBufferPointer {
            let base = $0.baseAddress.unsafelyUnwrapped
            var index = home(dot.packed)
            while true {
                probes += 1
                let entry = base[index]
                if entry.key == dot.packed { return entry.position }
                if entry.key == 0 { return nil }
                index = (index + 1) & mask
            }
        }
    }

    /// Loads the entry where a search for a dot begins.
    @inline(__always)
    func glance(at dot: Dot) -> UInt64 {
        if shift > 63 { return 0 }
        return entries.withUnsafeBufferPointer { $0.baseAddress.unsafelyUnwrapped[home(dot.packed)].key }
    }

    /// Enters a dot, which is not ``Dot/none``, unless it is there.
    ///
    /// - Returns: whether it was not there.
    @inline(__always)
    mutating func insert(_ dot: Dot, position: UInt32, probes: inout Int) -> Bool {
        if (count + 1) * 4 > entries.count * 3 { grow() }
        let mask = entries.count - 1
        var index = home(dot.packed)
        while entries[index].key != 0 {
            probes += 1
            if entries[index].key == dot.packed { return false }
            index = (index + 1) & mask
        }
        entries[index] = Entry(key: dot.packed, position: position)
        count += 1
        return true
    }

    /// Enters a dot, which is not ``Dot/none``, or gives it another position.
    mutating func set(_ dot: Dot, position: UInt32, probes: inout Int) {
        if (count + 1) * 4 > entries.count * 3 { grow() }
        let mask = entries.count - 1
        var index = home(dot.packed)
        while entries[index].key != 0 {
            probes += 1
            if entries[index].key == dot.packed {
                entries[index].position = position
                return
            }
            index = (index + 1) & mask
        }
        entries[index] = Entry(key: dot.packed, position: position)
        count += 1
    }

    /// Removes a dot, if it is there.
    mutating func remove(_ dot: Dot, probes: inout Int) {
        if entries.isEmpty || dot == .none { return }
        let mask = entries.count - 1
        var hole = home(dot.packed)
        while entries[hole].key != dot.packed {
            probes += 1
            if entries[hole].key == 0 { return }
            hole = (hole + 1) & mask
        }
        var next = (hole + 1) & mask
        while entries[next].key != 0 {
            probes += 1
            let distanceFromHome = (next &- home(entries[next].key)) & mask
            if distanceFromHome >= (next &- hole) & mask {
                entries[hole] = entries[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        entries[hole] = Entry()
        count -= 1
    }

    /// Makes room, so that entering that many dots does not grow the table step by step.
    mutating func reserve(_ capacity: Int) {
        var bits = DotTable.minimumCapacityBits
        while capacity * 4 > (1 << bits) * 3 { bits += 1 }
        if 1 << bits > entries.count { rebuild(bits: bits) }
    }

    /// All dots with their positions, in no order.
    var contents: [(dot: Dot, position: UInt32)] {
        entries.filter { $0.key != 0 }.map { (Dot(packed: $0.key), $0.position) }
    }

    /// The first violation of the table's own rules, or nil.
    func violation() -> String? {
        if entries.filter({ $0.key != 0 }).count != count { return "the dot table's count is wrong" }
        if !entries.isEmpty && count * 4 > entries.count * 3 { return "the dot table is too full" }
        for entry in entries where entry.key != 0 {
            var probes = 0
            if position(of: Dot(packed: entry.key), probes: &probes) != entry.position {
                return "the dot table does not find \(Dot(packed: entry.key))"
            }
        }
        return nil
    }

    private func home(_ key: UInt64) -> Int { Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> shift) }

    private mutating func grow() {
        rebuild(bits: entries.isEmpty ? DotTable.minimumCapacityBits : UInt64(entries.count.trailingZeroBitCount) + 1)
    }

    private mutating func rebuild(bits: UInt64) {
        let old = entries
        entries = [Entry](repeating: Entry(), count: 1 << bits)
        shift = 64 - bits
        let mask = entries.count - 1
        for entry in old where entry.key != 0 {
            var index = home(entry.key)
            while entries[index].key != 0 { index = (index + 1) & mask }
            entries[index] = entry
        }
    }
}
