// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// SELECT, EXAMINE, CLOSE, IDLE.
extension SessionMachine {
    /// SELECT and EXAMINE (RFC 3501 sections 6.3.1 and 6.3.2): whatever comes of it, the mailbox before is left.
    mutating func select(
        _ command: CommandInProgress, _ name: MailboxName, _ parameters: [SelectParameter], readOnly: Bool
    ) {
        leaveMailbox()
        if parameters.contains(.condstore) { enableCondstore() }
        request(.select(name, readOnly: readOnly), command, .select(readOnly: readOnly))
    }

    mutating func finishSelect(_ command: CommandInProgress, readOnly: Bool, _ reply: SessionReply) {
        guard case .selected(let opened) = reply else {
            fail(command, reply)
            return
        }
        let mailbox = SessionMailbox(opened, isReadOnly: readOnly || opened.isReadOnly)
        selection = mailbox
        stage = .selected
        exportSelection()
        send(.flags(mailbox.flags))
        send(.exists(mailbox.view.count))
        send(.recent(0))
        if let uid = opened.firstUnseenUID, let number = mailbox.view.number(of: uid) {
            send(.untagged(StatusCondition(.ok, code: .unseen(number), text: "First unseen message")))
        }
        send(.untagged(mailbox.permanentFlags))
        send(.untagged(StatusCondition(.ok, code: .uidValidity(opened.uidValidity), text: "Identifiers are valid")))
        send(.untagged(StatusCondition(.ok, code: .uidNext(opened.uidNext), text: "Predicted next identifier")))
        send(.untagged(Self.highest(opened.highestModSequence)))
        let code: ResponseCode = mailbox.isReadOnly ? .readOnly : .readWrite
        succeed(command, code: code)
    }

    /// CLOSE (RFC 3501 section 6.4.2): removes silently, unless the mailbox is read-only.
    mutating func close(_ command: CommandInProgress) {
        if selection?.isReadOnly == true {
            leaveMailbox()
            succeed(command)
        } else {
            request(.expunge(uids: nil), command, .close)
        }
    }

    /// A mailbox that could not be cleaned up stays selected, so that the client knows.
    mutating func finishClose(_ command: CommandInProgress, _ reply: SessionReply) {
        guard case .expunged = reply else {
            fail(command, reply)
            return
        }
        leaveMailbox()
        succeed(command)
    }

    /// IDLE (RFC 2177).
    mutating func startIdle(_ command: CommandInProgress) {
        progress = .idling(command)
        framer.expect(.idle)
        send(.continuation("idling"))
        announce(.everything)
    }

    /// DONE ends IDLE with OK, any other line with BAD.
    mutating func endIdle(_ error: IMAPError?) {
        guard case .idling(let command) = progress else { return }
        if let error { reject(command, error.message) } else { succeed(command) }
    }
}
