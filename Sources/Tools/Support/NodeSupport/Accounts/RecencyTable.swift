// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A dictionary of bounded size that forgets what was touched longest ago.
///
/// Every operation takes constant time.
struct RecencyTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Slot {
        var key: Key
        var value: Value
        var older: Int?
        var newer: Int?
    }

    /// The most entries.
    let capacity: Int
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var indexes: [Key: Int] = [:]
    private var newest: Int?
    private var oldest: Int?

    /// Creates an empty table.
    ///
    /// - Parameter capacity: The most entries, at least 1.
    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    /// How many entries there are.
    var count: Int { indexes.count }

    /// Reads a value without touching it.
    func peek(_ key: Key) -> Value? {
        indexes[key].map { slots[$0].value }
    }

    /// Stores a value as the most recently touched, and forgets the oldest one when the table is full.
    mutating func store(_ value: Value, for key: Key) {
        if let index = indexes[key] {
            slots[index].value = value
            unlink(index)
            linkAsNewest(index)
            return
        }
        if count >= capacity, let oldest { remove(slots[oldest].key) }
        let index: Int
        let slot = Slot(key: key, value: value, older: nil, newer: nil)
        if let reused = free.popLast() {
            slots[reused] = slot
            index = reused
        } else {
            index = slots.count
            slots.append(slot)
        }
        indexes[key] = index
        linkAsNewest(index)
    }

    /// Forgets a value.
    mutating func remove(_ key: Key) {
        guard let index = indexes.removeValue(forKey: key) else { return }
        unlink(index)
        free.append(index)
    }

    /// Whether the list and the index agree; for tests.
    func checkInvariants() -> Bool {
        var seen = 0
        var cursor = oldest
        var previous: Int?
        while let index = cursor {
            guard indexes[slots[index].key] == index, slots[index].older == previous, seen < count else { return false }
            seen += 1
            (previous, cursor) = (index, slots[index].newer)
        }
        return seen == count && previous == newest && count <= capacity && slots.count == count + free.count
    }

    private mutating func unlink(_ index: Int) {
        let (older, newer) = (slots[index].older, slots[index].newer)
        if let older { slots[older].newer = newer } else { oldest = newer }
        if let newer { slots[newer].older = older } else { newest = older }
        slots[index].older = nil
        slots[index].newer = nil
    }

    private mutating func linkAsNewest(_ index: Int) {
        slots[index].older = newest
        if let newest { slots[newest].newer = index } else { oldest = index }
        newest = index
    }
}
