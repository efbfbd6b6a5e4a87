// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

/// Some operations of a frame that are looked at together before they are applied: what they need of their accounts is fetched from memory at the same time.
///
/// A frame goes through as many accounts as it has operations, and each is in another place of memory.
struct OperationGroup {
    /// The accounts of the operations, in their order; nil for what is not in memory.
    private(set) var boxes: [AccountBox?] = []
    private var lookAhead = AccountLookAhead()

    /// Divides a frame into groups.
    static func ranges(of operations: UnsafeBufferPointer<Operation>) -> some Sequence<Range<Int>> {
        let size = AccountLookAhead.groupSize
        return stride(from: 0, to: operations.count, by: size).lazy.map { $0..<min($0 + size, operations.count) }
    }

    /// Begins with the next group, and finds its accounts.
    ///
    /// - Parameters:
    ///   - operations: the operations of the frame.
    ///   - range: those of the group.
    ///   - accounts: the accounts in memory.
    mutating func gather(_ operations: UnsafeBufferPointer<Operation>, _ range: Range<Int>, _ accounts: AccountBoxes) {
        boxes.removeAll(keepingCapacity: true)
        for index in range { boxes.append(accounts[operations[index].account]) }
    }

    /// Looks at what the group's operations need.
    ///
    /// - Parameters:
    ///   - first: the first operation of the group; the others lie behind it.
    ///   - steps: how far to look.
    mutating func look(at first: UnsafePointer<Operation>, _ steps: [AccountLookAhead.Step]) {
        for step in steps {
            for position in boxes.indices {
                guard let box = boxes[position] else { continue }
                lookAhead.take(step, of: first + position, at: position, in: box.state)
            }
        }
        lookAhead.finish()
    }
}
