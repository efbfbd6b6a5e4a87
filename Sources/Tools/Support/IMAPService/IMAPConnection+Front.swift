// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import IMAPCore
internal import Logging
package import MailStore
internal import NIOCore

extension IMAPConnection {
    /// Makes the shell of a session whose client is elsewhere and has logged in there.
    ///
    /// Nothing is changed before the client asks for something: other nodes may have been asked to take the session too.
    ///
    /// - Parameters:
    ///   - services: what the connections of the server share.
    ///   - account: the user's mail.
    ///   - channel: the link to the server that has the client.
    ///   - framing: how bytes go onto the link.
    ///   - client: the client's address.
    ///   - ticket: what the client has been told; nil when it has just logged in.
    ///   - number: names the connection in the log.
    /// - Throws: ``IMAPError`` with `invalidTicket`, or ``MailStoreError`` when the ticket's mailbox cannot be read now.
    package init(
        services: SessionServices, account: MailAccount, channel: ConnectionChannel, framing: any SessionFraming,
        client: String, resuming ticket: [UInt8]?, number: UInt64
    ) async throws {
        self.init(
            services: services, desk: ClosedDesk(), channel: channel, client: client, isTLS: true, number: number)
        self.account = account
        isProvisioned = false
        output = SessionOutput(framing: framing)
        logger[metadataKey: "user"] = "\(account.name)"
        let known = try ticket.map { bytes throws(IMAPError) in try SessionTicket(decoding: bytes.span) }
        var mailbox: SelectedMailbox?
        if let selected = known?.mailbox {
            do {
                mailbox = try await openMailbox(selected.name, readOnly: selected.isReadOnly)
            } catch let error as MailStoreError where error.code == .noSuchMailbox {
                // The machine tells the client.
                mailbox = nil
            }
        }
        do throws(IMAPError) {
            machine = try SessionMachine(configuration: services.session, resuming: known, in: mailbox)
        } catch {
            open?.mailbox.close()
            open = nil
            throw error
        }
        if machine.selectedMailbox == nil {
            open?.mailbox.close()
            open = nil
        }
        if let told = known?.mailbox?.modSequence, let open {
            do {
                machine.notify(try await Self.flags(changedSince: told, in: open.mailbox), of: open.handle)
            } catch {
                open.mailbox.close()
                self.open = nil
                throw error
            }
        }
    }

    /// What the node before may not have told a client with CONDSTORE (RFC 7162 section 3.1).
    private static func flags(changedSince told: ModSequence, in mailbox: OpenMailbox) async throws -> [MailboxEvent] {
        let known = try await mailbox.localModSeq(told.rawValue)
        return try await mailbox.messages(mailbox.snapshot.uids, changedSince: known).map { message in
            .flagsChanged(
                try FlagMapping.uid(message.uid), FlagMapping.wire(message.flags),
                ModSequence(clamping: message.modSeq), isOwn: false)
        }
    }
}
