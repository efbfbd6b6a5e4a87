// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The index of dots: open addressing with linear probing, at most two thirds full.
///
/// An entry has half of the dot's hash above, and the position plus 1 below; whether it is the dot's the record tells, which lies in the line that whoever
/// searches will need anyway. Removal shifts later entries back, so there are no tombstones and an index that shrinks and grows for ever keeps its probe
/// lengths. Dots of one replica are dense; multiplying by 2^64 divided by the golden ratio spreads them evenly.
extension MailboxMessages {
    @inline(__always)
    static func tag(_ dot: Dot) -> UInt32 {
        UInt32(truncatingIfNeeded: (dot.packed &* 0x9e37_79b9_7f4a_7c15) >> 32)
    }

    @inline(__always)
    func home(_ tag: UInt32) -> Int { Int(tag &>> (32 &- indexBits)) }

    @inline(__always)
    var mask: Int { (1 &<< Int(indexBits)) &- 1 }

    @inline(__always)
    func position(inEntry entry: Int) -> Position {
        Position(rawValue: UInt32(truncatingIfNeeded: index.unsafelyUnwrapped[entry]) &- 1)
    }

    /// The index's entry for a dot.
    @inline(__always)
    func entry(of dot: Dot, probes: inout Int) -> Int? {
        if indexBits == 0 || dot == .none { return nil }
        let index = index.unsafelyUnwrapped
        let tag = MailboxMessages.tag(dot)
        var at = home(tag)
        while true {
            probes &+= 1
            let entry = index[at]
            if entry == 0 { return nil }
            if UInt32(truncatingIfNeeded: entry >> 32) == tag {
                let position = Position(rawValue: UInt32(truncatingIfNeeded: entry) &- 1)
                if self[position].id == dot { return at }
            }
            at = (at &+ 1) & mask
        }
    }

    /// Enters a dot, unless it is there.
    ///
    /// - Returns: whether it was not there.
    @inline(__always)
    mutating func enterIfAbsent(_ dot: Dot, at position: Position, probes: inout Int) -> Bool {
        if dot == .none { return false }
        makeRoomInIndex()
        let index = index.unsafelyUnwrapped
        let tag = MailboxMessages.tag(dot)
        var at = home(tag)
        while index[at] != 0 {
            probes &+= 1
            if UInt32(truncatingIfNeeded: index[at] >> 32) == tag, self[self.position(inEntry: at)].id == dot {
                return false
            }
            at = (at &+ 1) & mask
        }
        index[at] = UInt64(tag) << 32 | UInt64(position.rawValue &+ 1)
        held += 1
        return true
    }

    /// Enters a dot that is not there.
    mutating func enter(_ dot: Dot, at position: Position, probes: inout Int) {
        makeRoomInIndex()
        let index = index.unsafelyUnwrapped
        let tag = MailboxMessages.tag(dot)
        var at = home(tag)
        while index[at] != 0 {
            probes &+= 1
            at = (at &+ 1) & mask
        }
        index[at] = UInt64(tag) << 32 | UInt64(position.rawValue &+ 1)
        held += 1
    }

    @inline(__always)
    private mutating func makeRoomInIndex() {
        if (held &+ 1) &* 3 > (1 &<< indexBits) &* 2 { rebuildIndex(bits: indexBits &+ 1) }
    }

    /// Gives a dot that is there another position, before its record moves.
    mutating func move(_ dot: Dot, from old: Position, to new: Position, probes: inout Int) {
        let index = index.unsafelyUnwrapped
        let tag = MailboxMessages.tag(dot)
        let wanted = UInt64(tag) << 32 | UInt64(old.rawValue &+ 1)
        var at = home(tag)
        while index[at] != wanted {
            probes &+= 1
            precondition(index[at] != 0, "the index does not hold \(dot)")
            at = (at &+ 1) & mask
        }
        index[at] = UInt64(tag) << 32 | UInt64(new.rawValue &+ 1)
    }

    /// Removes a dot that is there.
    @inline(__always)
    mutating func remove(_ dot: Dot, probes: inout Int) {
        guard var hole = entry(of: dot, probes: &probes) else { return }
        let index = index.unsafelyUnwrapped
        var next = (hole &+ 1) & mask
        while index[next] != 0 {
            probes &+= 1
            let distance = (next &- home(UInt32(truncatingIfNeeded: index[next] >> 32))) & mask
            if distance >= (next &- hole) & mask {
                index[hole] = index[next]
                hole = next
            }
            next = (next &+ 1) & mask
        }
        index[hole] = 0
        held -= 1
    }

    @inline(never)
    mutating func rebuildIndex(bits: UInt32) {
        guard let memory else { return }
        let entries = UnsafeMutableBufferPointer(start: index, count: 1 &<< Int(indexBits)).filter { $0 != 0 }
        memory.resizeIndex(to: 1 << Int(bits))
        index = memory.index
        indexBits = bits
        for entry in entries {
            var at = home(UInt32(truncatingIfNeeded: entry >> 32))
            while memory.index[at] != 0 { at = (at &+ 1) & mask }
            memory.index[at] = entry
        }
    }
}
