// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import IMAPCore
internal import Logging
internal import MailStore
internal import NodeSupport

extension IMAPConnection {
    /// Carries out one request of the machine.
    ///
    /// The first one that concerns the account makes it. When a snapshot took the place of everything, a request that names all that it is about goes on with the
    /// account as it is now; what a session knows of a mailbox is void, and of that the mailbox's events tell.
    ///
    /// - Returns: the reply, or nil when none is expected.
    mutating func perform(_ request: SessionRequest) async throws -> SessionReply? {
        do {
            if !isProvisioned, request.concernsAccount { try await provision() }
            do {
                return try await attempt(request)
            } catch let error as MailStoreError where error.code == .superseded && request.isSelfContained {
                account = try await authenticated().renewed()
                return try await attempt(request)
            }
        } catch let error as MailStoreError {
            logger.log(
                level: error.code.isOperational ? .error : .debug, "request refused",
                metadata: ["code": "\(error.code)", "reason": "\(error.message)"])
            return RefusalMapping.refusal(error, of: request)
        }
    }

    private mutating func provision() async throws {
        do {
            try await authenticated().provision()
        } catch let error as MailStoreError where error.code == .superseded {
            account = try await authenticated().renewed()
        }
        isProvisioned = true
    }

    private mutating func attempt(_ request: SessionRequest) async throws -> SessionReply? {
        switch request {
        case .authenticate(let user, let password): return try await authenticate(user, password)
        case .deselect:
            deselect()
            return nil
        case .appendAbort:
            await abortUpload()
            return nil
        case .listMailboxes, .createMailbox, .deleteMailbox, .renameMailbox, .subscribe, .unsubscribe, .status:
            return try await performOnMailboxes(request)
        case .select(let name, let readOnly): return try await select(name, readOnly: readOnly)
        case .append(let target): return try await beginUpload(target)
        case .appendEnd: return try await finishUpload()
        case .fetch, .store, .copy, .move, .expunge, .search, .poll: return try await performOnMessages(request)
        }
    }

    private mutating func authenticate(_ user: [UInt8], _ password: Secret) async throws -> SessionReply {
        switch try await desk.logIn(user: user, password: password, client: client) {
        case .accepted(let name, let account):
            services.meter.loggedIn("accepted")
            self.account = account
            logger[metadataKey: "user"] = "\(name)"
            logger.info("login")
            return .authenticated
        case .rejected:
            services.meter.loggedIn("rejected")
            logger.notice("login refused")
            return .authenticationFailed
        case .unavailable(let reason):
            services.meter.loggedIn("unavailable")
            logger.error("login not possible", metadata: ["reason": "\(reason)"])
            return .authenticationUnavailable(reason)
        }
    }

    private func performOnMailboxes(_ request: SessionRequest) async throws -> SessionReply? {
        let account = try authenticated()
        switch request {
        case .listMailboxes: return .mailboxes(try await catalog(of: account))
        case .createMailbox(let name, let use):
            try await account.createMailbox(name.value, use: FlagMapping.use(use))
        case .deleteMailbox(let name): try await account.deleteMailbox(name.value)
        case .renameMailbox(let from, let to): try await account.renameMailbox(from.value, to: to.value)
        case .subscribe(let name): try await account.subscribe(to: name.value)
        case .unsubscribe(let name): try await account.unsubscribe(from: name.value)
        case .status(let name, let items):
            return .status(Self.status(try await account.counts(of: name.value), name, items))
        case .authenticate, .select, .deselect, .append, .appendEnd, .appendAbort, .fetch, .store, .copy, .move,
            .expunge,
            .search, .poll:
            return nil
        }
        return .done
    }

    private static func status(_ counts: MailboxCounts, _ name: MailboxName, _ items: [StatusItem]) -> MailboxStatus {
        MailboxStatus(mailbox: name, values: items.compactMap { value(of: $0, counts) })
    }

    private static func value(of item: StatusItem, _ counts: MailboxCounts) -> StatusValue? {
        switch item {
        case .messages: .messages(counts.messages)
        case .recent: .recent(0)
        case .uidNext: UID(counts.uidNext).map(StatusValue.uidNext)
        case .uidValidity: UIDValidity(counts.uidValidity).map(StatusValue.uidValidity)
        case .unseen: .unseen(counts.unseen)
        case .size: .size(Int(clamping: counts.octets))
        case .appendLimit: nil
        case .highestModSequence: .highestModSequence(ModSequence(clamping: counts.highestModSeq))
        }
    }

