// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The replication of one group at one node: decides what is sent to which peer, from whom what is received, who counts
/// as reachable, what is stable and when a snapshot is due.
///
/// The instance does no I/O and knows no clock: what happens goes in, with the time; directives come out of
/// ``nextDirective()``, to be drained after every input. It holds no operations beyond what a window or one read of the
/// log brings: a slow or dead peer costs nothing but its place in the log. The same code runs in production and in the
/// simulator. `docs/replication.md` describes the protocol.
public struct ReplicationMachine: ~Copyable {
    /// The group.
    public internal(set) var group: GroupDescription
    /// The bounds.
    public let limits: ReplicationLimits

    // What the store says.
    var store: StoreStatus
    /// What is durable here.
    var durable: StreamVector
    /// What the own log can no longer serve.
    var logStart: StreamVector
    /// What the store has delivered, durable or queued.
    var delivered: StreamVector
    /// Since when the own operations up to a counter are durable, for the lag in time.
    var ownHistory = OwnHistory()

    // Members and links.
    /// The other members by name.
    var members: [String: PeerMember] = [:]
    var links: [LinkID: PeerLink] = [:]
    var announced: [String: ReplicaID]
    /// The identity that this node's announcement was asked for, and when.
    var announcedOwn: (replica: ReplicaID, at: UInt64)?
    /// The life for which a new incarnation was asked.
    var staleLife: ReplicaID?
    var reportedUnreachable: Set<ReplicaID> = []

    // Reception.
    /// By origin, the link on which it is received.
    var sources: [ReplicaID: LinkID] = [:]
    /// Origins that frames depend on and that no peer named yet.
    var wantedOrigins: Set<ReplicaID> = []
    /// Origins that are not asked for until a time.
    var pauses: [ReplicaID: OriginPause] = [:]
    var progress: [ReplicaID: OriginProgress] = [:]
    /// Peers that are not asked for an origin, as long as it stands where they left it.
    var distrusted: [ReplicaID: OriginDistrust] = [:]
    var newest: [ReplicaID: HybridTimestamp] = [:]
    var reportedUnserved: [ReplicaID] = []

    // Bodies, snapshots, differences.
    var bodies: BodyWants
    var snapshots: SnapshotTransfers
    var search = DivergenceSearch()

    // Stability.
    var stable = StreamVector()
    /// Everything that was stable at some time since the machine was made.
    var onceStable = StreamVector()
    /// Nodes that take part in the group as others say, and are not members here.
    var strangers: Set<String> = []
    var reportedProgress = GroupProgress()
    /// The replicas that this node was before.
    var formerLives: Set<ReplicaID> = []
    /// Whether the store held something when the machine was made, or has held all that some member had since.
    var hasCaughtUp: Bool

    // Time, outputs and counts.
    var now: ReplicationTime
    let startedAt: UInt64
    var tickedAt: UInt64
    var outbox: [ReplicationDirective] = []
    var outboxHead = 0
    var counts = MachineCounts()

    /// Makes the machine of a group; it starts alone and serves what links bring.
    ///
    /// - Parameters:
    ///   - group: the group.
    ///   - announced: which replica each member was when it last said so, from the group's own account; members that
    ///     are not there were never heard of.
    ///   - store: what the store says about itself.
    ///   - limits: the bounds.
    ///   - now: the time.
    public init(
        group: GroupDescription, announced: [MemberIdentity], store: StoreStatus,
        limits: ReplicationLimits = ReplicationLimits(), now: ReplicationTime
    ) {
        self.group = group
        self.limits = limits
        self.store = store
        durable = StreamVector(store.durable)
        delivered = durable
        logStart = StreamVector(store.logStart)
        self.announced = [:]
        self.now = now
        hasCaughtUp = durable.counters.keys.contains { $0 != store.replica }
        startedAt = now.monotonicMilliseconds
        tickedAt = now.monotonicMilliseconds
        bodies = BodyWants(limits)
        snapshots = SnapshotTransfers(limits, firstNumber: now.wallMilliseconds)
        ownHistory.note(durable[store.replica], at: now.monotonicMilliseconds)
        setMembers(announced)
        updateStability()
    }

