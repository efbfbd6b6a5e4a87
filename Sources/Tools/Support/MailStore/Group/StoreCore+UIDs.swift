// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
internal import Storage
internal import Synchronization

/// What the store has done about UIDs since it was opened, for status and metrics.
package struct UIDCounts: Hashable, Sendable {
    /// Messages that got a UID after they had waited for it.
    package internal(set) var assignments: UInt64 = 0
    /// Mailboxes that were taken over because their owner could not be reached.
    package internal(set) var takeOvers: UInt64 = 0
    /// Mailboxes that were handed over to the replica that is used.
    package internal(set) var handOvers: UInt64 = 0
    /// Split brains that were healed.
    package internal(set) var merges: UInt64 = 0
    /// Writes that waited for a UID of another replica as long as they may, and answered without.
    package internal(set) var waitsInVain: UInt64 = 0
    /// What became of changes that did not know of each other.
    package internal(set) var concurrency = ConcurrencyCounters()
}

/// What decides about the UIDs of a mailbox, gathered before operations are issued.
struct UIDSituation {
    let mailbox: MailboxID
    let hasLocalInterest: Bool
    let awaitsBranches: Bool
    let mayOpenEpochs: Bool
}

extension StoreCore {
    /// The most actions on one mailbox at once; the next occasion goes on.
    private static let actionsPerMailbox = 4

    /// Does what is this replica's to do about the UIDs of mailboxes: assigns, merges, hands over, takes over.
    ///
    /// - Parameters:
    ///   - mailboxes: the mailboxes, in any order, also twice; those that are not in memory are passed over.
    ///   - box: their account.
    ///   - now: the wall clock, milliseconds since 1970.
    ///   - unit: takes the operations.
    /// - Throws: what leaves memory ahead of the log; the core has failed then.
    mutating func settleUIDs(
        in mailboxes: some Sequence<MailboxID>, of box: AccountBox, now: UInt64, _ unit: inout UnitContent
    ) throws {
        guard isUsable(box) else { return }
        noteForks(in: mailboxes, of: box, now: now)
        let own = replica.id
        // There is nothing to be done in a mailbox of another replica that can be reached: most are so, and few questions tell.
        let concerned = mailboxes.filter {
            box.state.uidOwner(of: $0).map { $0 == own || group.unreachable.contains($0) } ?? false
        }
        if concerned.isEmpty { return }
        let due = Set(concerned).filter { box.state.isResident($0) && uidAction($0, of: box) != .none }
            .sorted { $0.dot.packed < $1.dot.packed }.map { situation(of: $0, in: box) }
        guard !due.isEmpty else { return }
        let (unreachable, names) = (group.unreachable, context(past: VersionVector()))
        var counts = group.uidCounts
        var merged: [MailboxKey] = []
        let before = box.state.concurrency
        try issue(on: box, now: now, into: &unit) { batch in
            for situation in due {
                for _ in 0..<Self.actionsPerMailbox {
                    let action = Self.action(situation, of: box, own: own, unreachable, names)
                    // A mailbox without a UID or an epoch left keeps its messages waiting; the others are none the worse for it.
                    guard action != .none, let done = try? Self.perform(action, situation.mailbox, of: box, &batch),
                        done > 0
                    else { break }
                    counts.note(action, done)
                    if action == .merge { merged.append(MailboxKey(account: box.index, mailbox: situation.mailbox)) }
                }
            }
        }
        counts.note(box.state.concurrency, since: before)
        group.uidCounts = counts
        for key in merged { group.forks[key] = nil }
    }

    /// What is to be done about a mailbox's UIDs, in memory or not.
    func uidAction(_ mailbox: MailboxID, of box: AccountBox) -> UIDAction {
        Self.action(
            situation(of: mailbox, in: box), of: box, own: replica.id, group.unreachable,
            context(past: VersionVector()))
    }

    private func situation(of mailbox: MailboxID, in box: AccountBox) -> UIDSituation {
        let key = MailboxKey(account: box.index, mailbox: mailbox)
        return UIDSituation(
            mailbox: mailbox, hasLocalInterest: listeners[key] != nil || group.awaited.contains(key),
            awaitsBranches: group.stable != nil && group.forks[key]?.isDue != true,
            mayOpenEpochs: group.knowsFormerLives)
    }

    /// Notes when mailboxes of this owner were first seen forked, and whether they may be merged by now.
    private mutating func noteForks(in mailboxes: some Sequence<MailboxID>, of box: AccountBox, now: UInt64) {
        if box.state.mailboxesNeedingUIDs.isEmpty && group.forks.isEmpty { return }
        if !group.forks.isEmpty {
            // Somebody else may have merged, or deleted the mailbox.
            let needing = Set(box.state.mailboxesNeedingUIDs)
            for key in Array(group.forks.keys) where key.account == box.index && !needing.contains(key.mailbox) {
                group.forks[key] = nil
            }
        }
        let names = context(past: VersionVector())
        for mailbox in mailboxes {
            let key = MailboxKey(account: box.index, mailbox: mailbox)
            guard let facts = box.state.uidFacts(of: mailbox, context: names), facts.isForked,
                facts.owner == replica.id
            else {
                group.forks[key] = nil
                continue
            }
            let sighting =
                group.forks[key]?.sighting ?? ForkSighting(delivered: replica.delivered, milliseconds: now)
            let isDue = sighting.allowsMerge(exchanged: group.exchanged, milliseconds: now)
            group.forks[key] = PendingMerge(sighting: sighting, isDue: isDue)
        }
    }

