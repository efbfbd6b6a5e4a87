// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A set of operations by global names: one counter per replica, which stands for all operations up to it.
///
/// The counterpart of ``VersionVector`` where local indexes mean nothing: between nodes and between a machine and its
/// store.
public struct StreamVector: Hashable, Sendable {
    /// The counters; none is 0.
    public private(set) var counters: [ReplicaID: UInt64]

    /// The empty set.
    public init() { counters = [:] }

    /// Takes a list; of several entries for one replica the largest counts.
    ///
    /// - Parameter positions: the last operation of each replica.
    /// - Complexity: O(positions).
    public init(_ positions: [StreamPosition]) {
        self.init()
        for position in positions { raise(position.origin, to: position.counter) }
    }

    /// The counter of one replica; 0 if the set has none of its operations.
    ///
    /// - Parameter replica: the replica.
    public subscript(replica: ReplicaID) -> UInt64 {
        get { counters[replica] ?? 0 }
        set { counters[replica] = newValue == 0 ? nil : newValue }
    }

    /// The entries in the order of the replicas.
    public var positions: [StreamPosition] {
        counters.map { StreamPosition(origin: $0.key, counter: $0.value) }.sorted { $0.origin < $1.origin }
    }

    /// The replicas of which the set has operations, in their order.
    public var origins: [ReplicaID] { counters.keys.sorted() }

    /// Whether the set is empty.
    public var isEmpty: Bool { counters.isEmpty }

    /// Whether this set holds all of another.
    ///
    /// - Parameter other: the other set.
    /// - Returns: true if no counter of `other` is greater than this one's.
    /// - Complexity: O(replicas).
    public func covers(_ other: StreamVector) -> Bool {
        other.counters.allSatisfy { self[$0.key] >= $0.value }
    }

    /// Adds all operations of another set.
    ///
    /// - Parameter other: the other set.
    /// - Complexity: O(replicas).
    public mutating func formUnion(_ other: StreamVector) {
        for (replica, counter) in other.counters { raise(replica, to: counter) }
    }

    /// Keeps the operations that both sets hold.
    ///
    /// - Parameter other: the other set.
    /// - Complexity: O(replicas).
    public mutating func formIntersection(_ other: StreamVector) {
        for (replica, counter) in counters { self[replica] = min(counter, other[replica]) }
    }

    /// Adds the operations of one replica up to a counter.
    ///
    /// - Parameters:
    ///   - replica: the replica.
    ///   - counter: the counter.
    public mutating func raise(_ replica: ReplicaID, to counter: UInt64) {
        if counter > self[replica] { counters[replica] = counter }
    }

    /// The number of operations of this set that another lacks.
    ///
    /// - Parameter other: the other set.
    /// - Returns: the count.
    /// - Complexity: O(replicas).
    public func count(beyond other: StreamVector) -> UInt64 {
        counters.reduce(0) { sum, entry in
            let theirs = other[entry.key]
            return entry.value > theirs ? sum &+ (entry.value - theirs) : sum
        }
    }
}
