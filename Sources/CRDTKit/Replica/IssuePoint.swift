// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The point in causal time at which a batch of local operations begins.
///
/// The operations are generated and applied against `past`, and the frame tells every other replica that this was their
/// past; so nothing may be delivered between
/// ``Replica/begin(nowMilliseconds:)`` and ``Replica/seal(_:issuedAt:)``, which refuses the batch otherwise.
public struct IssuePoint: Sendable {
    /// This replica.
    public let replica: ReplicaIndex
    /// The counter of the batch's first operation.
    public let firstCounter: UInt64
    /// The timestamp of the batch's operations.
    public let timestamp: HybridTimestamp
    /// The causal past of the first operation; each further one's past also holds the operations before it in the
    /// batch.
    public let past: VersionVector
    /// The number of frames delivered so far.
    let deliveries: UInt64
}