    // MARK: Links

    /// A connection is open and both certificates are checked.
    ///
    /// - Parameters:
    ///   - link: the shell's new number for it.
    ///   - peer: the node's name, as its certificate proves.
    ///   - direction: who dialled.
    ///   - now: the time.
    public mutating func linkOpened(
        _ link: LinkID, peer: String, direction: LinkDirection, now: ReplicationTime
    ) {
        pass(now)
        open(link, peer: peer, direction)
    }

    /// A connection is gone; nothing that was not received will come.
    ///
    /// - Parameters:
    ///   - link: the link.
    ///   - now: the time.
    public mutating func linkClosed(_ link: LinkID, now: ReplicationTime) {
        pass(now)
        lose(link)
    }

    /// A message has come.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - link: the link on which it came.
    ///   - now: the time.
    public mutating func handle(_ message: PeerMessage, on link: LinkID, now: ReplicationTime) {
        pass(now)
        dispatch(message, link)
    }

    /// Bytes have come that are no message: the link is closed with a reason that tells what is wrong.
    ///
    /// - Parameters:
    ///   - error: what ``PeerMessage/init(decoding:)`` threw.
    ///   - link: the link on which they came.
    ///   - now: the time.
    public mutating func handleGarbage(_ error: CRDTError, on link: LinkID, now: ReplicationTime) {
        pass(now)
        refuseGarbage(error, link)
    }

    // MARK: Answers of the store

    /// The store's durable end, its vector or its replica has moved, or its digest is known.
    ///
    /// - Parameters:
    ///   - status: what the store says about itself.
    ///   - now: the time.
    public mutating func storeAdvanced(_ status: StoreStatus, now: ReplicationTime) {
        pass(now)
        advance(status)
    }

    /// The answer to ``ReplicationDirective/locate(_:_:)``.
    ///
    /// - Parameters:
    ///   - link: the link.
    ///   - position: the place in the log; nil if the log has lost some of what was asked for.
    ///   - now: the time.
    public mutating func located(_ link: LinkID, _ position: LogPosition?, now: ReplicationTime) {
        pass(now)
        placeFound(link, position)
    }

    /// The answer to ``ReplicationDirective/readLog(_:from:maximumBytes:)``.
    ///
    /// - Parameters:
    ///   - link: the link.
    ///   - read: the frames; nil if the position is no longer in the log.
    ///   - now: the time.
    public mutating func logRead(_ link: LinkID, _ read: LogRead?, now: ReplicationTime) {
        pass(now)
        logCame(link, read)
    }

    /// The answer to ``ReplicationDirective/deliver(_:_:)``.
    ///
    /// - Parameters:
    ///   - link: the link.
    ///   - outcome: what became of the items.
    ///   - now: the time.
    public mutating func delivered(_ link: LinkID, _ outcome: DeliveryOutcome, now: ReplicationTime) {
        pass(now)
        batchTaken(link, outcome)
    }

    /// The answer to ``ReplicationDirective/readBody(_:_:offset:length:)``.
    ///
    /// - Parameters:
    ///   - link: the link.
    ///   - digest: the body.
    ///   - offset: the offset that was asked for.
    ///   - read: the octets.
    ///   - now: the time.
    public mutating func bodyRead(
        _ link: LinkID, _ digest: BodyDigest, offset: UInt64, _ read: BodyRead, now: ReplicationTime
    ) {
        pass(now)
        bodyPieceRead(link, digest, offset, read)
    }

    /// The answer to ``ReplicationDirective/storeBody(_:_:size:offset:_:)``.
    ///
    /// - Parameters:
    ///   - link: the link.
    ///   - digest: the body.
    ///   - outcome: what became of the piece.
    ///   - now: the time.
    public mutating func bodyStored(
        _ link: LinkID, _ digest: BodyDigest, _ outcome: BodyStoreOutcome, now: ReplicationTime
    ) {
        pass(now)
        bodyPieceStored(digest, outcome)
    }

