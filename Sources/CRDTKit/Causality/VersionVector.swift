// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// How far into each origin's stream something has seen: one counter per replica, indexed by ``ReplicaIndex``.
///
/// Because an origin's dots are dense and delivered in order, a vector describes a causally closed set of operations
/// exactly.
public struct VersionVector: Hashable, Sendable {
    /// The counters, by replica index; what lies beyond the end is 0.
    ///
    /// The last element is never 0, so that equality is that of sets.
    public private(set) var counters: [UInt64]

    /// The empty set of operations.
    public init() { counters = [] }

    /// The counter of one replica; assigning grows the vector as needed.
    ///
    /// - Parameter replica: the replica's local index.
    /// - Complexity: O(1), amortised when it grows.
    @inlinable
    public subscript(replica: ReplicaIndex) -> UInt64 {
        get {
            let index = Int(replica.rawValue)
            return index < counters.count ? counters[index] : 0
        }
        set { set(replica, newValue) }
    }

    /// Whether the set holds the operation.
    ///
    /// - Parameter dot: the operation.
    /// - Returns: true if the dot's counter is at most the replica's entry.
    /// - Complexity: O(1).
    @inlinable
    public func contains(_ dot: Dot) -> Bool { dot.counter <= self[dot.replica] }

    /// Whether this set holds all of another.
    ///
    /// - Parameter other: the other set.
    /// - Returns: true if no entry of `other` is greater than this one's.
    /// - Complexity: O(replicas).
    public func covers(_ other: VersionVector) -> Bool {
        for index in other.counters.indices where other.counters[index] > 0 {
            if index >= counters.count || counters[index] < other.counters[index] { return false }
        }
        return true
    }

    /// Adds all operations of another set.
    ///
    /// - Parameter other: the other set.
    /// - Complexity: O(replicas).
    public mutating func formUnion(_ other: VersionVector) {
        if counters.count < other.counters.count {
            counters.append(contentsOf: repeatElement(0, count: other.counters.count - counters.count))
        }
        for index in other.counters.indices { counters[index] = max(counters[index], other.counters[index]) }
    }

    /// Keeps the operations that both sets hold: the element-wise minimum, as for causal stability.
    ///
    /// - Parameter other: the other set.
    /// - Complexity: O(replicas).
    public mutating func formIntersection(_ other: VersionVector) {
        if counters.count > other.counters.count { counters.removeLast(counters.count - other.counters.count) }
        for index in counters.indices { counters[index] = min(counters[index], other.counters[index]) }
        trim()
    }

    /// Enters a counter of a replica that the vector has, the usual case, without the rest of ``set(_:_:)``.
    @inline(__always)
    mutating func put(_ dot: Dot) {
        let index = Int(dot.replica.rawValue)
        if index < counters.count && dot.counter != 0 {
            counters[index] = dot.counter
        } else {
            set(dot.replica, dot.counter)
        }
    }

    @usableFromInline
    mutating func set(_ replica: ReplicaIndex, _ counter: UInt64) {
        let index = Int(replica.rawValue)
        if index >= counters.count {
            if counter == 0 { return }
            counters.append(contentsOf: repeatElement(0, count: index + 1 - counters.count))
        }
        counters[index] = counter
        if counter == 0 { trim() }
    }

    private mutating func trim() {
        while counters.last == 0 { counters.removeLast() }
    }
}
