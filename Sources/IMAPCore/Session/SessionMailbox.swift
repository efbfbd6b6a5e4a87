// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The selected mailbox as its client knows it, and the news that the client has not been told.
///
/// News is applied to the view only at the moment it is announced (RFC 3501 sections 5.2 and 7.4.1).
struct SessionMailbox {
    /// Names this opening.
    let handle: MailboxHandle
    /// The mailbox's name, which a RENAME may change.
    private(set) var name: MailboxName
    /// Whether nothing may be changed.
    let isReadOnly: Bool
    /// Whether clients can make new keywords.
    let canCreateKeywords: Bool
    /// What the client has been told of.
    private(set) var view: SequenceView
    /// The flags in use.
    private(set) var flags: [Flag]
    /// Whether somebody has deleted the mailbox.
    private(set) var isDeleted = false

    /// No arrival below this is new: the snapshot had it, or it was announced before.
    private var nextUID: UInt64
    /// No identifier below this is news to the client.
    private(set) var announcedNextUID: UInt64
    /// Up to which modification sequence the client has been told of everything but removals.
    private(set) var toldModSequence: ModSequence
    /// Up to which modification sequence everything has come here.
    private var modSequence: ModSequence
    /// What stays the same when the mailbox is renamed.
    let identity: [UInt8]
    /// The generation of the identifiers.
    let uidValidity: UIDValidity
    /// Messages that the client knows of and this server has not heard of yet; ascending.
    private var awaited: [UID] = []
    private var arrivals: [UID] = []
    private var vanished: Set<UID> = []
    private var changedFlags: [UID: MessageFlags] = [:]
    private var flagsAreNew = false

    init(_ mailbox: SelectedMailbox, isReadOnly: Bool) {
        handle = mailbox.handle
        name = mailbox.name
        self.isReadOnly = isReadOnly
        canCreateKeywords = mailbox.canCreateKeywords
        view = SequenceView(mailbox.uids)
        flags = mailbox.flags
        nextUID = max(UInt64(mailbox.uidNext.rawValue), UInt64(mailbox.uids.last?.rawValue ?? 0) + 1)
        announcedNextUID = nextUID
        toldModSequence = mailbox.highestModSequence
        modSequence = mailbox.highestModSequence
        identity = mailbox.identity
        uidValidity = mailbox.uidValidity
    }

    /// Opens a mailbox again for a client who knows it: the difference between the two is news.
    init(_ mailbox: SelectedMailbox, resuming known: SessionTicket.Mailbox) {
        self.init(mailbox, isReadOnly: known.isReadOnly || mailbox.isReadOnly)
        view = SequenceView(known.uids)
        announcedNextUID = max(known.nextUID, UInt64(known.uids.last?.rawValue ?? 0) + 1)
        let present = SequenceView(mailbox.uids)
        for uid in known.uids where !present.contains(uid) {
            if uid < mailbox.uidNext { vanished.insert(uid) } else { awaited.append(uid) }
        }
        arrivals = mailbox.uids.filter { UInt64($0.rawValue) >= announcedNextUID }
        nextUID = max(nextUID, announcedNextUID)
        // What lies between has come here and is still to be told.
        toldModSequence = known.modSequence ?? toldModSequence
    }

    /// What another server would need to carry on.
    func ticket(withModSequence: Bool) -> SessionTicket.Mailbox {
        SessionTicket.Mailbox(
            name: name, identity: identity, uidValidity: uidValidity, isReadOnly: isReadOnly,
            nextUID: announcedNextUID, uids: view.uids, modSequence: withModSequence ? toldModSequence : nil)
    }

    /// How many pieces of news are waiting.
    var pendingCount: Int { arrivals.count + vanished.count + changedFlags.count }

    /// Takes note of an event; the client hears of it later.
    mutating func apply(_ event: MailboxEvent) {
        switch event {
        case .arrived(let uid):
            settle(below: uid)
            guard UInt64(uid.rawValue) >= nextUID else { return }
            nextUID = UInt64(uid.rawValue) + 1
            arrivals.append(uid)
        case .vanished(let uid):
            note(vanished: uid)
        case .flagsChanged(let uid, let flags, let modSequence, let isOwn):
            // The response to the own command has told the client, unless an older change is still to be announced.
            guard view.contains(uid), !isOwn || changedFlags[uid] != nil else { return }
            // What was read when the session was carried over may be ahead of the events.
            guard changedFlags[uid].map({ $0.modSequence <= modSequence }) ?? true else { return }
            changedFlags[uid] = MessageFlags(uid: uid, flags: flags, modSequence: modSequence)
        case .modSequenceRaised(let reached): modSequence = max(modSequence, reached)
        case .mailboxDeleted:
            isDeleted = true
        case .mailboxRenamed(let newName):
            name = newName
        case .keywordsChanged(let newFlags):
            flagsAreNew = flagsAreNew || newFlags != flags
            flags = newFlags
        }
    }

