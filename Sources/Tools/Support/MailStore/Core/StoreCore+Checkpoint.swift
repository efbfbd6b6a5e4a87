// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage

extension StoreCore {
    /// Encodes what has changed since the last checkpoint.
    ///
    /// - Parameter arrivalBytes: over how many octets of log a body may arrive.
    /// - Returns: what to write, or nil when the engine has everything.
    mutating func planCheckpoint(arrivalBytes: UInt64) -> CheckpointPlan? {
        guard failure == nil, !isClosed else { return nil }
        // Everything before the durable end has been applied, because it was applied before it was queued.
        let end = log.end
        guard dirtyRecords > 0 || needsWholeReplica || bodies.hasChanges || accounts.values.contains(where: \.isDirty)
        else { return nil }
        dropSlowArrivals(before: LogPosition(rawValue: end.rawValue - min(arrivalBytes, end.rawValue)))
        let scan = firstNeededPosition(upTo: end)
        var plan = CheckpointPlan(
            log: log, ticket: lastTicket, scanPosition: scan, position: end, bodies: bodies.plan())
        plan.puts.append((EngineKey.layout, EngineInteger.encoded(UInt64(EngineKey.layoutVersion))))
        plan.puts.append((EngineKey.scanPosition, EngineInteger.encoded(scan.rawValue)))
        plan.puts.append((EngineKey.logMarks, group.marks.octets))
        plan.puts.append((EngineKey.digest, group.digest.octets))
        if group.imported != nil, !isBehindSnapshot {
            group.imported = nil
            plan.deletions.append(EngineKey.importedVector)
            plan.deletedRanges.append([EngineKey.Family.importedAccount.rawValue])
        }
        for record in replica.checkpoint(needsWholeReplica ? .everything : .changes) {
            plan.puts.append((EngineKey.replica + record.key, record.value))
        }
        needsWholeReplica = false
        for box in accounts.values where box.isDirty {
            let dirty = box.takeDirty()
            plan.dirty.append((box.index, dirty))
            encode(box, dirty, into: &plan)
        }
        dirtyRecords = 0
        return plan
    }

    private func encode(_ box: AccountBox, _ dirty: AccountBox.Dirty, into plan: inout CheckpointPlan) {
        for name in dirty.subscriptions {
            let key = EngineKey.subscription(box.index, name)
            if let record = box.state.subscriptionRecord(of: name) {
                plan.puts.append((key, record))
            } else {
                plan.deletions.append(key)
            }
        }
        if !dirty.isEmpty { plan.puts.append((EngineKey.account(box.index), box.state.accountRecord())) }
        for mailbox in dirty.forgotten {
            plan.deletions.append(EngineKey.mailbox(box.index, mailbox))
            plan.deletedRanges.append(EngineKey.records(of: box.index, mailbox))
        }
        for mailbox in dirty.mailboxes {
            if let record = box.state.mailboxRecord(of: mailbox) {
                plan.puts.append((EngineKey.mailbox(box.index, mailbox), record))
            }
        }
        for (mailbox, messages) in dirty.records {
            for message in messages {
                let key = EngineKey.record(box.index, mailbox, message)
                if let record = box.state.messageRecord(of: message, in: mailbox) {
                    plan.puts.append((key, record))
                } else {
                    plan.deletions.append(key)
                }
            }
        }
    }

    /// A checkpoint is durable.
    ///
    /// - Returns: who waited for a body that nobody holds any more.
    mutating func complete(_ plan: CheckpointPlan, unheld: [BodyDigest]) -> [CheckedContinuation<Void, Never>] {
        checkpointed = plan.position
        scanned = plan.scanPosition
        return bodies.completed(plan.bodies, unheld: unheld)
    }

    /// A checkpoint could not be written: what it took is still to be written.
    mutating func abandon(_ plan: CheckpointPlan) {
        guard log === plan.log else { return }
        bodies.failed(plan.bodies)
        for (account, dirty) in plan.dirty {
            accounts[account]?.restore(dirty)
            dirtyRecords += dirty.records.values.reduce(0) { $0 + $1.count }
        }
        needsWholeReplica = true
    }

    /// Lets go of messages that nobody has selected, the longest unused first, until few enough are in memory.
    mutating func evict(downTo limit: Int) {
        var candidates: [(use: UInt64, key: MailboxKey, count: Int)] = []
        var total = 0
        for box in accounts.values {
            for (_, mailbox) in box.state.mailboxes where box.state.isResident(mailbox) {
                let count = Int(clamping: box.state.recordCount(of: mailbox))
                total += count
                let key = MailboxKey(account: box.index, mailbox: mailbox)
                if count > 0, listeners[key] == nil, box.isClean(mailbox) {
                    candidates.append((box.lastUse[mailbox, default: 0], key, count))
                }
            }
        }
        guard total > limit else { return }
        for candidate in candidates.sorted(by: { $0.use < $1.use }) where total > limit {
            accounts[candidate.key.account]?.state.evictMessages(of: candidate.key.mailbox)
            accounts[candidate.key.account]?.overviews[candidate.key.mailbox] = nil
            installations[candidate.key, default: 0] += 1
            total -= candidate.count
        }
    }
}
