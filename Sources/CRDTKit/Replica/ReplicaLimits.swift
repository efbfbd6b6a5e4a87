// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The bounds of one ``Replica``; those that are part of the frame format are constants of ``OperationFrame``.
public struct ReplicaLimits: Sendable {
    /// The bounds of the names.
    public var symbols = SymbolTable.Limits()
    /// The bounds of early frames.
    public var buffer = CausalBuffer.Limits()
    /// The largest lead of a peer's clock over this node's that is believed, in milliseconds; default 5 minutes.
    public var maximumLeadMilliseconds: UInt64 = 300_000
    /// The most replicas of which nothing but an early frame is known, default 64.
    ///
    /// Such a frame cannot be checked yet, and an index, once given, stays. Beyond this, a stream must begin at its
    /// beginning.
    public var maximumStrangers = 64
    /// The most operations that this node puts into a frame, default and maximum ``OperationFrame/maximumOperations``.
    public var maximumOperationsPerFrame = OperationFrame.maximumOperations

    /// The defaults.
    public init() {}
}
