// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The replicas that a node has heard of, each with a two-byte local index.
///
/// Interning is append-only: an index keeps its meaning for the life of the node's store, and the table is part of
/// every checkpoint.
public struct ReplicaTable: Sendable {
    /// The most replicas that an index can tell apart, lives counted separately.
    public static let capacity = 65_535

    /// The replicas by index; position 0 is ``ReplicaIndex/wellKnown`` and names nobody.
    public private(set) var ids: [ReplicaID]

    /// A hash of each replica by index, the same at every node, for digests.
    public private(set) var hashes: [UInt64]

    private var indexes: [ReplicaID: ReplicaIndex]

    /// Makes a table that holds nothing but the reserved index.
    public init() {
        let nobody = ReplicaID(0, incarnation: 0)
        ids = [nobody]
        hashes = [StableHash.hash(nobody)]
        indexes = [:]
    }

    /// The number of replicas, the reserved index not counted.
    public var count: Int { ids.count - 1 }

    /// Finds a replica.
    ///
    /// - Parameter id: the replica.
    /// - Returns: its index, or nil if the node has not heard of it.
    /// - Complexity: O(1) expected.
    public func index(of id: ReplicaID) -> ReplicaIndex? { indexes[id] }

    /// Names a replica.
    ///
    /// - Parameter index: an index of this table.
    /// - Returns: the replica, or nil for the reserved index and for one that was never given.
    /// - Complexity: O(1).
    public func id(at index: ReplicaIndex) -> ReplicaID? {
        let position = Int(index.rawValue)
        return position > 0 && position < ids.count ? ids[position] : nil
    }

    /// Finds a replica, adding it if need be.
    ///
    /// - Parameter id: the replica; neither its name nor its incarnation is zero.
    /// - Returns: its index.
    /// - Throws: `malformed` for a zero name or incarnation, `limitExceeded` if ``capacity`` is reached.
    /// - Complexity: O(1) expected.
    public mutating func intern(_ id: ReplicaID) throws(CRDTError) -> ReplicaIndex {
        if let known = indexes[id] { return known }
        guard id.rawValue != 0 && id.incarnation != 0 else {
            throw CRDTError(.malformed, "a replica's name and incarnation are not zero, got \(id)")
        }
        guard count < Self.capacity else {
            throw CRDTError(.limitExceeded, "the node knows \(count) replicas, the most that it can")
        }
        let index = ReplicaIndex(UInt16(truncatingIfNeeded: ids.count))
        ids.append(id)
        hashes.append(StableHash.hash(id))
        indexes[id] = index
        return index
    }

    /// Forgets the replicas that were added last, when the frame that named them turned out to be invalid.
    mutating func truncate(to count: Int) {
        while self.count > count {
            indexes[ids.removeLast()] = nil
            hashes.removeLast()
        }
    }
}
