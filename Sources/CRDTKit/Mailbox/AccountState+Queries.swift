// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What SELECT and STATUS tell of a mailbox; costs the same whatever the mailbox holds, resident or not.
public struct MailboxSummary: Hashable, Sendable {
    /// The mailbox.
    public var id: MailboxID
    /// The name under which it is seen.
    public var name: String
    /// Its special use (RFC 6154).
    public var use: MailboxUse
    /// UIDVALIDITY; 0 if the creation of the mailbox is not known.
    public var uidValidity: UInt32
    /// UIDNEXT, up to 2^32: one above the greatest UID that was ever shown here.
    public var uidNext: UInt64
    /// HIGHESTMODSEQ (RFC 7162 section 3.1.2).
    public var highestModSeq: UInt64
    /// The number of visible messages.
    public var messages: UInt64
    /// How many of them are not `\Seen`.
    public var unseen: UInt64
    /// How many of them are `\Deleted`.
    public var deleted: UInt64
    /// The sum of their sizes in octets.
    public var octets: UInt64
    /// The number of messages that wait for the owner to assign a UID.
    public var waiting: UInt64
}

/// What there is to see of one message.
public struct MessageView: Hashable, Sendable {
    /// The message.
    public var id: Dot
    /// Its UID.
    public var uid: UInt32
    /// The modification sequence of its last change here.
    public var modSeq: UInt64
    /// What never changes about it.
    public var facts: MessageFacts
    /// Its flags.
    public var flags: FlagSet
}

extension AccountState {
    /// All living mailboxes in ascending order of their names.
    ///
    /// - Complexity: O(mailboxes log mailboxes).
    public var mailboxes: [(name: String, id: MailboxID)] { names.ascending }

    /// The number of living mailboxes.
    public var mailboxCount: Int { names.count }

    /// The mailbox that is seen under a name; INBOX in any case.
    ///
    /// - Parameter name: the name.
    /// - Returns: the mailbox, or nil if there is none.
    /// - Complexity: O(1) expected.
    public borrowing func mailbox(named name: String) -> MailboxID? { names.id(of: name) }

    /// The name under which a mailbox is seen: its own, or its own with a suffix if another mailbox has the same.
    ///
    /// - Parameter mailbox: the mailbox.
    /// - Returns: the name, or nil if the mailbox is not alive.
    /// - Complexity: O(1) expected.
    public borrowing func effectiveName(of mailbox: MailboxID) -> String? { names.name(of: mailbox) }

    /// Whether a mailbox exists.
    ///
    /// - Parameter mailbox: the mailbox.
    /// - Returns: true if somebody wants it whom no delivered DELETE had seen.
    public borrowing func isAlive(_ mailbox: MailboxID) -> Bool { slot(of: mailbox).map { slots[$0].isAlive } ?? false }

    /// The figures of a mailbox.
    ///
    /// - Parameter mailbox: the mailbox.
    /// - Returns: the figures, or nil if the mailbox is not alive.
    /// - Complexity: O(1) expected.
    public borrowing func summary(of mailbox: MailboxID) -> MailboxSummary? {
        guard let slot = slot(of: mailbox), let name = names.name(of: mailbox) else { return nil }
        let counts = slots[slot].counts
        return MailboxSummary(
            id: mailbox, name: name, use: slots[slot].birth?.use ?? .none,
            uidValidity: slots[slot].birth?.uidValidity ?? 0, uidNext: UInt64(slots[slot].exposedUID) + 1,
            highestModSeq: slots[slot].highestModSeq, messages: counts.visible, unseen: counts.unseen,
            deleted: counts.deleted, octets: counts.octets, waiting: counts.waiting)
    }

    /// The living mailbox with a special use.
    ///
    /// - Parameter use: the special use.
    /// - Returns: the mailbox, or nil if there is none.
    public borrowing func mailbox(withUse use: MailboxUse) -> MailboxID? {
        let known = MailboxID.wellKnown(use)
        return use != .none && isAlive(known) ? known : nil
    }

    /// The subscribed names in ascending order.
    ///
    /// - Complexity: O(subscriptions log subscriptions).
    public var subscribedNames: [String] { subscriptions.dotsByName.keys.sorted() }

    /// Whether a name is subscribed.
    ///
    /// - Parameter name: the name.
    /// - Returns: true if it is.
    public borrowing func isSubscribed(_ name: String) -> Bool {
        subscriptions.dotsByName[MailboxNames.canonical(name)] != nil
    }

    /// A run of visible messages in ascending UID order; the next run begins after the last one's UID.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - uid: only greater UIDs.
    ///   - limit: the most messages.
    /// - Returns: the messages; fewer than `limit` if there are no more.
    /// - Precondition: the mailbox is resident.
    /// - Complexity: O(log messages + limit), amortised over the holes.
    public borrowing func messages(in mailbox: MailboxID, afterUID uid: UInt32 = 0, limit: Int = .max) -> [MessageView]
    {
        var result: [MessageView] = []
        forEachMessage(in: mailbox, afterUID: uid, limit: limit) { result.append($0) }
        return result
    }

    /// Visits a run of visible messages in ascending UID order; the next run begins after the last one's UID.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - uid: only greater UIDs.
    ///   - limit: the most messages.
    ///   - body: called for each message; for fewer than `limit` if there are no more.
    /// - Precondition: the mailbox is resident.
    /// - Complexity: O(log messages + limit), amortised over the holes.
    public borrowing func forEachMessage(
        in mailbox: MailboxID, afterUID uid: UInt32, limit: Int, _ body: (MessageView) -> Void
    ) {
        guard let slot = residentSlot(mailbox), uid < UInt32.max else { return }
        var left = limit
        var index = slots[slot].messages.lowerBound(uid + 1)
        while index < slots[slot].messages.orderedCount, left > 0 {
            let record = slots[slot].messages[.ordered(index)]
            index += 1
            if record.isHole { continue }
            left -= 1
            body(view(slot, record))
        }
    }

