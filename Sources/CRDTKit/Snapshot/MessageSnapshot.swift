// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The messages of a mailbox on their way from the engine into the state: record after record, then all at once.
public struct MessageInstallation: Sendable {
    /// The mailbox.
    public let mailbox: MailboxID
    var records: [RestoredMessage] = []

    /// Starts an installation.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - capacity: how many records will come, as far as known.
    public init(mailbox: MailboxID, capacity: Int = 0) {
        self.mailbox = mailbox
        records.reserveCapacity(capacity)
    }

    /// Takes one message record, as ``AccountState/messageRecord(of:in:)`` made it; in any order.
    ///
    /// - Parameter bytes: the record.
    /// - Throws: ``CRDTError`` with `malformed` or `unsupportedVersion`.
    public mutating func add(_ bytes: Span<UInt8>) throws(CRDTError) {
        records.append(try RestoredMessage(bytes))
    }
}

/// All of a message as its record in the engine has it; the dots are not in the fields of ``record``.
struct RestoredMessage: Sendable {
    var record: MessageRecord
    var facts: MessageFacts
    var dots: MessageDots

    init(record: MessageRecord, facts: MessageFacts, dots: MessageDots) {
        self.record = record
        self.facts = facts
        self.dots = dots
    }

    /// Reads a message's record.
    init(_ bytes: Span<UInt8>) throws(CRDTError) {
        var (position, end) = try RecordReader.open(bytes, .message)
        let id = try RecordReader.dot(bytes, &position, end)
        var words: [UInt64] = []
        for _ in 0..<4 { words.append(try RecordReader.fixed(bytes, &position, end)) }
        let size = try RecordReader.number(bytes, &position, end)
        let seconds = Int64(bitPattern: try RecordReader.fixed(bytes, &position, end))
        let zone = try RecordReader.number(bytes, &position, end, atMost: UInt64(UInt16.max))
        facts = MessageFacts(
            body: BodyDigest(words: (words[0], words[1], words[2], words[3])), size: size, internalDateSeconds: seconds,
            internalDateZoneMinutes: Int16(bitPattern: UInt16(truncatingIfNeeded: zone)))
        record = MessageRecord(id: id)
        record.modSeq = try RecordReader.number(bytes, &position, end, atMost: Mailbox.maximumModSeq)
        let uid = try RecordReader.number(bytes, &position, end, atMost: UInt64(UInt32.max))
        let epoch = try RecordReader.number(bytes, &position, end, atMost: UInt64(UInt32.max))
        (record.uid, record.epoch) = (UInt32(truncatingIfNeeded: uid), UInt32(truncatingIfNeeded: epoch))
        guard let place = MessageRecord.Place(rawValue: try RecordReader.byte(bytes, &position, end)) else {
            throw RecordReader.malformed("an unknown place")
        }
        record.place = place
        dots = try RestoredMessage.dots(bytes, &position, end)
        try RecordReader.close(position, end)
        if dots.presence.isEmpty != (place == .buried) { throw RecordReader.malformed("presence and place disagree") }
    }

    /// The message's record.
    func encoded() -> [UInt8] {
        var writer = RecordWriter(.message)
        writer.write(record.id)
        let body = facts.body.words
        for word in [body.0, body.1, body.2, body.3] { writer.writeFixed(word) }
        writer.write(facts.size)
        writer.writeFixed(UInt64(bitPattern: facts.internalDateSeconds))
        writer.write(UInt64(UInt16(bitPattern: facts.internalDateZoneMinutes)))
        writer.write(record.modSeq)
        writer.write(UInt64(record.uid))
        writer.write(UInt64(record.epoch))
        writer.write(UInt64(record.place.rawValue))
        writer.write(UInt64(dots.presence.count))
        for dot in dots.presence { writer.write(dot) }
        writer.write(UInt64(dots.enablers.count))
        for enabler in dots.enablers {
            writer.write(enabler.dot)
            writer.write(UInt64(enabler.flags.rawValue))
        }
        writer.write(UInt64(dots.keywords.count))
        for entry in dots.keywords {
            writer.write(UInt64(entry.keyword.rawValue))
            writer.write(entry.dot)
        }
        return writer.finish()
    }