    private func catalog(of account: MailAccount) async throws -> MailboxCatalog {
        let listing = try await account.mailboxes()
        // The store's names passed the same grammar when they came in; one that does not pass it now cannot be said to a client.
        let entries = listing.mailboxes.compactMap { entry -> MailboxCatalog.Entry? in
            guard let name = try? MailboxName(entry.name) else { return nil }
            return MailboxCatalog.Entry(name: name, specialUse: FlagMapping.specialUse(entry.use))
        }
        return MailboxCatalog(
            entries: entries, subscriptions: listing.subscriptions.compactMap { try? MailboxName($0) })
    }

    private mutating func select(_ name: MailboxName, readOnly: Bool) async throws -> SessionReply {
        deselect()
        return .selected(try await openMailbox(name, readOnly: readOnly))
    }

    /// Opens a mailbox; its events come from now on.
    mutating func openMailbox(_ name: MailboxName, readOnly: Bool) async throws -> SelectedMailbox {
        let inbox = channel.inbox
        let mailbox = try await authenticated().open(name.value) { inbox.signalEvents() }
        let snapshot = mailbox.snapshot
        let handle = makeHandle()
        open = (handle, mailbox)
        return SelectedMailbox(
            handle: handle, name: name, uidValidity: try FlagMapping.validity(snapshot.counts.uidValidity),
            uidNext: try FlagMapping.uid(snapshot.counts.uidNext), uids: try FlagMapping.uids(snapshot.uids),
            highestModSequence: ModSequence(clamping: snapshot.counts.highestModSeq),
            flags: FlagMapping.wire(MessageFlagNames(system: .all, keywords: snapshot.keywords)),
            firstUnseenUID: try snapshot.firstUnseenUID.map(FlagMapping.uid), isReadOnly: readOnly,
            canCreateKeywords: true)
    }

    private mutating func deselect() {
        open?.mailbox.close()
        open = nil
    }

    /// The machine's events for the store's notices, and at their end how far they go.
    func events(for notices: [MailboxNotice]) -> [MailboxEvent] {
        let reached = notices.compactMap(\.modSeq).max()
        return notices.compactMap { event(for: $0) }
            + (reached.map { [.modSequenceRaised(ModSequence(clamping: $0))] } ?? [])
    }

    /// The machine's event for a notice of the store.
    private func event(for notice: MailboxNotice) -> MailboxEvent? {
        switch notice {
        case .arrived(let uid, _): UID(uid).map(MailboxEvent.arrived)
        case .vanished(let uid, _): UID(uid).map(MailboxEvent.vanished)
        case .flagsChanged(let uid, let flags, let modSeq, let isOwn):
            UID(uid).map { .flagsChanged($0, FlagMapping.wire(flags), ModSequence(clamping: modSeq), isOwn: isOwn) }
        case .keywordsSeen(let keywords):
            .keywordsChanged(FlagMapping.wire(MessageFlagNames(system: .all, keywords: keywords)))
        case .deleted: .mailboxDeleted
        case .overrun: nil
        case .renamed(let name): (try? MailboxName(name)).map(MailboxEvent.mailboxRenamed)
        }
    }

    func authenticated() throws -> MailAccount {
        guard let account else { throw MailStoreError(.closed, "the session has not logged in") }
        return account
    }
}

extension MailboxNotice {
    /// The modification sequence of what happened, if it has one.
    fileprivate var modSeq: UInt64? {
        switch self {
        case .arrived(_, let modSeq), .vanished(_, let modSeq), .flagsChanged(_, _, let modSeq, _): modSeq
        case .keywordsSeen, .deleted, .overrun, .renamed: nil
        }
    }
}

extension SessionRequest {
    /// Whether it is about the user's mail.
    fileprivate var concernsAccount: Bool {
        switch self {
        case .authenticate, .deselect, .appendAbort: false
        case .listMailboxes, .createMailbox, .deleteMailbox, .renameMailbox, .subscribe, .unsubscribe, .status, .select,
            .append, .appendEnd, .fetch, .store, .copy, .move, .expunge, .search, .poll:
            true
        }
    }

    /// Whether it names all that it is about, so that nothing the session knows is needed for it.
    fileprivate var isSelfContained: Bool {
        switch self {
        case .listMailboxes, .createMailbox, .deleteMailbox, .renameMailbox, .subscribe, .unsubscribe, .status, .select,
            .append:
            true
        case .authenticate, .deselect, .appendAbort, .appendEnd, .fetch, .store, .copy, .move, .expunge, .search, .poll:
            false
        }
    }
}
