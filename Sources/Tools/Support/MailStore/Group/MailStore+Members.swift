// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
internal import Storage
internal import Synchronization

extension MailStore {
    /// The group's own account, which is nobody's mail.
    func groupAccount() throws(MailStoreError) -> MailAccount {
        let (index, era) = try core.withLock { core throws(MailStoreError) in
            do { return (try core.replica.account(named: GroupAccount.name), core.era) } catch {
                throw MailStoreError(error)
            }
        }
        return MailAccount(store: self, index: index, name: GroupAccount.name, era: era)
    }

    /// What operations say about the members of the group.
    ///
    /// - Returns: the members by ascending name; those that only the configuration names are not among them.
    /// - Throws: ``MailStoreError``.
    package func members() async throws -> [MemberRecord] {
        try await read(groupAccount()) { _, box in box.state.members }
    }

    /// Changes the membership of the group; when this returns the operation is durable.
    ///
    /// - Parameter change: the change; nothing happens if it is in force already.
    /// - Throws: ``MailStoreError``.
    package func changeMember(_ change: MemberChange) async throws {
        try await issue(on: groupAccount()) { _, box, unit in
            _ = try box.state.changeMember(change, batch: &unit.batch)
        }
    }

    /// Tells the group which replica a node is, unless the group knows.
    ///
    /// - Parameter identity: the node's name and its replica.
    /// - Throws: ``MailStoreError``.
    package func announce(_ identity: MemberIdentity) async throws {
        try await changeMember(.announce(name: identity.name, replica: identity.replica))
    }

    // MARK: Incarnations

    /// Begins a new life of this replica, because others hold operations of the present one that this store has lost, as after a backup was restored.
    ///
    /// Nothing is issued until the new identity is durable.
    ///
    /// - Returns: the new identity.
    /// - Throws: ``MailStoreError``; then the identity is as before.
    package func takeNewIncarnation() async throws -> ReplicaID {
        let pause = MailStoreError(.unavailable, "the replica takes a new incarnation; try again")
        let fresh = try core.withLock { core throws(MailStoreError) in
            try core.checkWritable(now: now())
            do { try core.replica.reincarnate() } catch { throw MailStoreError(error) }
            core.refusal = (.max, pause)
            core.needsWholeReplica = true
            return core.replica.id
        }
        do { try await checkpoint() } catch {
            // The engine still has the former life, and so will memory.
            core.withLock { $0.stateFailed(MailStoreError(error)) }
            try await rebuildIfFailed()
            throw error
        }
        core.withLock { core in if core.refusal?.until == .max { core.refusal = nil } }
        signals.progressed()
        return fresh
    }
}
