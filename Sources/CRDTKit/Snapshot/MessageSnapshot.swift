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

/// All of a message as its record in the engine has it.
struct RestoredMessage: Sendable {
    var record: MessageRecord
    var facts: MessageFacts
    /// All dots, if they do not all have their place in ``record``.
    var allDots: MessageDots?

    /// The dots, wherever they are.
    var dots: MessageDots { allDots ?? record.dots }

    init(record: MessageRecord, facts: MessageFacts, allDots: MessageDots?) {
        self.record = record
        self.facts = facts
        self.allDots = allDots
    }

    /// Gives the message other dots.
    mutating func setDots(_ dots: MessageDots) {
        allDots = record.setDots(dots) ? nil : dots
    }

    /// Reads a message's record.
    init(_ bytes: Span<UInt8>) throws(CRDTError) {
        var (position, end) = try RecordReader.open(bytes, .message)
        let id = try RecordReader.dot(bytes, &position, end)
        let first = try RecordReader.fixed(bytes, &position, end)
        let second = try RecordReader.fixed(bytes, &position, end)
        let third = try RecordReader.fixed(bytes, &position, end)
        let fourth = try RecordReader.fixed(bytes, &position, end)
        let size = try RecordReader.number(bytes, &position, end)
        let seconds = Int64(bitPattern: try RecordReader.fixed(bytes, &position, end))
        let zone = try RecordReader.number(bytes, &position, end, atMost: UInt64(UInt16.max))
        facts = MessageFacts(
            body: BodyDigest(words: (first, second, third, fourth)), size: size, internalDateSeconds: seconds,
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
        allDots = try RestoredMessage.dots(bytes, &position, end, into: &record)
        try RecordReader.close(position, end)
        if (allDots?.presence.isEmpty ?? (record.presence == .none)) != (place == .buried) {
            throw RecordReader.malformed("presence and place disagree")
        }
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
        let dots = dots
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

    /// Reads the dots of a message.
    ///
    /// - Returns: all of them, if they do not all have their place in the record; else they are there.
    private static func dots(
        _ bytes: Span<UInt8>, _ position: inout Int, _ end: Int, into record: inout MessageRecord
    ) throws(CRDTError) -> MessageDots? {
        let start = position
        if try readUsual(bytes, &position, end, into: &record) { return nil }
        position = start
        return try dots(bytes, &position, end)
    }

    /// Reads the dots of a message that has at most one that keeps it in its mailbox, two operations that enable flags, and no keywords.
    ///
    /// - Returns: false, and the record is as before, if the message has more.
    private static func readUsual(
        _ bytes: Span<UInt8>, _ position: inout Int, _ end: Int, into record: inout MessageRecord
    ) throws(CRDTError) -> Bool {
        var usual = record
        let presences = try RecordReader.count(bytes, &position, end, size: 2)
        if presences > 1 { return false }
        if presences == 1 { usual.presence = try RecordReader.dot(bytes, &position, end) }
        let enablers = try RecordReader.count(bytes, &position, end, size: 3)
        if enablers > 2 { return false }
        if enablers > 0 { (usual.firstEnabler, usual.firstFlags) = try enabler(bytes, &position, end) }
        if enablers > 1 {
            (usual.secondEnabler, usual.secondFlags) = try enabler(bytes, &position, end)
            if usual.secondEnabler == usual.firstEnabler { throw RecordReader.malformed("a dot is repeated") }
        }
        if try RecordReader.count(bytes, &position, end, size: 3) > 0 { return false }
        usual.flags = usual.firstFlags.union(usual.secondFlags)
        record = usual
        return true
    }

    /// An operation and the system flags that it enables.
    private static func enabler(
        _ bytes: Span<UInt8>, _ position: inout Int, _ end: Int
    ) throws(CRDTError) -> (Dot, SystemFlags) {
        let dot = try RecordReader.dot(bytes, &position, end)
        let flags = SystemFlags(rawValue: try RecordReader.byte(bytes, &position, end))
        if flags.isEmpty || !SystemFlags.known.isSuperset(of: flags) {
            throw RecordReader.malformed("a wrong set of flags")
        }
        return (dot, flags)
    }

    private static func dots(
        _ bytes: Span<UInt8>, _ position: inout Int, _ end: Int
    ) throws(CRDTError) -> MessageDots {
        var dots = MessageDots()
        dots.presence = try RecordReader.dots(bytes, &position, end)
        for _ in 0..<(try RecordReader.count(bytes, &position, end, size: 3)) {
            let (dot, flags) = try enabler(bytes, &position, end)
            if dots.enablers.contains(where: { $0.dot == dot }) { throw RecordReader.malformed("a dot is repeated") }
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
        let allDots = record.overflows ? messages.dots(of: record) : nil
        return RestoredMessage(record: record, facts: messages.facts(of: record), allDots: allDots).encoded()
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
            // A message without a UID has epoch 0, whether there is one or not.
            let knows = Int(record.epoch) < max(epochs.entries.count, record.uid == 0 ? 1 : 0)
            if !knows || UInt64(record.uid) >= uidNext {
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
            if let dots = records[index].allDots { result.setDots(dots, of: &record) }
            guard result.insert(record, records[index].facts, work: &work) else {
                throw RecordReader.malformed("message \(record.id) is repeated")
            }
            counted.add(record, size: records[index].facts.size)
        }
        if counted != counts {
            throw RecordReader.malformed("the mailbox counts \(counts), its messages are \(counted)")
        }
        return result
    }
}
