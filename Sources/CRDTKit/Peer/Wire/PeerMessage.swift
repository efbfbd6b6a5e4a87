// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a node says about itself when a link opens.
public struct PeerGreeting: Hashable, Sendable {
    /// The group's name.
    public var group: String
    /// The partition.
    public var partition: PartitionID
    /// The node's name.
    public var node: String
    /// The node's replica.
    public var replica: ReplicaID
    /// The group's ``GroupDescription/fingerprint`` as the node computes it.
    public var fingerprint: UInt64
    /// The members that the node knows of.
    public var members: [GroupMember]
    /// The group's ``GroupDescription/partialSettings`` as the node knows them.
    public var partialSettings: [String: String]
    /// The rest, which is said again and again.
    public var presence: PeerPresence

    /// Puts a greeting together.
    ///
    /// - Parameters:
    ///   - group: the group's name.
    ///   - partition: the partition.
    ///   - node: the node's name.
    ///   - replica: the node's replica.
    ///   - fingerprint: the description's fingerprint.
    ///   - members: the members that the node knows of.
    ///   - partialSettings: the partial settings that the node knows.
    ///   - presence: the node's progress.
    public init(
        group: String, partition: PartitionID, node: String, replica: ReplicaID, fingerprint: UInt64,
        members: [GroupMember], partialSettings: [String: String] = [:], presence: PeerPresence
    ) {
        self.group = group
        self.partition = partition
        self.node = node
        self.replica = replica
        self.fingerprint = fingerprint
        self.members = members
        self.partialSettings = partialSettings
        self.presence = presence
    }
}

/// What a node says about its progress, when something has changed and as a sign of life.
public struct PeerPresence: Hashable, Sendable {
    /// The operations that the node holds durably.
    public var durable: [StreamPosition]
    /// What its log can no longer serve.
    public var logStart: [StreamPosition]
    /// Its wall clock, milliseconds since 1970.
    public var wallMilliseconds: UInt64
    /// The timestamp of its newest own operation.
    public var newestOwnTimestamp: HybridTimestamp
    /// The bytes of its log that it has not read yet for this link.
    public var backlogBytes: UInt64
    /// The sum of its accounts' digests at exactly ``durable``, if it is idle.
    public var digest: StateDigest?
    /// Whether the node can write; it answers for no UIDs while it cannot.
    public var isWritable: Bool

    /// Puts a presence together.
    ///
    /// - Parameters:
    ///   - durable: what the node holds durably.
    ///   - logStart: what its log can no longer serve.
    ///   - wallMilliseconds: its wall clock.
    ///   - newestOwnTimestamp: the timestamp of its newest own operation.
    ///   - backlogBytes: the bytes of its log that it has not read yet for this link.
    ///   - digest: the sum of its accounts' digests, if it is idle.
    ///   - isWritable: whether it can write.
    public init(
        durable: [StreamPosition], logStart: [StreamPosition], wallMilliseconds: UInt64,
        newestOwnTimestamp: HybridTimestamp, backlogBytes: UInt64 = 0, digest: StateDigest? = nil,
        isWritable: Bool = true
    ) {
        self.durable = durable
        self.logStart = logStart
        self.wallMilliseconds = wallMilliseconds
        self.newestOwnTimestamp = newestOwnTimestamp
        self.backlogBytes = backlogBytes
        self.digest = digest
        self.isWritable = isWritable
    }
}

/// A message between two members; `docs/replication.md` has the bytes and the rules.
///
/// The *sender* of a link is the node that dialled it.
public enum PeerMessage: Hashable, Sendable {
    /// The sender's first message.
    case hello(PeerGreeting)
    /// The receiver's answer to the greeting.
    case welcome(PeerGreeting)
    /// Either side gives the link up, with the reason; nothing follows.
    case refuse(RefusalReason)
    /// Receiver: send each of these origins from the counter on; a counter of 0 ends the origin's subscription.
    case subscribe([StreamPosition])
    /// Sender: whole log frames of kind `operations`, one behind the other, unchanged.
    case frames([UInt8])
    /// Sender: a piece of one log frame that is larger than a message; pieces follow each other without gaps.
    case framePiece(size: UInt64, offset: UInt64, bytes: [UInt8])
    /// Sender: a whole small body, ahead of the frame that needs it.
    case body(BodyDigest, bytes: [UInt8])
    /// Receiver: so many bytes of frames and bodies are consumed over the life of the link, and these entries of the
    /// durable vector have changed.
    case acknowledge(consumed: UInt64, durable: [StreamPosition])
    /// Sender: progress and a sign of life.
    case presence(PeerPresence)
    /// Receiver: send `length` octets of a body from an offset.
    case want(BodyDigest, offset: UInt64, length: UInt64)
    /// Sender: octets of a wanted body, and the body's size.
    case bodyChunk(BodyDigest, size: UInt64, offset: UInt64, bytes: [UInt8])
    /// Sender: the wanted body is not here.
    case bodyAbsent(BodyDigest)
    /// Receiver: make a snapshot, or go on with one: send the parts from `nextPart` up to, and without, `credit`.
    case snapshotRequest(TransferID, SnapshotScope, nextPart: UInt64, credit: UInt64)
    /// Sender: a part of a snapshot.
    case snapshotPart(TransferID, SnapshotPart)
    /// Receiver: the parts before `nextPart` are taken; send up to, and without, `credit`.
    case snapshotCredit(TransferID, nextPart: UInt64, credit: UInt64)
    /// Either side: the transfer is over, with the reason.
    case snapshotAbort(TransferID, String)
    /// Receiver: send the digests of the accounts behind this name; nil for the first.
    case digestRequest(after: String?)
    /// Sender: a page of digests; nil if the store cannot give one now.
    case digests(DigestPage?)
}
