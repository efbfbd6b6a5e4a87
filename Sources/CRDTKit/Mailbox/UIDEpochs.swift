// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The epochs of one mailbox: who assigns UIDs now, and which of the assignments made so far count.
///
/// Each epoch but a birth has a parent, of whose assignments it keeps those up to `inheritedUpTo`. The greatest epoch that descends from the mailbox's birth is the
/// current one, and an assignment counts if its epoch is on the chain from there to the birth and its UID is within what the next epoch of the chain keeps. All
/// that depends on the operations that were applied alone, not on their order.
///
/// Epochs that are not on the chain, and UIDs beyond what the chain keeps, are *branches*: what a split brain leaves. If UIDs were assigned on a branch, and on the
/// chain by those who did not know of them, the mailbox is *forked*, and a merge is due: an epoch that keeps only what was assigned before the fork, so that the
/// messages of both sides get new UIDs above all that anybody has shown. A client that was on one side and then on the other took what it did not find there for
/// expunged; and a replica that has shown a branch can never show a lesser UID. An epoch says which branches its owner knew: those are settled by it.
struct UIDEpochs: Sendable {
    /// One epoch; ``limit``, ``position`` and ``isRelated`` are derived by ``resolve(birth:)``.
    struct Entry: Hashable, Sendable {
        let epoch: UIDEpoch
        /// The least UID that was ever assigned in the epoch; 0 if there was none.
        var firstUID: UInt32 = 0
        /// The greatest UID that was ever assigned in the epoch.
        var greatestUID: UInt32 = 0
        /// The greatest UID of the epoch that counts; 0 if the epoch is not on the chain.
        var limit: UInt32 = 0
        /// The hash of the owner's name, for digests.
        let ownerHash: UInt64
        /// To whom the owner has handed the mailbox over.
        var successor: ReplicaID?
        /// Whether a creation of the mailbox began it: it has no parent.
        var isBirth = false
        /// The parent's index; nil if no operation opened the epoch.
        var parent: Int?
        /// The greatest UID of the parent that stays valid.
        var inheritedUpTo: UInt32 = 0
        /// The branches that the owner knew when it opened the epoch, by index, and the greatest UID that it knew of each; of what an ancestor had settled
        /// only what came later.
        var settled: [Int: UInt32] = [:]
        /// The place on the chain, the birth being 0; nil if the epoch is not on the chain.
        var position: Int?
        /// Whether the epoch descends from a birth of the present UIDVALIDITY.
        var isRelated = false

        init(_ epoch: UIDEpoch) {
            self.epoch = epoch
            ownerHash = ApplyContext.hash(of: epoch.owner)
        }
    }

    /// Where two branches part: at a place of the chain, after a UID.
    struct ForkPoint: Hashable, Comparable, Sendable {
        var position: Int
        var uid: UInt32

        static func < (left: ForkPoint, right: ForkPoint) -> Bool {
            (left.position, left.uid) < (right.position, right.uid)
        }
    }

    /// All epochs that were seen, in the order in which they came; records refer to them by index.
    private(set) var entries: [Entry] = []
    /// The indexes of the chain, the birth first; empty if the birth is not known.
    private(set) var chain: [Int] = [] {
        didSet { current = chain.last }
    }
    /// Whether a merge is due.
    private(set) var isForked = false

    /// The current epoch's index: the last of the chain.
    private(set) var current: Int?

    /// The replica that assigns: the current epoch's owner, or the one to which it handed the mailbox over.
    var owner: ReplicaID? { current.map { entries[$0].successor ?? entries[$0].epoch.owner } }

    /// Whether the current epoch is a replica's own, and not handed over.
    @inline(__always)
    func isOpen(to owner: ReplicaID) -> Bool {
        guard let current else { return false }
        return entries[current].epoch.owner == owner && entries[current].successor == nil
    }

