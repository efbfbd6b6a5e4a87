// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Storage

/// An account in memory, with what the next checkpoint has to write of it.
///
/// Made before the core knows it, and from then on reached only through the store's core, behind its lock: that is why it may be
/// called sendable although it has no lock of its own.
final class AccountBox: @unchecked Sendable {
    let index: AccountIndex
    let name: String
    var state: AccountState
    /// The unit of the last operation on the account: what reads must wait for.
    var lastTicket = LogTicket.none
    /// What a snapshot held when it brought the account, as long as the replica has not delivered all of that.
    var imported: VersionVector?
    /// The operations that may have been applied to the account: all that were delivered when it came into memory, and its own since.
    var applied = VersionVector()
    /// The digest with which the account is counted in the group's sum.
    var countedDigest: StateDigest
    /// The turn that touched the account last, and the place of what it did to it.
    var turn: (number: UInt64, part: Int) = (0, 0)
    private var dirty = Dirty()
    /// The mailbox whose header was noted last, and is still to be written.
    private var lastHeader: MailboxID?
    /// When a mailbox's messages were used last, on the core's count of uses.
    var lastUse: [MailboxID: UInt64] = [:]
    /// What the last SELECT told of mailboxes that are resident.
    var overviews: [MailboxID: MailboxOverview] = [:]

    init(index: AccountIndex, name: String, state: consuming AccountState) {
        self.index = index
        self.name = name
        countedDigest = state.digest
        self.state = state
    }

    /// What the engine does not have yet.
    struct Dirty: Sendable {
        var subscriptions: Set<String> = []
        var mailboxes: Set<MailboxID> = []
        var forgotten: Set<MailboxID> = []
        /// Whether the account's own record changed besides, which holds the members of the group.
        var members = false
        var records: [MailboxID: Set<Dot>] = [:]

        var isEmpty: Bool {
            subscriptions.isEmpty && mailboxes.isEmpty && forgotten.isEmpty && records.isEmpty && !members
        }
    }

    var isDirty: Bool { !dirty.isEmpty }

    /// Whether an operation is in the state already because a snapshot brought it.
    func contains(_ dot: Dot) -> Bool { imported?.contains(dot) ?? false }

    /// Notes what a change leaves to be written.
    ///
    /// - Returns: how many more records are to be written.
    func note(_ change: StateChange) -> Int {
        switch change {
        case .recordChanged(let mailbox, let message), .recordRemoved(let mailbox, let message):
            noteHeader(mailbox)
            return dirty.records[mailbox, default: []].insert(message).inserted ? 1 : 0
        case .mailboxChanged(let mailbox), .mailboxAppeared(let mailbox, _), .mailboxRenamed(let mailbox, _, _):
            // A mailbox of a special use may come back with the identity that was forgotten; its old records still have to go.
            noteHeader(mailbox)
        case .mailboxVanished(let mailbox, _):
            noteHeader(mailbox)
            dropConveniences(of: mailbox)
        case .mailboxForgotten(let mailbox):
            dirty.mailboxes.remove(mailbox)
            lastHeader = nil
            dirty.forgotten.insert(mailbox)
            dirty.records[mailbox] = nil
            dropConveniences(of: mailbox)
        case .flagsChanged(let mailbox, _, let uid, _): overviews[mailbox]?.noteFlags(of: uid)
        case .subscriptionChanged(let name): dirty.subscriptions.insert(name)
        case .memberChanged, .modSeqsMarked: dirty.members = true
        case .messageAppeared, .messageVanished, .bodyRetained, .bodyReleased: break
        }
        return 0
    }

    /// Notes that a mailbox's header is to be written; of the changes that follow one another most are about the same mailbox.
    private func noteHeader(_ mailbox: MailboxID) {
        if mailbox == lastHeader { return }
        dirty.mailboxes.insert(mailbox)
        lastHeader = mailbox
    }

    /// Drops what is kept of a mailbox only to be quick: nobody can select it any more, and eviction looks at those that somebody can.
    private func dropConveniences(of mailbox: MailboxID) {
        overviews[mailbox] = nil
        lastUse[mailbox] = nil
    }

    /// Whether a mailbox's messages in memory are all in the engine too.
    func isClean(_ mailbox: MailboxID) -> Bool { dirty.records[mailbox] == nil && !dirty.mailboxes.contains(mailbox) }

    /// Takes the list of what is to be written.
    func takeDirty() -> Dirty {
        defer {
            dirty = Dirty()
            lastHeader = nil
        }
        return dirty
    }

    /// Puts back what was taken and could not be written.
    func restore(_ taken: Dirty) {
        dirty.subscriptions.formUnion(taken.subscriptions)
        dirty.members = dirty.members || taken.members
        lastHeader = nil
        let gone = dirty.forgotten
        dirty.mailboxes.formUnion(taken.mailboxes.subtracting(gone))
        dirty.forgotten.formUnion(taken.forgotten)
        for (mailbox, messages) in taken.records where !gone.contains(mailbox) {
            dirty.records[mailbox, default: []].formUnion(messages)
        }
    }
}
