// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The message records of one mailbox: a slab in ascending UID order, a second one for what has no UID to show, and an index from dots to both.
///
/// Appending, removing and finding cost O(1) (finding by UID O(log n)). A removal from the slab leaves a hole; when more than half are holes the
/// slab is compacted, which is O(1) amortised. A message is shown only under a UID above all that were ever shown, so the slab only grows at its end.
///
/// A value like an array: copies share their memory until one of them changes (``MessageMemory``).
///
/// `@unchecked Sendable`: the pointers lead into the memory that the value holds.
struct MailboxMessages: @unchecked Sendable {
    /// The position of a record: the slab in the top bit, the index below.
    struct Position: Hashable, Sendable {
        var rawValue: UInt32
        private static let apartBit: UInt32 = 1 << 31
        static func ordered(_ index: Int) -> Position { Position(rawValue: UInt32(truncatingIfNeeded: index)) }
        static func apart(_ index: Int) -> Position { Position(rawValue: UInt32(truncatingIfNeeded: index) | apartBit) }
        var isApart: Bool { rawValue & Position.apartBit != 0 }
        var index: Int { Int(rawValue & ~Position.apartBit) }
    }

    // Copies of what the memory says: one load less on the way to a record. They lead nowhere before there is memory, when all counts are 0.
    var records: UnsafeMutablePointer<MessageRecord>?
    var index: UnsafeMutablePointer<UInt64>?
    var factSlab: UnsafeMutablePointer<MessageFacts>?
    var memory: MessageMemory?
    var recordCount: UInt32 = 0
    var recordCapacity: UInt32 = 0
    var factCount: UInt32 = 0
    var factCapacity: UInt32 = 0
    /// The first free place among the facts, counted from 1, and 0 if there is none; each leads to the next by its size.
    var freeFacts: UInt32 = 0
    /// The index has 2^indexBits entries; 0 without memory.
    var indexBits: UInt32 = 0
    var held: UInt32 = 0
    var holeCount: UInt32 = 0
    /// Waiting and buried messages, in no order.
    private(set) var apart: [MessageRecord] = []
    /// The UIDs of the visible messages that are `\Deleted`, so that EXPUNGE finds them without looking at the others.
    private(set) var deletedUIDs: Set<UInt32> = []
    /// The dots that have no place in their record, by message.
    var overflow: [Dot: MessageDots] = [:]

    /// Holes that are not worth a compaction.
    private static let toleratedHoles = 8
    static let leastCapacity: UInt32 = 4
    static let leastIndexBits: UInt32 = 3

    /// The messages in both slabs.
    var count: Int { Int(held) }
    /// The places of the slab of visible messages, holes among them.
    var orderedCount: Int { Int(recordCount) }
    var holes: Int { Int(holeCount) }
    /// Visible messages in ascending UID order, with holes.
    var ordered: OrderedRecords { OrderedRecords(memory: memory, count: orderedCount) }

    /// Where the record of a message is.
    @inline(__always)
    func position(of id: Dot, work: inout WorkCounters) -> Position? {
        guard let entry = entry(of: id, probes: &work.probes) else { return nil }
        return position(inEntry: entry)
    }

    subscript(position: Position) -> MessageRecord {
        @inline(__always) get {
            if position.isApart { return apart[position.index] }
            precondition(position.rawValue < recordCount, "there is no record \(position.rawValue)")
            return records.unsafelyUnwrapped[position.index]
        }
        set {
            if position.isApart {
                apart[position.index] = newValue
                return
            }
            precondition(position.rawValue < recordCount, "there is no record \(position.rawValue)")
            own()
            let record = records.unsafelyUnwrapped + position.index
            if record.pointee.flags.contains(.deleted) != newValue.flags.contains(.deleted) {
                forgetDeleted(record.pointee)
                noteDeleted(newValue)
            }
            record.pointee = newValue
        }
    }