    /// The last assignment of a replica in the current epoch, UID 0 if it gave none yet; nil if the epoch is not open to it.
    @inline(__always)
    func lastUID(of owner: ReplicaID) -> UIDAssignment? {
        guard let current, entries[current].epoch.owner == owner, entries[current].successor == nil else { return nil }
        return UIDAssignment(uid: entries[current].greatestUID, epoch: entries[current].epoch)
    }

    /// What a digest takes in of an assignment's epoch: its number, and the hash of its owner's name.
    @inline(__always)
    func digestWords(of index: Int) -> (number: UInt64, owner: UInt64) {
        (UInt64(entries[index].epoch.number), entries[index].ownerHash)
    }

    /// Loads what an assignment in the current epoch needs; the sum means nothing.
    @inline(__always)
    func glance() -> UInt64 {
        guard let current else { return 0 }
        return UInt64(entries[current].greatestUID) &+ entries[current].ownerHash
    }

    /// Whether an assignment counts.
    @inline(__always)
    func counts(_ uid: UInt32, _ index: UInt32) -> Bool { uid != 0 && uid <= entries[Int(index)].limit }

    /// Whether a message's assignment takes the place of another one: the greatest birth wins, then the greatest epoch, then the greatest UID.
    ///
    /// Births come first because the numbers of one birth's epochs may reach those of another.
    func supersedes(_ uid: UInt32, _ index: UInt32, _ oldUID: UInt32, _ oldIndex: UInt32) -> Bool {
        if index == oldIndex { return oldUID < uid }
        let new = entries[Int(index)].epoch
        let old = entries[Int(oldIndex)].epoch
        return (birth(of: Int(oldIndex)), old) < (birth(of: Int(index)), new)
    }

    private func birth(of index: Int) -> UIDEpoch {
        var index = index
        while !entries[index].isBirth, let parent = entries[index].parent { index = parent }
        return entries[index].epoch
    }

    /// Notes that a UID was assigned, whether the assignment counts or not.
    ///
    /// - Returns: the epoch's index.
    /// - Complexity: O(1) for the current epoch; O(epochs) for another.
    mutating func note(_ assignment: UIDAssignment) -> Int {
        let uid = assignment.uid
        if let current, entries[current].epoch == assignment.epoch, entries[current].firstUID != 0,
            entries[current].firstUID < uid
        {
            if entries[current].greatestUID < uid { entries[current].greatestUID = uid }
            return current
        }
        let index = index(noting: assignment.epoch)
        let isFirst = entries[index].firstUID == 0 || uid < entries[index].firstUID
        if isFirst { entries[index].firstUID = uid }
        let isGreatest = entries[index].greatestUID < uid
        if isGreatest { entries[index].greatestUID = uid }
        if !entries[index].isRelated { return index }
        if isFirst && entries[index].position != nil {
            isForked = forkPoint() != nil
        } else if isFirst || isGreatest, !isForked, let fork = fork(of: index) {
            isForked = isUnsettled(index, fork)
        }
        return index
    }

    /// Notes the epoch that a creation of the mailbox began; ``resolve(birth:)`` is due then.
    mutating func noteBirth(_ epoch: UIDEpoch) { entries[index(noting: epoch)].isBirth = true }

    /// Notes what an operation says about an epoch; ``resolve(birth:)`` is due if it says anything new.
    ///
    /// Nobody opens one epoch twice; if it happens all the same, the greater parent and then the lesser bound counts, and all that is settled.
    ///
    /// - Returns: whether anything changed.
    mutating func open(_ opening: EpochOpening) -> Bool {
        guard opening.parent < opening.epoch else { return false }
        let parent = index(noting: opening.parent)
        let index = index(noting: opening.epoch)
        var isNew = false
        for last in opening.settled where last.epoch < opening.epoch {
            let branch = self.index(noting: last.epoch)
            if last.uid <= entries[index].settled[branch] ?? 0 { continue }
            entries[index].settled[branch] = last.uid
            isNew = true
        }
        if let known = entries[index].parent {
            let isGreater =
                known == parent
                ? opening.inheritedUpTo < entries[index].inheritedUpTo : entries[known].epoch < opening.parent
            if !isGreater { return isNew }
        }
        (entries[index].parent, entries[index].inheritedUpTo) = (parent, opening.inheritedUpTo)
        return true
    }

