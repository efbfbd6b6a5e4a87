// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A hash set of packed dots as one writes it for speed: one flat array, linear probing, a multiplication as the hash (so
/// that counters in sequence lie in sequence), deletion by shifting back, at most three quarters full.
struct OpenAddressingSet: ~Copyable {
    private var slots: UnsafeMutablePointer<UInt64>
    private var shift: UInt64
    private var mask: Int
    private(set) var count = 0

    init(minimumCapacity: Int = 16) {
        var capacity = 16
        while capacity < minimumCapacity { capacity *= 2 }
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: 0, count: capacity)
        mask = capacity - 1
        shift = 64 - UInt64(capacity.trailingZeroBitCount)
    }

    deinit { slots.deallocate() }

    private func home(_ key: UInt64) -> Int { Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> shift) }

    /// Inserts a key other than 0.
    mutating func insert(_ key: UInt64) {
        if (count + 1) * 4 > (mask + 1) * 3 { grow() }
        var slot = home(key)
        while slots[slot] != 0 {
            if slots[slot] == key { return }
            slot = (slot &+ 1) & mask
        }
        slots[slot] = key
        count &+= 1
    }

    func contains(_ key: UInt64) -> Bool {
        var slot = home(key)
        while slots[slot] != 0 {
            if slots[slot] == key { return true }
            slot = (slot &+ 1) & mask
        }
        return false
    }

    mutating func remove(_ key: UInt64) {
        var slot = home(key)
        while slots[slot] != key {
            if slots[slot] == 0 { return }
            slot = (slot &+ 1) & mask
        }
        count &-= 1
        var next = (slot &+ 1) & mask
        while slots[next] != 0 {
            // What would be cut off from its home moves into the hole.
            if (next &- home(slots[next])) & mask >= (next &- slot) & mask {
                slots[slot] = slots[next]
                slot = next
            }
            next = (next &+ 1) & mask
        }
        slots[slot] = 0
    }

    private mutating func grow() {
        var larger = OpenAddressingSet(minimumCapacity: (mask + 1) * 2)
        for slot in 0...mask where slots[slot] != 0 { larger.insert(slots[slot]) }
        swap(&slots, &larger.slots)
        swap(&shift, &larger.shift)
        swap(&mask, &larger.mask)
    }
}
