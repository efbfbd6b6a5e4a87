// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A body that the store's messages refer to and that it does not hold.
public struct MissingBody: Hashable, Sendable {
    /// The body.
    public var digest: BodyDigest
    /// The size in octets, as the messages say.
    public var size: UInt64
    /// The octets from the body's beginning that are here already: where to go on.
    public var held: UInt64
    /// The replica that issued the message, which is the likeliest to have the body.
    public var origin: ReplicaID?
    /// Whether a session waits for it.
    public var isUrgent: Bool
    /// Whether no peer had it when it was last asked for; see ``ReplicationDirective/postponeBody(_:)``.
    public var isPostponed: Bool

    /// Names a missing body.
    ///
    /// - Parameters:
    ///   - digest: the body.
    ///   - size: its size in octets.
    ///   - held: the octets from its beginning that are here.
    ///   - origin: the replica that issued the message, if known.
    ///   - isUrgent: whether a session waits for it.
    ///   - isPostponed: whether no peer had it when it was last asked for.
    public init(
        digest: BodyDigest, size: UInt64, held: UInt64 = 0, origin: ReplicaID? = nil, isUrgent: Bool = false,
        isPostponed: Bool = false
    ) {
        self.digest = digest
        self.size = size
        self.held = held
        self.origin = origin
        self.isUrgent = isUrgent
        self.isPostponed = isPostponed
    }
}

/// The answer of a store that was asked for a piece of a body.
public enum BodyRead: Hashable, Sendable {
    /// The octets from the asked offset, as many as were asked for or up to the body's end, and the body's size.
    case piece(size: UInt64, bytes: [UInt8])
    /// The store does not have the whole body, or the offset lies beyond its end.
    case absent
}

/// The answer of a store that was given a piece of a body.
public enum BodyStoreOutcome: Hashable, Sendable {
    /// The piece is kept; so many octets from the body's beginning are here now.
    case partial(held: UInt64)
    /// The body is whole and its hash is right, or it was here before; or nobody needs it any more.
    case complete
    /// The body is whole and has another hash: all of it was dropped.
    case mismatch
    /// The store could not keep it (a full disk, a limit): try again later.
    case failed
}
