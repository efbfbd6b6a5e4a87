// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the machine knows of another member.
struct PeerMember: Sendable {
    let name: String
    var stripe: UInt8
    /// The replica that the member was when it was last heard or announced.
    var replica: ReplicaID?
    /// What it holds durably, as it last said.
    var durable = StreamVector()
    /// Whether it said so, as the replica that it is, since the machine was made.
    var hasSaidDurable = false
    /// What its log can no longer serve.
    var logStart = StreamVector()
    /// What it gets by a snapshot only, never by the log, because it has no history; empty once it holds that.
    var floor = StreamVector()
    var newestOwnTimestamp = HybridTimestamp(rawValue: 0)
    var backlogBytes: UInt64 = 0
    /// The sum of its accounts' digests at exactly `durable`, if it said so.
    var digest: StateDigest?
    /// When a message came last on an established link, on the monotonic clock.
    var heardAt: UInt64?
    var isReachable = false
    /// Since when it has said that it cannot write, on the monotonic clock; nil if it can.
    var unwritableSince: UInt64?
    /// Whether it has said so for so long that it counts as unable to assign UIDs.
    var isStuck = false
    var acknowledgement = MemberAcknowledgement()
    /// The members that it listed in its last greeting.
    var listed: Set<String> = []
    /// The links that are open, established or not.
    var outgoing: LinkID?
    var incoming: LinkID?
    var clockLeadMilliseconds: Int64 = 0
    var refusals: UInt64 = 0
    var lastRefusal: RefusalReason?

    init(_ member: GroupMember) {
        name = member.name
        stripe = member.stripe
    }

    /// Takes note of what the member says about its progress.
    ///
    /// - Returns: whether something that decides about subscriptions has changed.
    mutating func take(_ presence: PeerPresence, at now: ReplicationTime) -> Bool {
        let vector = StreamVector(presence.durable)
        let start = StreamVector(presence.logStart)
        let isNew = vector != durable || start != logStart
        note(vector)
        hasSaidDurable = true
        logStart = start
        // The digest belongs to the vector that came with it.
        digest = vector == durable ? presence.digest : nil
        newestOwnTimestamp = max(newestOwnTimestamp, presence.newestOwnTimestamp)
        backlogBytes = presence.backlogBytes
        clockLeadMilliseconds = Int64(clamping: presence.wallMilliseconds) - Int64(clamping: now.wallMilliseconds)
        unwritableSince = presence.isWritable ? nil : unwritableSince ?? now.monotonicMilliseconds
        return isNew
    }

    /// The member holds these operations durably.
    mutating func note(_ vector: StreamVector) {
        acknowledgement.note(vector)
        if durable.covers(vector) { return }
        durable.formUnion(vector)
        digest = nil
        if durable.covers(floor) { floor = StreamVector() }
    }

    /// The member came back as another replica: what the former one said is void.
    mutating func replace(by replica: ReplicaID) {
        self.replica = replica
        durable = StreamVector()
        hasSaidDurable = false
        logStart = StreamVector()
        floor = StreamVector()
        newestOwnTimestamp = HybridTimestamp(rawValue: 0)
        digest = nil
        unwritableSince = nil
        acknowledgement = MemberAcknowledgement()
    }
}

/// One open link.
struct PeerLink: Sendable {
    let id: LinkID
    let peer: String
    let direction: LinkDirection
    let openedAt: UInt64
    /// Whether both greetings were exchanged and fit.
    var isUp = false
    /// When a message came last.
    var heardAt: UInt64
    /// When a message was sent last.
    var sentAt: UInt64

    // Outgoing.
    var stream: OutgoingStream
    var presenceAt: UInt64 = 0
    var isPresenceDue = false
    /// The wants that are not answered yet, the first one being read.
    var wants: [ServedWant] = []
    var isReadingBody = false

    // Incoming.
    var inbox: IncomingStream
    /// The origins that are received on this link.
    var subscriptions: Set<ReplicaID> = []
    /// What of this node's durable vector the peer was told.
    var acknowledged = StreamVector()
    /// When frames came last.
    var framesAt: UInt64

    init(_ id: LinkID, peer: String, direction: LinkDirection, limits: ReplicationLimits, at now: UInt64) {
        self.id = id
        self.peer = peer
        self.direction = direction
        openedAt = now
        heardAt = now
        sentAt = now
        framesAt = now
        stream = OutgoingStream(limits)
        inbox = IncomingStream(limits)
    }
}

/// A want of a peer.
struct ServedWant: Hashable, Sendable {
    var digest: BodyDigest
    var offset: UInt64
    var end: UInt64
}
