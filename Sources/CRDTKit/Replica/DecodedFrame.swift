// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Operations of one origin that are ready to be applied: everything they depend on was delivered before.
public struct DecodedFrame: Sendable {
    /// The replica that issued them.
    public let origin: ReplicaIndex
    /// The counters of the operations, without gaps.
    public let counters: ClosedRange<UInt64>
    /// The causal past of the first operation; each further one's past also holds the operations before it in the
    /// frame.
    ///
    /// What a delete removes is decided by this set.
    public let past: VersionVector
    /// The operations in the order of their counters, not empty.
    public let operations: [Operation]
    /// The frame's whole payload if it had waited, for the log; nil for the frame that was just given, whose bytes the
    /// caller has.
    public internal(set) var heldPayload: [UInt8]? = nil
}

/// A place in an origin's stream.
public struct StreamPosition: Hashable, Sendable, CustomStringConvertible {
    /// The origin.
    public let origin: ReplicaID
    /// The counter of the operation.
    public let counter: UInt64

    /// Makes a position.
    ///
    /// - Parameters:
    ///   - origin: the origin.
    ///   - counter: the counter.
    public init(origin: ReplicaID, counter: UInt64) {
        self.origin = origin
        self.counter = counter
    }

    /// Origin and counter.
    public var description: String { "\(origin):\(counter)" }
}

/// A frame that had waited and turned out to be invalid when what it waited for arrived.
///
/// It was dropped and changed nothing.
public struct RefusedFrame: Sendable {
    /// Where its operations begin.
    public let position: StreamPosition
    /// What is wrong with it.
    public let error: CRDTError
}

/// What became of a frame.
public enum ReceiveResult: Sendable {
    /// The frame, and those that had waited for it, are delivered: apply the operations in this order.
    ///
    /// `refused` names frames that had waited and are invalid; report their origin.
    case delivered([DecodedFrame], refused: [RefusedFrame])
    /// The frame waits for operations that have not arrived, the first of which is `missing`; if they are not under
    /// way, ask for the stream from there.
    case waiting(missing: StreamPosition)
    /// All operations of the frame were delivered before, or the same frame is waiting. Nothing changed.
    case duplicate
    /// The frame would have to wait and there is no room. It was dropped; ask for the stream again from this position
    /// when the buffer has drained.
    case overflow(requestFrom: StreamPosition)
    /// The frame is ready, but the caller did not admit it. Nothing changed: give it again when it can be admitted.
    case deferred
}
