// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The header of a mailbox as a snapshot record.
extension Mailbox {
    func encoded() -> [UInt8] {
        var writer = RecordWriter(.mailbox)
        writer.write(id.dot)
        writer.write(name)
        writer.write(nameStamp == nil ? 0 : 1)
        if let nameStamp { writer.write(nameStamp) }
        writer.write(birth == nil ? 0 : 1)
        if let birth {
            writer.write(UInt64(birth.uidValidity))
            writer.write(birth.owner)
            writer.write(UInt64(birth.use.rawValue))
        }
        writer.write(liveness)
        writer.write(deletes)
        writer.write(UInt64(deletePasts.count))
        for delete in deletePasts {
            writer.write(delete.dot)
            writer.write(delete.past)
        }
        epochs.write(to: &writer)
        writer.write(uidNext)
        writer.write(UInt64(exposedUID))
        writer.write(highestModSeq)
        for count in [counts.visible, counts.unseen, counts.deleted, counts.octets, counts.waiting, counts.buried] {
            writer.write(count)
        }
        return writer.finish()
    }

    /// Reads a header; the messages are absent unless the counts say that there are none.
    init(_ bytes: Span<UInt8>, context: borrowing ApplyContext) throws(CRDTError) {
        var (position, end) = try RecordReader.open(bytes, .mailbox)
        self.init(id: MailboxID(try RecordReader.dot(bytes, &position, end)), context: context)
        name = try RecordReader.text(bytes, &position, end)
        if try RecordReader.number(bytes, &position, end, atMost: 1) == 1 {
            nameStamp = try RecordReader.stamp(bytes, &position, end)
        }
        if try RecordReader.number(bytes, &position, end, atMost: 1) == 1 {
            birth = try Mailbox.birth(bytes, &position, end)
        }
        liveness = try RecordReader.vector(bytes, &position, end)
        deletes = try RecordReader.vector(bytes, &position, end)
        for _ in 0..<(try RecordReader.count(bytes, &position, end, size: 3)) {
            let dot = try RecordReader.dot(bytes, &position, end)
            if deletePasts.contains(where: { $0.dot.replica == dot.replica }) {
                throw RecordReader.malformed("a replica's delete is repeated")
            }
            deletePasts.append(DeletePast(dot: dot, past: try RecordReader.vector(bytes, &position, end)))
        }
        epochs = try UIDEpochs(bytes, &position, end)
        epochs.resolve(birth: birth?.epoch)
        if let violation = epochs.violation(birth: birth?.epoch) { throw RecordReader.malformed(violation) }
        uidNext = try RecordReader.number(bytes, &position, end, atMost: UInt64(UInt32.max) + 1)
        let exposed = try RecordReader.number(bytes, &position, end, atMost: UInt64(UInt32.max))
        exposedUID = UInt32(truncatingIfNeeded: exposed)
        highestModSeq = try RecordReader.number(bytes, &position, end, atMost: Mailbox.maximumModSeq)
        if uidNext <= exposed || highestModSeq == 0 {
            throw RecordReader.malformed("UIDNEXT or HIGHESTMODSEQ is too low")
        }
        counts = try Mailbox.counts(bytes, &position, end)
        try RecordReader.close(position, end)
        if !isAlive && counts.visible + counts.waiting > 0 {
            throw RecordReader.malformed("there are messages in a mailbox that is gone")
        }
        isResident = counts == MailboxCounts()
    }

    private static func birth(
        _ bytes: Span<UInt8>, _ position: inout Int, _ end: Int
    ) throws(CRDTError) -> MailboxBirth {
        let uidValidity = try RecordReader.number(bytes, &position, end, atMost: UInt64(UInt32.max))
        let owner = try RecordReader.replica(bytes, &position, end)
        let use = MailboxUse(rawValue: try RecordReader.byte(bytes, &position, end))
        guard let use else { throw RecordReader.malformed("an unknown special use") }
        return MailboxBirth(uidValidity: UInt32(truncatingIfNeeded: uidValidity), owner: owner, use: use)
    }

    private static func counts(
        _ bytes: Span<UInt8>, _ position: inout Int, _ end: Int
    ) throws(CRDTError) -> MailboxCounts {
        // A table position has 31 bits, so no mailbox holds more.
        let most = UInt64(Int32.max)
        var counts = MailboxCounts()
        counts.visible = try RecordReader.number(bytes, &position, end, atMost: most)
        counts.unseen = try RecordReader.number(bytes, &position, end, atMost: counts.visible)
        counts.deleted = try RecordReader.number(bytes, &position, end, atMost: counts.visible)
        counts.octets = try RecordReader.number(bytes, &position, end)
        counts.waiting = try RecordReader.number(bytes, &position, end, atMost: most)
        counts.buried = try RecordReader.number(bytes, &position, end, atMost: most)
        return counts
    }
}
