// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The members of a group within the account's own record: they are few and change rarely.
extension Members {
    /// Appends all members in ascending order of names.
    func write(to writer: inout RecordWriter) {
        writer.write(UInt64(entries.count))
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
            writer.write(name)
            switch entry.membership?.value {
            case nil: writer.write(0)
            case .removed: writer.write(1)
            case .added(let stripe, let addresses):
                writer.write(2)
                writer.write(UInt64(stripe))
                writer.write(UInt64(addresses.count))
                for address in addresses { writer.write(address) }
            }
            if let stamp = entry.membership?.stamp { writer.write(stamp) }
            writer.write(UInt64(entry.stripes))
            writer.write(entry.identity == nil ? 0 : 1)
            if let identity = entry.identity {
                writer.write(identity.value)
                writer.write(identity.stamp)
            }
            writer.write(UInt64(entry.lives.count))
            for life in entry.lives.sorted() { writer.write(life) }
        }
    }

    /// Reads what ``write(to:)`` wrote.
    init(_ bytes: Span<UInt8>, _ position: inout Int, _ end: Int) throws(CRDTError) {
        self.init()
        for _ in 0..<(try RecordReader.count(bytes, &position, end, size: 5)) {
            let name = try RecordReader.text(bytes, &position, end)
            if entries[name] != nil { throw RecordReader.malformed("a member is repeated") }
            var entry = Entry()
            switch try RecordReader.number(bytes, &position, end, atMost: 2) {
            case 0: break
            case 1:
                entry.membership = Register(stamp: try RecordReader.stamp(bytes, &position, end), value: .removed)
            default:
                let stripe = try RecordReader.number(bytes, &position, end, atMost: UInt64(UInt8.max))
                var addresses: [String] = []
                for _ in 0..<(try RecordReader.count(bytes, &position, end, size: 1)) {
                    addresses.append(try RecordReader.text(bytes, &position, end))
                }
                let value = Membership.added(stripe: UInt8(truncatingIfNeeded: stripe), addresses: addresses)
                entry.membership = Register(stamp: try RecordReader.stamp(bytes, &position, end), value: value)
            }
            let stripes = try RecordReader.number(bytes, &position, end, atMost: UInt64(UInt16.max))
            entry.stripes = UInt16(truncatingIfNeeded: stripes)
            if try RecordReader.number(bytes, &position, end, atMost: 1) == 1 {
                let replica = try RecordReader.replica(bytes, &position, end)
                entry.identity = Register(stamp: try RecordReader.stamp(bytes, &position, end), value: replica)
            }
            for _ in 0..<(try RecordReader.count(bytes, &position, end, size: 9)) {
                entry.lives.insert(try RecordReader.replica(bytes, &position, end))
            }
            install(name, entry)
        }
    }
}
