// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
internal import Logging
internal import Storage
internal import Synchronization

extension MailStore {
    /// Takes note of what the group has: drops what was kept for concurrent operations that can come no more, and lets go of the log that nobody needs.
    ///
    /// Own operations that no other member has are never let go.
    ///
    /// - Parameter progress: how far the others are.
    package func advanceStability(_ progress: GroupProgress) async {
        let candidates = core.withLock { core -> [AccountIndex] in
            core.group.acknowledged = progress.retain
            core.group.ownSecured = progress.ownSecured
            core.group.exchanged = core.vector(progress.exchanged)
            core.noteLives(progress)
            guard let known = core.group.stable else { return [] }
            let vector = core.vector(progress.stable)
            core.group.stable = vector
            return vector == known ? [] : Array(core.group.graveyards)
        }
        do {
            for account in candidates { try prune(account) }
            try cutLog()
        } catch {
            // Nothing is lost by it: the next call, or the next checkpoint, tries again.
            logger.error("what is no longer needed could not be dropped", metadata: ["reason": "\(error)"])
        }
    }

    /// Drops of an account what is stable and deleted; loads the messages that have to be looked at for it.
    private func prune(_ account: AccountIndex) throws {
        while true {
            let step = core.withLock { $0.pruneStep(account) }
            guard let (mailbox, installation, generation) = step else { return }
            try load(mailbox, of: account, installation, generation)
        }
    }

    /// Says which replicas cannot be reached, so that their mailboxes may be taken over; ``maintainUIDs()`` acts on it.
    package func setUnreachable(_ replicas: Set<ReplicaID>) { core.withLock { $0.group.unreachable = replicas } }
}

extension StoreCore {
    /// Takes note of who this node was before, and whether others were heard.
    mutating func noteLives(_ progress: GroupProgress) {
        group.knowsFormerLives = progress.knowsFormerLives
        if progress.isInContact && !group.isInContact {
            group.isInContact = true
            // What was told before the store was opened may be behind no mark yet. Without contact a store from a backup would issue what it issued before.
            group.hasToldModSeqs = true
        }
        guard progress.knowsFormerLives, !progress.formerLives.isEmpty,
            let index = replica.symbols.account(named: GroupAccount.name), let box = accounts[index],
            box.state.noteKnown(lives: progress.formerLives)
        else { return }
        group.knownLives.formUnion(progress.formerLives)
        dirtyRecords += box.note(.modSeqsMarked)
    }

    /// Drops of an account what can be dropped now.
    ///
    /// - Returns: a mailbox whose messages are needed first, or nil when there is nothing more to do.
    mutating func pruneStep(
        _ account: AccountIndex
    ) -> (mailbox: MailboxID, installation: UInt64, generation: UInt64)? {
        guard let stable = group.stable, let box = accounts[account], failure == nil, !isClosed else { return nil }
        for mailbox in box.state.mailboxesToPrune(stable: stable)
        where !box.state.isResident(mailbox) && box.state.recordCount(of: mailbox) > 0 {
            return (mailbox, installations[MailboxKey(account: account, mailbox: mailbox), default: 0], generation)
        }
        var changes: StateChanges = []
        box.state.prune(stable: stable, changes: &changes)
        // What is pruned was seen by nobody: it makes no notices, only work for the checkpoint.
        _ = absorb(changes, of: box, origin: 0)
        if box.state.mailboxesToPrune(stable: replica.delivered).isEmpty { group.graveyards.remove(account) }
        return nil
    }
}
