// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import IMAPCore

/// How the model answers each request.
extension ModelShell {
    private var me: ObjectIdentifier { ObjectIdentifier(self) }
    private var selected: MailboxName { opening!.name }
    private static let gone = SessionReply.refused(Refusal(code: .nonExistent, text: "No such mailbox"))
    private static let tryCreate = SessionReply.refused(Refusal(code: .tryCreate, text: "No such mailbox"))

    func perform(_ request: SessionRequest) -> SessionReply {
        switch request {
        case .authenticate(let user, let password):
            if let authenticationReply { return authenticationReply }
            return user == Array("user".utf8) && password == Secret(Array(store.password.utf8))
                ? .authenticated : .authenticationFailed
        case .listMailboxes:
            let entries = store.mailboxes.map { MailboxCatalog.Entry(name: $0.key, specialUse: $0.value.use) }
            return .mailboxes(MailboxCatalog(entries: entries, subscriptions: Array(store.subscriptions)))
        case .createMailbox(let name, let use):
            if store.mailboxes[name] != nil { return .refused(Refusal(code: .alreadyExists, text: "It exists")) }
            store.create(name, use: use)
            return .done
        case .deleteMailbox(let name):
            if store.mailboxes[name] == nil { return Self.gone }
            store.delete(name, by: me)
            return .done
        case .renameMailbox(let from, let to):
            guard let mailbox = store.mailboxes.removeValue(forKey: from) else { return Self.gone }
            store.mailboxes[to] = mailbox
            return .done
        case .subscribe(let name):
            store.subscriptions.insert(name)
            return .done
        case .unsubscribe(let name):
            store.subscriptions.remove(name)
            return .done
        case .status(let name, let items): return status(name, items)
        case .select(let name, let readOnly):
            return openMailbox(name, readOnly: readOnly).map { .selected($0) } ?? Self.gone
        case .append(let target):
            if store.mailboxes[target.mailbox] == nil { return Self.tryCreate }
            upload = target
            uploaded = []
            return .appendReady
        case .appendEnd:
            let target = upload!
            upload = nil
            precondition(uploaded.count == target.byteCount)
            let uid = store.append(target.mailbox, uploaded, flags: target.flags, date: target.date, by: me)
            return uid.map { .appended(uidValidity: store.mailboxes[target.mailbox]!.uidValidity, uid: $0) }
                ?? Self.gone
        case .fetch(let fetch): return self.fetch(fetch)
        case .store(let change): return self.change(change)
        case .copy(let targets, let name): return copy(targets, name).map { .copied($0) } ?? Self.tryCreate
        case .move(let targets, let name):
            guard let outcome = copy(targets, name) else { return Self.tryCreate }
            store.remove(Set(outcome.sourceUIDs), from: selected, by: me)
            return .moved(outcome)
        case .expunge(let uids): return expunge(uids)
        case .search(let search): return .found(SearchOutcome(matches: find(search)))
        case .poll: return .done
        case .deselect, .appendAbort: return .done
        }
    }

    private func status(_ name: MailboxName, _ items: [StatusItem]) -> SessionReply {
        guard let mailbox = store.mailboxes[name] else { return Self.gone }
        let values: [StatusValue] = items.map { item in
            switch item {
            case .messages: .messages(mailbox.messages.count)
            case .uidNext: .uidNext(UID(mailbox.nextUID)!)
            case .uidValidity: .uidValidity(mailbox.uidValidity)
            case .unseen: .unseen(mailbox.messages.count { !$0.flags.contains(.seen) })
            case .size: .size(mailbox.messages.reduce(0) { $0 + $1.bytes.count })
            case .highestModSequence: .highestModSequence(mailbox.highestModSequence)
            case .recent, .appendLimit: preconditionFailure("The machine knows these.")
            }
        }
        return .status(MailboxStatus(mailbox: name, values: values))
    }

    private func fetch(_ fetch: FetchRequest) -> SessionReply {
        let composer = FetchComposer(fetch)
        var missing: [UID] = []
        for target in fetch.targets {
            guard var message = store.message(target.uid, in: selected) else {
                if fetch.changedSince == nil { missing.append(target.uid) }
                continue
            }
            if let since = fetch.changedSince, message.modSequence <= since { continue }
            let setsSeen = fetch.markSeen && !message.flags.contains(.seen)
            if setsSeen {
                store.setFlags(message.flags + [.seen], of: message.uid, in: selected, by: me)
                message = store.message(target.uid, in: selected)!
            }
            write(composer, target, message, setsSeen)
        }
        return .fetched(FetchOutcome(missingUIDs: missing))
    }

