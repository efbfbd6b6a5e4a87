// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The memory: who writes to it sees first that nobody shares it.
extension MailboxMessages {
    /// Makes room for a mailbox that is being installed.
    mutating func reserve(_ capacity: Int) {
        own()
        guard let wanted = UInt32(exactly: capacity) else { return }
        if wanted > recordCapacity { resizeRecords(to: wanted) }
        if wanted > factCapacity { resizeFacts(to: wanted) }
        var bits = indexBits
        while UInt64(capacity) * 3 > (1 << UInt64(bits)) * 2 { bits += 1 }
        if bits > indexBits { rebuildIndex(bits: bits) }
    }

    /// Sees to it that nobody shares the memory.
    @inline(__always)
    mutating func own() {
        if !isKnownUniquelyReferenced(&memory) { copyMemory() }
    }

    /// Makes the first memory, or a copy of what is shared.
    @inline(never)
    mutating func copyMemory() {
        let (oldRecords, oldFacts, oldIndex) = (records, factSlab, index)
        let old = memory
        if old == nil {
            recordCapacity = MailboxMessages.leastCapacity
            factCapacity = MailboxMessages.leastCapacity
            indexBits = MailboxMessages.leastIndexBits
        }
        let new = MessageMemory(
            recordCapacity: Int(recordCapacity), factCapacity: Int(factCapacity), indexCapacity: 1 << Int(indexBits))
        if let oldRecords { new.records.initialize(from: oldRecords, count: Int(recordCount)) }
        if let oldFacts { new.facts.initialize(from: oldFacts, count: Int(factCount)) }
        if let oldIndex { new.index.update(from: oldIndex, count: 1 << Int(indexBits)) }
        (memory, records, factSlab, index) = (new, new.records, new.facts, new.index)
        // The old memory must not end before it was copied.
        withExtendedLifetime(old) {}
    }

    /// Lets the memory go when there is no message any more.
    @inline(never)
    mutating func clear() {
        (memory, records, factSlab, index) = (nil, nil, nil, nil)
        (recordCount, recordCapacity, factCount, factCapacity) = (0, 0, 0, 0)
        (freeFacts, indexBits, holeCount) = (0, 0, 0)
    }

    @inline(__always)
    mutating func push(_ record: MessageRecord) {
        if recordCount == recordCapacity { resizeRecords(to: recordCapacity * 2) }
        (records.unsafelyUnwrapped + Int(recordCount)).initialize(to: record)
        recordCount += 1
    }

    @inline(never)
    mutating func resizeRecords(to capacity: UInt32) {
        guard let memory else { return }
        memory.resizeRecords(to: Int(capacity), keeping: orderedCount)
        (records, recordCapacity) = (memory.records, capacity)
    }

    @inline(never)
    mutating func resizeFacts(to capacity: UInt32) {
        guard let memory else { return }
        memory.resizeFacts(to: Int(capacity), keeping: Int(factCount))
        (factSlab, factCapacity) = (memory.facts, capacity)
    }
}