    private static func dots(
        _ bytes: Span<UInt8>, _ position: inout Int, _ end: Int
    ) throws(CRDTError) -> MessageDots {
        var dots = MessageDots()
        dots.presence = try RecordReader.dots(bytes, &position, end)
        for _ in 0..<(try RecordReader.count(bytes, &position, end, size: 3)) {
            let dot = try RecordReader.dot(bytes, &position, end)
            let flags = SystemFlags(rawValue: try RecordReader.byte(bytes, &position, end))
            if flags.isEmpty || !SystemFlags.known.isSuperset(of: flags)
                || dots.enablers.contains(where: { $0.dot == dot })
            {
                throw RecordReader.malformed("a wrong set of flags")
            }
            dots.enablers.append(.init(dot: dot, flags: flags))
        }
        for _ in 0..<(try RecordReader.count(bytes, &position, end, size: 3)) {
            let keyword = try RecordReader.number(bytes, &position, end, atMost: UInt64(UInt16.max))
            let dot = try RecordReader.dot(bytes, &position, end)
            dots.keywords.append(.init(keyword: KeywordIndex(UInt16(truncatingIfNeeded: keyword)), dot: dot))
        }
        if Set(dots.keywords).count != dots.keywords.count { throw RecordReader.malformed("a keyword is repeated") }
        return dots
    }
}

extension AccountState {
    /// A message as a record for the engine, invisible ones included.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - mailbox: where it is.
    /// - Returns: the record, or nil if there is none any more and the engine's is to be removed.
    /// - Precondition: the mailbox is resident.
    public borrowing func messageRecord(of message: Dot, in mailbox: MailboxID) -> [UInt8]? {
        guard let slot = slot(of: mailbox) else { return nil }
        precondition(slots[slot].isResident, "the messages of \(mailbox) are not installed")
        var work = WorkCounters()
        guard let position = slots[slot].messages.position(of: message, work: &work) else { return nil }
        let record = slots[slot].messages[position]
        let messages = slots[slot].messages
        return RestoredMessage(record: record, facts: messages.facts(of: record), dots: messages.dots(of: record))
            .encoded()
    }

    /// Installs the messages of a mailbox whose header is known and whose messages are absent.
    ///
    /// - Parameter installation: all records of the mailbox.
    /// - Throws: ``CRDTError`` with `noSuchMailbox`, or `malformed` if the records do not make up what the header says; nothing has changed then.
    /// - Complexity: O(messages log messages).
    public mutating func installMessages(_ installation: consuming MessageInstallation) throws(CRDTError) {
        guard let slot = slot(of: installation.mailbox) else {
            throw CRDTError(.noSuchMailbox, "the messages of an unknown mailbox cannot be installed")
        }
        if slots[slot].isResident { return }
        let messages = try slots[slot].assembled(&installation.records)
        slots[slot].messages = messages
        slots[slot].isResident = true
    }
}

extension Mailbox {
    /// The slabs made of restored records, if they fit this header.
    func assembled(
        _ records: inout [RestoredMessage]
    ) throws(CRDTError) -> MailboxMessages {
        records.sort { $0.record.uid < $1.record.uid }
        var result = MailboxMessages()
        result.reserve(records.count)
        var counted = MailboxCounts()
        var lastUID: UInt32 = 0
        var work = WorkCounters()
        for index in records.indices {
            var record = records[index].record
            if Int(record.epoch) >= max(epochs.entries.count, 1) || UInt64(record.uid) >= uidNext {
                throw RecordReader.malformed("message \(record.id) has an assignment that the mailbox does not know")
            }
            if record.place == .waiting && isExposable(record) {
                throw RecordReader.malformed("message \(record.id) waits without a reason")
            }
            if record.place == .visible {
                if !self.counts(record) || record.uid > exposedUID {
                    throw RecordReader.malformed("message \(record.id) is shown under a UID that does not count")
                }
                if record.uid == lastUID || record.modSeq > highestModSeq {
                    throw RecordReader.malformed("message \(record.id) has a UID or MODSEQ that cannot be")
                }
                lastUID = record.uid
            }
            if result.position(of: record.id, work: &work) != nil {
                throw RecordReader.malformed("message \(record.id) is repeated")
            }
            result.setDots(records[index].dots, of: &record)
            result.keep(records[index].facts, of: &record)
            counted.add(record, size: records[index].facts.size)
            result.put(record, work: &work)
        }
        if counted != counts {
            throw RecordReader.malformed("the mailbox counts \(counts), its messages are \(counted)")
        }
        return result
    }
}
