// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The name of a partition: a set of accounts that is placed, ordered and snapshotted as one.
///
/// Each origin has one stream of operations per partition, and counters are per partition.
public struct PartitionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The partition's number, the same at every node.
    public let rawValue: UInt32

    /// Wraps a partition's number.
    ///
    /// - Parameter rawValue: the number.
    public init(_ rawValue: UInt32) { self.rawValue = rawValue }

    /// Orders by number.
    public static func < (left: PartitionID, right: PartitionID) -> Bool { left.rawValue < right.rawValue }

    /// The number in decimal.
    public var description: String { String(rawValue) }
}