    /// The index of the first slot whose UID is at least `uid`; the slot may be a hole.
    func lowerBound(_ uid: UInt32) -> Int {
        var low = 0
        var high = orderedCount
        while low < high {
            let middle = (low + high) / 2
            if records.unsafelyUnwrapped[middle].uid < uid { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The visible record with a UID.
    func index(ofUID uid: UInt32) -> Int? {
        let index = lowerBound(uid)
        guard index < orderedCount else { return nil }
        let record = records.unsafelyUnwrapped + index
        return record.pointee.uid == uid && !record.pointee.isHole ? index : nil
    }

    /// Puts a record where its place says; a visible record's UID is above all others of the slab.
    mutating func put(_ record: MessageRecord, work: inout WorkCounters) {
        own()
        work.slotsTouched += 1
        let isVisible = record.place == .visible
        enter(record.id, at: isVisible ? .ordered(orderedCount) : .apart(apart.count), probes: &work.probes)
        if isVisible {
            noteDeleted(record)
            push(record)
        } else {
            apart.append(record)
        }
    }

    /// Puts the record of a new message where its place says, unless the message is there already.
    ///
    /// - Returns: whether it was not there.
    @inline(__always)
    mutating func insert(_ arriving: MessageRecord, _ facts: MessageFacts, work: inout WorkCounters) -> Bool {
        own()
        let isVisible = arriving.place == .visible
        let position = isVisible ? Position.ordered(orderedCount) : Position.apart(apart.count)
        guard enterIfAbsent(arriving.id, at: position, probes: &work.probes) else { return false }
        work.slotsTouched += 1
        var record = arriving
        record.factsIndex = keep(facts)
        record.size = facts.size
        if isVisible {
            if record.flags.contains(.deleted) { deletedUIDs.insert(record.uid) }
            push(record)
        } else {
            apart.append(record)
        }
        return true
    }

    /// Takes a record out; what is kept besides it stays until it is put back or ``forget(_:)``.
    ///
    /// Slots of visible records do not move before ``compactIfSparse(work:)``, so that a caller may take records while it goes through them.
    @inline(__always)
    mutating func take(_ position: Position, work: inout WorkCounters) -> MessageRecord {
        own()
        work.slotsTouched += 1
        let record = self[position]
        remove(record.id, probes: &work.probes)
        if position.isApart {
            takeApart(position, work: &work)
        } else {
            forgetDeleted(record)
            records.unsafelyUnwrapped[position.index].id = .none
            holeCount += 1
        }
        return record
    }

    private mutating func takeApart(_ position: Position, work: inout WorkCounters) {
        let last = apart.removeLast()
        if position.index >= apart.count { return }
        work.slotsTouched += 1
        move(last.id, from: .apart(apart.count), to: position, probes: &work.probes)
        apart[position.index] = last
    }

    @inline(__always)
    private mutating func noteDeleted(_ record: MessageRecord) {
        if record.flags.contains(.deleted), !record.isHole { deletedUIDs.insert(record.uid) }
    }

    @inline(__always)
    private mutating func forgetDeleted(_ record: MessageRecord) {
        if record.flags.contains(.deleted) { deletedUIDs.remove(record.uid) }
    }

    /// Closes the holes when they are more than half of the slab.
    @inline(__always)
    mutating func compactIfSparse(work: inout WorkCounters) {
        if holeCount == 0 { return }
        // Nothing but this value's own counts changes, so that memory which is shared may stay so.
        while recordCount > 0, records.unsafelyUnwrapped[Int(recordCount) - 1].isHole {
            recordCount -= 1
            holeCount -= 1
        }
        if holes > MailboxMessages.toleratedHoles && holes * 2 > orderedCount { compact(work: &work) }
    }

    @inline(never)
    private mutating func compact(work: inout WorkCounters) {
        own()
        let records = records.unsafelyUnwrapped
        var kept = 0
        for index in 0..<orderedCount where !records[index].isHole {
            if kept != index {
                work.recordsMoved += 1
                move(records[index].id, from: .ordered(index), to: .ordered(kept), probes: &work.probes)
                records[kept] = records[index]
            }
            kept += 1
        }
        recordCount = UInt32(truncatingIfNeeded: kept)
        holeCount = 0
        let wanted = max(recordCount, MailboxMessages.leastCapacity)
        if wanted < recordCapacity / 4 { resizeRecords(to: wanted * 2) }
    }

    /// The dots of a record in full.
    func dots(of record: MessageRecord) -> MessageDots {
        var dots = record.dots
        guard record.overflows, let rest = overflow[record.id] else { return dots }
        dots.presence += rest.presence
        dots.enablers += rest.enablers
        dots.keywords = rest.keywords
        return dots
    }

    /// Writes dots into a record, and what does not fit into the overflow.
    mutating func setDots(_ dots: MessageDots, of record: inout MessageRecord) {
        let fits = record.setDots(dots)
        if !fits {
            var rest = MessageDots()
            rest.presence = Array(dots.presence.dropFirst())
            rest.enablers = Array(dots.enablers.dropFirst(2))
            rest.keywords = dots.keywords
            overflow[record.id] = rest
        } else if record.overflows {
            overflow[record.id] = nil
        }
        record.overflows = !fits
    }

    /// The keywords of a record, ascending.
    func keywords(of record: MessageRecord) -> [KeywordIndex] {
        if !record.overflows { return [] }
        return overflow[record.id]?.flags.keywords ?? []
    }

    /// What never changes about a message.
    @inline(__always)
    func facts(of record: MessageRecord) -> MessageFacts {
        precondition(record.factsIndex < factCount, "there are no facts \(record.factsIndex)")
        return factSlab.unsafelyUnwrapped[Int(record.factsIndex)]
    }

    /// The size of a message's body.
    @inline(__always)
    func size(of record: MessageRecord) -> UInt64 { record.size }

    /// Drops what is kept besides the record of a message that went for good.
    @inline(__always)
    mutating func forget(_ record: MessageRecord) {
        if record.overflows { overflow[record.id] = nil }
        if held == 0 {
            clear()
            return
        }
        own()
        factSlab.unsafelyUnwrapped[Int(record.factsIndex)].size = UInt64(freeFacts)
        freeFacts = record.factsIndex + 1
    }

    /// The place of what never changes about a message, now kept.
    @inline(__always)
    private mutating func keep(_ facts: MessageFacts) -> UInt32 {
        let place: UInt32
        if freeFacts != 0 {
            place = freeFacts - 1
            freeFacts = UInt32(truncatingIfNeeded: factSlab.unsafelyUnwrapped[Int(place)].size)
        } else {
            if factCount == factCapacity { resizeFacts(to: max(factCapacity * 2, MailboxMessages.leastCapacity)) }
            place = factCount
            factCount += 1
        }
        (factSlab.unsafelyUnwrapped + Int(place)).initialize(to: facts)
        return place
    }

    /// The keywords that any visible message has, ascending.
    var keywordsInUse: [KeywordIndex] {
        var result: Set<KeywordIndex> = []
        for (id, dots) in overflow where !dots.keywords.isEmpty {
            var work = WorkCounters()
            if let position = position(of: id, work: &work), !position.isApart {
                result.formUnion(dots.keywords.map(\.keyword))
            }
        }
        return result.sorted()
    }

    /// Loads where a search for a message begins; for none, where the next one goes.
    @inline(__always)
    func glance(at message: Dot) -> UInt64 {
        guard indexBits != 0 else { return 0 }
        if message != .none { return index.unsafelyUnwrapped[home(MailboxMessages.tag(message))] }
        return recordCount == 0 ? 0 : records.unsafelyUnwrapped[Int(recordCount) - 1].id.packed
    }

    /// Loads the record of a message.
    @inline(__always)
    func glance(atRecordOf message: Dot) -> UInt64 {
        guard indexBits != 0 else { return 0 }
        let entry = index.unsafelyUnwrapped[home(MailboxMessages.tag(message))]
        let place = UInt32(truncatingIfNeeded: entry) &- 1
        return place < recordCount ? records.unsafelyUnwrapped[Int(place)].id.packed : 0
    }
}