    /// Notes that the owner of an epoch handed the mailbox over.
    ///
    /// - Returns: whether anything changed.
    mutating func handOver(_ epoch: UIDEpoch, to successor: ReplicaID) -> Bool {
        let index = index(noting: epoch)
        if let known = entries[index].successor, !(known < successor) { return false }
        entries[index].successor = successor
        return true
    }

    /// Derives chain, limits and fork anew.
    ///
    /// - Parameter birth: the epoch of the creation that counts; nil if none is known.
    /// - Complexity: O(e log e) for e epochs, and O(e * depth) if there are epochs off the chain.
    mutating func resolve(birth: UIDEpoch?) {
        chain = []
        isForked = false
        for index in entries.indices {
            (entries[index].limit, entries[index].position, entries[index].isRelated) = (0, nil, false)
        }
        guard let birth, let root = entries.firstIndex(where: { $0.epoch == birth }) else { return }
        if entries.count == 1 {
            (entries[root].limit, entries[root].position, entries[root].isRelated) = (.max, 0, true)
            chain = [root]
            return
        }
        // A parent is less than its child, so ascending order meets parents first.
        let ascending = entries.indices.sorted { entries[$0].epoch < entries[$1].epoch }
        var isRooted = [Bool](repeating: false, count: entries.count)
        var last = root
        for index in ascending {
            if entries[index].isBirth {
                isRooted[index] = index == root
                entries[index].isRelated = entries[index].epoch.number == birth.number
            } else if let parent = entries[index].parent {
                isRooted[index] = isRooted[parent]
                entries[index].isRelated = entries[parent].isRelated
            }
            if isRooted[index] { last = index }
        }
        layChain(from: last)
        isForked = entries.count > 1 && forkPoint() != nil
    }

    /// What opens the next epoch of a replica: a merge if one is due, else a take-over that keeps all that is known of the current epoch.
    ///
    /// - Parameters:
    ///   - owner: the replica.
    ///   - floor: the greatest number of an epoch that the replica knows in the account, so that it never opens one epoch twice, not even in a mailbox that was
    ///     forgotten and made again.
    /// - Returns: the opening; nil if there is no current epoch or no number left.
    /// - Complexity: O(e * depth) for e epochs.
    func opening(by owner: ReplicaID, above floor: UInt32) -> EpochOpening? {
        guard let current else { return nil }
        var number = floor
        for entry in entries where entry.isRelated { number = max(number, entry.epoch.number) }
        if number == .max { return nil }
        let fork = forkPoint() ?? ForkPoint(position: chain.count - 1, uid: entries[current].greatestUID)
        return EpochOpening(
            epoch: UIDEpoch(number: number + 1, owner: owner), parent: entries[chain[fork.position]].epoch,
            inheritedUpTo: fork.uid, settled: branches(from: fork))
    }

    /// The last assignment known of each branch that a new epoch leaves aside, those left out that an ancestor of the epoch has settled.
    private func branches(from fork: ForkPoint) -> [UIDAssignment] {
        var result: [UIDAssignment] = []
        for index in entries.indices where entries[index].isRelated {
            let position = entries[index].position.map { $0 <= fork.position ? $0 : nil } ?? nil
            let kept = position.map { $0 == fork.position ? fork.uid : entries[index].limit } ?? 0
            let last = entries[index].greatestUID
            if last > kept && !isSettled(index, through: fork.position) {
                result.append(UIDAssignment(uid: last, epoch: entries[index].epoch))
            }
        }
        // What does not fit is left to the next merge.
        return Array(result.sorted { $0.epoch < $1.epoch }.prefix(EpochOpening.maximumSettled))
    }

    /// Whether an epoch of the chain, up to a place, was opened by one who knew all that is known of a branch.
    private func isSettled(_ index: Int, through position: Int) -> Bool {
        chain.prefix(position + 1).contains { settles($0, index) }
    }

