// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A snapshot that is taken in.
struct IncomingSnapshot: Sendable {
    let id: TransferID
    let scope: SnapshotScope
    let peer: String
    let replica: ReplicaID
    /// Whether it takes the place of a log that could serve: then nothing else is received meanwhile.
    let isBootstrap: Bool
    /// The link on which parts come; nil while the peer is away.
    var link: LinkID?
    /// The next part that must come, and the next one that the store must take.
    var next: UInt64 = 0
    var taken: UInt64 = 0
    var credit: UInt64
    /// Parts that wait for the store.
    var queue: [SnapshotPart] = []
    var isTaking = false
    /// When it moved last.
    var movedAt: UInt64
}

/// A snapshot that is made for a peer.
struct OutgoingSnapshot: Sendable {
    let peer: String
    /// The receiver's link; nil while it is away.
    var link: LinkID?
    var isReady = false
    var isReading = false
    var isComplete = false
    var nextRead: UInt64 = 0
    var credit: UInt64
    /// Parts that were sent and are not acknowledged: for a receiver that comes back.
    var retained: [SnapshotPart] = []
    var lostAt: UInt64 = 0
}

/// An account whose state is to be fetched again.
struct AccountRepair: Hashable, Sendable {
    var account: String
    var peer: String
}

/// The snapshots under way.
struct SnapshotTransfers: Sendable {
    let limits: ReplicationLimits
    var incoming: IncomingSnapshot?
    var exports: [TransferID: OutgoingSnapshot] = [:]
    /// No snapshot is asked for before this time.
    var notBefore: UInt64 = 0
    /// The snapshots of everything that failed in a row.
    var failures = 0
    /// Accounts to be fetched again, one after the other.
    var repairs: [AccountRepair] = []
    private var nextNumber: UInt64

    init(_ limits: ReplicationLimits, firstNumber: UInt64) {
        self.limits = limits
        nextNumber = firstNumber
    }

    /// Whether operations would come twice: by the snapshot and by the log.
    var isBootstrapping: Bool { incoming?.isBootstrap == true }

    /// A number that was never used; a restarted process begins at its wall clock, which is above what it used before
    /// as long as it makes fewer than a thousand transfers a second.
    mutating func newNumber() -> UInt64 {
        nextNumber += 1
        return nextNumber
    }

    /// A link is gone; transfers wait for the peer for a while.
    mutating func lost(_ link: LinkID, at now: UInt64) {
        if incoming?.link == link {
            incoming?.link = nil
            incoming?.movedAt = now
        }
        for id in exports.keys where exports[id]?.link == link {
            exports[id]?.link = nil
            exports[id]?.lostAt = now
        }
    }

    /// Checks what must always hold.
    func checkInvariants() throws(CRDTError) {
        if let incoming {
            guard incoming.taken <= incoming.next && incoming.next <= incoming.credit,
                UInt64(incoming.queue.count) <= limits.snapshotParts
            else { throw CRDTError(.malformed, "the parts of \(incoming.id) are miscounted") }
        }
        guard exports.count <= limits.exports else {
            throw CRDTError(.malformed, "\(exports.count) snapshots are made")
        }
        for (id, export) in exports {
            guard UInt64(export.retained.count) <= limits.snapshotParts + 1 else {
                throw CRDTError(.malformed, "\(export.retained.count) parts of \(id) are kept")
            }
        }
    }
}
