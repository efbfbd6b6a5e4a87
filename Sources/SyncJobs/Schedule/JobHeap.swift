// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A small number that stands for a thing inside of a machine: an index into its tables.
package protocol DenseIdentifier: Hashable, Sendable {
    /// The index into the tables.
    var index: Int { get }
}

/// Where each identifier stands in the heap that it is in.
///
/// Heaps of which an identifier is in at most one at a time share a table, so a thousand small heaps of 10^5 jobs need one entry per job.
package struct HeapPositions: Sendable {
    private var positions: [Int32] = []

    /// Creates an empty table.
    package init() {}

    /// The position of an identifier.
    ///
    /// - Parameter index: its index.
    /// - Returns: nothing when it is in no heap.
    package subscript(index: Int) -> Int? {
        get {
            guard index < positions.count, positions[index] >= 0 else { return nil }
            return Int(positions[index])
        }
        set {
            while positions.count <= index { positions.append(-1) }
            positions[index] = newValue.map { Int32(truncatingIfNeeded: $0) } ?? -1
        }
    }
}

/// A binary heap of identifiers by their keys, the least first, of which each can be changed or removed.
///
/// Entries of equal keys are different entries: an identifier is found by its position, never by its key.
///
/// - Complexity: O(log n) for each change, O(1) for the first entry.
package struct JobHeap<Identifier: DenseIdentifier, Key: Comparable & Sendable>: Sendable {
    /// An identifier and its key.
    package struct Entry: Sendable {
        /// The identifier.
        package let identifier: Identifier
        /// What it is ordered by.
        package let key: Key
    }

    /// All entries; a parent is not after its children.
    package private(set) var entries: [Entry] = []
    /// How many keys were compared so far: the work that was done.
    package private(set) var comparisons: UInt64 = 0

    /// Creates an empty heap.
    package init() {}

    /// How many entries there are.
    package var count: Int { entries.count }

    /// Whether there are no entries.
    package var isEmpty: Bool { entries.isEmpty }

    /// The entry of the least key.
    package var first: Entry? { entries.first }

    /// Whether an identifier is in this heap.
    ///
    /// - Parameters:
    ///   - identifier: the identifier.
    ///   - positions: the table of the heap.
    /// - Returns: false also when it is in another heap of the same table.
    package func contains(_ identifier: Identifier, _ positions: borrowing HeapPositions) -> Bool {
        guard let position = positions[identifier.index], position < entries.count else { return false }
        return entries[position].identifier == identifier
    }

    /// Puts an identifier in, or gives it another key.
    ///
    /// - Parameters:
    ///   - identifier: the identifier; it is in no other heap of the table.
    ///   - key: what it is ordered by.
    ///   - positions: the table of the heap.
    package mutating func set(_ identifier: Identifier, _ key: Key, _ positions: inout HeapPositions) {
        let entry = Entry(identifier: identifier, key: key)
        guard contains(identifier, positions), let position = positions[identifier.index] else {
            entries.append(entry)
            positions[identifier.index] = entries.count - 1
            rise(entries.count - 1, &positions)
            return
        }
        entries[position] = entry
        settle(position, &positions)
    }

    /// Takes an identifier out.
    ///
    /// - Parameters:
    ///   - identifier: the identifier.
    ///   - positions: the table of the heap.
    /// - Returns: whether it was in this heap.
    @discardableResult
    package mutating func remove(_ identifier: Identifier, _ positions: inout HeapPositions) -> Bool {
        guard contains(identifier, positions), let position = positions[identifier.index] else { return false }
        positions[identifier.index] = nil
        let last = entries.removeLast()
        if position < entries.count {
            entries[position] = last
            positions[last.identifier.index] = position
            settle(position, &positions)
        }
        return true
    }

    /// How many entries have a key before another one.
    ///
    /// - Parameter key: the key.
    /// - Returns: the number of entries before it.
    /// - Complexity: O(k) for k entries before it.
    package func count(before key: Key) -> Int {
        var found = 0
        var open = [0]
        while let position = open.popLast() {
            guard position < entries.count, entries[position].key < key else { continue }
            found += 1
            open.append(2 * position + 1)
            open.append(2 * position + 2)
        }
        return found
    }

    /// Checks the order and the table.
    ///
    /// - Parameter positions: the table of the heap.
    /// - Returns: whether both are as they must be.
    package func isConsistent(_ positions: borrowing HeapPositions) -> Bool {
        for position in entries.indices {
            if position > 0, entries[position].key < entries[(position - 1) / 2].key { return false }
            if positions[entries[position].identifier.index] != position { return false }
        }
        return true
    }

    private mutating func isBefore(_ left: Int, _ right: Int) -> Bool {
        comparisons &+= 1
        return entries[left].key < entries[right].key
    }

    private mutating func exchange(_ left: Int, _ right: Int, _ positions: inout HeapPositions) {
        entries.swapAt(left, right)
        positions[entries[left].identifier.index] = left
        positions[entries[right].identifier.index] = right
    }

    private mutating func settle(_ position: Int, _ positions: inout HeapPositions) {
        rise(position, &positions)
        sink(position, &positions)
    }

    private mutating func rise(_ start: Int, _ positions: inout HeapPositions) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard isBefore(child, parent) else { return }
            exchange(child, parent, &positions)
            child = parent
        }
    }

    private mutating func sink(_ start: Int, _ positions: inout HeapPositions) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count && isBefore(child, least) {
                least = child
            }
            if least == parent { return }
            exchange(parent, least, &positions)
            parent = least
        }
    }
}