    private func write(
        _ composer: FetchComposer, _ target: MessageTarget, _ message: ModelStore.Message, _ setsSeen: Bool
    ) {
        let structure: MessageStructure? =
            switch composer.needs {
            case .attributes: nil
            case .header: MessageScanner.scan(Self.header(message.bytes))
            case .structure: MessageScanner.scan(message.bytes)
            }
        for piece in composer.pieces(
            for: target, attributes: Self.attributes(message), structure: structure, announcesFlags: setsSeen)
        {
            switch piece {
            case .bytes(let bytes): output += bytes
            case .rawRange(let range): output += message.bytes[range]
            case .filteredHeader(let filter): output += filter.literal(of: Array(message.bytes[filter.range]))
            }
        }
    }

    private static func attributes(_ message: ModelStore.Message) -> MessageAttributes {
        MessageAttributes(
            uid: message.uid, flags: message.flags, internalDate: message.date, byteCount: message.bytes.count,
            modSequence: message.modSequence)
    }

    static func header(_ bytes: [UInt8]) -> [UInt8] {
        var boundary = HeaderBoundary()
        boundary.consume(bytes.span)
        return Array(bytes.prefix(boundary.byteCount ?? bytes.count))
    }

    private func change(_ change: StoreRequest) -> SessionReply {
        var flags: [MessageFlags] = []
        var modified: [MessageFlags] = []
        var missing: [UID] = []
        for target in change.targets {
            guard let message = store.message(target.uid, in: selected) else {
                missing.append(target.uid)
                continue
            }
            if let since = change.unchangedSince, Self.fails(change, since, message) {
                modified.append(
                    MessageFlags(uid: target.uid, flags: message.flags, modSequence: message.modSequence))
                continue
            }
            let new: [Flag] =
                switch change.mode {
                case .replace: change.flags
                case .add: message.flags + change.flags.filter { !message.flags.contains($0) }
                case .remove: message.flags.filter { !change.flags.contains($0) }
                }
            store.setFlags(new, of: target.uid, in: selected, by: me)
            let modSequence = store.message(target.uid, in: selected)!.modSequence
            flags.append(MessageFlags(uid: target.uid, flags: new, modSequence: modSequence))
        }
        return .stored(StoreOutcome(flags: flags, modified: modified, missingUIDs: missing))
    }

    private static func fails(_ change: StoreRequest, _ since: ModSequence, _ message: ModelStore.Message) -> Bool {
        guard since == .zero else { return message.modSequence > since }
        return change.mode == .replace
            || change.flags.contains { Flag.system.contains($0) || message.flags.contains($0) }
    }

    private func copy(_ targets: [MessageTarget], _ name: MailboxName) -> CopyOutcome? {
        guard let validity = store.mailboxes[name]?.uidValidity else { return nil }
        var sources: [UID] = []
        var destinations: [UID] = []
        var missing: [UID] = []
        for target in targets {
            guard let message = store.message(target.uid, in: selected) else {
                missing.append(target.uid)
                continue
            }
            sources.append(target.uid)
            destinations.append(
                store.append(name, message.bytes, flags: message.flags, date: message.date, by: me)!)
        }
        return CopyOutcome(
            uidValidity: validity, sourceUIDs: sources, destinationUIDs: destinations, missingUIDs: missing)
    }

    private func expunge(_ uids: [UID]?) -> SessionReply {
        let doomed = store.mailboxes[selected]!.messages.filter { $0.flags.contains(.deleted) }.map(\.uid)
            .filter { uids?.contains($0) ?? true }
        store.remove(Set(doomed), from: selected, by: me)
        return .expunged(doomed)
    }

    private func find(_ search: SearchRequest) -> [SearchOutcome.Match] {
        let plan = SearchPlan(search)
        return (store.mailboxes[selected]?.messages ?? []).filter { message in
            let attributes = Self.attributes(message)
            return switch plan.evaluate(attributes) {
            case .match: true
            case .mismatch: false
            case .undecided:
                plan.matches(
                    attributes, answers: MessageTextSearch.search(message.bytes, program: plan.program))
            }
        }.map { SearchOutcome.Match(uid: $0.uid, modSequence: $0.modSequence) }
    }
}
