// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What is known of a mailbox's UIDs: what ``UIDPolicy`` decides on, and what status reports show.
public struct UIDFacts: Hashable, Sendable {
    /// The replica that assigns: the current epoch's owner, or the one to which it handed the mailbox over; nil if the mailbox's creation is not known.
    public var owner: ReplicaID?
    /// The current epoch.
    public var epoch: UIDEpoch?
    /// How many epochs the mailbox has had.
    public var epochCount: Int
    /// The messages that wait, unseen, for a UID that counts.
    public var waiting: UInt64
    /// Whether a split brain left assignments that a merge must replace.
    public var isForked: Bool
    /// The replica whose messages came last.
    public var lastAppender: ReplicaID?
    /// How many messages in a row came from that replica since the owner changed last or the state was made from its records.
    public var appendRun: UInt32

    /// Gathers facts.
    ///
    /// - Parameters:
    ///   - owner: the replica that assigns.
    ///   - epoch: the current epoch.
    ///   - epochCount: how many epochs the mailbox has had.
    ///   - waiting: the messages that wait.
    ///   - isForked: whether a merge is due.
    ///   - lastAppender: the replica whose messages came last.
    ///   - appendRun: how many in a row came from it.
    public init(
        owner: ReplicaID?, epoch: UIDEpoch? = nil, epochCount: Int = 1, waiting: UInt64 = 0, isForked: Bool = false,
        lastAppender: ReplicaID? = nil, appendRun: UInt32 = 0
    ) {
        self.owner = owner
        self.epoch = epoch
        self.epochCount = epochCount
        self.waiting = waiting
        self.isForked = isForked
        self.lastAppender = lastAppender
        self.appendRun = appendRun
    }
}

extension AccountState {
    /// The living mailboxes in which messages wait for a UID or a merge is due, in no order.
    ///
    /// - Complexity: O(1) if there are none.
    public var mailboxesNeedingUIDs: [MailboxID] { Array(mailboxesWithUIDWork) }

    /// What is known of a mailbox's UIDs; the mailbox need not be resident.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - context: the names behind the local indexes; its past does not matter.
    /// - Returns: the facts, or nil if the mailbox is not alive.
    /// - Complexity: O(1) expected.
    public borrowing func uidFacts(of mailbox: MailboxID, context: borrowing ApplyContext) -> UIDFacts? {
        guard let slot = slot(of: mailbox), slots[slot].isAlive else { return nil }
        let epochs = slots[slot].epochs
        let last = slots[slot].lastAppender
        return UIDFacts(
            owner: epochs.owner, epoch: epochs.current.map { epochs.entries[$0].epoch },
            epochCount: epochs.entries.count, waiting: slots[slot].counts.waiting, isForked: epochs.isForked,
            lastAppender: last == .wellKnown ? nil : context.replica(last), appendRun: slots[slot].appendRun)
    }

    /// The replica that assigns a mailbox's UIDs.
    ///
    /// - Parameter mailbox: the mailbox.
    /// - Returns: the replica, or nil if the mailbox or its creation is not known.
    public borrowing func uidOwner(of mailbox: MailboxID) -> ReplicaID? {
        slot(of: mailbox).flatMap { slots[$0].epochs.owner }
    }

    /// Whether a replica is the one that assigns a mailbox's UIDs.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - replica: the replica.
    /// - Returns: true if the mailbox's present epoch is the replica's, or was handed over to it.
    public borrowing func ownsUIDs(of mailbox: MailboxID, replica: ReplicaID) -> Bool {
        uidOwner(of: mailbox) == replica
    }

    /// Keeps the list of mailboxes with UIDs to assign up to date after a change.
    mutating func noteUIDWork(_ slot: Int) {
        let hasWork = slots[slot].hasUIDWork
        if !hasWork && mailboxesWithUIDWork.isEmpty { return }
        if hasWork {
            mailboxesWithUIDWork.insert(slots[slot].id)
        } else {
            mailboxesWithUIDWork.remove(slots[slot].id)
        }
    }
}

extension Mailbox {
    /// Whether the owner has UIDs to assign or a fork to merge.
    var hasUIDWork: Bool { (counts.waiting > 0 || epochs.isForked) && isAlive }
}
