// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a snapshot holds.
public enum SnapshotScope: Hashable, Sendable {
    /// Everything: for a replica that no log can serve.
    case everything
    /// One account: for the repair of a difference.
    case account(String)
}

/// The name of one transfer of a snapshot: who receives it, and that receiver's number for it.
public struct TransferID: Hashable, Sendable, CustomStringConvertible {
    /// The receiver.
    public var receiver: ReplicaID
    /// The receiver's number, which it never uses again.
    public var number: UInt64

    /// Names a transfer.
    ///
    /// - Parameters:
    ///   - receiver: who receives.
    ///   - number: the receiver's number.
    public init(receiver: ReplicaID, number: UInt64) {
        self.receiver = receiver
        self.number = number
    }

    /// Receiver and number.
    public var description: String { "\(receiver)#\(number)" }
}

/// A piece of a snapshot; its bytes mean something only to the stores.
public struct SnapshotPart: Hashable, Sendable {
    /// The piece's number, from 0 without gaps.
    public var index: UInt64
    /// Whether it is the last.
    public var isLast: Bool
    /// The bytes, at most ``ReplicationLimits/maximumPartBytes``.
    public var bytes: [UInt8]

    /// Puts a piece together.
    ///
    /// - Parameters:
    ///   - index: the piece's number.
    ///   - isLast: whether it is the last.
    ///   - bytes: the bytes.
    public init(index: UInt64, isLast: Bool, bytes: [UInt8]) {
        self.index = index
        self.isLast = isLast
        self.bytes = bytes
    }
}

/// How the store took a piece of a snapshot, or its end.
public enum ImportOutcome: Hashable, Sendable {
    /// The piece is taken; or, after the end, the snapshot is in force.
    case accepted
    /// It cannot be used, with the reason: the import is over and the store is as it was before it.
    case rejected(String)
}
