// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The server side of one IMAP connection (RFC 3501), without sockets, clocks or a store.
///
/// A shell owns the socket and the store and drives the machine in a loop:
///
/// 1. inputs: ``open()`` once, then ``receive(_:)``, ``notify(_:of:)``, ``timedOut(_:)``, ``tlsEstablished()``,
///    ``inputClosed()``, ``shutdown(reason:)`` as they come;
/// 2. drain: ``nextDirective()`` until it returns nil, and carry the directives out in this order;
/// 3. ``complete(_:)`` with the reply to the request among them, when there is one, and drain again.
///
/// One request is outstanding at a time. Meanwhile pipelined input waits in the machine, so commands are carried out one
/// after the other and their responses never mix; the shell stops reading while ``wantsInput`` is false. The way in which
/// the input is cut into pieces makes no difference to what is sent.
///
/// Sequence numbers belong to the session: they change only when the session tells its client. EXPUNGE goes out with
/// the tagged response of every command but FETCH, STORE and SEARCH, and during IDLE (RFC 3501 section 7.4.1).
///
/// When somebody else deletes the selected mailbox, the session ends with a BYE, after the command in progress; the same
/// holds for SELECT and EXAMINE (RFC 2180 section 3.3). A client that deletes its own selected mailbox stays logged in
/// with no mailbox selected.
///
/// Deviations from RFC 3501: `\Recent` is never set and RECENT is always 0; an EXPUNGE is announced at the earliest with
/// the next command that allows it.
public struct SessionMachine: ~Copyable {
    let configuration: SessionConfiguration
    var framer: CommandFramer
    var progress = SessionProgress.unopened
    var stage = SessionState.notAuthenticated
    var selection: SessionMailbox?
    var outbox = SessionOutbox()
    var isTLSActive: Bool
    /// Why the session has to end as soon as no command is in progress.
    var ending: String?
    /// Whether the session has to be given up, for another server, as soon as no command is in progress.
    var isReleasing = false
    /// Whether the client has logged in elsewhere, so that there is no greeting.
    var isCarried = false
    /// Whether the client has asked for modification sequences (RFC 7162 section 3.1).
    var isCondstoreEnabled = false
    /// Makes the updates of the session's ticket; nil when nobody keeps one.
    var journal: TicketJournal?
    var consecutiveBadCommands = 0
    var badCommandsBeforeLogin = 0
    var failedLogins = 0

    /// Makes the machine of a connection that was just accepted.
    ///
    /// - Parameters:
    ///   - configuration: how it behaves.
    ///   - isTLSActive: whether the connection is protected from its first byte (RFC 8314 section 3).
    public init(configuration: SessionConfiguration, isTLSActive: Bool) {
        self.configuration = configuration
        self.isTLSActive = isTLSActive
        framer = CommandFramer(limits: configuration.limits.beforeAuthentication)
    }

    // MARK: Inputs

    /// Greets the client, unless it has been greeted elsewhere; a second call does nothing.
    public mutating func open() {
        guard case .unopened = progress else { return }
        progress = .ready
        if !isCarried {
            send(.untagged(StatusCondition(.ok, code: .capability(capabilities), text: configuration.greeting)))
        }
        endWhenDue()
        pump()
    }

    /// Takes bytes from the client, in any pieces.
    ///
    /// Bytes that come between STARTTLS and ``tlsEstablished()``, or after the end, are dropped.
    ///
    /// - Parameter bytes: the next bytes.
    /// - Complexity: amortised linear in the bytes.
    public mutating func receive(_ bytes: Span<UInt8>) {
        switch progress {
        case .closed, .startingTLS: return
        case .unopened, .ready, .waiting, .authenticating, .uploading, .discardingUpload, .idling:
            framer.receive(bytes)
            pump()
        }
    }

    /// Takes the reply to the outstanding request.
    ///
    /// A reply that nobody waits for, after the session ended, is ignored.
    ///
    /// - Parameter reply: the reply.
    public mutating func complete(_ reply: SessionReply) {
        guard case .waiting(let command, let continuation) = progress else { return }
        progress = .ready
        resume(command, continuation, reply)
        pump()
    }

    /// Goes on after the TLS handshake that ``SessionDirective/startTLS`` asked for.
    public mutating func tlsEstablished() {
        guard case .startingTLS = progress else { return }
        isTLSActive = true
        progress = .ready
        pump()
    }

