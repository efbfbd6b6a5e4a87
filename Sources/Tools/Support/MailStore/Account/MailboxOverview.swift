// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

/// What SELECT tells of a resident mailbox beyond its figures, kept so that the next SELECT does not go through all messages again.
///
/// Whatever changes a message or its flags raises the modification sequence, so that with the same figures all of it is the same. After a change
/// the UIDs are still known unless a message was removed: under one UIDVALIDITY new ones come only above all that were ever shown.
struct MailboxOverview: Sendable {
    /// The figures at that time.
    private(set) var summary: MailboxSummary
    /// The UIDs of the visible messages, ascending; sessions share them.
    private(set) var uids: [UInt32]
    /// The keywords that messages have.
    private(set) var keywords: [KeywordIndex]
    /// The first message without `\Seen`.
    private(set) var firstUnseenUID: UInt32?
    /// All messages with smaller UIDs were `\Seen` when it was looked last, and have not been told to have other flags since.
    private var seenBelow: UInt32

    /// How many messages are looked at together on the way to the first unseen one.
    private static let stride = 64

    /// Looks through a mailbox.
    ///
    /// - Complexity: O(messages).
    init(_ summary: MailboxSummary, in state: borrowing AccountState) {
        self.summary = summary
        uids = state.uids(in: summary.id)
        keywords = state.keywordsInUse(in: summary.id)
        firstUnseenUID = state.firstUnseenUID(in: summary.id)
        seenBelow = firstUnseenUID ?? UInt32(clamping: summary.uidNext)
    }

    /// Takes in that a message has other flags.
    mutating func noteFlags(of uid: UInt32) { seenBelow = min(seenBelow, uid) }

    /// Brings it up to date.
    ///
    /// - Complexity: O(1) if nothing has changed; O(messages) after a removal; O(messages with keywords) in any case. After arrivals a list that a session
    ///   shares is copied, four octets for each message; a list of its own grows by what came. The first unseen message is looked for from where it was, or
    ///   from the first message that has had other flags since.
    mutating func update(to now: MailboxSummary, in state: borrowing AccountState) {
        guard now != summary else { return }
        let isSameGeneration = now.uidValidity == summary.uidValidity && now.uidNext >= summary.uidNext
        let added = isSameGeneration ? state.uids(in: now.id, afterUID: UInt32(clamping: summary.uidNext - 1)) : []
        guard isSameGeneration, UInt64(uids.count + added.count) == now.messages else {
            self = MailboxOverview(now, in: state)
            return
        }
        if !added.isEmpty { uids += added }
        keywords = state.keywordsInUse(in: now.id)
        firstUnseenUID = firstUnseen(now, in: state)
        seenBelow = firstUnseenUID ?? UInt32(clamping: now.uidNext)
        summary = now
    }

    private func firstUnseen(_ now: MailboxSummary, in state: borrowing AccountState) -> UInt32? {
        guard now.unseen > 0 else { return nil }
        var last = seenBelow - min(seenBelow, 1)
        while true {
            var (found, count): (UInt32?, Int) = (nil, 0)
            state.forEachMessage(in: now.id, afterUID: last, limit: Self.stride) { message in
                count += 1
                last = message.uid
                if found == nil, !message.flags.system.contains(.seen) { found = message.uid }
            }
            if found != nil || count < Self.stride { return found }
        }
    }
}

extension AccountBox {
    /// What there is to see of a resident mailbox; nil if it is not alive.
    func overview(of mailbox: MailboxID) -> MailboxOverview? {
        guard let summary = state.summary(of: mailbox) else {
            overviews[mailbox] = nil
            return nil
        }
        if overviews[mailbox]?.update(to: summary, in: state) == nil {
            overviews[mailbox] = MailboxOverview(summary, in: state)
        }
        return overviews[mailbox]
    }
}
