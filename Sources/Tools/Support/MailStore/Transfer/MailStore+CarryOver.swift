// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage
internal import Synchronization

extension MailStore {
    /// The records after which what was carried over is written.
    private static let carriedRecords = 50_000

    /// Lets the state that a snapshot made take over what this node has shown to clients, and writes it into the new engine.
    ///
    /// - Parameters:
    ///   - next: the core of the new engine, with the log on top.
    ///   - fresh: the new engine.
    /// - Throws: what either engine reports.
    func carryOver(to next: inout StoreCore?, _ fresh: LMDBEngine) async throws {
        let names = core.withLock { $0.accountNames }
        for (position, name) in names.enumerated() {
            var loaded: [MailboxKey] = []
            defer { core.withLock { [loaded] core in core.evict(loaded) } }
            let old = try oldAccount(AccountIndex(UInt32(truncatingIfNeeded: position)), &loaded)
            if old.state.recordedMailboxes.isEmpty { continue }
            try next?.carryOver(old, named: name, EngineReader(engine: fresh, limits: accountLimits))
            if next?.dirtyRecords ?? 0 >= Self.carriedRecords { try await write(&next, to: fresh) }
        }
        try await write(&next, to: fresh)
    }

    /// An account of the state that is replaced, with all its messages.
    ///
    /// - Parameters:
    ///   - index: the account.
    ///   - loaded: takes the mailboxes that were brought into memory for that.
    /// - Returns: the account.
    /// - Throws: what the engine reports.
    private func oldAccount(_ index: AccountIndex, _ loaded: inout [MailboxKey]) throws -> AccountBox {
        let reader = EngineReader(engine: engine, limits: accountLimits)
        while true {
            let (present, need) = core.withLock { core -> (AccountBox?, (MailboxID, UInt64, UInt64)?) in
                guard let box = core.accounts[index] else { return (nil, nil) }
                for mailbox in box.state.recordedMailboxes where !box.state.isResident(mailbox) {
                    let key = MailboxKey(account: index, mailbox: mailbox)
                    return (box, (mailbox, core.installations[key, default: 0], core.generation))
                }
                return (box, nil)
            }
            guard let present else {
                let (context, name) = core.withLock {
                    ($0.context(past: VersionVector()), $0.replica.symbols.name(of: index) ?? "")
                }
                return try reader.wholeAccount(index, named: name, context)
            }
            guard let (mailbox, installation, generation) = need else { return present }
            try load(mailbox, of: index, installation, generation)
            loaded.append(MailboxKey(account: index, mailbox: mailbox))
        }
    }

    /// Brings the new engine up to its core.
    private func write(_ next: inout StoreCore?, to fresh: LMDBEngine) async throws {
        guard let plan = next?.planCheckpoint(arrivalBytes: options.arrivalBytes) else { return }
        let unheld = Mutex<[BodyDigest]>([])
        try await fresh.write { writer in
            unheld.withLock { $0 = [] }
            try plan.writeRecords(to: writer)
            let idle = try plan.writeBodies(to: writer, from: plan.log)
            unheld.withLock { $0 = idle }
        }
        // Nobody waits in a core that is not in use yet.
        _ = next?.complete(plan, unheld: unheld.withLock { $0 })
        next?.evict(downTo: options.residentMessages)
    }

    // MARK: Bodies

    /// The bodies that are looked at in one go.
    private static let bodiesPerRun = 1_000

    /// Copies the bodies that a new engine's messages hold from the old one, as far as they are there.
    ///
    /// - Parameters:
    ///   - old: the engine in use.
    ///   - fresh: the new one.
    ///   - notesMissing: whether those that are not there are noted as missing.
    /// - Throws: what either engine reports.
    func copyBodies(from old: LMDBEngine, to fresh: LMDBEngine, notingMissing notesMissing: Bool) async throws {
        var start: [UInt8] = [EngineKey.Family.bodyCount.rawValue]
        let end = EngineKey.end(of: start)
        while true {
            var held: [(digest: BodyDigest, size: UInt64)] = []
            var last: [UInt8]?
            try fresh.read { reader in
                try reader.scan(from: start, upTo: end) { key, value in
                    let bytes = key.copied()
                    last = bytes
                    if let digest = BodyDigest(bytes.dropFirst()), let count = BodyCount(value.copied()) {
                        held.append((digest, count.size))
                    }
                    return held.count < Self.bodiesPerRun
                }
            }
            guard let last else { return }
            try await copyBodies(held, from: old, to: fresh, notingMissing: notesMissing)
            start = last + [0]
        }
    }

    /// The octets of bodies that are written in one batch.
    private static let bodyBatchBytes = 4 << 20

    /// Copies bodies that the new engine does not have.
    ///
    /// - Parameters:
    ///   - held: the bodies.
    ///   - old: the engine in use.
    ///   - fresh: the new one.
    ///   - notingMissing: whether those that are not there are noted as missing.
    /// - Returns: the bodies that neither engine has.
    /// - Throws: what either engine reports.
    @discardableResult
    func copyBodies(
        _ held: [(digest: BodyDigest, size: UInt64)], from old: LMDBEngine, to fresh: LMDBEngine, notingMissing: Bool
    ) async throws -> [(digest: BodyDigest, size: UInt64)] {
        var missing: [(digest: BodyDigest, size: UInt64)] = []
        var puts: [(key: [UInt8], value: [UInt8])] = []
        var bytes = 0
        for (digest, size) in held {
            let isThere = try fresh.read {
                try $0.withValue(for: EngineKey.bodyPiece(digest, 0)) { _ in true } ?? false
            }
            if isThere { continue }
            let count = puts.count
            try old.read { reader in
                let prefix = EngineKey.bodyPieces(digest)
                try reader.scan(from: prefix, upTo: EngineKey.end(of: prefix)) { key, value in
                    puts.append((key.copied(), value.copied()))
                    bytes += value.byteCount
                    return true
                }
            }
            if puts.count == count {
                missing.append((digest, size))
                if notingMissing { puts.append((EngineKey.missingBody(digest), EngineInteger.encoded(size))) }
            }
            if bytes >= Self.bodyBatchBytes {
                try await fresh.write { [puts] writer in for put in puts { try writer.put(put.value, for: put.key) } }
                (puts, bytes) = ([], 0)
            }
        }
        try await fresh.write { [puts] writer in for put in puts { try writer.put(put.value, for: put.key) } }
        return missing
    }
}

extension StoreCore {
    /// Takes over what was shown of an account.
    ///
    /// - Parameters:
    ///   - old: the account in the state that is replaced, with all its messages.
    ///   - name: its name.
    ///   - reader: reads the new engine.
    /// - Throws: what the engine reports.
    mutating func carryOver(_ old: AccountBox, named name: String, _ reader: EngineReader) throws {
        let index = try replica.account(named: name)
        let box: AccountBox
        if let present = accounts[index] {
            box = present
        } else {
            box = try reader.account(index, named: name, context(past: VersionVector()))
            install(box)
        }
        var changes: StateChanges = []
        let known = Set(box.state.recordedMailboxes)
        for mailbox in old.state.recordedMailboxes where known.contains(mailbox) {
            if !box.state.isResident(mailbox) { try box.state.installMessages(reader.messages(of: index, mailbox)) }
            box.state.carryOver(mailbox, from: old.state, modSeqs: group.modSeqs, changes: &changes)
        }
        _ = absorb(changes, of: box, origin: 0)
    }
}
