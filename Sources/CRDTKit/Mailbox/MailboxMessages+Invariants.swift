// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension MailboxMessages {
    /// The first violation of the slabs' own rules, or nil.
    func violation() -> String? {
        var found = 0
        var lastUID: UInt32 = 0
        for (index, record) in ordered.enumerated() {
            if record.uid <= lastUID { return "UID \(record.uid) follows UID \(lastUID)" }
            lastUID = record.uid
            if record.isHole { continue }
            found += 1
            if let violation = violation(of: record, at: .ordered(index)) { return violation }
        }
        if ordered.count - found != holes { return "there are \(ordered.count - found) holes, not \(holes)" }
        for (index, record) in apart.enumerated() {
            if let violation = violation(of: record, at: .apart(index)) { return violation }
        }
        if found + apart.count != count { return "the index holds \(count) of \(found + apart.count) records" }
        if let violation = indexViolation() { return violation }
        let deleted = ordered.filter { !$0.isHole && $0.flags.contains(.deleted) }.map(\.uid)
        if Set(deleted) != deletedUIDs { return "the index of deleted messages holds \(deletedUIDs), not \(deleted)" }
        let used = (ordered.filter { !$0.isHole } + apart).map(\.factsIndex)
        if Set(used + freePlaces()).count != Int(factCount) { return "two messages share their facts" }
        if used.count + freePlaces().count != Int(factCount) { return "facts are kept of other messages" }
        let overflowing = ordered.count { !$0.isHole && $0.overflows } + apart.count { $0.overflows }
        return overflowing == overflow.count ? nil : "the overflow holds \(overflow.count) of \(overflowing) messages"
    }

    private func indexViolation() -> String? {
        let entries = UnsafeMutableBufferPointer(start: index, count: indexBits == 0 ? 0 : 1 << Int(indexBits))
        if entries.count(where: { $0 != 0 }) != count { return "the index's count is wrong" }
        return count * 3 > entries.count * 2 ? "the index is too full" : nil
    }

    /// The free places among the facts.
    private func freePlaces() -> [UInt32] {
        var places: [UInt32] = []
        var next = freeFacts
        while next != 0, next <= factCount, places.count <= Int(factCount), let factSlab {
            places.append(next - 1)
            next = UInt32(truncatingIfNeeded: factSlab[Int(next - 1)].size)
        }
        return places
    }

    private func violation(of record: MessageRecord, at position: Position) -> String? {
        var work = WorkCounters()
        if self.position(of: record.id, work: &work) != position { return "message \(record.id) is not at \(position)" }
        if position.isApart == (record.place == .visible) { return "message \(record.id) is in the wrong slab" }
        if record.place == .visible && record.uid == 0 { return "message \(record.id) has no UID" }
        if record.size != facts(of: record).size { return "message \(record.id) has a wrong size" }
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
