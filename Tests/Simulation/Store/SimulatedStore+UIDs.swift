// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// The driver of UIDs: asks the policy about every mailbox, does what it says, and asks again.
extension SimulatedStore {
    /// Who could not be reached, and since when.
    func setUnreachable(_ replicas: Set<ReplicaID>) {
        for replica in replicas where unreachableSince[replica] == nil {
            unreachableSince[replica] = world.milliseconds
        }
        for replica in unreachableSince.keys where !replicas.contains(replica) { unreachableSince[replica] = nil }
    }

    /// Assigns, takes over, hands over and merges as the policy says.
    func maintainUIDs() {
        guard isReady, !disk.isFull else { return }
        for (index, box) in accounts.sorted(by: { $0.key < $1.key }) {
            guard let name = replica.symbols.name(of: index), name != GroupAccount.name else { continue }
            for mailbox in box.state.mailboxes.map(\.id) { maintain(mailbox, name, index, box) }
        }
    }

    private func maintain(_ mailbox: MailboxID, _ name: String, _ index: AccountIndex, _ box: AccountBox) {
        for _ in 0..<20 {
            guard let facts = box.state.uidFacts(of: mailbox, context: context()) else { return }
            var situation = UIDPolicy.Situation()
            if let owner = facts.owner, let since = unreachableSince[owner] {
                situation.ownerUnreachableMilliseconds = 3_000 + world.milliseconds - since
            }
            situation.canReachLastAppender = facts.lastAppender.map { unreachableSince[$0] == nil } ?? true
            situation.hasLocalInterest = localInterest.contains(name)
            situation.mayOpenEpochs = progress.knowsFormerLives
            situation.awaitsBranches = awaitsBranches(of: mailbox, facts, box)
            let action = UIDPolicy().action(facts, situation, own: replica.id)
            if action == .none { return }
            if action == .merge && world.mutant == .neverMerges { return }
            var failure: CRDTError?
            issue(name) { (state, batch) throws(CRDTError) in
                switch action {
                case .none: break
                case .assign: try state.assignWaiting(in: mailbox, batch: &batch)
                case .takeOver: try state.takeOver(mailbox, batch: &batch)
                case .handOver(let successor): try state.handOver(mailbox, to: successor, batch: &batch)
                case .merge: try state.mergeIfForked(mailbox, batch: &batch)
                }
            } done: { result in
                if case .failure(let error) = result { failure = error }
            }
            world.note("\(node) \(name)/\(mailbox): \(action)")
            if let failure { return world.violate("\(node): \(action) of \(name)/\(mailbox) failed: \(failure)") }
        }
        world.violate("\(node): the UID policy does not come to rest in \(name)/\(mailbox)")
    }

    private func awaitsBranches(of mailbox: MailboxID, _ facts: UIDFacts, _ box: AccountBox) -> Bool {
        guard facts.isForked, facts.owner == replica.id else {
            box.forks[mailbox] = nil
            return false
        }
        let known = box.forks[mailbox]
        let sighting = known ?? ForkSighting(delivered: replica.delivered, milliseconds: world.milliseconds)
        box.forks[mailbox] = sighting
        let exchanged = replica.vector(of: progress.exchanged)
        return !sighting.allowsMerge(exchanged: exchanged, milliseconds: world.milliseconds)
    }
}
