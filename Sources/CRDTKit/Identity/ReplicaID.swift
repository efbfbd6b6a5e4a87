// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The globally unique name of one life of one replica.
///
/// A replica that restores a backup, or that cannot prove that it still holds every operation it ever issued, takes a
/// new
/// `incarnation`: a dot must never name two operations, and the counters of an incarnation are only as good as its log.
public struct ReplicaID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The replica, drawn at random once when its store is made; never zero.
    public let rawValue: UInt64

    /// The life of the replica, ascending from 1.
    public let incarnation: UInt32

    /// Creates the name of one life of a replica.
    ///
    /// - Parameters:
    ///   - rawValue: the replica, not zero.
    ///   - incarnation: the life, from 1.
    public init(_ rawValue: UInt64, incarnation: UInt32 = 1) {
        self.rawValue = rawValue
        self.incarnation = incarnation
    }

    /// Orders replicas by name, then by incarnation: the tie-break of every last-writer rule.
    public static func < (left: ReplicaID, right: ReplicaID) -> Bool {
        (left.rawValue, left.incarnation) < (right.rawValue, right.incarnation)
    }

    /// The name in hexadecimal, then the incarnation.
    public var description: String { String(rawValue, radix: 16) + "." + String(incarnation) }
}

/// The position of a replica in the local ``ReplicaTable``: two bytes instead of twelve wherever a dot is held.
///
/// Indexes are local to one node and never leave it. Index 0 is no replica: its dots are ``Dot/none`` and the
/// well-known identities.
public struct ReplicaIndex: Hashable, Comparable, Sendable {
    /// The position, from 1; 0 is reserved.
    public let rawValue: UInt16

    /// Wraps a position of the local table.
    ///
    /// - Parameter rawValue: the position.
    public init(_ rawValue: UInt16) { self.rawValue = rawValue }

    /// The reserved index whose dots name things that every replica knows without being told.
    public static let wellKnown = ReplicaIndex(0)

    /// Orders by position; meaningful on this node only.
    public static func < (left: ReplicaIndex, right: ReplicaIndex) -> Bool { left.rawValue < right.rawValue }
}
