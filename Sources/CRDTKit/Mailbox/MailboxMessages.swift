// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The message records of one mailbox: a slab in ascending UID order, a second one for what has no UID to show, and a table from dots to both.
///
/// Appending, removing and finding cost O(1) (finding by UID O(log n)). A removal from the slab leaves a hole; when more than half are holes the
/// slab is compacted, which is O(1) amortised. A message is shown only under a UID above all that were ever shown, so the slab only grows at its end.
struct MailboxMessages: Sendable {
    /// The position of a record: the slab in the top bit, the index below.
    struct Position: Hashable, Sendable {
        var rawValue: UInt32
        private static let apartBit: UInt32 = 1 << 31
        static func ordered(_ index: Int) -> Position { Position(rawValue: UInt32(truncatingIfNeeded: index)) }
        static func apart(_ index: Int) -> Position { Position(rawValue: UInt32(truncatingIfNeeded: index) | apartBit) }
        var isApart: Bool { rawValue & Position.apartBit != 0 }
        var index: Int { Int(rawValue & ~Position.apartBit) }
    }

    /// Visible messages in ascending UID order, with holes.
    private(set) var ordered: [MessageRecord] = []
    private(set) var holes = 0
    /// Waiting and buried messages, in no order.
    private(set) var apart: [MessageRecord] = []
    private var table = DotTable()
    /// The UIDs of the visible messages that are `\Deleted`, so that EXPUNGE finds them without looking at the others.
    private(set) var deletedUIDs: Set<UInt32> = []
    /// What never changes about the messages; records refer to it by index.
    private var factSlab: [MessageFacts] = []
    /// The places of the slab that are free.
    private var freeFacts: [UInt32] = []
    /// The dots that have no place in their record, by message.
    private var overflow: [Dot: MessageDots] = [:]

    /// Holes that are not worth a compaction.
    private static let toleratedHoles = 8

    var count: Int { table.count }

    /// Where the record of a message is.
    @inline(__always)
    func position(of id: Dot, work: inout WorkCounters) -> Position? {
        table.position(of: id, probes: &work.probes).map(Position.init(rawValue:))
    }

    subscript(position: Position) -> MessageRecord {
        @inline(__always) get { position.isApart ? apart[position.index] : ordered[position.index] }
        @inline(__always) set {
            if position.isApart {
                apart[position.index] = newValue
            } else {
                let wasDeleted = ordered[position.index].flags.contains(.deleted)
                if wasDeleted != newValue.flags.contains(.deleted) {
                    forgetDeleted(ordered[position.index])
                    noteDeleted(newValue)
                }
                ordered[position.index] = newValue
            }
        }
    }

