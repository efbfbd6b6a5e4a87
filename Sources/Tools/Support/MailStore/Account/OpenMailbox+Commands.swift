// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

extension OpenMailbox {
    /// The messages with these UIDs; those that are gone are left out.
    ///
    /// - Parameters:
    ///   - uids: the UIDs, ascending.
    ///   - modSeq: only messages with a greater modification sequence of this replica, see ``localModSeq(_:)``.
    /// - Returns: the messages, in the order of the UIDs.
    /// - Throws: ``MailStoreError``.
    package func messages(_ uids: [UInt32], changedSince modSeq: UInt64 = 0) async throws -> [StoredMessage] {
        let id = snapshot.id
        return try await account.store.read(account, needing: { _ in [id] }) { core, box in
            var found: [StoredMessage] = []
            found.reserveCapacity(modSeq == 0 ? uids.count : 0)
            box.state.forEachMessage(in: id, uids: uids) { view in
                if view.modSeq > modSeq { found.append(core.stored(view)) }
            }
            return found
        }
    }

    /// STORE (RFC 3501 section 6.4.6) on many messages at once.
    ///
    /// - Returns: the messages as they are now, those that are gone left out.
    package func store(_ uids: [UInt32], _ edit: FlagEdit) async throws -> [StoredMessage] {
        try await store(uids, edit, unchangedSince: nil).stored
    }

    /// EXPUNGE and UID EXPUNGE (RFC 3501 section 6.4.3, RFC 4315 section 2.1).
    ///
    /// - Parameter candidates: only messages with these UIDs; nil for all.
    /// - Returns: the UIDs of the messages that had `\Deleted` and are removed, ascending.
    /// - Throws: ``MailStoreError``.
    package func expunge(_ candidates: [UInt32]?) async throws -> [UInt32] {
        let id = snapshot.id
        return try await account.store.issue(on: account, origin: number, needing: { _ in [id] }) { _, box, unit in
            let wanted = candidates.map { Set($0) }
            let doomed = box.state.deletedMessages(in: id).filter { wanted?.contains($0.uid) ?? true }
            guard !doomed.isEmpty else { return [] }
            try box.state.expunge(doomed.map(\.id), in: id, batch: &unit.batch)
            return doomed.map(\.uid)
        }
    }

    /// COPY (RFC 3501 section 6.4.7).
    package func copy(_ uids: [UInt32], to name: String) async throws -> CopyResult {
        try await transfer(uids, to: name, isMove: false)
    }

    /// MOVE (RFC 6851): the copies appear and the originals vanish in one step.
    package func move(_ uids: [UInt32], to name: String) async throws -> CopyResult {
        try await transfer(uids, to: name, isMove: true)
    }

    private func transfer(_ uids: [UInt32], to name: String, isMove: Bool) async throws -> CopyResult {
        let source = snapshot.id
        let transfer = try await account.store.issue(
            on: account, origin: number,
            needing: { state throws(MailStoreError) in [source, try MailAccount.find(name, in: state)] }
        ) { core, box, unit in
            let target = try MailAccount.find(name, in: box.state)
            var transfer = Transfer(target: target)
            var ids: [Dot] = []
            for uid in uids {
                guard let view = box.state.message(in: source, uid: uid) else {
                    transfer.missing.append(uid)
                    continue
                }
                transfer.sources.append(uid)
                ids.append(view.id)
            }
            if !ids.isEmpty {
                transfer.placed =
                    isMove
                    ? try box.state.move(ids, from: source, to: target, batch: &unit.batch)
                    : try box.state.copy(ids, from: source, to: target, batch: &unit.batch)
            }
            if transfer.placed.contains(where: { $0.uid == nil }) { core.expectUIDs(in: target, of: box) }
            transfer.uidValidity = max(1, box.state.summary(of: target)?.uidValidity ?? 1)
            return transfer
        }
        let waiting = transfer.placed.filter { $0.uid == nil }.map(\.id)
        let assigned =
            waiting.isEmpty ? [:] : await account.store.awaitUIDs(of: waiting, in: transfer.target, of: account)
        let targets = transfer.placed.compactMap { $0.uid ?? assigned[$0.id] }
        return CopyResult(
            uidValidity: transfer.uidValidity, sources: transfer.sources,
            targets: targets.count == transfer.placed.count ? targets : [], missing: transfer.missing)
    }

    /// What a COPY or MOVE did, before the last UIDs are known.
    private struct Transfer: Sendable {
        let target: MailboxID
        var uidValidity: UInt32 = 1
        var sources: [UInt32] = []
        var placed: [PlacedMessage] = []
        var missing: [UInt32] = []
    }

    /// Returns when everything that happened before is durable and told.
    package func barrier() async throws {
        try await account.store.read(account) { _, _ in }
    }
}

extension OpenMailbox {
    /// A run of messages in the order of their UIDs; the next run begins after the last one's.
    ///
    /// - Parameters:
    ///   - uid: only greater UIDs.
    ///   - limit: the most messages.
    /// - Returns: the messages; fewer than `limit` when there are no more.
    /// - Throws: ``MailStoreError``.
    package func messages(after uid: UInt32, limit: Int) async throws -> [StoredMessage] {
        let id = snapshot.id
        return try await account.store.read(account, needing: { _ in [id] }) { core, box in
            var run: [StoredMessage] = []
            run.reserveCapacity(min(limit, Int(clamping: box.state.recordCount(of: id))))
            box.state.forEachMessage(in: id, afterUID: uid, limit: limit) { run.append(core.stored($0)) }
            return run
        }
    }

    /// Opens a message's body; close it.
    package func openBody(of message: StoredMessage) -> BodyReader { account.openBody(of: message) }
}

extension MailStoreError {
    /// More keywords than a message can have.
    static func tooManyKeywords(_ limit: Int) -> MailStoreError {
        MailStoreError(.limitExceeded, "a message has at most \(limit) keywords")
    }
}
