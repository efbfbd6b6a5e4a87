// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Sessions that go from one server to another without their clients' noticing.
extension SessionMachine {
    /// Makes the machine of a client who has logged in elsewhere, and goes on where its session was.
    ///
    /// The machine starts in the authenticated state, or with a mailbox selected, and sends no greeting. It reports what
    /// changes the ticket with ``SessionDirective/sendChange(_:_:)``.
    ///
    /// When the ticket has a mailbox, the shell has opened it again. What the client believes is then brought up to date by
    /// ordinary responses, at the next moment that allows them (RFC 3501 section 7.4.1): EXPUNGE, highest number first, for
    /// what is gone; EXISTS for what is new. A message whose identifier is not below the mailbox's UIDNEXT is one that this
    /// server has not heard of yet: it stays in the view until it arrives, or until a later one shows that it never will.
    /// A message that is new here but whose identifier is not above everything the client was told of has no place in this
    /// client's view; the client finds it when it selects the mailbox again.
    ///
    /// Flags that have changed meanwhile are news only for a client with CONDSTORE, who would otherwise take the next modification
    /// sequence for a promise that nothing is missing: the shell passes the messages beyond the ticket's
    /// ``SessionTicket/Mailbox/modSequence`` to ``notify(_:of:)`` before anything else.
    ///
    /// When the mailbox is gone or its UIDVALIDITY has changed, the session ends with a BYE. RFC 3501 has no way to take a
    /// mailbox away from a session, and UIDVALIDITY cannot change within one (section 2.3.1.1); RFC 2180 section 3.3 knows
    /// the BYE, which is also what happens when somebody deletes a selected mailbox under a session that stays.
    ///
    /// - Parameters:
    ///   - configuration: how the machine behaves.
    ///   - ticket: what the client has been told; nil for a client who has just logged in.
    ///   - mailbox: the ticket's mailbox, opened again; nil when it does not exist or the ticket has none.
    /// - Throws: ``IMAPError`` with `invalidTicket` when the client has switched on what this server does not have.
    public init(
        configuration: SessionConfiguration, resuming ticket: SessionTicket?, in mailbox: SelectedMailbox?
    ) throws(IMAPError) {
        let offered = Self.enableable.map(\.description)
        if let name = ticket?.enabled.first(where: { !offered.contains($0) }) {
            throw SessionTicket.invalid("The client has enabled \(name), which is not offered here.")
        }
        self.init(configuration: configuration, isTLSActive: true)
        isCarried = true
        isCondstoreEnabled = ticket?.enabled.contains(Capability.condstore.description) ?? false
        stage = .authenticated
        framer.updateLimits(configuration.limits.afterAuthentication)
        journal = TicketJournal(
            resumedBytes: ticket?.encoded().count ?? 0, nil, name: nil, enabled: ticket?.enabled ?? [])
        guard let known = ticket?.mailbox else { return }
        guard let mailbox, mailbox.uidValidity == known.uidValidity, mailbox.identity == known.identity else {
            ending = "The selected mailbox was deleted"
            return
        }
        let resumed = SessionMailbox(mailbox, resuming: known)
        selection = resumed
        stage = .selected
        journal = TicketJournal(
            resumedBytes: ticket?.encoded().count ?? 0, resumed, name: known.name, enabled: ticket?.enabled ?? [])
    }

    /// Gives the session up without a word to the client, so that another server can take it over.
    ///
    /// A command that the store is working on is finished first. Then the machine asks for
    /// ``SessionDirective/release`` and has ended: commands behind that one have not been looked at.
    public mutating func release() {
        isReleasing = true
        switch progress {
        case .waiting(_, .appendBegin), .waiting(_, .appendPiece), .uploading, .discardingUpload, .unopened:
            releaseNow()
        case .ready, .idling: endWhenDue()
        case .waiting, .authenticating, .startingTLS, .closed: break
        }
    }

    /// Ends the machine and leaves the connection to another.
    mutating func releaseNow() {
        end(with: .release)
    }

    /// Ends the machine after a login; what the client sent behind it goes to whoever takes over.
    mutating func handOver() {
        guard configuration.handsOverAfterLogin, case .ready = progress else { return }
        end(with: .handOver(framer.takeBufferedInput()))
    }

    /// Reports another selection, another name of the selected mailbox, or an extension that was switched on, with the responses
    /// that come next.
    mutating func exportSelection() {
        let enabled = enabledNames
        if let update = journal?.selectionUpdate(selection, enabled: enabled) { outbox.beginChange(update) }
    }

    /// Sends responses that change the client's view.
    mutating func sendViewChange(removed: [UID], added: [UID], _ lines: [UInt8]) {
        if let selection, let update = journal?.viewUpdate(removed: removed, added: added, selection) {
            outbox.beginChange(update)
        }
        outbox.send { $0 += lines }
    }
}
