// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The messages that a client has been told of, by position and by identifier (RFC 3501 section 2.3.1).
///
/// Every session has its own view: positions change only when the session announces it. Identifiers are kept in ascending
/// slots; a removed message leaves a hole until half of the slots are holes. A Fenwick tree over 64-slot words counts the
/// messages in front of a slot, so no operation touches more than a logarithm of the mailbox.
///
/// - Complexity: look-ups, append and the removal of one message take O(log n); removing k messages O(k log n).
public struct SequenceView: Sendable {
    /// The identifiers in ascending order, also of removed messages; shared with the list that they came with until one is added.
    private var slots: [UInt32]
    /// One bit for each slot: whether its message is still there.
    private var present: [UInt64]
    /// A Fenwick tree (Fenwick 1994) over the population counts of `present`; element 0 is not used.
    private var tree: [Int]
    /// The number of messages: what EXISTS says.
    public private(set) var count: Int
    /// How many words and tree nodes all operations so far have touched, for tests of cost.
    private(set) var touched = 0

    /// Makes a view of messages.
    ///
    /// - Parameter uids: the identifiers; those that do not ascend are left out.
    /// - Complexity: O(n).
    public init(_ uids: [UID] = []) { self.init(UIDList(uids)) }

    /// Makes a view of a list of messages, whose memory it shares.
    ///
    /// - Parameter uids: the identifiers.
    /// - Complexity: O(n / 64).
    public init(_ uids: UIDList) {
        slots = uids.rawValues
        count = slots.count
        present = []
        tree = []
        rebuildIndex()
    }

    /// Adds messages behind the last one.
    ///
    /// - Parameter uid: the identifier.
    /// - Returns: false, and nothing changes, when the identifier is not larger than every one so far.
    @discardableResult
    public mutating func append(_ uid: UID) -> Bool {
        if let last = slots.last, last >= uid.rawValue { return false }
        let slot = slots.count
        slots.append(uid.rawValue)
        if slot % 64 == 0 {
            present.append(0)
            appendTreeNode()
        }
        present[slot / 64] |= 1 << UInt64(slot % 64)
        add(1, toWord: slot / 64)
        count += 1
        return true
    }

    /// Removes messages in one pass.
    ///
    /// - Parameter uids: the identifiers in ascending order; unknown ones are skipped.
    /// - Returns: the positions to announce with EXPUNGE, one after the other. They descend, so that each is the position
    ///   at the moment of its announcement and no later one is moved by it.
    public mutating func remove(_ uids: [UID]) -> [SequenceNumber] {
        var numbers: [SequenceNumber] = []
        numbers.reserveCapacity(uids.count)
        for uid in uids.reversed() {
            let slot = firstSlot(notBelow: uid)
            guard slot < slots.count, slots[slot] == uid.rawValue, isPresent(slot),
                let number = SequenceNumber(UInt32(truncatingIfNeeded: rank(slot) + 1))
            else { continue }
            numbers.append(number)
            present[slot / 64] &= ~(1 << UInt64(slot % 64))
            add(-1, toWord: slot / 64)
            count -= 1
        }
        if slots.count > 128, count < slots.count / 2 { compact() }
        return numbers
    }

    /// Whether there are no messages.
    public var isEmpty: Bool { count == 0 }

    /// The identifier of the last message: what `*` means in a set of identifiers.
    public var lastUID: UID? { uid(at: count) }

    /// The position of the last message: what `*` means in a set of positions.
    public var lastNumber: SequenceNumber? { SequenceNumber(UInt32(truncatingIfNeeded: count)) }

    /// All identifiers, ascending.
    ///
    /// - Complexity: O(n).
    public var uids: [UID] { slots.indices.filter(isPresent).map { UID(ofList: slots[$0]) } }

    /// Whether a message is in the view.
    ///
    /// - Parameter uid: the identifier.
    /// - Returns: whether the client has been told of it and not of its removal.
    public func contains(_ uid: UID) -> Bool {
        let slot = firstSlot(notBelow: uid)
        return slot < slots.count && slots[slot] == uid.rawValue && isPresent(slot)
    }

    /// The position of a message.
    ///
    /// - Parameter uid: the identifier.
    /// - Returns: the position, or nil when the message is not in the view.
    public func number(of uid: UID) -> SequenceNumber? {
        guard contains(uid) else { return nil }
        return SequenceNumber(UInt32(truncatingIfNeeded: rank(firstSlot(notBelow: uid)) + 1))
    }

    /// The identifier of the message at a position.
    ///
    /// - Parameter position: the position, from 1.
    /// - Returns: the identifier, or nil when there is no such position.
    public func uid(at position: Int) -> UID? {
        slot(at: position).map { UID(ofList: slots[$0]) }
    }

    /// The messages at the positions of a set, ascending and each once.
    ///
    /// - Parameter set: the set of positions.
    /// - Returns: the messages, or nil when a position, or `*` in an empty mailbox, does not exist: that is a BAD command
    ///   (RFC 3501 section 9, `seq-number`).
    /// - Complexity: linear in the messages found, plus O(log n) for each range.
    public func targets(of set: SequenceSet) -> [MessageTarget]? {
        guard let largest = lastNumber else { return nil }
        if let written = set.largestWritten, written > largest { return nil }
        var result: [MessageTarget] = []
        for range in set.resolved(largest: largest) {
            collect(from: Int(range.lowerBound.rawValue), through: Int(range.upperBound.rawValue), into: &result)
        }
        return result
    }