    /// Takes note of what happened to the selected mailbox; tells the client when the protocol allows it.
    ///
    /// - Parameters:
    ///   - events: what happened, in order; see ``MailboxEvent``.
    ///   - handle: the opening of the mailbox; events of an earlier one are ignored.
    public mutating func notify(_ events: [MailboxEvent], of handle: MailboxHandle) {
        guard selection?.handle == handle else { return }
        for event in events { selection?.apply(event) }
        if selection?.isDeleted == true, !isDeletingSelectedMailbox {
            ending = ending ?? "The selected mailbox was deleted"
        }
        if let pending = selection?.pendingCount, pending > configuration.limits.pendingEvents {
            ending = ending ?? "Too many changes since the last command"
        }
        if case .idling = progress { announce(.everything) }
        endWhenDue()
    }

    /// Ends the session because its client took too long.
    ///
    /// - Parameter kind: which time-out fired; it is ignored when another one, or none, applies by now.
    public mutating func timedOut(_ kind: SessionDeadline) {
        guard deadline == kind else { return }
        switch kind {
        case .login: bye("Login took too long")
        case .idle: bye("Autologout; idle for too long")
        case .literal: bye("The rest of the command took too long")
        }
    }

    /// Ends the session because its client is gone: an unfinished upload is dropped, nothing more is sent.
    ///
    /// A request that is outstanding may still be carried out; its reply is ignored.
    public mutating func inputClosed() {
        end()
    }

    /// Ends the session with a BYE: at once, or after the tagged response of a command that the store is working on.
    ///
    /// - Parameter reason: the reason, for a person.
    public mutating func shutdown(reason: String) {
        ending = ending ?? reason
        switch progress {
        case .waiting(_, .authenticate), .waiting(_, .appendBegin), .waiting(_, .appendPiece), .authenticating,
            .uploading, .discardingUpload, .startingTLS, .unopened:
            bye(reason)
        case .waiting, .ready, .idling, .closed:
            endWhenDue()
        }
    }

    // MARK: Outputs

    /// Takes the next thing that the shell has to do.
    ///
    /// - Returns: the directive, or nil when there is nothing to do until the next input.
    public mutating func nextDirective() -> SessionDirective? {
        outbox.next()
    }

    // MARK: Getters

    /// The state of the session, for metrics and logs.
    public var state: SessionState { stage }

    /// Whether the client waits in IDLE.
    public var isIdle: Bool {
        if case .idling = progress { true } else { false }
    }

    /// Whether the session has ended; nothing that comes in makes a difference any more.
    public var isClosed: Bool {
        if case .closed = progress { true } else { false }
    }

    /// The name of the selected mailbox, or nil.
    public var selectedMailbox: MailboxName? { selection?.name }

    /// The name of the command in progress, from a fixed list, or nil.
    public var commandInProgress: String? { currentCommand?.name }

    /// Whether the shell should read from the socket: false while more than
    /// ``SessionLimits/bufferedInputBytes`` wait for a request to be answered, and after the end.
    public var wantsInput: Bool {
        switch progress {
        case .closed: false
        case .ready, .authenticating, .uploading, .discardingUpload, .idling, .startingTLS: true
        case .unopened, .waiting: framer.bufferedByteCount < configuration.limits.bufferedInputBytes
        }
    }

    /// Which time-out applies now; nil while the client waits for the server.
    public var deadline: SessionDeadline? {
        switch progress {
        case .closed, .waiting: nil
        case .unopened, .startingTLS, .authenticating: .login
        case .uploading, .discardingUpload: .literal
        case .ready:
            if stage == .notAuthenticated { .login } else { framer.isInsideCommand ? .literal : .idle }
        case .idling: framer.isInsideCommand ? .literal : .idle
        }
    }

    /// Checks that the parts of the machine agree.
    ///
    /// - Returns: what is broken, or nil.
    public func checkInvariants() -> String? {
        if (selection != nil) != (stage == .selected) { return "A mailbox is open in the state \(stage)." }
        if isClosed, stage != .logout { return "The session has ended in the state \(stage)." }
        if isIdle, stage == .notAuthenticated { return "IDLE before login." }
        return selection?.checkInvariants()
    }
}
