// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage

/// Reads the store's state out of the engine.
struct EngineReader {
    let engine: LMDBEngine
    let limits: AccountLimits

    /// What recovery begins with.
    struct Root: ~Copyable {
        /// The replica, or nil when the store is new.
        var replica: Replica?
        /// Where to start reading the log.
        var scanPosition = LogPosition.start
        /// Bodies that nobody holds.
        var idleBodies: Set<BodyDigest> = []
        /// Bodies that are held and have not arrived, with their sizes.
        var missingBodies: [(digest: BodyDigest, size: UInt64)] = []
        /// The index of the log; nil if there is none.
        var marks: LogMarks?
        /// The sum of the accounts' digests.
        var digest = StateDigest()
        /// What the accounts of a snapshot contain.
        var imported: VersionVector?
    }

    func root() throws -> Root {
        var root = Root()
        let records = try engine.read { reader in
            try checkLayout(reader)
            var records: [CheckpointRecord] = []
            try reader.scan(from: EngineKey.replica, upTo: EngineKey.end(of: EngineKey.replica)) { key, value in
                let bytes = key.copied()
                records.append(
                    CheckpointRecord(key: Array(bytes.dropFirst(EngineKey.replica.count)), value: value.copied()))
                return true
            }
            try scanDigests(EngineKey.idleBodies, reader) { digest, _ in root.idleBodies.insert(digest) }
            try scanDigests(EngineKey.missingBodies, reader) { digest, value in
                root.missingBodies.append((digest, EngineInteger.decoded(value)))
            }
            let position = try reader.value(for: EngineKey.scanPosition).map { EngineInteger.decoded($0) } ?? 0
            root.scanPosition = LogPosition(rawValue: position)
            root.marks = try reader.value(for: EngineKey.logMarks).map { try LogMarks(decoding: $0) }
            root.imported = try reader.value(for: EngineKey.importedVector).map { VersionVector(octets: $0) }
            let digest = try reader.value(for: EngineKey.digest).flatMap { StateDigest($0) }
            root.digest = try digest ?? sumOfDigests(reader)
            return records
        }
        root.replica = records.isEmpty ? nil : try Replica(checkpoint: records)
        return root
    }

    private func scanDigests(
        _ prefix: [UInt8], _ reader: any KeyValueReader, _ visit: (BodyDigest, [UInt8]) -> Void
    ) throws {
        try reader.scan(from: prefix, upTo: EngineKey.end(of: prefix)) { key, value in
            let bytes = key.copied()
            if let digest = BodyDigest(bytes.dropFirst(prefix.count)) { visit(digest, value.copied()) }
            return true
        }
    }

    /// The sum for a store that was written before there was one.
    private func sumOfDigests(_ reader: any KeyValueReader) throws -> StateDigest {
        var sum = StateDigest()
        try scanAccounts(reader) { _, digest in sum.replace(StateDigest(), by: digest) }
        return sum
    }

    /// Shows every account that has a record, with its digest.
    func scanAccounts(_ reader: any KeyValueReader, _ visit: (AccountIndex, StateDigest) -> Void) throws {
        let prefix = [EngineKey.Family.account.rawValue]
        try reader.scan(from: prefix, upTo: EngineKey.end(of: prefix)) { key, value in
            let index = EngineInteger.decoded(key.copied().dropFirst())
            let state = try AccountState(
                account: value.copied(), mailboxes: [], subscriptions: [],
                context: ApplyContext(replicas: []), limits: limits)
            visit(AccountIndex(UInt32(truncatingIfNeeded: index)), state.digest)
            return true
        }
    }

    private func checkLayout(_ reader: any KeyValueReader) throws {
        guard let value = try reader.value(for: EngineKey.layout) else { return }
        let version = value.reduce(0) { $0 << 8 | UInt32($1) }
        guard version == EngineKey.layoutVersion else {
            throw MailStoreError(
                .corrupt,
                "the engine has layout \(version), this program reads \(EngineKey.layoutVersion): use the version that wrote it"
            )
        }
    }

    /// An account without messages; one that was never written is empty.
    func account(_ index: AccountIndex, named name: String, _ context: ApplyContext) throws -> AccountBox {
        let (header, mailboxes, subscriptions, imported) = try engine.read { reader in
            (
                try reader.value(for: EngineKey.account(index)),
                try values(under: EngineKey.mailboxes(of: index), in: reader),
                try values(under: EngineKey.subscriptions(of: index), in: reader),
                try reader.value(for: EngineKey.importedAccount(index))
            )
        }
        guard let header else { return AccountBox(index: index, name: name, state: AccountState(limits: limits)) }
        let state = try AccountState(
            account: header, mailboxes: mailboxes, subscriptions: subscriptions, context: context, limits: limits)
        let box = AccountBox(index: index, name: name, state: state)
        box.imported = imported.map { VersionVector(octets: $0) }
        return box
    }

    /// The digest of an account as it was written.
    func digest(of index: AccountIndex) throws -> StateDigest {
        let header = try engine.read { try $0.value(for: EngineKey.account(index)) }
        guard let header else { return StateDigest() }
        return try AccountState(
            account: header, mailboxes: [], subscriptions: [], context: ApplyContext(replicas: []), limits: limits
        ).digest
    }

    /// The messages of a mailbox, ready to be installed.
    func messages(of account: AccountIndex, _ mailbox: MailboxID) throws -> MessageInstallation {
        try engine.read { try messages(of: account, mailbox, in: $0) }
    }

    private func messages(
        of account: AccountIndex, _ mailbox: MailboxID, in reader: any KeyValueReader
    ) throws -> MessageInstallation {
        var installation = MessageInstallation(mailbox: mailbox)
        let prefix = EngineKey.records(of: account, mailbox)
        try reader.scan(from: prefix, upTo: EngineKey.end(of: prefix)) { _, value in
            try value.withUnsafeBytes { try installation.add(Span(_unsafeBytes: $0)) }
            return true
        }
        return installation
    }

    /// An account with all its messages, out of one snapshot of the engine.
    func wholeAccount(_ index: AccountIndex, named name: String, _ context: ApplyContext) throws -> AccountBox {
        try engine.read { reader in
            guard let header = try reader.value(for: EngineKey.account(index)) else {
                return AccountBox(index: index, name: name, state: AccountState(limits: limits))
            }
            var state = try AccountState(
                account: header, mailboxes: try values(under: EngineKey.mailboxes(of: index), in: reader),
                subscriptions: try values(under: EngineKey.subscriptions(of: index), in: reader), context: context,
                limits: limits)
            for mailbox in state.recordedMailboxes where !state.isResident(mailbox) {
                try state.installMessages(try messages(of: index, mailbox, in: reader))
            }
            return AccountBox(index: index, name: name, state: state)
        }
    }

    private func values(under prefix: [UInt8], in reader: any KeyValueReader) throws -> [[UInt8]] {
        var values: [[UInt8]] = []
        try reader.scan(from: prefix, upTo: EngineKey.end(of: prefix)) { _, value in
            values.append(value.copied())
            return true
        }
        return values
    }
}