    /// The UIDs of the visible messages above a UID, ascending.
    ///
    /// Under one UIDVALIDITY a message appears only above all that were ever shown, and none appears again: what was known of the mailbox
    /// stays true but for removals, and those show in the number of its messages.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - uid: only greater UIDs; 0 for all.
    /// - Returns: the UIDs.
    /// - Precondition: the mailbox is resident.
    /// - Complexity: O(log messages + UIDs), amortised over the holes.
    public borrowing func uids(in mailbox: MailboxID, afterUID uid: UInt32 = 0) -> [UInt32] {
        guard let slot = residentSlot(mailbox), uid < UInt32.max else { return [] }
        return slots[slot].messages.uids(from: slots[slot].messages.lowerBound(uid + 1))
    }

    /// The visible message with a UID.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - uid: the UID.
    /// - Returns: the message, or nil if there is none.
    /// - Precondition: the mailbox is resident.
    /// - Complexity: O(log messages).
    public borrowing func message(in mailbox: MailboxID, uid: UInt32) -> MessageView? {
        guard let slot = residentSlot(mailbox), let index = slots[slot].messages.index(ofUID: uid) else { return nil }
        return view(slot, slots[slot].messages[.ordered(index)])
    }

    /// Visits the visible messages with these UIDs.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - uids: the UIDs, ascending.
    ///   - body: called for each that is there, in their order.
    /// - Precondition: the mailbox is resident.
    /// - Complexity: O(1) for a UID whose message follows that of the one before, else O(log messages).
    public borrowing func forEachMessage(in mailbox: MailboxID, uids: [UInt32], _ body: (MessageView) -> Void) {
        guard let slot = residentSlot(mailbox) else { return }
        var next = 0
        for uid in uids {
            if next >= slots[slot].messages.orderedCount || slots[slot].messages[.ordered(next)].uid != uid {
                next = slots[slot].messages.lowerBound(uid)
            }
            guard next < slots[slot].messages.orderedCount else { continue }
            let record = slots[slot].messages[.ordered(next)]
            guard record.uid == uid else { continue }
            next += 1
            if !record.isHole { body(view(slot, record)) }
        }
    }

    /// The visible message with an identity.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - id: the identity.
    /// - Returns: the message, or nil if there is none, or none that has a UID.
    /// - Precondition: the mailbox is resident.
    /// - Complexity: O(1) expected.
    public borrowing func message(in mailbox: MailboxID, id: Dot) -> MessageView? {
        var work = WorkCounters()
        guard let slot = residentSlot(mailbox), let position = slots[slot].messages.position(of: id, work: &work),
            !position.isApart
        else { return nil }
        return view(slot, slots[slot].messages[position])
    }

    /// The visible messages that are `\Deleted`, in ascending UID order: what EXPUNGE removes.
    ///
    /// - Parameter mailbox: the mailbox.
    /// - Returns: the messages.
    /// - Precondition: the mailbox is resident.
    /// - Complexity: O(d log messages) for d deleted messages.
    public borrowing func deletedMessages(in mailbox: MailboxID) -> [MessageView] {
        guard let slot = residentSlot(mailbox) else { return [] }
        var result: [MessageView] = []
        for uid in slots[slot].messages.deletedUIDs.sorted() {
            guard let index = slots[slot].messages.index(ofUID: uid) else { continue }
            result.append(view(slot, slots[slot].messages[.ordered(index)]))
        }
        return result
    }

    /// The least UID whose message is not `\Seen`.
    ///
    /// - Parameter mailbox: the mailbox.
    /// - Returns: the UID, or nil if all are seen.
    /// - Precondition: the mailbox is resident.
    /// - Complexity: O(messages before it); O(1) if all are seen.
    public borrowing func firstUnseenUID(in mailbox: MailboxID) -> UInt32? {
        guard let slot = residentSlot(mailbox), slots[slot].counts.unseen > 0 else { return nil }
        return slots[slot].messages.ordered.first { !$0.isHole && !$0.flags.contains(.seen) }?.uid
    }

    /// The keywords that any visible message of a mailbox has, ascending.
    ///
    /// - Parameter mailbox: the mailbox.
    /// - Returns: the keywords.
    /// - Precondition: the mailbox is resident.
    /// - Complexity: O(messages with keywords).
    public borrowing func keywordsInUse(in mailbox: MailboxID) -> [KeywordIndex] {
        guard let slot = residentSlot(mailbox) else { return [] }
        return slots[slot].messages.keywordsInUse
    }

    private borrowing func residentSlot(_ mailbox: MailboxID) -> Int? {
        guard let slot = slot(of: mailbox) else { return nil }
        precondition(slots[slot].isResident, "the messages of \(mailbox) are not installed")
        return slot
    }

    private borrowing func view(_ slot: Int, _ record: MessageRecord) -> MessageView {
        MessageView(
            id: record.id, uid: record.uid, modSeq: record.modSeq, facts: slots[slot].messages.facts(of: record),
            flags: FlagSet(record.flags, keywords: slots[slot].messages.keywords(of: record)))
    }
}

extension MailboxMessages {
    /// The UIDs of the visible messages from a slot on.
    fileprivate func uids(from first: Int) -> [UInt32] {
        // Selecting a large mailbox goes through here: no capacity is checked for each message.
        Array(unsafeUninitializedCapacity: ordered.count - first) { buffer, count in
            for index in first..<ordered.count where !ordered[index].isHole {
                buffer.initializeElement(at: count, to: ordered[index].uid)
                count += 1
            }
        }
    }
}
