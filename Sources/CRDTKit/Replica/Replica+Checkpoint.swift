// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension Replica {
    /// Gives out the records that, with the log's suffix, bring the replica back.
    ///
    /// Frames that wait are not among them: they were never delivered nor acknowledged, and their senders repeat them.
    /// Memberships are the shell's. The records given out count as saved; if the
    /// engine cannot keep them, rebuild the replica from what it did keep.
    ///
    /// - Parameter scope: what has changed since the last checkpoint, or everything.
    /// - Returns: the records, the root record first.
    /// - Complexity: O(replicas + changes), O(replicas^2 + symbols) for everything.
    public mutating func checkpoint(_ scope: CheckpointScope = .changes) -> [CheckpointRecord] {
        if case .everything = scope { saved = CheckpointProgress() }
        var records = [CheckpointRecord(key: CheckpointKey.root, value: rootRecord())]
        Self.pieces(from: saved.replicas, to: replicas.count, CheckpointKey.replicas, &records) { position, bytes in
            let id = replicas.ids[position + 1]
            WireWriter.put(fixed64: id.rawValue, into: &bytes)
            WireWriter.put(UInt64(id.incarnation), into: &bytes)
        }
        Self.pieces(from: saved.accounts, to: symbols.accountCount, CheckpointKey.accounts, &records) {
            WireWriter.put(symbols.name(of: AccountIndex(UInt32(truncatingIfNeeded: $0))) ?? "", into: &$1)
        }
        Self.pieces(from: saved.keywords, to: symbols.keywordCount, CheckpointKey.keywords, &records) {
            WireWriter.put(symbols.name(of: KeywordIndex(UInt16(truncatingIfNeeded: $0))) ?? "", into: &$1)
        }
        for position in origins.indices.dropFirst() { saveOrigin(position, &records) }
        noteSaved()
        return records
    }

    /// Brings a replica back from the records of its checkpoints.
    ///
    /// - Parameters:
    ///   - records: the latest value of every key that a checkpoint gave out, in any order.
    ///   - limits: the bounds.
    /// - Throws: `malformed` or `unsupportedVersion` if the records are not a whole checkpoint, `limitExceeded` if they
    ///   exceed the bounds.
    /// - Complexity: O(replicas^2 + symbols).
    public init(
        checkpoint records: [CheckpointRecord], limits: ReplicaLimits = ReplicaLimits()
    ) throws(CRDTError) {
        self = try Self.restore(CheckpointReader(records), limits)
    }

    private static func restore(
        _ reader: CheckpointReader, _ limits: ReplicaLimits
    ) throws(CRDTError) -> Replica {
        let root = try reader.root()
        let replicas = try reader.replicas(root)
        guard replicas.id(at: root.own) != nil else {
            throw CRDTError(.malformed, "a checkpoint lacks its own replica")
        }
        var replica = Replica(partition: root.partition, own: root.own, replicas: replicas, limits: limits)
        replica.symbols = try reader.symbols(root, limits.symbols)
        replica.delivered = root.delivered
        replica.clock.recover(root.clock)
        for position in replica.origins.indices.dropFirst() {
            replica.origins[position] = try reader.origin(position, limits: limits.symbols)
        }
        replica.resetChanged()
        replica.noteSaved()
        try replica.checkInvariants()
        let base = StreamSymbols(origin: root.own).mark
        replica.numbers.learn(replica.origins[Int(root.own.rawValue)].symbols, after: base)
        return replica
    }

    private func rootRecord() -> [UInt8] {
        var bytes: [UInt8] = [CheckpointKey.format]
        WireWriter.put(UInt64(partition.rawValue), into: &bytes)
        WireWriter.put(UInt64(own.rawValue), into: &bytes)
        WireWriter.put(fixed64: clock.latest.rawValue, into: &bytes)
        WireWriter.put(count: replicas.count, into: &bytes)
        WireWriter.put(count: symbols.accountCount, into: &bytes)
        WireWriter.put(count: symbols.keywordCount, into: &bytes)
        WireWriter.put(count: symbols.introducedKeywords, into: &bytes)
        Self.put(delivered, &bytes)
        return bytes
    }

    private func saveOrigin(_ position: Int, _ records: inout [CheckpointRecord]) {
        let state = origins[position]
        let counter = delivered[ReplicaIndex(UInt16(truncatingIfNeeded: position))]
        let before = position < saved.origins.count ? saved.origins[position] : CheckpointProgress.Origin()
        let mark = state.symbols.mark
        if before.isSaved && before.counter == counter && before.symbols == mark { return }
        var bytes: [UInt8] = []
        WireWriter.put(count: mark.replicas, into: &bytes)
        WireWriter.put(count: mark.accounts, into: &bytes)
        WireWriter.put(count: mark.keywords, into: &bytes)
        Self.put(state.context, &bytes)
        records.append(CheckpointRecord(key: CheckpointKey.origin(position), value: bytes))
        Self.pieces(
            from: before.symbols.replicas, to: mark.replicas, { CheckpointKey.stream(position, .replica, $0) }, &records
        ) { WireWriter.put(UInt64(state.symbols.replicas[$0].rawValue), into: &$1) }
        Self.pieces(
            from: before.symbols.accounts, to: mark.accounts, { CheckpointKey.stream(position, .account, $0) }, &records
        ) { WireWriter.put(UInt64(state.symbols.accounts[$0].rawValue), into: &$1) }
        Self.pieces(
            from: before.symbols.keywords, to: mark.keywords, { CheckpointKey.stream(position, .keyword, $0) }, &records
        ) { WireWriter.put(UInt64(state.symbols.keywords[$0].rawValue), into: &$1) }
    }

    private mutating func noteSaved() {
        saved.replicas = replicas.count
        saved.accounts = symbols.accountCount
        saved.keywords = symbols.keywordCount
        saved.origins = origins.indices.map { position in
            CheckpointProgress.Origin(
                counter: delivered[ReplicaIndex(UInt16(truncatingIfNeeded: position))],
                symbols: origins[position].symbols.mark, isSaved: true)
        }
    }

    /// Writes the pieces of a list that entries `from..<to` touch.
    private static func pieces(
        from: Int, to: Int, _ key: (Int) -> [UInt8], _ records: inout [CheckpointRecord],
        _ put: (Int, inout [UInt8]) -> Void
    ) {
        guard from < to else { return }
        let size = CheckpointKey.entriesPerPiece
        for piece in from / size...(to - 1) / size {
            var bytes: [UInt8] = []
            for position in piece * size..<min(to, (piece + 1) * size) { put(position, &bytes) }
            records.append(CheckpointRecord(key: key(piece), value: bytes))
        }
    }

    private static func put(_ vector: VersionVector, _ bytes: inout [UInt8]) {
        WireWriter.put(count: vector.counters.count, into: &bytes)
        for counter in vector.counters { WireWriter.put(counter, into: &bytes) }
    }
}
