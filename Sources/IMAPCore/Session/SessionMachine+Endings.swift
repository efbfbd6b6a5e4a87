// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What all commands share: sending, asking, finishing, ending.
extension SessionMachine {
    /// Sends a response.
    mutating func send(_ response: ServerResponse) {
        outbox.send { ResponseEncoder.encode(response, into: &$0) }
    }

    /// Asks the shell and waits for its reply.
    mutating func request(_ request: SessionRequest, _ command: CommandInProgress, _ continuation: Continuation) {
        outbox.append(.request(request))
        progress = .waiting(command, continuation)
    }

    /// Ends a command: news, tagged response, and the end of the session when it is due.
    mutating func finish(
        _ command: CommandInProgress, _ condition: StatusCondition, announcing announcement: Announcement = .everything
    ) {
        progress = .ready
        announce(condition.status == .bad ? .nothing : announcement)
        exportSelection()
        send(.tagged(command.tag, condition))
        outbox.append(.commandFinished(name: command.name, status: condition.status))
        count(condition.status)
        endWhenDue()
    }

    /// Ends a command with OK and the usual text.
    mutating func succeed(
        _ command: CommandInProgress, code: ResponseCode? = nil, announcing announcement: Announcement = .everything
    ) {
        finish(command, StatusCondition(.ok, code: code, text: "\(command.name) completed"), announcing: announcement)
    }

    /// Ends a command with NO.
    mutating func refuse(
        _ command: CommandInProgress, _ refusal: Refusal, announcing announcement: Announcement = .everything
    ) {
        finish(command, StatusCondition(.no, code: refusal.code, text: refusal.text), announcing: announcement)
    }

    /// Ends a command with BAD.
    mutating func reject(_ command: CommandInProgress, _ text: String) {
        finish(command, StatusCondition(.bad, text: text), announcing: .nothing)
    }

    /// Answers input that is no command, or ends the session when no later input can be understood.
    mutating func reject(_ error: IMAPError) {
        guard error.scope == .command else {
            bye(error.message)
            return
        }
        let condition = StatusCondition(error)
        exportSelection()
        if let tag = error.tag {
            send(.tagged(tag, condition))
        } else {
            // Without a tag nobody waits for the answer; RFC 3501 section 7.1.3 knows an untagged BAD.
            send(.untagged(StatusCondition(.bad, code: condition.code, text: condition.text)))
        }
        outbox.append(.commandFinished(name: "UNKNOWN", status: condition.status))
        count(condition.status)
        endWhenDue()
    }

    /// Tells the client the news of the selected mailbox.
    mutating func announce(_ announcement: Announcement) {
        guard selection != nil else { return }
        switch announcement {
        case .nothing: return
        case .everything: announceNews(withExpunges: true)
        case .withoutExpunge: announceNews(withExpunges: false)
        }
    }

    /// Removals first, so that the numbers of what follows are those that the client has then.
    private mutating func announceNews(withExpunges: Bool) {
        outbox.send { selection?.announceFlags(into: &$0) }
        selection?.dropVanishedArrivals()
        if withExpunges, let doomed = selection?.vanishedUIDs {
            // In parts, so that what changes the ticket at one time is bounded; from the highest down, as one part would.
            for end in stride(from: doomed.count, to: 0, by: -Self.expungesPerChange) {
                let part = Array(doomed[max(0, end - Self.expungesPerChange)..<end])
                var lines: [UInt8] = []
                selection?.announceExpunges(of: part, into: &lines)
                if !lines.isEmpty { sendViewChange(removed: part, added: [], lines) }
            }
        }
        var lines: [UInt8] = []
        if let added = selection?.announceArrivals(into: &lines), !added.isEmpty {
            sendViewChange(removed: [], added: added, lines)
        }
        if (selection?.changedFlagsCount ?? 0) > Self.expungesPerChange { outbox.endChange() }
        outbox.send { selection?.announceChangedFlags(withModSequence: isCondstoreEnabled, into: &$0) }
        selection?.noteTold()
    }

