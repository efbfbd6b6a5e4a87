// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What ends the memory behind a mailbox's messages.
///
/// Arrays would do, but each asks at each access who shares it and where it ends, and an operation goes to three of them. Here one question serves all
/// three blocks: whoever holds the only reference writes, and whoever shares it copies first (``MailboxMessages``).
///
/// `@unchecked Sendable`: nobody writes to memory that is shared.
final class MessageMemory: @unchecked Sendable {
    /// One line of the cache, so that a record lies in one.
    static let lineBytes = 64

    private(set) var records: UnsafeMutablePointer<MessageRecord>
    private(set) var facts: UnsafeMutablePointer<MessageFacts>
    /// The entries of the index of dots.
    private(set) var index: UnsafeMutablePointer<UInt64>

    init(recordCapacity: Int, factCapacity: Int, indexCapacity: Int) {
        records = MessageMemory.makeRecords(recordCapacity)
        facts = .allocate(capacity: factCapacity)
        index = MessageMemory.makeIndex(indexCapacity)
    }

    // What lies in the blocks are plain values: there is nothing to end but the blocks.
    deinit {
        records.deallocate()
        facts.deallocate()
        index.deallocate()
    }

    /// Gives the records another block, to which the first `count` go.
    func resizeRecords(to capacity: Int, keeping count: Int) {
        let block = MessageMemory.makeRecords(capacity)
        block.moveInitialize(from: records, count: count)
        records.deallocate()
        records = block
    }

    /// Gives the facts another block, to which the first `count` go.
    func resizeFacts(to capacity: Int, keeping count: Int) {
        let block = UnsafeMutablePointer<MessageFacts>.allocate(capacity: capacity)
        block.moveInitialize(from: facts, count: count)
        facts.deallocate()
        facts = block
    }

    /// Gives the index another block, without an entry.
    func resizeIndex(to capacity: Int) {
        index.deallocate()
        index = MessageMemory.makeIndex(capacity)
    }

    private static func makeRecords(_ capacity: Int) -> UnsafeMutablePointer<MessageRecord> {
        UnsafeMutableRawPointer.allocate(
            byteCount: capacity * MemoryLayout<MessageRecord>.stride, alignment: lineBytes
        ).bindMemory(to: MessageRecord.self, capacity: capacity)
    }

    private static func makeIndex(_ capacity: Int) -> UnsafeMutablePointer<UInt64> {
        let block = UnsafeMutablePointer<UInt64>.allocate(capacity: capacity)
        block.initialize(repeating: 0, count: capacity)
        return block
    }
}
