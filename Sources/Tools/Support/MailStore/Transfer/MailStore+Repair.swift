// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Logging
internal import Storage
internal import Synchronization

/// An account that came to take the place of one that differs, and the names that it uses.
struct RepairMaterial: ~Copyable {
    var account: SnapshotAccount?
    var name = ""
    /// The bodies of all messages that came.
    var bodies: [Dot: (digest: BodyDigest, size: UInt64)] = [:]
    let replicas: [ReplicaID]
    let keywords: [String]

    init(_ steps: [SnapshotImportStep], replicas: [ReplicaID], keywords: [String]) throws {
        self.replicas = replicas
        self.keywords = keywords
        for step in steps {
            if case .account(_, let named, _, _) = step { name = named }
            if account == nil { account = SnapshotAccount(step) }
            try account?.take(step)
            if case .message(_, let message, let digest, let size, _) = step { bodies[message] = (digest, size) }
        }
    }
}

extension MailStore {
    /// Replaces an account that differs from what most replicas have, unless it was changed since.
    ///
    /// Whoever has a mailbox of the account open has to begin anew.
    ///
    /// - Parameter importer: the import of the account, complete.
    /// - Throws: ``MailStoreError`` with `unavailable` if it was changed, or is not as far: it is tried again when the digests still differ.
    func replaceAccount(by importer: SnapshotImporter) async throws {
        var material = try RepairMaterial(
            await importer.takeSteps(), replicas: await importer.replicaNames,
            keywords: await importer.keywordNames)
        while true {
            switch try core.withLock({ core throws in try core.repair(&material) }) {
            case .needsRebuilding: try await rebuildIfFailed()
            case .needs(.account(let account), _, let generation): try load(account, generation)
            case .needs(.mailbox(let account, let mailbox), let installation, let generation):
                try load(mailbox, of: account, installation, generation)
            case .more: await Task.yield()
            case .finished:
                try verifyBodies()
                // What clients are told from now on is not in the log: a crash must not take it back.
                try await checkpoint()
                signals.progressed()
                logger.notice("an account was replaced by another replica's")
                return
            }
        }
    }
}

extension StoreCore {
    /// Puts an account that came in the place of what is here.
    ///
    /// - Returns: what has to be in memory first, or `finished`.
    mutating func repair(_ material: inout RepairMaterial) throws -> TurnEnd {
        guard !isClosed else { throw MailStoreError(.closed, "the store is closed") }
        guard failure == nil else { return .needsRebuilding }
        try checkNames(material)
        let index = try replica.account(named: material.name)
        guard material.account?.index == index, let vector = material.account?.vector else {
            throw MailStoreError(.unavailable, "the account that was asked for did not come")
        }
        guard let box = accounts[index] else {
            return .needs(.account(index), installation: 0, generation: generation)
        }
        for mailbox in box.state.recordedMailboxes where !box.state.isResident(mailbox) {
            let key = MailboxKey(account: index, mailbox: mailbox)
            return .needs(
                .mailbox(index, mailbox), installation: installations[key, default: 0], generation: generation)
        }
        guard isUsable(box), replica.delivered.covers(vector), vector.covers(box.applied) else {
            throw MailStoreError(.unavailable, "the account was changed while it came; it is tried again")
        }
        guard let came = material.account.take() else { return .finished }
        let state = try came.state(context: context(past: VersionVector()), limits: accountLimits)
        replace(box, by: state, bodies: material.bodies)
        return .finished
    }

    /// The account's records name replicas and keywords by index, which must mean the same here.
    private mutating func checkNames(_ material: borrowing RepairMaterial) throws {
        for (position, id) in material.replicas.enumerated() {
            guard Int(try replica.replica(id).rawValue) == position + 1 else {
                throw MailStoreError(.unavailable, "a replica was heard of while the account came; it is tried again")
            }
        }
        for (position, keyword) in material.keywords.enumerated() {
            guard Int(try replica.keyword(named: keyword).rawValue) == position else {
                throw MailStoreError(.unavailable, "a keyword was made while the account came; it is tried again")
            }
        }
    }

    private mutating func replace(
        _ box: AccountBox, by came: consuming AccountState, bodies held: [Dot: (digest: BodyDigest, size: UInt64)]
    ) {
        var came = came
        var changes: StateChanges = []
        let (before, after) = (box.state.recordedMailboxes, came.recordedMailboxes)
        let known = Set(after)
        for mailbox in before where known.contains(mailbox) {
            came.carryOver(mailbox, from: box.state, modSeqs: group.modSeqs, changes: &changes)
        }
        var gone: Set<Dot> = []
        for mailbox in before {
            for message in box.state.recordIDs(in: mailbox) {
                changes.append(.recordChanged(mailbox, message))
                if held[message] != nil || gone.contains(message) { continue }
                gone.insert(message)
                // What was hidden, and is not there any more, keeps its body: a little room is lost, no mail.
                if let view = box.state.message(in: mailbox, id: message) {
                    changes.append(.bodyReleased(view.facts.body))
                }
            }
            if !known.contains(mailbox) { changes.append(.mailboxForgotten(mailbox)) }
        }
        let present = Set(before.flatMap { box.state.recordIDs(in: $0) })
        for mailbox in after {
            changes.append(.mailboxChanged(mailbox))
            for message in came.recordIDs(in: mailbox) {
                changes.append(.recordChanged(mailbox, message))
                if !present.contains(message), let body = held[message] {
                    changes.append(.bodyRetained(body.digest, size: body.size))
                }
            }
        }
        for name in Set(box.state.subscribedNames).union(came.subscribedNames) {
            changes.append(.subscriptionChanged(name: name))
        }
        changes.append(.memberChanged(name: ""))
        for (key, open) in listeners where key.account == box.index {
            for listener in open.values { listener.supersede() }
            listeners[key] = nil
        }
        box.state = came
        box.overviews = [:]
        _ = absorb(changes, of: box, origin: 0, isRemote: true)
        group.graveyards.insert(box.index)
    }
}
