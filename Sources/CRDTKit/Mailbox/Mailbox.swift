// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The last writer of a register, such as a mailbox's name: by hybrid time, then by replica, then by counter.
struct NameStamp: Hashable, Comparable, Sendable {
    var timestamp: HybridTimestamp
    var replica: ReplicaID
    var counter: UInt64

    static func < (left: NameStamp, right: NameStamp) -> Bool {
        (left.timestamp, left.replica, left.counter) < (right.timestamp, right.replica, right.counter)
    }
}

/// The creation that counts when a mailbox was created more than once: the greatest.
///
/// UIDVALIDITY is also the number of the creator's UID epoch, the first of the chain. So whoever's creation wins keeps his UIDs and his UIDVALIDITY, and
/// everybody else's clients see a higher UIDVALIDITY: no UID ever changes its meaning under one UIDVALIDITY (RFC 3501 section 2.3.1.1).
struct MailboxBirth: Hashable, Comparable, Sendable {
    var uidValidity: UInt32
    var owner: ReplicaID
    var use: MailboxUse

    var epoch: UIDEpoch { UIDEpoch(number: uidValidity, owner: owner) }

    static func < (left: MailboxBirth, right: MailboxBirth) -> Bool {
        (left.uidValidity, left.owner, left.use.rawValue) < (right.uidValidity, right.owner, right.use.rawValue)
    }
}

/// What the greatest DELETE of a replica had seen: an assignment that had not seen the DELETE is void for the messages among that.
struct DeletePast: Hashable, Sendable {
    var dot: Dot
    var past: VersionVector
}

/// What is counted of a mailbox's messages, so that STATUS costs the same whatever the mailbox holds.
struct MailboxCounts: Hashable, Sendable {
    var visible: UInt64 = 0
    var unseen: UInt64 = 0
    var deleted: UInt64 = 0
    var octets: UInt64 = 0
    var waiting: UInt64 = 0
    var buried: UInt64 = 0

    /// All records.
    var total: UInt64 { visible &+ waiting &+ buried }

    mutating func add(_ record: MessageRecord, size: UInt64) { change(record, by: 1, octets: size) }

    mutating func subtract(_ record: MessageRecord, size: UInt64) { change(record, by: UInt64.max, octets: 0 &- size) }

    /// Takes in that the flags of a record changed, and nothing else about it.
    mutating func changeFlags(of record: MessageRecord, from old: SystemFlags) {
        guard record.place == .visible, record.flags != old else { return }
        let (isSeen, wasSeen) = (record.flags.contains(.seen), old.contains(.seen))
        if isSeen != wasSeen { unseen &+= wasSeen ? 1 : UInt64.max }
        let (isDeleted, wasDeleted) = (record.flags.contains(.deleted), old.contains(.deleted))
        if isDeleted != wasDeleted { deleted &+= isDeleted ? 1 : UInt64.max }
    }

    /// `one` is 1 or, modulo 2^64, minus 1.
    private mutating func change(_ record: MessageRecord, by one: UInt64, octets size: UInt64) {
        switch record.place {
        case .visible:
            visible &+= one
            octets &+= size
            if !record.flags.contains(.seen) { unseen &+= one }
            if record.flags.contains(.deleted) { deleted &+= one }
        case .waiting: waiting &+= one
        case .buried: buried &+= one
        }
    }
}

/// One mailbox of an account: the header, which is always there, and the messages, which are there when the mailbox is resident.
///
/// What is called on it for each operation is inlined: passing a value of this size to a method that does not change it would copy it first.
struct Mailbox: Sendable {
    // What every operation on a message touches comes first: few lines of the cache.

    /// Changes only when a header is taken over from another node's indexes.
    var id: MailboxID
    /// The hash of the mailbox's global identity.
    let identity: UInt64
    /// The greatest operation of each replica that wants the mailbox and that no delivered DELETE had seen; empty if the mailbox is gone.
    var liveness = VersionVector()
    /// Who assigns UIDs, and which assignments count.
    var epochs = UIDEpochs()
    /// One above the greatest UID ever assigned, up to 2^32.
    var uidNext: UInt64 = 1
    var highestModSeq: UInt64 = 1
    /// The greatest UID that this replica ever showed under the present UIDVALIDITY, and that no other shown later is below; replicas differ in it.
    var exposedUID: UInt32 = 0
    /// How many messages came from ``lastAppender`` without one of another or a change of owners in between; not kept over a restart.
    var appendRun: UInt32 = 0
    /// The replica whose messages came last.
    var lastAppender: ReplicaIndex = .wellKnown
    var isResident = true
    var counts = MailboxCounts()
    var messages = MailboxMessages()
    /// The greatest DELETE of each replica, whatever it removed: when all are stable, what they buried will not come back.
    var deletes = VersionVector()
    /// The same with what they had seen, until they are stable.
    var deletePasts: [DeletePast] = []
    /// The name register; see ``wantedName``.
    var name = ""
    var nameStamp: NameStamp?
    var birth: MailboxBirth?
    /// RFC 7162 section 3.1.1: modification sequences have 63 bits.
    static let maximumModSeq = UInt64(Int64.max)

    init(id: MailboxID, context: borrowing ApplyContext) {
        self.id = id
        self.identity = context.identityHash(id.dot)
    }

    /// Whether somebody wants the mailbox.
    @inline(__always) var isAlive: Bool { !liveness.counters.isEmpty }

    /// The name that the mailbox would have if no other wanted the same.
    var wantedName: String {
        if id == .inbox { return MailboxNames.inbox }
        if !name.isEmpty { return MailboxNames.canonical(name) }
        // The name is unknown only if the operation that gave it was lost; the messages stay in reach all the same.
        let use = id.isWellKnown ? MailboxUse(rawValue: UInt8(truncatingIfNeeded: id.dot.counter &- 16)) : nil
        return use.flatMap { MailboxNames.defaults[$0] } ?? MailboxNames.recovered
    }

    /// The modification sequence of a change that an operation makes.
    @inline(__always)
    func modSeq(at timestamp: HybridTimestamp, _ stamp: ModSeqStamp) -> UInt64 {
        let believable = timestamp.rawValue <= Mailbox.maximumModSeq / 2
        return stamp.value(notBelow: max(believable ? timestamp.rawValue : 0, highestModSeq + 1))
    }

    /// Whether a record's UID counts.
    @inline(__always)
    func counts(_ record: MessageRecord) -> Bool { epochs.counts(record.uid, record.epoch) }

    /// Whether a record that no client sees here may be shown: its UID counts, and no greater one was ever shown.
    @inline(__always)
    func isExposable(_ record: MessageRecord) -> Bool { record.uid > exposedUID && counts(record) }
}