    /// The most removals that are reported with one change of the ticket.
    private static let expungesPerChange = 2_048

    /// Counts commands that were not understood; too many end the session.
    private mutating func count(_ status: ResponseStatus) {
        guard status == .bad else {
            consecutiveBadCommands = 0
            return
        }
        consecutiveBadCommands += 1
        if stage == .notAuthenticated { badCommandsBeforeLogin += 1 }
        if consecutiveBadCommands >= configuration.limits.consecutiveBadCommands
            || badCommandsBeforeLogin >= configuration.limits.badCommandsBeforeLogin
        {
            ending = ending ?? "Too many bad commands"
        }
    }

    /// Ends the session when there is a reason and no command is in progress.
    mutating func endWhenDue() {
        guard ending != nil || isReleasing else { return }
        switch progress {
        case .ready, .idling:
            if let ending { bye(ending) } else { releaseNow() }
        case .unopened, .waiting, .authenticating, .startingTLS, .uploading, .discardingUpload, .closed: break
        }
    }

    /// Ends the session with a BYE.
    mutating func bye(_ text: String) {
        switch progress {
        case .closed: return
        // No byte of ours may stand between STARTTLS and the handshake.
        case .startingTLS: break
        case .unopened, .ready, .waiting, .authenticating, .uploading, .discardingUpload, .idling:
            send(.untagged(StatusCondition(.bye, text: text)))
        }
        end()
    }

    /// Ends the session: every upload and every mailbox that was opened is given back.
    ///
    /// - Parameter last: what is to become of the connection.
    mutating func end(with last: SessionDirective = .close) {
        switch progress {
        case .closed: return
        case .uploading, .waiting(_, .appendBegin), .waiting(_, .appendPiece):
            outbox.append(.request(.appendAbort))
        case .waiting(_, .select):
            outbox.append(.request(.deselect))
        case .unopened, .ready, .waiting, .authenticating, .startingTLS, .discardingUpload, .idling: break
        }
        leaveMailbox()
        stage = .logout
        progress = .closed
        framer = CommandFramer(limits: configuration.limits.beforeAuthentication)
        outbox.append(last)
    }

    /// Leaves the selected mailbox without a word to the client.
    mutating func leaveMailbox() {
        guard selection != nil else { return }
        selection = nil
        stage = .authenticated
        outbox.append(.request(.deselect))
    }

    var currentCommand: CommandInProgress? {
        switch progress {
        case .unopened, .ready, .startingTLS, .closed: nil
        case .waiting(let command, _), .authenticating(let command), .uploading(let command),
            .discardingUpload(let command, _), .idling(let command):
            command
        }
    }

    /// Whether the client itself is deleting the mailbox that it has selected.
    var isDeletingSelectedMailbox: Bool {
        guard case .waiting(_, .delete(let name)) = progress else { return false }
        return name == selection?.name
    }

    /// The bounds of names and lists that hold now.
    var limits: IMAPLimits {
        stage == .notAuthenticated
            ? configuration.limits.beforeAuthentication : configuration.limits.afterAuthentication
    }

    /// What CAPABILITY answers in the present state.
    var capabilities: [Capability] {
        var result: [Capability] = [.imap4rev1, .literalPlus, .saslIR, .id, .enable]
        if stage == .notAuthenticated {
            if !isTLSActive, configuration.offersStartTLS { result.append(.startTLS) }
            result.append(allowsLogin ? .authPlain : .loginDisabled)
        }
        return result + [
            .idle, .namespace, .unselect, .uidPlus, .move, .children, .specialUse, .createSpecialUse, .listExtended,
            .listStatus, .esearch, .condstore, .statusSize,
            .appendLimit(configuration.limits.afterAuthentication.appendLiteralBytes),
        ]
    }

    /// Whether credentials may cross the wire now.
    var allowsLogin: Bool { isTLSActive || configuration.allowsInsecureAuthentication }
}
