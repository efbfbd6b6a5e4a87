// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The members of a group as two registers for each name, each of which the last writer has: standing, and identity.
///
/// Two, so that a node that announces its identity never undoes what an administrator says at the same time.
struct Members: Sendable {
    /// Who wrote a register, and what.
    struct Register<Value: Hashable & Sendable>: Hashable, Sendable {
        var stamp: NameStamp
        var value: Value
    }

    /// A standing that was stated.
    enum Membership: Hashable, Sendable {
        case added(stripe: UInt8, addresses: [String])
        case removed
    }

    struct Entry: Hashable, Sendable {
        var membership: Register<Membership>?
        var identity: Register<ReplicaID>?
        /// Every stripe that was ever given to the name, a bit each: UIDs that a node gave out may be in a client's hands when the node is gone.
        var stripes: UInt16 = 0
        /// Every identity that the name ever announced.
        var lives: Set<ReplicaID> = []
    }

    private(set) var entries: [String: Entry] = [:]

    /// Applies a change.
    mutating func apply(_ change: MemberChange, _ stamp: NameStamp, digest: inout StateDigest) {
        let name = change.name
        var entry = entries[name] ?? Entry()
        digest.subtract(Members.element(name, entry))
        switch change {
        case .add(_, let stripe, let addresses):
            Members.write(.added(stripe: stripe, addresses: addresses), stamp, to: &entry.membership)
            entry.stripes |= 1 << UInt16(stripe & 15)
        case .remove: Members.write(.removed, stamp, to: &entry.membership)
        case .announce(_, let replica):
            Members.write(replica, stamp, to: &entry.identity)
            entry.lives.insert(replica)
        }
        digest.add(Members.element(name, entry))
        entries[name] = entry
    }

    /// Enters what a snapshot held of a name.
    mutating func install(_ name: String, _ entry: Entry) { entries[name] = entry }

    /// The record of a name.
    func record(_ name: String) -> MemberRecord? {
        guard let entry = entries[name] else { return nil }
        var record = MemberRecord(name: name, replica: entry.identity?.value)
        record.usedStripes = (0..<16).filter { entry.stripes >> $0 & 1 == 1 }
        record.lives = entry.lives.sorted()
        switch entry.membership?.value {
        case .added(let stripe, let addresses):
            (record.standing, record.stripe, record.addresses) = (.added, stripe, addresses)
        case .removed: record.standing = .removed
        case nil: break
        }
        return record
    }

    /// The members' part of the digest, computed anew.
    func wholeElement() -> StateDigest {
        var sum = StateDigest()
        for (name, entry) in entries { sum.add(Members.element(name, entry)) }
        return sum
    }

    private static func write<Value>(_ value: Value, _ stamp: NameStamp, to register: inout Register<Value>?) {
        if register.map({ $0.stamp < stamp }) ?? true { register = Register(stamp: stamp, value: value) }
    }

    private static func element(_ name: String, _ entry: Entry) -> StateDigest {
        var sum = StateDigest()
        if let membership = entry.membership {
            var hash = ElementHash(.membership)
            hash.absorb(name)
            hash.absorb(membership.stamp)
            switch membership.value {
            case .added(let stripe, let addresses):
                hash.absorb(UInt64(stripe) << 8 | 1)
                for address in addresses { hash.absorb(address) }
            case .removed: hash.absorb(0)
            }
            sum.add(hash.finish())
        }
        if entry.stripes != 0 {
            var hash = ElementHash(.memberStripes)
            hash.absorb(name)
            hash.absorb(UInt64(entry.stripes))
            sum.add(hash.finish())
        }
        for life in entry.lives {
            var hash = ElementHash(.memberLife)
            hash.absorb(name)
            hash.absorb(ApplyContext.hash(of: life))
            sum.add(hash.finish())
        }
        if let identity = entry.identity {
            var hash = ElementHash(.memberIdentity)
            hash.absorb(name)
            hash.absorb(identity.stamp)
            hash.absorb(ApplyContext.hash(of: identity.value))
            sum.add(hash.finish())
        }
        return sum
    }
}

extension ElementHash {
    /// Takes in who wrote a register.
    fileprivate mutating func absorb(_ stamp: NameStamp) {
        absorb(stamp.timestamp.rawValue)
        absorb(ApplyContext.hash(of: stamp.replica))
        absorb(stamp.counter)
    }
}
