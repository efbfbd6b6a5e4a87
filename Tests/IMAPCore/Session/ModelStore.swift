// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore

/// A mail store in memory that answers session requests honestly, for any number of sessions.
final class ModelStore {
    struct Message {
        var uid: UID
        var flags: [Flag]
        var date: DateTime
        var bytes: [UInt8]
        var modSequence: ModSequence
    }

    struct Mailbox {
        var uidValidity: UIDValidity
        var nextUID: UInt32 = 1
        var messages: [Message] = []
        var use: SpecialUse?
        var keywords: [Flag] = []
        var isReadOnly = false
        var canCreateKeywords = true
        /// A model's modification sequences count by tens, so that tests can name numbers between them.
        var highestModSequence = ModSequence(clamping: 10)

        var flags: [Flag] { Flag.system + keywords }
    }

    var mailboxes: [MailboxName: Mailbox] = [:]
    var subscriptions: Set<MailboxName> = []
    var password = "secret"
    /// Every change: which mailbox, what happened, and which session did it.
    var observers: [ObjectIdentifier: (MailboxName, MailboxEvent, ObjectIdentifier?) -> Void] = [:]
    private var nextValidity: UInt32 = 100
    private let now = DateTime(secondsSinceEpoch: 1_700_000_000)

    init(_ names: [String] = ["INBOX"]) {
        for name in names { create(Self.name(name)) }
    }

    static func name(_ text: String) -> MailboxName { try! MailboxName(text) }

    func uids(_ name: String) -> [UID] { mailboxes[Self.name(name)]?.messages.map(\.uid) ?? [] }

    func create(_ name: MailboxName, use: SpecialUse? = nil) {
        mailboxes[name] = Mailbox(uidValidity: UIDValidity(nextValidity)!, use: use)
        nextValidity += 1
    }

    @discardableResult
    func append(
        _ name: MailboxName, _ text: String = "Subject: x\r\n\r\nbody\r\n", flags: [Flag] = [], date: DateTime? = nil,
        by session: ObjectIdentifier? = nil
    ) -> UID? {
        append(name, Array(text.utf8), flags: flags, date: date, by: session)
    }

    @discardableResult
    func append(
        _ name: MailboxName, _ bytes: [UInt8], flags: [Flag], date: DateTime?, by session: ObjectIdentifier?
    ) -> UID? {
        guard let uid = mailboxes[name].flatMap({ UID($0.nextUID) }) else { return nil }
        addKeywords(flags, to: name, by: session)
        mailboxes[name]!.nextUID += 1
        let modSequence = nextModSequence(of: name)
        mailboxes[name]!.messages.append(
            Message(uid: uid, flags: flags, date: date ?? now, bytes: bytes, modSequence: modSequence))
        publish(name, .arrived(uid), session)
        publish(name, .modSequenceRaised(modSequence), session)
        return uid
    }

    func remove(_ uids: Set<UID>, from name: MailboxName, by session: ObjectIdentifier? = nil) {
        guard let present = mailboxes[name]?.messages.map(\.uid).filter(uids.contains) else { return }
        mailboxes[name]!.messages.removeAll { uids.contains($0.uid) }
        for uid in present {
            publish(name, .vanished(uid), session)
            publish(name, .modSequenceRaised(nextModSequence(of: name)), session)
        }
    }

    func setFlags(_ flags: [Flag], of uid: UID, in name: MailboxName, by session: ObjectIdentifier? = nil) {
        guard let index = mailboxes[name]?.messages.firstIndex(where: { $0.uid == uid }) else { return }
        guard Set(mailboxes[name]!.messages[index].flags) != Set(flags) else { return }
        addKeywords(flags, to: name, by: session)
        let modSequence = nextModSequence(of: name)
        mailboxes[name]!.messages[index].flags = flags
        mailboxes[name]!.messages[index].modSequence = modSequence
        publish(name, .flagsChanged(uid, flags, modSequence, isOwn: false), session)
        publish(name, .modSequenceRaised(modSequence), session)
    }

    private func nextModSequence(of name: MailboxName) -> ModSequence {
        let next = ModSequence(clamping: mailboxes[name]!.highestModSequence.rawValue + 10)
        mailboxes[name]!.highestModSequence = next
        return next
    }

    func delete(_ name: MailboxName, by session: ObjectIdentifier? = nil) {
        mailboxes[name] = nil
        publish(name, .mailboxDeleted, session)
    }

    func message(_ uid: UID, in name: MailboxName) -> Message? {
        mailboxes[name]?.messages.first { $0.uid == uid }
    }

    private func addKeywords(_ flags: [Flag], to name: MailboxName, by session: ObjectIdentifier?) {
        guard let mailbox = mailboxes[name] else { return }
        let new = flags.filter { !mailbox.flags.contains($0) }
        guard !new.isEmpty else { return }
        mailboxes[name]!.keywords += new
        publish(name, .keywordsChanged(mailboxes[name]!.flags), session)
    }

    private func publish(_ name: MailboxName, _ event: MailboxEvent, _ session: ObjectIdentifier?) {
        for observer in observers.values { observer(name, event, session) }
    }
}
