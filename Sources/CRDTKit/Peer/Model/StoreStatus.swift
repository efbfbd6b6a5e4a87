// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a store says about itself: the machine asks for nothing else to decide what to send and what to want.
///
/// It is one consistent picture: every operation whose frame lies before ``logEnd`` is within ``durable``. A peer that
/// holds own operations beyond it proves that this store lost some.
///
/// The shell reads it when the store signals that its durable end or its vector has moved, and passes it on with
/// `storeAdvanced`; several signals may be answered by one status.
public struct StoreStatus: Hashable, Sendable {
    /// This node's replica.
    public var replica: ReplicaID
    /// The operations that this node holds durably, its own among them: the last counter of each origin.
    public var durable: [StreamPosition]
    /// What the log can no longer serve: for each origin the last counter that is gone; origins of which everything is
    /// there are absent or have 0.
    public var logStart: [StreamPosition]
    /// The end of the durable part of the log: nothing behind it is read.
    public var logEnd: LogPosition
    /// The sum of the digests of all accounts at exactly ``durable``, if the store is idle and knows it.
    public var digest: StateDigest?
    /// The timestamp of this node's newest durable own operation; 0 if there is none.
    public var newestOwnTimestamp: HybridTimestamp
    /// Whether the store can write; false while its disk is full or fails.
    public var isWritable: Bool
    /// The replicas that this node was before and of which the store has once held all that any member held.
    public var knownLives: [ReplicaID]

    /// Puts a status together.
    ///
    /// - Parameters:
    ///   - replica: this node's replica.
    ///   - durable: what is durable.
    ///   - logStart: what the log can no longer serve.
    ///   - logEnd: the end of the durable part of the log.
    ///   - digest: the sum of the accounts' digests at `durable`, if known.
    ///   - newestOwnTimestamp: the timestamp of the newest durable own operation.
    ///   - isWritable: whether the store can write.
    ///   - knownLives: the former lives of which nothing is unknown here.
    public init(
        replica: ReplicaID, durable: [StreamPosition], logStart: [StreamPosition], logEnd: LogPosition,
        digest: StateDigest? = nil, newestOwnTimestamp: HybridTimestamp = HybridTimestamp(rawValue: 0),
        isWritable: Bool = true, knownLives: [ReplicaID] = []
    ) {
        self.replica = replica
        self.durable = durable
        self.logStart = logStart
        self.logEnd = logEnd
        self.digest = digest
        self.newestOwnTimestamp = newestOwnTimestamp
        self.isWritable = isWritable
        self.knownLives = knownLives
    }
}