    private func settles(_ index: Int, _ branch: Int) -> Bool {
        entries[index].settled[branch].map { entries[branch].greatestUID <= $0 } ?? false
    }

    /// Whether two tables, the second having come from the first by further epochs, differ in which of the assignments made so far count.
    func countsLike(_ other: UIDEpochs) -> Bool {
        for index in entries.indices {
            let greatest = entries[index].greatestUID
            if min(entries[index].limit, greatest) != min(other.entries[index].limit, greatest) { return false }
        }
        return true
    }

    /// Enters what a snapshot held; ``resolve(birth:)`` is due then.
    ///
    /// - Returns: false if the epoch is known already.
    mutating func install(_ entry: Entry) -> Bool {
        if entries.contains(where: { $0.epoch == entry.epoch }) { return false }
        entries.append(entry)
        return true
    }

    private mutating func index(noting epoch: UIDEpoch) -> Int {
        if let index = entries.lastIndex(where: { $0.epoch == epoch }) { return index }
        entries.append(Entry(epoch))
        return entries.count - 1
    }

    private mutating func layChain(from last: Int) {
        var index = last
        var limit = UInt32.max
        while true {
            chain.append(index)
            entries[index].limit = limit
            guard !entries[index].isBirth, let parent = entries[index].parent else { break }
            limit = entries[index].inheritedUpTo
            index = parent
        }
        chain.reverse()
        for (position, index) in chain.enumerated() { entries[index].position = position }
    }
}

/// Forks.
extension UIDEpochs {
    /// The earliest point at which a branch parted that no epoch has settled yet; nil if there is none.
    func forkPoint() -> ForkPoint? {
        var least: ForkPoint?
        for index in entries.indices where entries[index].isRelated {
            guard let fork = fork(of: index), isUnsettled(index, fork) else { continue }
            let uid = min(fork.uid, entries[chain[fork.position]].limit)
            let point = ForkPoint(position: fork.position, uid: uid)
            if least.map({ point < $0 }) ?? true { least = point }
        }
        return least
    }

    /// Where an epoch off the chain parts from it, or where the part of an epoch begins that the chain does not keep; nil if there is nothing of the kind.
    private func fork(of index: Int) -> ForkPoint? {
        if let position = entries[index].position {
            let limit = entries[index].limit
            return entries[index].greatestUID > limit ? ForkPoint(position: position, uid: limit) : nil
        }
        var index = index
        var uid: UInt32 = 0
        while true {
            if let position = entries[index].position { return ForkPoint(position: position, uid: uid) }
            // Another birth of the same UIDVALIDITY has nothing in common with this one.
            guard !entries[index].isBirth, let parent = entries[index].parent else {
                return ForkPoint(position: 0, uid: 0)
            }
            uid = entries[index].inheritedUpTo
            index = parent
        }
    }

    /// Whether a branch calls for a merge: because it may keep a replica from showing assignments that count, or because UIDs were assigned on both sides of the
    /// fork by those who did not know of each other.
    private func isUnsettled(_ index: Int, _ fork: ForkPoint) -> Bool {
        if isInTheWay(index, fork) { return true }
        if entries[index].greatestUID == 0 { return false }
        for next in chain[(fork.position + 1)...] {
            // Whoever opened a later epoch knew this one and what it settles.
            if settles(next, index) { return false }
            if entries[next].firstUID != 0 { return true }
        }
        return false
    }

    /// Whether a replica that has seen a branch may be unable to show an assignment that counts: because it took it out of sight while the branch was current,
    /// or because it showed a greater UID of the branch before.
    private func isInTheWay(_ index: Int, _ fork: ForkPoint) -> Bool {
        let branch = entries[index]
        let trunk = entries[chain[fork.position]]
        if min(trunk.greatestUID, trunk.limit) > fork.uid { return true }
        for next in chain[(fork.position + 1)...] where entries[next].firstUID != 0 {
            if entries[next].firstUID <= branch.greatestUID { return true }
            if branch.position == nil && entries[next].epoch < branch.epoch { return true }
        }
        return false
    }
}
