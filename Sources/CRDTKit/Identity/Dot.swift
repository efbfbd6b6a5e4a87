// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The identity of one operation: a replica and that replica's operation counter, packed into eight bytes.
///
/// Counters ascend by one from 1 over all operations of an origin in a partition, so an origin's dots are dense.
/// Whatever an operation brings into
/// being (a message, a mailbox) has the operation's dot as its identity, which is therefore never derived from content,
/// flags, names or time.
public struct Dot: Hashable, Sendable, CustomStringConvertible {
    /// The replica's local index in the upper 16 bits, the counter in the lower 48.
    public let packed: UInt64

    /// The largest counter, 2^48 - 1.
    public static let maximumCounter: UInt64 = (1 << 48) - 1

    /// No dot.
    public static let none = Dot(packed: 0)

    /// Packs a replica and a counter.
    ///
    /// - Parameters:
    ///   - replica: the origin's local index.
    ///   - counter: the operation's number at the origin, at most ``maximumCounter``.
    @inlinable
    public init(_ replica: ReplicaIndex, _ counter: UInt64) {
        self.packed = UInt64(replica.rawValue) << 48 | (counter & 0xffff_ffff_ffff)
    }

    /// Takes the packed form.
    ///
    /// - Parameter packed: the value of another dot's ``packed``.
    @inlinable
    public init(packed: UInt64) { self.packed = packed }

    /// The origin's local index.
    @inlinable public var replica: ReplicaIndex { ReplicaIndex(UInt16(truncatingIfNeeded: packed >> 48)) }

    /// The operation's number at its origin.
    @inlinable public var counter: UInt64 { packed & 0xffff_ffff_ffff }

    /// Local index and counter, as `3:17`.
    public var description: String { "\(packed >> 48):\(counter)" }
}
