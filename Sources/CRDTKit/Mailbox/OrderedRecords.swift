// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The records of a mailbox's visible messages in ascending UID order, holes among them, as a list that holds its memory.
struct OrderedRecords: RandomAccessCollection {
    private let memory: MessageMemory?
    let count: Int

    init(memory: MessageMemory?, count: Int) {
        self.memory = memory
        self.count = count
    }

    var startIndex: Int { 0 }
    var endIndex: Int { count }

    subscript(index: Int) -> MessageRecord {
        precondition(index >= 0 && index < count, "there is no record \(index)")
        guard let memory else { preconditionFailure("there are no records") }
        return memory.records[index]
    }
}
