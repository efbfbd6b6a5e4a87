// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The accounts of a snapshot: each record is decoded in the exporter's indexes, translated, and encoded again; what an account's records make together is checked
/// with the code that will read them from the engine.
extension SnapshotImport {
    mutating func readAccount(_ bytes: RawSpan, _ replica: inout Replica) throws(CRDTError) -> SnapshotImportStep {
        var offset = 0
        let name = try SnapshotImport.name(bytes, &offset)
        if case .account(let wanted) = scope, !name.utf8.elementsEqual(wanted.utf8) || accountCount > 0 {
            throw SnapshotItem.malformed("an account came that was not asked for")
        }
        let high = try WireReader.fixed64(bytes, &offset)
        let low = try WireReader.fixed64(bytes, &offset)
        let vector = try vector(bytes, &offset)
        guard vector.covers(delivered) else {
            throw SnapshotItem.malformed("an account is older than the snapshot that it is part of")
        }
        let index = try replica.account(named: name)
        let digest = StateDigest(low: low, high: high)
        account = Account(index: index, digest: digest, vector: vector)
        return .account(index, name: name, vector: try translation.vector(vector), digest: digest)
    }

    mutating func readRecord(
        _ bytes: RawSpan, _ replica: borrowing Replica, _ steps: inout [SnapshotImportStep]
    ) throws(CRDTError) {
        guard var current = account else { throw SnapshotItem.malformed("a record belongs to no account") }
        account = nil
        current.records += 1
        let record = bytes.withUnsafeBytes { Array($0) }
        guard let kind = record.first.flatMap(RecordKind.init(rawValue:)) else {
            throw SnapshotItem.malformed("a record of unknown kind")
        }
        guard (current.header == nil) == (kind == .account) else {
            throw SnapshotItem.malformed("an account's own record comes first, and once")
        }
        switch kind {
        case .account:
            let result = try AccountState.translate(record: record, translation)
            current.header = result
            steps.append(.accountRecord(result))
        case .subscription:
            let (name, dots) = try RecordReader.subscription(record.span)
            guard dots.allSatisfy({ current.vector.contains($0) }) else { throw SnapshotImport.ahead() }
            var translated: [Dot] = []
            for dot in dots { translated.append(try translation.dot(dot)) }
            let result = RecordWriter.subscription(name, translated)
            current.subscriptions.append(result)
            steps.append(.subscription(name: name, result))
        case .mailbox:
            try completeMailbox(&current, replica)
            let mailbox = try Mailbox(record.span, context: exporterContext)
            guard mailbox.lies(within: current.vector) else { throw SnapshotImport.ahead() }
            var translated = try mailbox.translated(translation)
            translated.highestModSeq = modSeq
            let result = translated.encoded()
            current.mailbox = translated
            current.mailboxes.append(result)
            steps.append(.mailbox(translated.id, result))
        case .message:
            try readMessage(record, &current, &steps)
        }
        account = current
    }

    private func readMessage(
        _ bytes: [UInt8], _ current: inout Account, _ steps: inout [SnapshotImportStep]
    ) throws(CRDTError) {
        guard let mailbox = current.mailbox else { throw SnapshotItem.malformed("a message belongs to no mailbox") }
        guard UInt64(current.messages.count) < mailbox.counts.total else {
            throw SnapshotItem.malformed("mailbox \(mailbox.id) has more messages than it counts")
        }
        var message = try RestoredMessage(bytes.span)
        guard current.vector.contains(message.record.id) && message.dots.lie(within: current.vector) else {
            throw SnapshotImport.ahead()
        }
        message.record.id = try translation.dot(message.record.id)
        // What the exporter told its clients means nothing here. What waits keeps the order in which it came.
        if message.record.place == .visible { message.record.modSeq = modSeq }
        message.setDots(try message.dots.translated(translation))
        current.messages.append(message)
        steps.append(
            .message(
                mailbox.id, message.record.id, body: message.facts.body, size: message.facts.size, message.encoded()))
    }

    mutating func readClosed(_ bytes: RawSpan, _ replica: borrowing Replica) throws(CRDTError) -> SnapshotImportStep {
        var offset = 0
        let count = try WireReader.varint(bytes, &offset)
        try SnapshotImport.checkEnd(bytes, offset)
        guard var current = account else { throw SnapshotItem.malformed("no account is to be closed") }
        account = nil
        guard count == current.records else {
            throw SnapshotItem.malformed("\(current.records) records of an account came, \(count) were sent")
        }
        try completeMailbox(&current, replica)
        guard let header = current.header else { throw SnapshotItem.malformed("an account has no record") }
        let context = SnapshotImport.context(of: replica)
        let state = try AccountState(
            account: header, mailboxes: current.mailboxes, subscriptions: current.subscriptions, context: context)
        var sum = current.sum
        sum.add(state.subscriptions.wholeElement(context))
        sum.add(state.memberTable.wholeElement())
        guard sum == current.digest && state.digest == current.digest else {
            throw SnapshotItem.malformed("the digest of an account is \(sum), it should be \(current.digest)")
        }
        accountCount += 1
        vector.formUnion(try translation.vector(current.vector))
        return .closed(current.index)
    }

    /// Puts the messages of the mailbox that was read last together, as the engine's reader will.
    private func completeMailbox(_ current: inout Account, _ replica: borrowing Replica) throws(CRDTError) {
        guard var mailbox = current.mailbox else { return }
        mailbox.messages = try mailbox.assembled(&current.messages)
        mailbox.isResident = true
        if let violation = mailbox.violation() { throw SnapshotItem.malformed("mailbox \(mailbox.id): \(violation)") }
        current.sum.add(mailbox.wholeElement(SnapshotImport.context(of: replica)))
        (current.mailbox, current.messages) = (nil, [])
    }

    /// The names behind the exporter's indexes.
    private var exporterContext: ApplyContext {
        ApplyContext(
            past: VersionVector(), replicas: exporterReplicas.ids, replicaHashes: exporterReplicas.hashes,
            keywordHashes: exporterKeywordHashes)
    }

    static func context(of replica: borrowing Replica) -> ApplyContext {
        ApplyContext(
            past: VersionVector(), replicas: replica.replicas.ids, replicaHashes: replica.replicas.hashes,
            keywordHashes: replica.symbols.keywordHashes)
    }

    private static func ahead() -> CRDTError {
        SnapshotItem.malformed("an account holds an operation that its vector does not")
    }
}
