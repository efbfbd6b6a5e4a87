// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension Replica {
    /// Everything that was delivered, by global names.
    ///
    /// - Complexity: O(replicas).
    public var deliveredPositions: [StreamPosition] { positions(of: delivered) }

    /// Translates a vector to global names.
    ///
    /// - Parameter vector: a vector by this node's indexes.
    /// - Returns: its entries that are not 0, in the order of the indexes.
    /// - Complexity: O(replicas).
    public func positions(of vector: VersionVector) -> [StreamPosition] {
        var result: [StreamPosition] = []
        for (position, counter) in vector.counters.enumerated() where counter > 0 {
            guard let id = replicas.id(at: ReplicaIndex(UInt16(truncatingIfNeeded: position))) else { continue }
            result.append(StreamPosition(origin: id, counter: counter))
        }
        return result
    }

    /// Translates a vector from global names.
    ///
    /// - Parameter positions: the last operation of each replica.
    /// - Returns: the vector by this node's indexes; replicas that this node has never heard of are left out.
    /// - Complexity: O(positions).
    public func vector(of positions: [StreamPosition]) -> VersionVector {
        var result = VersionVector()
        for position in positions {
            guard let index = replicas.index(of: position.origin) else { continue }
            result[index] = max(result[index], position.counter)
        }
        return result
    }
}
