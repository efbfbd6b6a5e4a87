// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
internal import Storage

/// One user's mailboxes.
///
/// Every call that changes something returns when the change is durable; every call that reads shows only what is durable.
package final class MailAccount: Sendable {
    /// The user's name.
    package let name: String
    let store: MailStore
    let index: AccountIndex
    /// The core's era in which the index was given.
    let era: UInt64
    let rules: MailboxNameRules

    init(store: MailStore, index: AccountIndex, name: String, era: UInt64) {
        self.era = era
        self.store = store
        self.index = index
        self.name = name
        rules = MailboxNameRules(
            separator: store.options.hierarchySeparator, maximumBytes: store.options.mailboxNameBytes,
            maximumLevels: store.options.mailboxNameLevels)
    }

    /// The account as it is named since a snapshot took the place of everything (``MailStoreError/Code/superseded``).
    ///
    /// - Returns: the account of the same user.
    /// - Throws: ``MailStoreError``.
    package func renewed() async throws -> MailAccount { try await store.account(named: name) }

    /// Whether there is an INBOX.
    func isMade() async throws -> Bool { try await store.read(self) { _, box in box.state.isAlive(.inbox) } }

    /// Makes INBOX, and with it the mailboxes that every account has, unless there is an INBOX.
    ///
    /// - Throws: ``MailStoreError``, with `unavailable` if the account may be on its way from a peer.
    package func provision() async throws {
        if try await isMade() { return }
        try await store.accountGate.pass()
        let wanted = store.options.provisionedMailboxes
        let validity = validity()
        try await store.issue(on: self) { _, box, unit in
            guard !box.state.isAlive(.inbox) else { return }
            _ = try box.state.createMailbox(name: "INBOX", validity: validity, batch: &unit.batch)
            for mailbox in wanted {
                _ = try box.state.createMailbox(
                    name: mailbox.name, use: mailbox.use, validity: validity, batch: &unit.batch)
            }
        }
    }

    /// The mailboxes and subscriptions.
    package func mailboxes() async throws -> MailboxListing {
        try await store.read(self) { _, box in
            let mailboxes = box.state.mailboxes.map { name, id in
                MailboxEntry(name: name, use: box.state.summary(of: id)?.use ?? .none)
            }
            return MailboxListing(mailboxes: mailboxes, subscriptions: box.state.subscribedNames)
        }
    }

    /// CREATE (RFC 3501 section 6.3.3), with the superiors that are missing.
    package func createMailbox(_ name: String, use: MailboxUse = .none) async throws {
        let name = try rules.validated(name)
        let separator = rules.separator
        let validity = validity()
        try await store.issue(on: self) { _, box, unit in
            _ = try box.state.createMailbox(
                name: name, use: use, separator: separator, validity: validity, batch: &unit.batch)
        }
    }

    /// DELETE (RFC 3501 section 6.3.4); inferiors stay.
    package func deleteMailbox(_ name: String) async throws {
        try await store.issue(on: self, needing: { state throws(MailStoreError) in [try Self.find(name, in: state)] }) {
            _, box, unit in
            try box.state.deleteMailbox(try Self.find(name, in: box.state), batch: &unit.batch)
        }
    }

    /// RENAME (RFC 3501 section 6.3.5), with the subtree; renaming INBOX moves its messages.
    package func renameMailbox(_ name: String, to newName: String) async throws {
        let newName = try rules.validated(newName)
        let separator = rules.separator
        let validity = validity()
        // Only INBOX gives up its messages; another mailbox keeps them under its new name.
        try await store.issue(
            on: self,
            needing: { state throws(MailStoreError) in
                let id = try Self.find(name, in: state)
                return id == .inbox ? [id] : []
            }
        ) { _, box, unit in
            try box.state.renameMailbox(
                try Self.find(name, in: box.state), to: newName, separator: separator, validity: validity,
                batch: &unit.batch)
        }
    }

    /// SUBSCRIBE (RFC 3501 section 6.3.6); the mailbox need not exist.
    package func subscribe(to name: String) async throws {
        let name = try rules.validated(name)
        try await store.issue(on: self) { _, box, unit in try box.state.subscribe(name, batch: &unit.batch) }
    }

    /// UNSUBSCRIBE (RFC 3501 section 6.3.7).
    package func unsubscribe(from name: String) async throws {
        try await store.issue(on: self) { _, box, unit in box.state.unsubscribe(name, batch: &unit.batch) }
    }

    /// STATUS (RFC 3501 section 6.3.10): costs the same whatever the mailbox holds.
    package func counts(of name: String) async throws -> MailboxCounts {
        try await store.read(self) { _, box in
            let id = try Self.find(name, in: box.state)
            return try Self.counts(of: id, in: box.state)
        }
    }

    /// SELECT (RFC 3501 section 6.3.1).
    ///
    /// - Parameters:
    ///   - name: the mailbox.
    ///   - signal: called, on any thread, when there are notices to take; must be quick.
    /// - Returns: the mailbox; close it.
    /// - Throws: ``MailStoreError`` with `noSuchMailbox`.
    package func open(_ name: String, signal: @escaping @Sendable () -> Void) async throws -> OpenMailbox {
        try await store.read(
            self, needing: { state throws(MailStoreError) in [try Self.find(name, in: state)] },
            undoing: { (mailbox: OpenMailbox) in mailbox.close() }
        ) { core, box in
            let id = try Self.find(name, in: box.state)
            guard let overview = box.overview(of: id) else { throw Self.noMailbox }
            let snapshot = OpenMailbox.Snapshot(
                id: id, name: name, counts: Self.counts(overview.summary), uids: overview.uids,
                keywords: core.keywordNames(overview.keywords), firstUnseenUID: overview.firstUnseenUID)
            let mailbox = OpenMailbox(
                number: core.nextListener, account: self, snapshot: snapshot, openedAt: core.units, signal: signal)
            core.nextListener += 1
            core.listeners[MailboxKey(account: self.index, mailbox: id), default: [:]][mailbox.number] = mailbox
            return mailbox
        }
    }

    static func find(_ name: String, in state: borrowing AccountState) throws(MailStoreError) -> MailboxID {
        guard let id = state.mailbox(named: name) else { throw noMailbox }
        return id
    }

    private static var noMailbox: MailStoreError { MailStoreError(.noSuchMailbox, "there is no such mailbox") }

    private static func counts(of id: MailboxID, in state: borrowing AccountState) throws(MailStoreError)
        -> MailboxCounts
    {
        guard let summary = state.summary(of: id) else { throw noMailbox }
        return counts(summary)
    }

    private static func counts(_ summary: MailboxSummary) -> MailboxCounts {
        MailboxCounts(
            messages: Int(clamping: summary.messages), unseen: Int(clamping: summary.unseen),
            deleted: Int(clamping: summary.deleted), octets: summary.octets, uidNext: UInt32(clamping: summary.uidNext),
            uidValidity: max(1, summary.uidValidity), highestModSeq: summary.highestModSeq)
    }

    private func validity() -> UIDValiditySource {
        UIDValiditySource(
            nowSeconds: UInt32(clamping: store.now() / 1_000),
            stripe: UInt8(truncatingIfNeeded: store.options.uidStripe.index))
    }
}