    /// Names bodies that the store lacks: the answer to ``ReplicationDirective/listMissingBodies(limit:)``, and, with
    /// ``MissingBody/isUrgent`` set, at any time when a session waits for one.
    ///
    /// - Parameters:
    ///   - bodies: the bodies, the most wanted first.
    ///   - now: the time.
    public mutating func bodiesMissing(_ bodies: [MissingBody], now: ReplicationTime) {
        pass(now)
        noteMissing(bodies)
    }

    /// A body is no longer missing, or no longer wanted, by a way that the machine did not see.
    ///
    /// - Parameters:
    ///   - digest: the body.
    ///   - now: the time.
    public mutating func bodySettled(_ digest: BodyDigest, now: ReplicationTime) {
        pass(now)
        settle(digest)
    }

    /// The answer to ``ReplicationDirective/exportSnapshot(_:_:)``: parts can be read.
    ///
    /// - Parameters:
    ///   - transfer: the transfer.
    ///   - now: the time.
    public mutating func snapshotReady(_ transfer: TransferID, now: ReplicationTime) {
        pass(now)
        exportBegan(transfer)
    }

    /// The answer to ``ReplicationDirective/readSnapshotPart(_:index:maximumBytes:)``.
    ///
    /// - Parameters:
    ///   - transfer: the transfer.
    ///   - part: the part that was asked for.
    ///   - now: the time.
    public mutating func snapshotPartRead(_ transfer: TransferID, _ part: SnapshotPart, now: ReplicationTime) {
        pass(now)
        exportPartRead(transfer, part)
    }

    /// An export cannot begin or go on; the store has freed what it held.
    ///
    /// - Parameters:
    ///   - transfer: the transfer.
    ///   - reason: why.
    ///   - now: the time.
    public mutating func snapshotFailed(_ transfer: TransferID, reason: String, now: ReplicationTime) {
        pass(now)
        exportFailed(transfer, reason)
    }

    /// The answer to ``ReplicationDirective/importPart(_:_:)``.
    ///
    /// - Parameters:
    ///   - transfer: the transfer.
    ///   - index: the part's number.
    ///   - outcome: how the store took it.
    ///   - now: the time.
    public mutating func snapshotPartImported(
        _ transfer: TransferID, index: UInt64, _ outcome: ImportOutcome, now: ReplicationTime
    ) {
        pass(now)
        importPartTaken(transfer, index, outcome)
    }

    /// The answer to ``ReplicationDirective/readDigests(_:after:limit:)``.
    ///
    /// - Parameters:
    ///   - link: the link of the directive, nil if it had none.
    ///   - page: the digests; nil if the store cannot say now.
    ///   - now: the time.
    public mutating func digestsRead(_ link: LinkID?, _ page: DigestPage?, now: ReplicationTime) {
        pass(now)
        digestPageRead(link, page)
    }

    // MARK: Group and time

    /// The members have changed, or one of them has another replica.
    ///
    /// - Parameters:
    ///   - group: the group as it is now; group, partition and node are as before.
    ///   - announced: which replica each member was when it last said so.
    ///   - now: the time.
    public mutating func groupChanged(
        _ group: GroupDescription, announced: [MemberIdentity], now: ReplicationTime
    ) {
        pass(now)
        change(group, announced)
    }

    /// Time has passed: to be called at ``nextDeadline``, and harmless at any other time.
    ///
    /// - Parameter now: the time.
    public mutating func tick(now: ReplicationTime) {
        pass(now)
        checkTime()
    }

    // MARK: Outputs

    /// Takes the next thing to do; to be called after every input until nothing is left.
    ///
    /// - Returns: the directive, or nil.
    public mutating func nextDirective() -> ReplicationDirective? {
        guard outboxHead < outbox.count else { return nil }
        let directive = outbox[outboxHead]
        outboxHead += 1
        if outboxHead == outbox.count {
            outbox.removeAll(keepingCapacity: true)
            outboxHead = 0
        }
        return directive
    }
}
