// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What the exporter's replica knows, on its way into the stream: encoded piece by piece, so that neither a lock nor memory is held for all of it.
struct SnapshotTables: Sendable {
    private enum Phase {
        case replicas
        case accounts
        case keywords
        case vector
        case origin(Int)
        case symbols(Int, DefinitionKind, Int)
        case done
    }

    private let scope: SnapshotScope
    private var replicas: ReplicaTable
    private var symbols: SymbolTable
    private let delivered: VersionVector
    private var origins: [Replica.OriginState]
    private var phase = Phase.replicas
    private(set) var replicasWritten = 0
    private(set) var accountsWritten = 0
    private(set) var keywordsWritten = 0

    /// The most entries of one item.
    private static let entriesPerItem = 1_024

    init(_ scope: SnapshotScope, of replica: borrowing Replica) {
        self.scope = scope
        replicas = replica.replicas
        symbols = replica.symbols
        delivered = replica.delivered
        origins = scope == .everything ? replica.origins : []
    }

    /// Writes some items; call again until it returns false.
    mutating func write(into stream: inout [UInt8]) -> Bool {
        switch phase {
        case .replicas:
            if writeReplicas(into: &stream) { return true }
            phase = scope == .everything ? .accounts : .keywords
        case .accounts:
            if writeAccounts(into: &stream) { return true }
            phase = .keywords
        case .keywords:
            if writeKeywords(into: &stream) { return true }
            phase = scope == .everything ? .vector : .done
        case .vector:
            var fields: [UInt8] = []
            SnapshotItem.put(delivered, into: &fields)
            SnapshotItem.put(.vector, fields, into: &stream)
            phase = .origin(1)
        case .origin(let position):
            writeOrigin(position, into: &stream)
        case .symbols(let position, let kind, let number):
            writeSymbols(position, kind, number, into: &stream)
        case .done:
            // Shared storage is let go of, or the replica's next change would copy it.
            (replicas, symbols, origins) = (ReplicaTable(), SymbolTable(), [])
            return false
        }
        return true
    }

    /// Writes the names that the replica learned since the tables were made; cheap when there are none.
    mutating func writeNews(of replica: borrowing Replica, into stream: inout [UInt8]) {
        (replicas, symbols) = (replica.replicas, replica.symbols)
        while writeReplicas(into: &stream) {}
        while writeKeywords(into: &stream) {}
        (replicas, symbols) = (ReplicaTable(), SymbolTable())
    }

    private mutating func writeReplicas(into stream: inout [UInt8]) -> Bool {
        let end = min(replicas.count, replicasWritten + SnapshotTables.entriesPerItem)
        if replicasWritten >= end { return false }
        var fields: [UInt8] = []
        WireWriter.put(count: replicasWritten + 1, into: &fields)
        for position in replicasWritten + 1...end { SnapshotItem.put(replicas.ids[position], into: &fields) }
        SnapshotItem.put(.replicas, fields, into: &stream)
        replicasWritten = end
        return true
    }

    private mutating func writeAccounts(into stream: inout [UInt8]) -> Bool {
        let end = min(symbols.accountCount, accountsWritten + SnapshotTables.entriesPerItem)
        if accountsWritten >= end { return false }
        var fields: [UInt8] = []
        WireWriter.put(count: accountsWritten, into: &fields)
        for position in accountsWritten..<end {
            WireWriter.put(symbols.name(of: AccountIndex(UInt32(truncatingIfNeeded: position))) ?? "", into: &fields)
        }
        SnapshotItem.put(.accounts, fields, into: &stream)
        accountsWritten = end
        return true
    }

    private mutating func writeKeywords(into stream: inout [UInt8]) -> Bool {
        let end = min(symbols.keywordCount, keywordsWritten + SnapshotTables.entriesPerItem)
        if keywordsWritten >= end { return false }
        var fields: [UInt8] = []
        WireWriter.put(count: keywordsWritten, into: &fields)
        for position in keywordsWritten..<end {
            WireWriter.put(symbols.name(of: KeywordIndex(UInt16(truncatingIfNeeded: position))) ?? "", into: &fields)
        }
        SnapshotItem.put(.keywords, fields, into: &stream)
        keywordsWritten = end
        return true
    }

    private mutating func writeOrigin(_ position: Int, into stream: inout [UInt8]) {
        guard position < origins.count else {
            phase = .done
            return
        }
        var fields: [UInt8] = []
        WireWriter.put(count: position, into: &fields)
        SnapshotItem.put(origins[position].context, into: &fields)
        SnapshotItem.put(.origin, fields, into: &stream)
        phase = .symbols(position, .replica, 2)
    }

    private mutating func writeSymbols(
        _ position: Int, _ kind: DefinitionKind, _ number: Int, into stream: inout [UInt8]
    ) {
        let symbols = origins[position].symbols
        let count: Int
        switch kind {
        case .replica: count = symbols.replicas.count
        case .account: count = symbols.accounts.count
        case .keyword: count = symbols.keywords.count
        }
        let end = min(count, number + SnapshotTables.entriesPerItem)
        guard number < end else {
            switch kind {
            case .replica: phase = .symbols(position, .account, 0)
            case .account: phase = .symbols(position, .keyword, 0)
            case .keyword: phase = .origin(position + 1)
            }
            return
        }
        var fields: [UInt8] = []
        WireWriter.put(count: position, into: &fields)
        fields.append(kind.rawValue)
        WireWriter.put(count: number, into: &fields)
        for entry in number..<end {
            switch kind {
            case .replica: WireWriter.put(UInt64(symbols.replicas[entry].rawValue), into: &fields)
            case .account: WireWriter.put(UInt64(symbols.accounts[entry].rawValue), into: &fields)
            case .keyword: WireWriter.put(UInt64(symbols.keywords[entry].rawValue), into: &fields)
            }
        }
        SnapshotItem.put(.symbols, fields, into: &stream)
        phase = .symbols(position, kind, end)
    }
}
