// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The state of one direction between this node and a member.
public enum PeerLinkState: String, Hashable, Sendable {
    /// There is no link.
    case down
    /// The greetings are under way.
    case greeting
    /// Operations can flow.
    case up
}

/// How one member stands to this node.
public struct PeerStatus: Hashable, Sendable {
    /// The member's name.
    public var name: String
    /// Its UID stripe.
    public var stripe: UInt8
    /// Its replica; nil if it was never heard of.
    public var replica: ReplicaID?
    /// Whether it was heard lately.
    public var isReachable = false
    /// Whether it can write, as it last said.
    public var isWritable = true
    /// The link that this node sends on.
    public var outgoing = PeerLinkState.down
    /// The link that this node receives on.
    public var incoming = PeerLinkState.down
    /// The time since a message came from it, in milliseconds; nil if none came.
    public var silentMilliseconds: UInt64?
    /// What it holds durably, as it last said.
    public var durable: [StreamPosition] = []
    /// The operations that this node holds and the member has not acknowledged.
    public var sendLagOperations: UInt64 = 0
    /// The bytes of log that were not read yet for it, and those under way; nil if its place in the log is not known.
    public var sendLagBytes: UInt64?
    /// For how long the oldest own operation that the member has not acknowledged has been durable here, in
    /// milliseconds.
    public var sendLagMilliseconds: UInt64 = 0
    /// The operations that the member holds and this node does not.
    public var receiveLagOperations: UInt64 = 0
    /// The bytes of its log that the member has not read yet for this node.
    public var receiveLagBytes: UInt64 = 0
    /// By how much its newest own operation is later than its newest one that this node has, in milliseconds, by the
    /// hybrid timestamps.
    public var receiveLagMilliseconds: UInt64 = 0
    /// The bytes under way to it.
    public var windowBytesInUse = 0
    /// The lead of its clock over this node's when it was last heard, in milliseconds, the time of travel included.
    public var clockLeadMilliseconds: Int64 = 0
    /// The origins that this node receives from it.
    public var subscriptions: [ReplicaID] = []
    /// How many links with it were refused, by either side.
    public var refusals: UInt64 = 0
    /// The last refusal.
    public var lastRefusal: RefusalReason?

    init(name: String, stripe: UInt8) {
        self.name = name
        self.stripe = stripe
    }
}

/// How a group stands, as one of its nodes sees it.
public struct GroupStatus: Hashable, Sendable {
    /// The group's name.
    public var group: String
    /// This node's name.
    public var node: String
    /// This node's replica.
    public var replica: ReplicaID
    /// Whether this node's store can write.
    public var isWritable = true
    /// The other members, in the order of their names.
    public var peers: [PeerStatus] = []
    /// What this node holds durably.
    public var durable: [StreamPosition] = []
    /// What every member holds, and nothing concurrent with it can still arrive.
    public var stable: [StreamPosition] = []
    /// The operations that came from peers since the start.
    public var receivedOperations: UInt64 = 0
    /// The frames that came from peers since the start.
    public var receivedFrames: UInt64 = 0
    /// The frames that were sent to peers since the start.
    public var sentFrames: UInt64 = 0
    /// The bytes of log that were read for peers since the start.
    public var logBytesRead: UInt64 = 0
    /// The missing bodies that the machine has in mind.
    public var missingBodies = 0
    /// The snapshot that is being taken in, and the number of its parts so far.
    public var importing: TransferID?
    /// The parts of it that are taken.
    public var importedParts: UInt64 = 0
    /// The number of snapshots that are being made for peers.
    public var exports = 0
    /// The differences that were found between stores with equal vectors since the start.
    public var divergences: UInt64 = 0
    /// The accounts that were fetched again since the start.
    public var repairs: UInt64 = 0

    init(group: String, node: String, replica: ReplicaID) {
        self.group = group
        self.node = node
        self.replica = replica
    }
}
