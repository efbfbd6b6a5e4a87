// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The least that can be done for an operation: one store of eight bytes into a flat array, at the operation's counter.
struct DenseSlots: ~Copyable {
    private let slots: UnsafeMutablePointer<UInt64>
    let count: Int

    init(count: Int) {
        self.count = count
        slots = .allocate(capacity: count)
        slots.initialize(repeating: 0, count: count)
    }

    deinit { slots.deallocate() }

    subscript(index: Int) -> UInt64 {
        get { slots[index] }
        nonmutating set { slots[index] = newValue }
    }

    /// Sets all slots to zero.
    func clear() { UnsafeMutableRawPointer(slots).initializeMemory(as: UInt8.self, repeating: 0, count: count * 8) }

    /// The sum of some slots, so that the stores are not in vain.
    func sum() -> UInt64 {
        var result: UInt64 = 0
        for index in 0..<count { result &+= slots[index] }
        return result
    }
}
