// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage
internal import Synchronization

/// Makes the parts of a snapshot for a peer, one account after the other, while the store is in use.
///
/// An account is copied under the lock in the state of that moment and encoded outside of it; no part is given out before what it holds is durable.
actor SnapshotExporter {
    private let store: MailStore
    private let gate = ExclusiveGate()
    private var export: SnapshotExport
    /// The core's era in which the accounts have their indexes.
    private let era: UInt64
    /// The accounts that are still to come, the next one last.
    private var accounts: [AccountIndex]
    private var account: AccountExport?
    /// Mailboxes that were brought into memory for the account.
    private var loaded: [MailboxKey] = []
    /// What the parts so far depend on.
    private var receipt: MailStore.Receipt?
    /// The part after the last one that was given out, so that the last one is known.
    private var next: [UInt8]?
    private var isFinished = false
    /// The parts that were given out last: a receiver whose link broke asks for them again.
    private var recent: [SnapshotPart] = []
    private var nextIndex: UInt64 = 0

    /// The most parts that are remembered.
    private static let rememberedParts = 8

    init(
        store: MailStore, export: SnapshotExport, accounts: [AccountIndex], era: UInt64, receipt: MailStore.Receipt
    ) {
        self.store = store
        self.export = export
        self.era = era
        self.accounts = accounts.reversed()
        self.receipt = receipt
    }

    /// The part of a number: the next one, or one of the last.
    func part(_ index: UInt64) async throws -> SnapshotPart {
        try await gate.exclusively {
            try store.core.withLock { core throws in try checkEra(core) }
            if let part = recent.first(where: { $0.index == index }) { return part }
            guard index == nextIndex, nextIndex == 0 || next != nil else {
                throw MailStoreError(.unavailable, "part \(index) of the snapshot is not the next one: begin anew")
            }
            if nextIndex == 0 { next = try await produce() }
            let bytes = next ?? []
            next = try await produce()
            if let receipt { try await store.wait(for: receipt) }
            let part = SnapshotPart(index: index, isLast: next == nil, bytes: bytes)
            nextIndex += 1
            recent.append(part)
            if recent.count > Self.rememberedParts { recent.removeFirst() }
            return part
        }
    }

    /// Lets go of what was brought into memory.
    func end() { release() }

    /// Encodes until a part is full; nil when there is no more.
    private func produce() async throws -> [UInt8]? {
        while true {
            if let bytes = export.nextPart() { return bytes }
            if isFinished { return nil }
            switch account?.step(into: &export) {
            case .some(.more): continue
            case .some(.finished):
                account = nil
                release()
                await Task.yield()
            case .some(.needsMessages(let mailbox)):
                throw MailStoreError(.corrupt, "the messages of mailbox \(mailbox) are not in memory")
            case .none:
                if let index = accounts.popLast() {
                    try await begin(index)
                } else {
                    export.finish()
                    isFinished = true
                }
            }
        }
    }

    private enum Beginning {
        case begun
        case absent(UInt64)
        case needs(MailboxID, installation: UInt64, generation: UInt64)
        case needsRebuilding
    }

    private func begin(_ index: AccountIndex) async throws {
        var fromEngine: AccountBox?
        while true {
            let beginning = try store.core.withLock { core throws in try begin(index, fromEngine, &core) }
            switch beginning {
            case .begun: return
            case .absent: fromEngine = try store.wholeAccount(index)
            case .needsRebuilding: try await store.rebuildIfFailed()
            case .needs(let mailbox, let installation, let generation):
                try store.load(mailbox, of: index, installation, generation)
                loaded.append(MailboxKey(account: index, mailbox: mailbox))
            }
        }
    }

    private func begin(
        _ index: AccountIndex, _ fromEngine: AccountBox?, _ core: inout StoreCore
    ) throws -> Beginning {
        guard !core.isClosed else { throw MailStoreError(.closed, "the store is closed") }
        guard core.failure == nil else { return .needsRebuilding }
        try checkEra(core)
        guard !core.isBehindSnapshot else {
            throw MailStoreError(.catchingUp, "the store is itself being brought up to date")
        }
        // An account that is not in memory has not changed since the engine has it.
        let box: AccountBox
        if let present = core.accounts[index] {
            box = present
        } else if let fromEngine {
            box = fromEngine
        } else {
            return .absent(core.generation)
        }
        for mailbox in box.state.recordedMailboxes where !box.state.isResident(mailbox) {
            let key = MailboxKey(account: index, mailbox: mailbox)
            return .needs(
                mailbox, installation: core.installations[key, default: 0], generation: core.generation)
        }
        if box.state.isBlank { return .begun }
        export.begin(
            core.replica.symbols.name(of: index) ?? "", state: box.state, replica: core.replica)
        account = AccountExport(box.state.copy())
        receipt = MailStore.Receipt(core)
        return .begun
    }

    /// Local indexes mean something else since a snapshot took the place of everything here.
    private func checkEra(_ core: borrowing StoreCore) throws(MailStoreError) {
        guard core.era == era else {
            throw MailStoreError(.catchingUp, "the store was itself brought up to date by a snapshot: begin anew")
        }
    }

    private func release() {
        let keys = loaded
        loaded = []
        if !keys.isEmpty { store.core.withLock { $0.evict(keys) } }
    }
}

extension StoreCore {
    /// Lets go of the messages of mailboxes that nobody uses and the engine has.
    mutating func evict(_ keys: [MailboxKey]) {
        for key in keys {
            guard let box = accounts[key.account], listeners[key] == nil, box.isClean(key.mailbox),
                box.state.isResident(key.mailbox), box.state.recordCount(of: key.mailbox) > 0
            else { continue }
            box.state.evictMessages(of: key.mailbox)
            box.overviews[key.mailbox] = nil
            installations[key, default: 0] += 1
        }
    }
}

extension MailStore {
    /// Reads an account with all its messages out of the engine, in one state; it is not put into memory.
    func wholeAccount(_ index: AccountIndex) throws -> AccountBox {
        let (context, name) = core.withLock {
            ($0.context(past: VersionVector()), $0.replica.symbols.name(of: index) ?? "")
        }
        do {
            return try EngineReader(engine: engine, limits: accountLimits).wholeAccount(
                index, named: name, context)
        } catch {
            throw MailStoreError(error)
        }
    }
}