    private static func action(
        _ situation: UIDSituation, of box: AccountBox, own: ReplicaID, _ unreachable: Set<ReplicaID>,
        _ names: ApplyContext
    ) -> UIDAction {
        guard let facts = box.state.uidFacts(of: situation.mailbox, context: names) else { return .none }
        // Who counts as unreachable was judged by the replication machine, which waited long enough.
        let isGone = facts.owner.map { unreachable.contains($0) } ?? false
        return UIDPolicy().action(
            facts,
            UIDPolicy.Situation(
                ownerUnreachableMilliseconds: isGone ? .max : nil, hasLocalInterest: situation.hasLocalInterest,
                canReachLastAppender: facts.lastAppender.map { !unreachable.contains($0) } ?? true,
                awaitsBranches: situation.awaitsBranches, mayOpenEpochs: situation.mayOpenEpochs),
            own: own)
    }

    /// Carries out an action.
    ///
    /// - Returns: how many messages or mailboxes it concerned.
    private static func perform(
        _ action: UIDAction, _ mailbox: MailboxID, of box: AccountBox, _ batch: inout OperationBatch
    ) throws -> Int {
        switch action {
        case .none: 0
        case .assign: try box.state.assignWaiting(in: mailbox, batch: &batch)
        case .takeOver: try box.state.takeOver(mailbox, batch: &batch) ? 1 : 0
        case .handOver(let successor): try box.state.handOver(mailbox, to: successor, batch: &batch) ? 1 : 0
        case .merge: try box.state.mergeIfForked(mailbox, batch: &batch) ? 1 : 0
        }
    }

    /// Lets the store itself issue operations, under the lock, as a part of a unit.
    ///
    /// - Throws: what the closure throws, when it has changed nothing; else the core has failed.
    mutating func issue(
        on box: AccountBox, now: UInt64, into unit: inout UnitContent, _ body: (inout OperationBatch) throws -> Void
    ) throws {
        let point = replica.begin(nowMilliseconds: now)
        var issued = IssuedUnit(
            batch: OperationBatch(
                replica: point.replica, firstCounter: point.firstCounter, timestamp: point.timestamp,
                account: box.index, context: context(past: point.past), stripe: group.stripe))
        issued.batch.mayOpenEpochs = group.knowsFormerLives
        do { try body(&issued.batch) } catch {
            if !issued.batch.operations.isEmpty { stateFailed(MailStoreError(error)) }
            throw error
        }
        guard !issued.batch.operations.isEmpty else { return }
        try seal(&issued, issuedAt: point, box, origin: 0)
        unit.append(issued.content)
    }
}

extension UIDCounts {
    /// Adds what an account went through.
    mutating func note(_ now: ConcurrencyCounters, since before: ConcurrencyCounters) {
        concurrency.conflicts += now.conflicts - before.conflicts
        concurrency.reissues += now.reissues - before.reissues
        concurrency.epochs += now.epochs - before.epochs
        concurrency.greatestEpoch = max(concurrency.greatestEpoch, now.greatestEpoch)
    }

    mutating func note(_ action: UIDAction, _ count: Int) {
        switch action {
        case .none: break
        case .assign: assignments += UInt64(clamping: count)
        case .takeOver: takeOvers += 1
        case .handOver: handOvers += 1
        case .merge: merges += 1
        }
    }
}

extension UnitContent {
    /// Adds the frames and effects of operations behind what is there.
    mutating func append(_ other: UnitContent) {
        frames += other.frames
        effects += other.effects
        delivered += other.delivered
        ownTime = max(ownTime, other.ownTime)
    }
}

extension MailStore {
    /// Looks after the UIDs of mailboxes in which messages wait, for instance because the replica that assigns them cannot be reached; to be called now and then.
    ///
    /// - Throws: ``MailStoreError``: `unavailable`, `corrupt`; it is tried again with the next call.
    package func maintainUIDs() async throws {
        let accounts = core.withLock { Array($0.group.accountsNeedingUIDs) }
        for account in accounts {
            var isDone = false
            while !isDone {
                let step = try core.withLock { core throws in try core.maintenanceStep(account, now: now()) }
                switch step {
                case .finished: isDone = true
                case .more: await Task.yield()
                case .needs(.account(let account), _, let generation): try load(account, generation)
                case .needs(.mailbox(let account, let mailbox), let installation, let generation):
                    try load(mailbox, of: account, installation, generation)
                case .needsRebuilding: try await rebuildIfFailed()
                }
            }
        }
    }
}

extension StoreCore {
    /// Looks after the UIDs of one account.
    mutating func maintenanceStep(_ account: AccountIndex, now: UInt64) throws -> TurnEnd {
        guard failure == nil else { return .needsRebuilding }
        guard !isClosed, isWritable(now: now), let box = accounts[account] else { return .finished }
        noteForks(in: box.state.mailboxesNeedingUIDs, of: box, now: now)
        let due = box.state.mailboxesNeedingUIDs.filter { uidAction($0, of: box) != .none }
        for mailbox in due where !box.state.isResident(mailbox) {
            let key = MailboxKey(account: account, mailbox: mailbox)
            return .needs(
                .mailbox(account, mailbox), installation: installations[key, default: 0], generation: generation)
        }
        var unit = UnitContent()
        try settleUIDs(in: due, of: box, now: now, &unit)
        if !unit.frames.isEmpty { box.lastTicket = enqueue(unit) }
        return .finished
    }
}
