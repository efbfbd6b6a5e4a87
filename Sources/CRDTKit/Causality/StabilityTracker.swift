// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What every member of a partition is known to hold durably: a matrix clock and its element-wise minimum.
///
/// Causal stability only says which log segments nobody needs any more; the state itself has no tombstones that would
/// wait for it. It does not tolerate a dead member,
/// so a member beyond the retention cap is excluded and gets a snapshot later.
public struct StabilityTracker: Sendable {
    private var acknowledged: [ReplicaIndex: VersionVector] = [:]

    /// Makes a tracker without members but the node itself.
    public init() {}

    /// The members whose acknowledgements count, the node itself not among them.
    public var members: [ReplicaIndex] { acknowledged.keys.sorted() }

    /// Counts a member from now on; one that is counted already keeps what it acknowledged.
    ///
    /// - Parameter member: the member.
    public mutating func admit(_ member: ReplicaIndex) {
        if acknowledged[member] == nil { acknowledged[member] = VersionVector() }
    }

    /// Counts a member no longer, because it left or fell behind the retention cap.
    ///
    /// - Parameter member: the member.
    public mutating func exclude(_ member: ReplicaIndex) { acknowledged[member] = nil }

    /// Takes note of a member's cumulative acknowledgement; one that is older than another changes nothing.
    ///
    /// - Parameters:
    ///   - member: the member.
    ///   - vector: what it holds durably, by this node's indexes.
    /// - Returns: false, and nothing changes, if it is not a member.
    /// - Complexity: O(replicas).
    @discardableResult
    public mutating func acknowledge(_ member: ReplicaIndex, _ vector: VersionVector) -> Bool {
        guard acknowledged[member] != nil else { return false }
        acknowledged[member]?.formUnion(vector)
        return true
    }

    /// What a member has acknowledged.
    ///
    /// - Parameter member: the member.
    /// - Returns: the vector, or nil if it is not a member.
    public func acknowledgement(of member: ReplicaIndex) -> VersionVector? { acknowledged[member] }

    /// The operations that the node and all members hold: computed once per tick, never per operation.
    ///
    /// - Parameter delivered: what the node itself holds.
    /// - Returns: the element-wise minimum; `delivered` if there are no other members.
    /// - Complexity: O(members x replicas).
    public func stable(_ delivered: VersionVector) -> VersionVector {
        var stable = delivered
        for vector in acknowledged.values { stable.formIntersection(vector) }
        return stable
    }
}
