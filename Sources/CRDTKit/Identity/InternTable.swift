// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Byte strings with a dense index each: one arena of bytes and one open-addressing table of indexes, about 12 bytes
/// beside the name.
///
/// Names are compared byte by byte: `String` equality is canonical equivalence, under which two names with different
/// bytes, and so different hashes,
/// would be one. The slots' order depends on the process's hash seed and is never visible.
struct InternTable: Sendable {
    private var arena: [UInt8] = []
    private var ends: [UInt32] = []
    /// Index plus one, zero for an empty slot; the size is a power of two and at least four thirds of the count.
    private var slots: [UInt32] = [UInt32](repeating: 0, count: 16)

    /// The number of names.
    var count: Int { ends.count }

    /// The bytes of a name.
    func bytes(at index: Int) -> ArraySlice<UInt8> { arena[range(of: index)] }

    /// The name as text; every name was checked to be UTF-8 when it was added.
    func string(at index: Int) -> String { String(decoding: arena[range(of: index)], as: UTF8.self) }

    /// Finds a name in O(1) expected.
    func find(_ name: UnsafeRawBufferPointer) -> Int? {
        var slot = firstSlot(of: name)
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            if equals(index, name) { return index }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Adds a name that is not in the table; nil if the arena would outgrow its offsets.
    mutating func append(_ name: UnsafeRawBufferPointer) -> Int? {
        guard arena.count + name.count <= Int(UInt32.max) else { return nil }
        if (count + 1) * 4 > slots.count * 3 { grow() }
        let index = count
        arena.append(contentsOf: name)
        ends.append(UInt32(truncatingIfNeeded: arena.count))
        place(index)
        return index
    }

    /// Forgets the names that were added last.
    ///
    /// Nothing that remains was placed after them, so their slots can simply be emptied.
    mutating func truncate(to count: Int) {
        while self.count > count {
            let index = self.count - 1
            let bytes = range(of: index)
            var slot = arena.withUnsafeBytes { firstSlot(of: UnsafeRawBufferPointer(rebasing: $0[bytes])) }
            while Int(slots[slot]) != index + 1 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = 0
            ends.removeLast()
            arena.removeLast(bytes.count)
        }
    }

    private func range(of index: Int) -> Range<Int> {
        (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
    }

    private func equals(_ index: Int, _ name: UnsafeRawBufferPointer) -> Bool {
        let bytes = range(of: index)
        return bytes.count == name.count && arena[bytes].elementsEqual(name)
    }

    private func firstSlot(of name: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: name)
        return hasher.finalize() & (slots.count - 1)
    }

    /// Puts an index into the first free slot; in a rebuilt table the order of placing is that of the indexes, as
    /// `truncate(to:)` needs.
    private mutating func place(_ index: Int) {
        let bytes = range(of: index)
        var slot = arena.withUnsafeBytes { firstSlot(of: UnsafeRawBufferPointer(rebasing: $0[bytes])) }
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = UInt32(truncatingIfNeeded: index + 1)
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for index in 0..<count { place(index) }
    }
}
