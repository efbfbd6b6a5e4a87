// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a peer sent for the store, in the order in which it must be taken.
public enum PeerItem: Hashable, Sendable {
    /// The payload of an envelope of kind `operations`, whose checksum was right; nothing else about it is known.
    case operations([UInt8])
    /// A whole small message body; the bytes have not been hashed yet.
    case body(BodyDigest, size: UInt64, bytes: [UInt8])
}

/// What became of a batch of items: taken into memory and queued for the log, not necessarily durable.
///
/// Items are taken in order. A frame that waits, is a duplicate or does not fit into the buffer does not stop the
/// batch; an error does: the items behind it were not looked at.
public struct DeliveryOutcome: Sendable {
    /// An item that was refused; it changed nothing.
    public struct Refusal: Sendable {
        /// The index of the item in the batch.
        public var item: Int
        /// What is wrong with it.
        public var error: CRDTError

        /// Names an item and its error.
        ///
        /// - Parameters:
        ///   - item: the index of the item in the batch.
        ///   - error: what is wrong with it.
        public init(item: Int, error: CRDTError) {
            self.item = item
            self.error = error
        }
    }

    /// Everything that the store has delivered after the batch, durable or queued: the last counter of each origin.
    public var delivered: [StreamPosition]
    /// The number of operations that the batch delivered, those of frames that had waited among them.
    public var deliveredOperations: Int
    /// For each frame that waits, the first operation that is missing (``ReceiveResult/waiting(missing:)``).
    public var waiting: [StreamPosition]
    /// For each frame that did not fit, where its stream must begin again (``ReceiveResult/overflow(requestFrom:)``).
    public var overflow: [StreamPosition]
    /// Frames that had waited and turned out to be invalid.
    public var refusedFrames: [RefusedFrame]
    /// The item that ended the batch, if one did.
    public var refusal: Refusal?

    /// Puts an outcome together.
    ///
    /// - Parameters:
    ///   - delivered: everything that the store has delivered after the batch.
    ///   - deliveredOperations: the number of operations that the batch delivered.
    ///   - waiting: what the frames that wait lack.
    ///   - overflow: where streams must begin again.
    ///   - refusedFrames: frames that had waited and are invalid.
    ///   - refusal: the item that ended the batch.
    public init(
        delivered: [StreamPosition], deliveredOperations: Int, waiting: [StreamPosition] = [],
        overflow: [StreamPosition] = [], refusedFrames: [RefusedFrame] = [], refusal: Refusal? = nil
    ) {
        self.delivered = delivered
        self.deliveredOperations = deliveredOperations
        self.waiting = waiting
        self.overflow = overflow
        self.refusedFrames = refusedFrames
        self.refusal = refusal
    }
}
