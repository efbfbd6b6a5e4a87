// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Reads the records of a checkpoint back, believing none of them.
struct CheckpointReader {
    /// The contents of the root record.
    struct Root {
        let partition: PartitionID
        let own: ReplicaIndex
        let clock: HybridTimestamp
        let replicaCount: Int
        let accountCount: Int
        let keywordCount: Int
        let introducedKeywords: Int
        let delivered: VersionVector
    }

    private let values: [[UInt8]: [UInt8]]

    init(_ records: [CheckpointRecord]) {
        values = Dictionary(records.map { ($0.key, $0.value) }, uniquingKeysWith: { _, last in last })
    }

    func root() throws(CRDTError) -> Root {
        let value = try value(CheckpointKey.root)
        let bytes = value.span.bytes
        var offset = 0
        let format = try WireReader.byte(bytes, &offset)
        guard format == CheckpointKey.format else {
            throw CRDTError(.unsupportedVersion, "checkpoint format \(format), known is \(CheckpointKey.format)")
        }
        let partition = try WireReader.varint(bytes, &offset, atMost: UInt64(UInt32.max), "a partition")
        let own = try WireReader.varint(bytes, &offset, atMost: UInt64(UInt16.max), "a replica index")
        let clock = try WireReader.fixed64(bytes, &offset)
        let replicas = try count(bytes, &offset, atMost: ReplicaTable.capacity)
        let accounts = try count(bytes, &offset, atMost: Int(UInt32.max))
        let keywords = try count(bytes, &offset, atMost: 1 << 16)
        let introduced = try count(bytes, &offset, atMost: keywords)
        let delivered = try Self.vector(bytes, &offset, replicas: replicas)
        try Self.checkEnd(bytes, offset)
        return Root(
            partition: PartitionID(UInt32(truncatingIfNeeded: partition)),
            own: ReplicaIndex(UInt16(truncatingIfNeeded: own)), clock: HybridTimestamp(rawValue: clock),
            replicaCount: replicas, accountCount: accounts, keywordCount: keywords, introducedKeywords: introduced,
            delivered: delivered)
    }

    func replicas(_ root: Root) throws(CRDTError) -> ReplicaTable {
        var table = ReplicaTable()
        try list(root.replicaCount, CheckpointKey.replicas) { (bytes, offset) throws(CRDTError) in
            let name = try WireReader.fixed64(bytes, &offset)
            let life = try WireReader.varint(bytes, &offset, atMost: UInt64(UInt32.max), "an incarnation")
            _ = try table.intern(ReplicaID(name, incarnation: UInt32(truncatingIfNeeded: life)))
        }
        guard table.count == root.replicaCount else { throw CRDTError(.malformed, "a checkpoint repeats a replica") }
        return table
    }

    func symbols(_ root: Root, _ limits: SymbolTable.Limits) throws(CRDTError) -> SymbolTable {
        var table = SymbolTable(limits: limits)
        let longest = SymbolTable.Limits.maximumNameBytes
        try list(root.accountCount, CheckpointKey.accounts) { (bytes, offset) throws(CRDTError) in
            _ = try table.intern(account: try WireReader.text(bytes, &offset, atMost: longest, "an account's name"))
        }
        try list(root.keywordCount, CheckpointKey.keywords) { (bytes, offset) throws(CRDTError) in
            let name = try WireReader.text(bytes, &offset, atMost: longest, "a keyword")
            _ = try table.intern(keyword: name, introducing: false)
        }
        guard table.accountCount == root.accountCount && table.keywordCount == root.keywordCount else {
            throw CRDTError(.malformed, "a checkpoint repeats a name")
        }
        try table.restore(introducedKeywords: root.introducedKeywords)
        return table
    }

    func origin(_ position: Int, limits: SymbolTable.Limits) throws(CRDTError) -> Replica.OriginState {
        let value = try value(CheckpointKey.origin(position))
        let bytes = value.span.bytes
        var offset = 0
        let replicas = try count(bytes, &offset, atMost: ReplicaTable.capacity + 1)
        let accounts = try count(bytes, &offset, atMost: limits.maximumAccounts)
        let keywords = try count(bytes, &offset, atMost: limits.maximumKeywords)
        let context = try Self.vector(bytes, &offset, replicas: ReplicaTable.capacity)
        try Self.checkEnd(bytes, offset)
        var symbols = StreamSymbols()
        try list(replicas, { CheckpointKey.stream(position, .replica, $0) }) { (bytes, offset) throws(CRDTError) in
            let index = try WireReader.varint(bytes, &offset, atMost: UInt64(UInt16.max), "a replica index")
            symbols.replicas.append(ReplicaIndex(UInt16(truncatingIfNeeded: index)))
        }
        try list(accounts, { CheckpointKey.stream(position, .account, $0) }) { (bytes, offset) throws(CRDTError) in
            let index = try WireReader.varint(bytes, &offset, atMost: UInt64(UInt32.max), "an account index")
            symbols.accounts.append(AccountIndex(UInt32(truncatingIfNeeded: index)))
        }
        try list(keywords, { CheckpointKey.stream(position, .keyword, $0) }) { (bytes, offset) throws(CRDTError) in
            let index = try WireReader.varint(bytes, &offset, atMost: UInt64(UInt16.max), "a keyword index")
            symbols.keywords.append(KeywordIndex(UInt16(truncatingIfNeeded: index)))
        }
        return Replica.OriginState(context: context, symbols: symbols)
    }

    private func value(_ key: [UInt8]) throws(CRDTError) -> [UInt8] {
        guard let value = values[key] else { throw CRDTError(.malformed, "a checkpoint lacks record \(key)") }
        return value
    }

    private func count(_ bytes: RawSpan, _ offset: inout Int, atMost limit: Int) throws(CRDTError) -> Int {
        Int(try WireReader.varint(bytes, &offset, atMost: UInt64(limit), "a checkpoint's count"))
    }

    /// Reads the pieces of a list, each of which holds as many entries as it should and nothing else.
    private func list(
        _ count: Int, _ key: (Int) -> [UInt8], _ read: (RawSpan, inout Int) throws(CRDTError) -> Void
    ) throws(CRDTError) {
        let size = CheckpointKey.entriesPerPiece
        for piece in 0..<(count + size - 1) / size {
            let value = try value(key(piece))
            let bytes = value.span.bytes
            var offset = 0
            for _ in 0..<min(size, count - piece * size) { try read(bytes, &offset) }
            try Self.checkEnd(bytes, offset)
        }
    }

    private static func vector(
        _ bytes: RawSpan, _ offset: inout Int, replicas: Int
    ) throws(CRDTError) -> VersionVector {
        let count = try WireReader.varint(bytes, &offset, atMost: UInt64(replicas) + 1, "a vector's length")
        guard count <= UInt64(bytes.byteCount - offset) else { throw WireReader.truncated() }
        var vector = VersionVector()
        for position in 0..<count {
            let counter = try WireReader.varint(bytes, &offset, atMost: Dot.maximumCounter, "a counter")
            vector[ReplicaIndex(UInt16(truncatingIfNeeded: position))] = counter
        }
        return vector
    }

    private static func checkEnd(_ bytes: RawSpan, _ offset: Int) throws(CRDTError) {
        guard offset == bytes.byteCount else {
            throw CRDTError(.malformed, "\(bytes.byteCount - offset) bytes follow a record's last value")
        }
    }
}
