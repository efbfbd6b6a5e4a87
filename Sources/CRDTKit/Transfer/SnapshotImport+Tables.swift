// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The names and streams of a snapshot.
extension SnapshotImport {
    mutating func readStart(_ bytes: RawSpan, _ replica: borrowing Replica) throws(CRDTError) -> SnapshotImportStep {
        var offset = 0
        let code = try WireReader.byte(bytes, &offset)
        guard code == SnapshotItem.code(of: scope) else {
            throw SnapshotItem.malformed("the scope is \(code), expected was \(SnapshotItem.code(of: scope))")
        }
        let partition = try WireReader.varint(bytes, &offset, atMost: UInt64(UInt32.max), "a partition")
        guard partition == UInt64(replica.partition.rawValue) else {
            throw SnapshotItem.malformed("a snapshot of partition \(partition) reached \(replica.partition)")
        }
        let exporter = try SnapshotImport.replica(bytes, &offset)
        let clock = HybridTimestamp(rawValue: try WireReader.fixed64(bytes, &offset))
        try SnapshotImport.checkEnd(bytes, offset)
        guard replica.clock.accepts(clock, nowMilliseconds: nowMilliseconds) else {
            throw CRDTError(
                .clockTooFarAhead,
                "\(exporter) is at \(clock.milliseconds) ms, here it is \(nowMilliseconds): check the clocks")
        }
        exporterClock = clock
        return .began(scope, exporter: exporter)
    }

    mutating func readReplicas(_ bytes: RawSpan, _ replica: inout Replica) throws(CRDTError) {
        try checkNamesAreDue()
        var offset = 0
        let first = try WireReader.varint(bytes, &offset)
        guard first == UInt64(exporterReplicas.count) + 1 else {
            throw SnapshotItem.malformed("replica \(first) comes after \(exporterReplicas.count)")
        }
        while offset < bytes.byteCount {
            let id = try SnapshotImport.replica(bytes, &offset)
            let before = exporterReplicas.count
            _ = try exporterReplicas.intern(id)
            guard exporterReplicas.count == before + 1 else {
                throw SnapshotItem.malformed("replica \(id) is repeated")
            }
            translation.replicas.append(try replica.replica(id))
        }
    }

    mutating func readKeywords(_ bytes: RawSpan, _ replica: inout Replica) throws(CRDTError) {
        try checkNamesAreDue()
        var offset = 0
        let first = try WireReader.varint(bytes, &offset)
        guard first == UInt64(translation.keywords.count) else {
            throw SnapshotItem.malformed("keyword \(first) comes after \(translation.keywords.count)")
        }
        while offset < bytes.byteCount {
            let name = try SnapshotImport.name(bytes, &offset)
            let index = try replica.symbols.adopt(keyword: name, introduced: false)
            translation.keywords.append(index)
            exporterKeywordHashes.append(replica.symbols.keywordHashes[Int(index.rawValue)])
        }
    }

    mutating func readTable(_ kind: SnapshotItem, _ bytes: RawSpan, _ replica: inout Replica) throws(CRDTError) {
        switch kind {
        case .accounts: try readAccounts(bytes, &replica)
        case .vector:
            guard !hasVector else { throw SnapshotItem.malformed("the vector is repeated") }
            var offset = 0
            delivered = try vector(bytes, &offset)
            hasVector = true
        case .origin: try readOrigin(bytes)
        case .symbols: try readSymbols(bytes, replica.limits.symbols)
        default: break
        }
    }

    /// Lets the replica go on from the exporter's vector, once.
    mutating func completeTables(_ replica: inout Replica) throws(CRDTError) {
        guard account == nil else { throw SnapshotItem.malformed("an account begins before the last one ended") }
        if hasTables { return }
        hasTables = true
        guard scope == .everything, let exporterClock else { return }
        guard hasVector else { throw SnapshotItem.malformed("there is no vector") }
        try replica.adopt(delivered: try translation.vector(delivered), streams: streams, clock: exporterClock)
        (streams, translation.accounts) = ([], [])
    }