    /// Arrivals ascend: what was awaited in front of one will not come any more.
    private mutating func settle(below uid: UID) {
        guard let first = awaited.first, first <= uid else { return }
        let end = awaited.firstIndex { $0 > uid } ?? awaited.endIndex
        for late in awaited[..<end] where late != uid { vanished.insert(late) }
        awaited.removeSubrange(..<end)
    }

    /// Takes note of a removal, once.
    mutating func note(vanished uid: UID) {
        guard view.contains(uid) || arrivals.last.map({ $0 >= uid }) ?? false else { return }
        vanished.insert(uid)
    }

    /// Whether a message is known to be gone, though its client has not been told.
    func isVanished(_ uid: UID) -> Bool { vanished.contains(uid) }

    /// Writes FLAGS and PERMANENTFLAGS when there are new ones: before any response that shows them.
    mutating func announceFlags(into output: inout [UInt8]) {
        guard flagsAreNew else { return }
        flagsAreNew = false
        ResponseEncoder.encode(.flags(flags), into: &output)
        ResponseEncoder.encode(.untagged(permanentFlags), into: &output)
    }

    /// Forgets arrivals that went before the client was told of them.
    mutating func dropVanishedArrivals() {
        if !vanished.isEmpty { arrivals.removeAll { vanished.remove($0) != nil } }
    }

    /// The removals that the client has not been told of, ascending.
    var vanishedUIDs: [UID] { vanished.sorted() }

    /// Writes removals, the highest first, and applies them to the view.
    mutating func announceExpunges(of uids: [UID], into output: inout [UInt8]) {
        for uid in uids {
            changedFlags[uid] = nil
            vanished.remove(uid)
        }
        for number in view.remove(uids) { ResponseEncoder.encode(.expunge(number), into: &output) }
    }

    /// Writes the number of messages when some are new, and applies them to the view.
    ///
    /// - Returns: the new messages.
    mutating func announceArrivals(into output: inout [UInt8]) -> [UID] {
        guard !arrivals.isEmpty else { return [] }
        defer { arrivals = [] }
        for uid in arrivals { view.append(uid) }
        announcedNextUID = max(announcedNextUID, UInt64(arrivals.last?.rawValue ?? 0) + 1)
        ResponseEncoder.encode(.exists(view.count), into: &output)
        return arrivals
    }

    /// How many messages have flags that the client has not been told of.
    var changedFlagsCount: Int { changedFlags.count }

    /// Writes flags that have changed, with UID and modification sequence for a client that has asked for these (RFC 7162
    /// section 3.2.4).
    mutating func announceChangedFlags(withModSequence: Bool, into output: inout [UInt8]) {
        guard !changedFlags.isEmpty else { return }
        for (_, message) in changedFlags.sorted(by: { $0.key < $1.key }) {
            write(
                message, flags: true, includeUID: withModSequence, withModSequence: withModSequence, into: &output)
        }
        changedFlags = [:]
    }

    /// The client has been told all news but, perhaps, of removals.
    mutating func noteTold() { toldModSequence = modSequence }

    /// Writes what STORE has made of a message, and forgets older news of its flags; newer news is kept for later.
    ///
    /// A silent STORE tells only the modification sequence, unless somebody else has changed the flags before (RFC 7162 sections
    /// 3.1.3 and 3.1.4.2).
    mutating func announceStored(
        _ message: MessageFlags, isSilent: Bool, includeUID: Bool, withModSequence: Bool, into output: inout [UInt8]
    ) {
        guard !isSilent || withModSequence else { return }
        let hasOlderNews = changedFlags[message.uid].map { $0.modSequence <= message.modSequence } ?? false
        if hasOlderNews { changedFlags[message.uid] = nil }
        write(
            message, flags: !isSilent || hasOlderNews, includeUID: includeUID, withModSequence: withModSequence,
            into: &output)
    }

    /// PERMANENTFLAGS (RFC 3501 section 7.1): none when nothing may be changed.
    var permanentFlags: StatusCondition {
        if isReadOnly {
            return StatusCondition(.ok, code: .permanentFlags([]), text: "The mailbox is read-only")
        }
        let flags = flags.map(PermanentFlag.flag) + (canCreateKeywords ? [.newKeywords] : [])
        return StatusCondition(.ok, code: .permanentFlags(flags), text: "Flags that last")
    }

    private func write(
        _ message: MessageFlags, flags: Bool, includeUID: Bool, withModSequence: Bool, into output: inout [UInt8]
    ) {
        guard let number = view.number(of: message.uid) else { return }
        var encoder = FetchEncoder(number, into: &output)
        if includeUID { encoder.uid(message.uid, into: &output) }
        if flags { encoder.flags(message.flags, into: &output) }
        if withModSequence { encoder.modSequence(message.modSequence, into: &output) }
        encoder.finish(into: &output)
    }

    /// Checks the view and that news is not mixed up with it.
    ///
    /// - Returns: what is broken, or nil.
    func checkInvariants() -> String? {
        if let problem = view.checkInvariants() { return problem }
        if arrivals.contains(where: view.contains) { return "An arrival is in the view already." }
        if changedFlags.keys.contains(where: { !view.contains($0) }) { return "Flags changed of an unknown message." }
        return nil
    }
}
