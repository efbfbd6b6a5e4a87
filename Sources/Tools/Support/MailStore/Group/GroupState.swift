// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage

/// A fork that this replica is to merge.
struct PendingMerge {
    let sighting: ForkSighting
    /// Whether nothing more can come of the branches, or it takes too long.
    var isDue = false
}

/// The store's part in its replication group: what of each stream is durable and where in the log, what the others need, and who they are.
struct GroupState {
    /// The share of the UIDs that this replica gives out.
    let stripe: UIDStripe
    /// The delivered operations that the log holds or held, durably.
    var durable = VersionVector()
    /// Where in the log they are.
    var marks: LogMarks
    /// The time of the last own operation that is durable; 0 if none is known.
    var newestOwn = HybridTimestamp(rawValue: 0)
    /// What every member has and nothing concurrent can follow; nil for a node that is alone, which has everything.
    var stable: VersionVector?
    /// The operations that every member has acknowledged: the log need not keep them.
    var acknowledged: [StreamPosition] = []
    /// The last own operation that another member holds.
    var ownSecured: UInt64 = 0
    /// What the members that can be reached hold, with all that they had issued before being here.
    var exchanged = VersionVector()
    /// Whether nothing is unknown here of what former lives of this node did.
    var knowsFormerLives = true
    /// The former lives of this node of which nothing is unknown here.
    var knownLives: Set<ReplicaID> = []
    /// Whether any other member was heard since the store was opened.
    var isInContact = false
    /// Forked mailboxes that this replica is to merge.
    var forks: [MailboxKey: PendingMerge] = [:]
    /// Replicas that cannot be reached.
    var unreachable: Set<ReplicaID> = []
    /// The sum of the digests of all accounts.
    var digest = StateDigest()
    /// What the accounts of a snapshot contain together, as long as the replica may not have delivered it.
    var imported: VersionVector?
    /// Accounts in memory of which something was deleted that may still be kept.
    var graveyards: Set<AccountIndex> = []
    /// Accounts in memory with mailboxes in which messages wait for a UID.
    var accountsNeedingUIDs: Set<AccountIndex> = []
    /// Mailboxes in which a message waits that came by this replica, or perhaps did.
    var awaited: Set<MailboxKey> = []
    /// From where the log is kept for those who receive a snapshot.
    var exportHolds: [TransferID: LogPosition] = [:]
    /// Whether nothing of the log is cut because a snapshot is coming in, on top of which it will be put.
    var holdsLog = false
    /// What the modification sequences of this replica have in common.
    var modSeqs: ModSeqStamp
    /// Whether clients were told modification sequences since the replica set its last mark.
    var hasToldModSeqs = false
    /// Whether a snapshot comes in, whose messages must get modification sequences above all marks.
    var isImporting = false
    /// What was done about UIDs.
    var uidCounts = UIDCounts()
    /// How often memory went back to what is durable: peers have to send again what was lost by that.
    var setbacks: UInt64 = 0

    init(stripe: UIDStripe, marks: LogMarks) {
        self.stripe = stripe
        self.marks = marks
        modSeqs = ModSeqStamp(tag: UInt8(truncatingIfNeeded: stripe.index))
        stable = stripe == .sole ? nil : VersionVector()
    }

    /// Keeps what the peers have said when the core is rebuilt.
    mutating func takeOver(from old: GroupState) {
        stable = old.stable
        acknowledged = old.acknowledged
        ownSecured = old.ownSecured
        unreachable = old.unreachable
        exchanged = old.exchanged
        knowsFormerLives = old.knowsFormerLives
        knownLives.formUnion(old.knownLives)
        isInContact = old.isInContact
        // What was made anew is told with other modification sequences than before.
        hasToldModSeqs = old.hasToldModSeqs || old.isInContact
        exportHolds = old.exportHolds
        holdsLog = old.holdsLog
        isImporting = old.isImporting
        uidCounts = old.uidCounts
        setbacks = old.setbacks + 1
    }
}

extension StateDigest {
    /// Takes one summand away and adds another.
    mutating func replace(_ old: StateDigest, by new: StateDigest) {
        low = low &- old.low &+ new.low
        high = high &- old.high &+ new.high
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.init(
            low: bytes[8..<16].reduce(0) { $0 << 8 | UInt64($1) }, high: bytes[0..<8].reduce(0) { $0 << 8 | UInt64($1) }
        )
    }

    /// Sixteen octets, the high one first.
    var octets: [UInt8] {
        [high, low].flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
        }
    }
}

extension VersionVector {
    /// The vector by global names.
    ///
    /// - Parameter ids: the replicas by local index.
    /// - Returns: the last operation of each replica.
    func positions(_ ids: [ReplicaID]) -> [StreamPosition] {
        counters.enumerated().compactMap { index, counter in
            counter == 0 ? nil : StreamPosition(origin: ids[index], counter: counter)
        }
    }
}

extension StoreCore {
    /// A vector by global names.
    func positions(_ vector: VersionVector) -> [StreamPosition] { vector.positions(replica.replicas.ids) }

    /// A vector by local indexes; replicas that are not known here are left out.
    func vector(_ positions: [StreamPosition]) -> VersionVector {
        var vector = VersionVector()
        for position in positions {
            guard let index = replica.replicas.index(of: position.origin) else { continue }
            vector[index] = max(vector[index], position.counter)
        }
        return vector
    }

    /// A unit is durable.
    mutating func noteDurable(_ unit: PendingUnit, at start: LogPosition?) {
        if let start {
            let (durable, ids) = (group.durable, replica.replicas.ids)
            group.marks.note(start, delivered: durable.positions(ids))
        }
        for dot in unit.delivered where dot.counter > group.durable[dot.replica] {
            group.durable[dot.replica] = dot.counter
        }
        if unit.ownTime > group.newestOwn { group.newestOwn = unit.ownTime }
    }

    /// The first position of the log that peers need, or the log's end.
    ///
    /// - Parameter cap: the octets of log that are kept for them at most.
    /// - Returns: the position before which nothing is needed.
    func firstPositionForPeers(cap: UInt64) -> LogPosition {
        let end = log.end
        if group.holdsLog { return log.first }
        guard group.stable != nil else { return end }
        let held = group.exportHolds.values.min() ?? end
        return min(held, firstPositionUnacknowledged(cap: cap))
    }

    private func firstPositionUnacknowledged(cap: UInt64) -> LogPosition {
        let end = log.end
        var acknowledged = StreamVector(group.acknowledged)
        acknowledged.formUnion(group.marks.start)
        func position(_ wanted: [StreamPosition]) -> LogPosition {
            if wanted.isEmpty { return end }
            // What was lost already was left out, so there is a place.
            return group.marks.locate(wanted) ?? log.first
        }
        let needed = position(
            positions(group.durable).compactMap { have in
                let from = acknowledged[have.origin] + 1
                return from > have.counter ? nil : StreamPosition(origin: have.origin, counter: from)
            })
        let capped = LogPosition(rawValue: end.rawValue - min(cap, end.rawValue))
        if needed >= capped { return needed }
        let ownFrom = max(group.ownSecured, group.marks.start[replica.id]) + 1
        let own =
            ownFrom > group.durable[replica.own]
            ? end : position([StreamPosition(origin: replica.id, counter: ownFrom)])
        return min(capped, own)
    }
}
