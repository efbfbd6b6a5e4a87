// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension Replica {
    /// Makes a replica without history under the same name, in which replicas, accounts and keywords keep their local indexes: what a snapshot is
    /// imported into at a node that is too far behind.
    ///
    /// The node's own frames, and those of others that the snapshot lacks, are put back from its log with ``recover(_:)-([UInt8])`` when the snapshot is
    /// complete. Members are to be admitted anew.
    ///
    /// - Parameter other: the replica that is replaced.
    public init(forgettingHistoryOf other: borrowing Replica) {
        self.init(partition: other.partition, own: other.own, replicas: other.replicas, limits: other.limits)
        symbols = other.symbols
        clock = other.clock
    }

    /// What a snapshot knows of one stream, in this node's indexes.
    struct ImportedStream: Sendable {
        let origin: ReplicaIndex
        var state: OriginState
    }

    /// Goes on from where the exporter of a snapshot was.
    mutating func adopt(
        delivered vector: VersionVector, streams: [ImportedStream], clock time: HybridTimestamp
    ) throws(CRDTError) {
        guard delivered == VersionVector() && deliveries == 0 && buffer.frameCount == 0 else {
            throw CRDTError(.notPermitted, "a snapshot of everything is imported into a replica without history")
        }
        delivered = vector
        for stream in streams { origins[Int(stream.origin.rawValue)] = stream.state }
        clock.recover(time)
        numbers = StreamNumbers()
        numbers.learn(origins[Int(own.rawValue)].symbols, after: StreamSymbols(origin: own).mark)
        resetChanged()
        try checkInvariants()
    }
}
