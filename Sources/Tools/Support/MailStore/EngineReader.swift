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
        var scanPosition: LogPosition
        /// Bodies that nobody holds.
        var idleBodies: Set<BodyDigest>
    }

    func root() throws -> Root {
        let (records, position, idle) = try engine.read { reader in
            try checkLayout(reader)
            var records: [CheckpointRecord] = []
            try reader.scan(from: EngineKey.replica, upTo: EngineKey.end(of: EngineKey.replica)) { key, value in
                let bytes = key.copied()
                records.append(
                    CheckpointRecord(key: Array(bytes.dropFirst(EngineKey.replica.count)), value: value.copied()))
                return true
            }
            var idle: Set<BodyDigest> = []
            try reader.scan(from: EngineKey.idleBodies, upTo: EngineKey.end(of: EngineKey.idleBodies)) { key, _ in
                let bytes = key.copied()
                if let digest = BodyDigest(bytes.dropFirst(EngineKey.idleBodies.count)) { idle.insert(digest) }
                return true
            }
            return (records, try reader.value(for: EngineKey.scanPosition), idle)
        }
        let scanPosition = position.map { $0.reduce(0) { $0 << 8 | UInt64($1) } } ?? 0
        return Root(
            replica: records.isEmpty ? nil : try Replica(checkpoint: records),
            scanPosition: LogPosition(rawValue: scanPosition), idleBodies: idle)
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

    /// An account's state without messages; an account that was never written is empty.
    func account(_ index: AccountIndex, _ context: ApplyContext) throws -> AccountState {
        let (header, mailboxes, subscriptions) = try engine.read { reader in
            (
                try reader.value(for: EngineKey.account(index)),
                try values(under: EngineKey.mailboxes(of: index), in: reader),
                try values(under: EngineKey.subscriptions(of: index), in: reader)
            )
        }
        guard let header else { return AccountState(limits: limits) }
        return try AccountState(
            account: header, mailboxes: mailboxes, subscriptions: subscriptions, context: context, limits: limits)
    }

    /// The messages of a mailbox, ready to be installed.
    func messages(of account: AccountIndex, _ mailbox: MailboxID) throws -> MessageInstallation {
        try engine.read { reader in
            var installation = MessageInstallation(mailbox: mailbox)
            let prefix = EngineKey.records(of: account, mailbox)
            try reader.scan(from: prefix, upTo: EngineKey.end(of: prefix)) { _, value in
                try value.withUnsafeBytes { try installation.add(Span(_unsafeBytes: $0)) }
                return true
            }
            return installation
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
