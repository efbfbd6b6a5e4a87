// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Knows what whoever keeps the session's ticket has been given, and makes the updates.
///
/// A change of the view costs as much as the change. When the changes have grown as large as the ticket below them, the next
/// update is a whole ticket, so what is kept stays within twice what is needed and the cost of a change stays flat.
struct TicketJournal {
    /// Changes below this many bytes are no reason for a new ticket.
    static let smallestBase = 4_096

    private var baseBytes = 0
    private var changeBytes = 0
    private var handle: MailboxHandle?
    private var name: MailboxName?
    private var enabled: [String] = []

    /// Begins with what the keeper has already.
    ///
    /// - Parameters:
    ///   - bytes: how much the keeper has.
    ///   - mailbox: the mailbox that was opened again.
    ///   - name: the name of that mailbox in the ticket.
    ///   - enabled: the extensions that are switched on in the ticket.
    init(resumedBytes bytes: Int, _ mailbox: SessionMailbox?, name: MailboxName?, enabled: [String]) {
        baseBytes = bytes
        handle = mailbox?.handle
        self.name = name
        self.enabled = enabled
    }

    /// The update that a new selection, none, a new name, or an extension that was switched on needs.
    ///
    /// - Parameters:
    ///   - mailbox: the selected mailbox.
    ///   - enabled: the extensions that are switched on.
    /// - Returns: nil when the keeper knows.
    mutating func selectionUpdate(_ mailbox: SessionMailbox?, enabled: [String]) -> TicketUpdate? {
        if enabled != self.enabled {
            self.enabled = enabled
            return complete(mailbox)
        }
        if mailbox?.handle != handle { return complete(mailbox) }
        guard let mailbox, mailbox.name != name else { return nil }
        name = mailbox.name
        var bytes: [UInt8] = [SessionTicket.ChangeKind.name.rawValue]
        TicketWriter.bytes(Array(mailbox.name.value.utf8), into: &bytes)
        return change(bytes, mailbox)
    }

    /// The update after the view has changed.
    ///
    /// - Parameters:
    ///   - removed: the messages that are gone, ascending.
    ///   - added: the messages that are new, ascending.
    ///   - mailbox: the mailbox after the change.
    /// - Returns: the update.
    mutating func viewUpdate(removed: [UID], added: [UID], _ mailbox: SessionMailbox) -> TicketUpdate {
        var bytes: [UInt8] = [SessionTicket.ChangeKind.view.rawValue]
        TicketWriter.number(mailbox.announcedNextUID, into: &bytes)
        TicketWriter.ranges(removed, into: &bytes)
        TicketWriter.ranges(added, into: &bytes)
        if hasModSequences {
            bytes.append(SessionTicket.ChangeKind.modSequence.rawValue)
            TicketWriter.number(mailbox.toldModSequence.rawValue, into: &bytes)
        }
        return change(bytes, mailbox)
    }

    /// A change of flags is no reason for an update: what the client is told twice does no harm.
    private var hasModSequences: Bool { enabled.contains(Capability.condstore.description) }

    private mutating func change(_ bytes: [UInt8], _ mailbox: SessionMailbox) -> TicketUpdate {
        guard changeBytes + bytes.count <= max(Self.smallestBase, baseBytes) else { return complete(mailbox) }
        changeBytes += bytes.count
        return TicketUpdate(isComplete: false, bytes: bytes)
    }

    private mutating func complete(_ mailbox: SessionMailbox?) -> TicketUpdate {
        let bytes = SessionTicket(mailbox: mailbox?.ticket(withModSequence: hasModSequences), enabled: enabled)
            .encoded()
        handle = mailbox?.handle
        name = mailbox?.name
        baseBytes = bytes.count
        changeBytes = 0
        return TicketUpdate(isComplete: true, bytes: bytes)
    }
}