    /// A vector to the end of the fields, in the exporter's indexes.
    func vector(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> VersionVector {
        var result = VersionVector()
        var position = 0
        while offset < bytes.byteCount {
            let counter = try WireReader.varint(bytes, &offset, atMost: Dot.maximumCounter, "a counter")
            guard position <= exporterReplicas.count && (position > 0 || counter == 0) else {
                throw SnapshotItem.malformed("a vector names replica \(position)")
            }
            result[ReplicaIndex(UInt16(truncatingIfNeeded: position))] = counter
            position += 1
        }
        return result
    }

    static func replica(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> ReplicaID {
        let name = try WireReader.fixed64(bytes, &offset)
        let life = try WireReader.varint(bytes, &offset, atMost: UInt64(UInt32.max), "an incarnation")
        return ReplicaID(name, incarnation: UInt32(truncatingIfNeeded: life))
    }

    static func name(_ bytes: RawSpan, _ offset: inout Int) throws(CRDTError) -> String {
        try WireReader.text(bytes, &offset, atMost: SymbolTable.Limits.maximumNameBytes, "a symbol's name")
    }

    private func checkNamesAreDue() throws(CRDTError) {
        // Records are read by the names that were there when their account began.
        if account != nil { throw SnapshotItem.malformed("names come in the middle of an account") }
    }

    private mutating func readAccounts(_ bytes: RawSpan, _ replica: inout Replica) throws(CRDTError) {
        var offset = 0
        let first = try WireReader.varint(bytes, &offset)
        guard first == UInt64(translation.accounts.count) else {
            throw SnapshotItem.malformed("account \(first) comes after \(translation.accounts.count)")
        }
        while offset < bytes.byteCount {
            translation.accounts.append(try replica.account(named: try SnapshotImport.name(bytes, &offset)))
        }
    }

    private mutating func readOrigin(_ bytes: RawSpan) throws(CRDTError) {
        var offset = 0
        let position = try WireReader.varint(bytes, &offset, atMost: UInt64(exporterReplicas.count), "an origin")
        guard position == UInt64(streams.count) + 1 else {
            throw SnapshotItem.malformed("origin \(position) comes after \(streams.count)")
        }
        let context = try translation.vector(try vector(bytes, &offset))
        let origin = translation.replicas[Int(position)]
        streams.append(
            Replica.ImportedStream(
                origin: origin, state: Replica.OriginState(context: context, symbols: StreamSymbols(origin: origin))))
    }

    private mutating func readSymbols(_ bytes: RawSpan, _ limits: SymbolTable.Limits) throws(CRDTError) {
        var offset = 0
        let position = try WireReader.varint(bytes, &offset)
        guard position == UInt64(streams.count), position > 0 else {
            throw SnapshotItem.malformed("numbers of stream \(position) come after those of \(streams.count)")
        }
        let stream = streams.count - 1
        let code = try WireReader.byte(bytes, &offset)
        guard let kind = DefinitionKind(rawValue: code) else {
            throw SnapshotItem.malformed("definition kind \(code) is not known")
        }
        var number = try WireReader.varint(bytes, &offset)
        while offset < bytes.byteCount {
            let index = try WireReader.varint(bytes, &offset)
            switch kind {
            case .replica:
                guard index < UInt64(translation.replicas.count) else { throw unnamed(index) }
                try StreamSymbols.define(
                    number, translation.replicas[Int(index)], in: &streams[stream].state.symbols.replicas,
                    atMost: ReplicaTable.capacity + 1)
            case .account:
                guard index < UInt64(translation.accounts.count) else { throw unnamed(index) }
                try StreamSymbols.define(
                    number, translation.accounts[Int(index)], in: &streams[stream].state.symbols.accounts,
                    atMost: limits.maximumAccounts)
            case .keyword:
                guard index < UInt64(translation.keywords.count) else { throw unnamed(index) }
                try StreamSymbols.define(
                    number, translation.keywords[Int(index)], in: &streams[stream].state.symbols.keywords,
                    atMost: limits.maximumKeywords)
            }
            number += 1
        }
    }

    private func unnamed(_ index: UInt64) -> CRDTError { SnapshotItem.malformed("index \(index) has no name") }
}