    /// The messages whose identifiers are in a set, ascending and each once; identifiers that do not exist are skipped.
    ///
    /// - Parameter set: the set of identifiers.
    /// - Returns: the messages, maybe none (RFC 3501 section 6.4.8).
    /// - Complexity: linear in the messages found, plus O(log n) for each range.
    public func targets(of set: UIDSet) -> [MessageTarget] {
        var result: [MessageTarget] = []
        for range in set.resolved(largest: lastUID) {
            let first = rank(firstSlot(notBelow: range.lowerBound)) + 1
            let behind = firstSlot(notBelow: range.upperBound)
            let includesUpper = behind < slots.count && slots[behind] == range.upperBound.rawValue && isPresent(behind)
            collect(from: first, through: rank(behind) + (includesUpper ? 1 : 0), into: &result)
        }
        return result
    }

    /// Checks that slots, bits, tree and count agree.
    ///
    /// - Returns: what is broken, or nil.
    public func checkInvariants() -> String? {
        guard zip(slots, slots.dropFirst()).allSatisfy({ $0 < $1 }) else { return "The slots do not ascend." }
        guard present.count == (slots.count + 63) / 64 else { return "There are \(present.count) words." }
        guard present.reduce(0, { $0 + $1.nonzeroBitCount }) == count else { return "The count \(count) is wrong." }
        guard tree.count == present.count + 1 else { return "The tree has \(tree.count) nodes." }
        var sum = 0
        for word in present.indices {
            guard prefixSum(words: word) == sum else { return "The tree is wrong in front of word \(word)." }
            sum += present[word].nonzeroBitCount
        }
        return nil
    }
}

// MARK: - Slots

extension SequenceView {
    private func isPresent(_ slot: Int) -> Bool { present[slot / 64] & (1 << UInt64(slot % 64)) != 0 }

    /// The first slot whose identifier is not below the given one, removed or not.
    private func firstSlot(notBelow uid: UID) -> Int {
        var low = 0
        var high = slots.count
        while low < high {
            let middle = low + (high - low) / 2
            if slots[middle] < uid.rawValue { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The number of messages in front of a slot.
    private func rank(_ slot: Int) -> Int {
        let word = slot / 64
        guard word < present.count else { return count }
        let below = present[word] & ((1 << UInt64(slot % 64)) - 1)
        return prefixSum(words: word) + below.nonzeroBitCount
    }

    /// The slot of a position, or nil when there is none.
    private func slot(at position: Int) -> Int? {
        guard position >= 1, position <= count else { return nil }
        var remaining = position
        var word = 0
        var step = 1
        while step * 2 < tree.count { step *= 2 }
        while step > 0 {
            if word + step < tree.count, tree[word + step] < remaining {
                word += step
                remaining -= tree[word]
            }
            step /= 2
        }
        var bits = present[word]
        while remaining > 1 {
            bits &= bits - 1
            remaining -= 1
        }
        return word * 64 + bits.trailingZeroBitCount
    }

    private func collect(from first: Int, through last: Int, into result: inout [MessageTarget]) {
        guard first <= last, var slot = slot(at: first) else { return }
        result.reserveCapacity(result.count + min(last, count) - first + 1)
        var position = first
        while position <= last, slot < slots.count {
            if isPresent(slot), let number = SequenceNumber(UInt32(truncatingIfNeeded: position)) {
                result.append(MessageTarget(sequenceNumber: number, uid: UID(ofList: slots[slot])))
                position += 1
            }
            slot += 1
        }
    }

    /// Drops the holes; at least half of the slots are holes, so the cost is paid by the removals that made them.
    private mutating func compact() {
        slots = slots.indices.filter(isPresent).map { slots[$0] }
        touched += slots.count
        rebuildIndex()
    }
}

// MARK: - The tree

extension SequenceView {
    private mutating func rebuildIndex() {
        let words = (slots.count + 63) / 64
        present = [UInt64](repeating: .max, count: words)
        if slots.count % 64 != 0 { present[words - 1] = (1 << UInt64(slots.count % 64)) - 1 }
        tree = [Int](repeating: 0, count: words + 1)
        for node in stride(from: 1, through: words, by: 1) {
            tree[node] += present[node - 1].nonzeroBitCount
            let parent = node + (node & -node)
            if parent <= words { tree[parent] += tree[node] }
        }
        touched += words
    }

    /// The sum of the first words.
    private func prefixSum(words: Int) -> Int {
        var sum = 0
        var node = words
        while node > 0 {
            sum += tree[node]
            node &= node - 1
        }
        return sum
    }

    private mutating func add(_ difference: Int, toWord word: Int) {
        var node = word + 1
        while node < tree.count {
            tree[node] += difference
            touched += 1
            node += node & -node
        }
    }

    /// Adds the node of a new, empty word: it sums the words that it covers.
    private mutating func appendTreeNode() {
        let node = tree.count
        tree.append(prefixSum(words: node - 1) - prefixSum(words: node - (node & -node)))
        touched += 1
    }
}
