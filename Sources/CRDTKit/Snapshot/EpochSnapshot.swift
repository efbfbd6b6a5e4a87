// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The epochs of a mailbox within its header record.
extension UIDEpochs {
    private static let birthBit: UInt64 = 1
    private static let openedBit: UInt64 = 2

    /// Appends all epochs in the order of their indexes.
    func write(to writer: inout RecordWriter) {
        writer.write(UInt64(entries.count))
        for entry in entries {
            writer.write(entry.epoch)
            let isBirth = entry.isBirth ? UIDEpochs.birthBit : 0
            writer.write(isBirth | (entry.parent == nil ? 0 : UIDEpochs.openedBit))
            if let parent = entry.parent {
                writer.write(UInt64(parent))
                writer.write(UInt64(entry.inheritedUpTo))
                writer.write(UInt64(entry.settled.count))
                for (branch, last) in entry.settled.sorted(by: { $0.key < $1.key }) {
                    writer.write(UInt64(branch))
                    writer.write(UInt64(last))
                }
            }
            writer.write(UInt64(entry.firstUID))
            writer.write(UInt64(entry.greatestUID))
            writer.write(entry.successor == nil ? 0 : 1)
            if let successor = entry.successor { writer.write(successor) }
        }
    }

    /// Reads what ``write(to:)`` wrote; what is derived is to be resolved yet.
    init(_ bytes: Span<UInt8>, _ position: inout Int, _ end: Int) throws(CRDTError) {
        self.init()
        let count = try RecordReader.count(bytes, &position, end, size: 14)
        for _ in 0..<count {
            var entry = Entry(try RecordReader.epoch(bytes, &position, end))
            let kind = try RecordReader.number(bytes, &position, end, atMost: 3)
            entry.isBirth = kind & UIDEpochs.birthBit != 0
            if kind & UIDEpochs.openedBit != 0 {
                let parent = try RecordReader.number(bytes, &position, end, atMost: UInt64(count) - 1)
                entry.parent = Int(parent)
                let bound = try RecordReader.number(bytes, &position, end, atMost: UInt64(UInt32.max))
                entry.inheritedUpTo = UInt32(truncatingIfNeeded: bound)
                let branches = try RecordReader.count(bytes, &position, end, size: 2)
                for _ in 0..<branches {
                    let branch = try RecordReader.number(bytes, &position, end, atMost: UInt64(count) - 1)
                    let last = try RecordReader.number(bytes, &position, end, atMost: UInt64(UInt32.max))
                    entry.settled[Int(branch)] = UInt32(truncatingIfNeeded: last)
                }
            }
            let greatest = UInt64(UInt32.max)
            entry.firstUID = UInt32(
                truncatingIfNeeded: try RecordReader.number(bytes, &position, end, atMost: greatest))
            entry.greatestUID = UInt32(
                truncatingIfNeeded: try RecordReader.number(bytes, &position, end, atMost: greatest))
            if try RecordReader.number(bytes, &position, end, atMost: 1) == 1 {
                entry.successor = try RecordReader.replica(bytes, &position, end)
            }
            if !install(entry) { throw RecordReader.malformed("an epoch is repeated") }
        }
        // Only a chain of ever lesser parents ends: nothing may be derived from any other.
        for entry in entries {
            if let parent = entry.parent, !(entries[parent].epoch < entry.epoch) {
                throw RecordReader.malformed("an epoch's parent is not less")
            }
        }
    }
}