    /// The index of the first slot whose UID is at least `uid`; the slot may be a hole.
    func lowerBound(_ uid: UInt32) -> Int {
        var low = 0
        var high = ordered.count
        while low < high {
            let middle = (low + high) / 2
            if ordered[middle].uid < uid { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The visible record with a UID.
    func index(ofUID uid: UInt32) -> Int? {
        let index = lowerBound(uid)
        return index < ordered.count && ordered[index].uid == uid && !ordered[index].isHole ? index : nil
    }

    /// Puts a record where its place says; a visible record's UID is above all others of the slab.
    mutating func put(_ record: MessageRecord, work: inout WorkCounters) {
        work.slotsTouched += 1
        if record.place != .visible {
            table.set(record.id, position: Position.apart(apart.count).rawValue, probes: &work.probes)
            apart.append(record)
            return
        }
        noteDeleted(record)
        table.set(record.id, position: Position.ordered(ordered.count).rawValue, probes: &work.probes)
        ordered.append(record)
    }

    /// Puts the record of a new message where its place says, unless the message is there already.
    ///
    /// - Returns: whether it was not there.
    @inline(__always)
    mutating func insert(_ arriving: MessageRecord, _ facts: MessageFacts, work: inout WorkCounters) -> Bool {
        let isVisible = arriving.place == .visible
        let position = isVisible ? Position.ordered(ordered.count) : Position.apart(apart.count)
        guard table.insert(arriving.id, position: position.rawValue, probes: &work.probes) else { return false }
        work.slotsTouched += 1
        var record = arriving
        keep(facts, of: &record)
        if isVisible {
            if record.flags.contains(.deleted) { deletedUIDs.insert(record.uid) }
            ordered.append(record)
        } else {
            apart.append(record)
        }
        return true
    }

    /// Takes a record out; what is kept besides it stays until it is put back or ``forget(_:)``.
    ///
    /// Slots of visible records do not move before ``compactIfSparse(work:)``, so that a caller may take records while it goes through them.
    mutating func take(_ position: Position, work: inout WorkCounters) -> MessageRecord {
        work.slotsTouched += 1
        let record = self[position]
        table.remove(record.id, probes: &work.probes)
        if position.isApart {
            let last = apart.removeLast()
            if position.index < apart.count {
                apart[position.index] = last
                work.slotsTouched += 1
                table.set(last.id, position: position.rawValue, probes: &work.probes)
            }
        } else {
            forgetDeleted(record)
            ordered[position.index].id = .none
            holes += 1
        }
        return record
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
    mutating func compactIfSparse(work: inout WorkCounters) {
        while let last = ordered.last, last.isHole {
            ordered.removeLast()
            holes -= 1
        }
        if holes <= MailboxMessages.toleratedHoles || holes * 2 <= ordered.count { return }
        var kept: [MessageRecord] = []
        kept.reserveCapacity(ordered.count - holes)
        for record in ordered where !record.isHole { kept.append(record) }
        ordered = kept
        holes = 0
        renumber(work: &work)
    }

    /// The dots of a record in full.
    func dots(of record: MessageRecord) -> MessageDots {
        var dots = record.overflows ? overflow[record.id] ?? MessageDots() : MessageDots()
        if record.presence != .none { dots.presence.insert(record.presence, at: 0) }
        if !record.secondFlags.isEmpty {
            dots.enablers.insert(.init(dot: record.secondEnabler, flags: record.secondFlags), at: 0)
        }
        if !record.firstFlags.isEmpty {
            dots.enablers.insert(.init(dot: record.firstEnabler, flags: record.firstFlags), at: 0)
        }
        return dots
    }

    /// Writes dots into a record, and what does not fit into the overflow.
    mutating func setDots(_ dots: MessageDots, of record: inout MessageRecord) {
        record.presence = dots.presence.first ?? .none
        let first = dots.enablers.first
        let second = dots.enablers.dropFirst().first
        (record.firstEnabler, record.firstFlags) = (first?.dot ?? .none, first?.flags ?? [])
        (record.secondEnabler, record.secondFlags) = (second?.dot ?? .none, second?.flags ?? [])
        record.flags = dots.systemFlags
        var rest = MessageDots()
        rest.presence = Array(dots.presence.dropFirst())
        rest.enablers = Array(dots.enablers.dropFirst(2))
        rest.keywords = dots.keywords
        if !rest.isEmpty {
            overflow[record.id] = rest
        } else if record.overflows {
            overflow[record.id] = nil
        }
        record.overflows = !rest.isEmpty
    }

    /// The keywords of a record, ascending.
    func keywords(of record: MessageRecord) -> [KeywordIndex] {
        if !record.overflows { return [] }
        return overflow[record.id]?.flags.keywords ?? []
    }

    /// What never changes about a message.
    @inline(__always)
    func facts(of record: MessageRecord) -> MessageFacts { factSlab[Int(record.factsIndex)] }

    /// The size of a message's body.
    @inline(__always)
    func size(of record: MessageRecord) -> UInt64 { factSlab[Int(record.factsIndex)].size }

    /// Keeps what never changes about a message.
    @inline(__always)
    mutating func keep(_ facts: MessageFacts, of record: inout MessageRecord) {
        if let free = freeFacts.popLast() {
            record.factsIndex = free
            factSlab[Int(free)] = facts
            return
        }
        record.factsIndex = UInt32(truncatingIfNeeded: factSlab.count)
        factSlab.append(facts)
    }

    /// Drops what is kept besides the record of a message that went for good.
    mutating func forget(_ record: MessageRecord) {
        if record.overflows { overflow[record.id] = nil }
        if table.count == 0 {
            factSlab = []
            freeFacts = []
        } else {
            freeFacts.append(record.factsIndex)
        }
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
        if message != .none { return table.glance(at: message) &+ UInt64(truncatingIfNeeded: ordered.count) }
        var seen = UInt64(truncatingIfNeeded: freeFacts.count) &+ UInt64(truncatingIfNeeded: factSlab.count)
        if let last = ordered.last { seen &+= last.id.packed }
        return seen
    }

    /// Loads the record of a message.
    @inline(__always)
    func glance(atRecordOf message: Dot) -> UInt64 {
        var probes = 0
        guard let position = table.position(of: message, probes: &probes) else { return 0 }
        let record = self[Position(rawValue: position)]
        return record.id.packed &+ UInt64(record.uid) &+ UInt64(record.flags.rawValue)
    }

    /// Makes room for a mailbox that is being installed.
    mutating func reserve(_ capacity: Int) {
        ordered.reserveCapacity(capacity)
        factSlab.reserveCapacity(capacity)
        table.reserve(capacity)
    }

    private mutating func renumber(work: inout WorkCounters) {
        for index in ordered.indices where !ordered[index].isHole {
            work.recordsMoved += 1
            table.set(ordered[index].id, position: Position.ordered(index).rawValue, probes: &work.probes)
        }
    }
}

extension MailboxMessages {
    /// The first violation of the slabs' own rules, or nil.
    func violation() -> String? {
        if let violation = table.violation() { return violation }
        var held = 0
        var lastUID: UInt32 = 0
        for (index, record) in ordered.enumerated() {
            if record.uid <= lastUID { return "UID \(record.uid) follows UID \(lastUID)" }
            lastUID = record.uid
            if record.isHole { continue }
            held += 1
            if let violation = violation(of: record, at: .ordered(index)) { return violation }
        }
        if ordered.count - held != holes { return "there are \(ordered.count - held) holes, not \(holes)" }
        for (index, record) in apart.enumerated() {
            if let violation = violation(of: record, at: .apart(index)) { return violation }
        }
        if held + apart.count != table.count {
            return "the dot table holds \(table.count) of \(held + apart.count) records"
        }
        let deleted = ordered.filter { !$0.isHole && $0.flags.contains(.deleted) }.map(\.uid)
        if Set(deleted) != deletedUIDs { return "the index of deleted messages holds \(deletedUIDs), not \(deleted)" }
        if factSlab.count - freeFacts.count != table.count { return "facts are kept of other messages" }
        let used = (ordered.filter { !$0.isHole } + apart).map(\.factsIndex)
        if Set(used + freeFacts).count != factSlab.count { return "two messages share their facts" }
        let overflowing = ordered.count { !$0.isHole && $0.overflows } + apart.count { $0.overflows }
        return overflowing == overflow.count ? nil : "the overflow holds \(overflow.count) of \(overflowing) messages"
    }

    private func violation(of record: MessageRecord, at position: Position) -> String? {
        var work = WorkCounters()
        if self.position(of: record.id, work: &work) != position { return "message \(record.id) is not at \(position)" }
        if position.isApart == (record.place == .visible) { return "message \(record.id) is in the wrong slab" }
        if record.place == .visible && record.uid == 0 { return "message \(record.id) has no UID" }
        let dots = dots(of: record)
        if dots.presence.isEmpty != (record.place == .buried) { return "message \(record.id) has the wrong presence" }
        if dots.systemFlags != record.flags { return "message \(record.id) has a wrong flag cache" }
        if Set(dots.presence).count != dots.presence.count { return "message \(record.id) repeats a presence dot" }
        if Set(dots.enablers.map(\.dot)).count != dots.enablers.count {
            return "message \(record.id) repeats an enabler"
        }
        if Set(dots.keywords).count != dots.keywords.count { return "message \(record.id) repeats a keyword" }
        if record.overflows != (overflow[record.id] != nil) { return "message \(record.id) has a wrong overflow mark" }
        return nil
    }
}
