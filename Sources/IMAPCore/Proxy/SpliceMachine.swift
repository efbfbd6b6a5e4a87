// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A proxy between one client who has logged in and the server that serves the client, which outlives the server.
///
/// Both streams pass through as they are. Meanwhile the machine keeps three things: the commands that have not been
/// answered, where each stream is between two commands and two responses, and the session's ticket, which it does not
/// read. When the server is gone, another takes over with the ticket, and
/// - commands that change nothing, and of whose answer nothing was passed on, are sent to it;
/// - an IDLE is entered again, and its client does not notice;
/// - other commands, which may or may not have been carried out, are answered with NO and the code UNAVAILABLE (RFC 5530);
///   what is still to come of a literal is dropped first;
/// - when a response was cut in the middle, the client's connection is closed, because nothing else can be told apart from
///   the rest of that response.
///
/// A server that gives a session up on its own says that it has begun nothing that it has not answered; then all commands
/// that are complete are sent again.
///
/// The shell drives the machine as it does a ``SessionMachine``: inputs, then ``nextDirective()`` until it returns nil. Bytes
/// and the change of the ticket that they make come in one call, so that they take effect together.
///
/// Memory: ``SpliceLimits`` bounds the commands and the ticket; a line, a response and what one call brings are kept.
public struct SpliceMachine: ~Copyable {
    /// Whether there is a server.
    enum Link {
        case up
        case down
        case closed
    }

    /// What the client's next line belongs to.
    enum Phase: Equatable {
        /// A new command.
        case command
        /// The rest of a command whose literal has come; whether somebody waits for its answer.
        case rest(isOpen: Bool)
        /// The end of an IDLE.
        case idle
        /// The rest of a command that is to be dropped, and then answered if somebody waits.
        case dropping(isOpen: Bool)
    }

    /// What the server's word will decide.
    enum Decision: Equatable {
        /// Whether a literal of so many bytes comes.
        case literal(Int)
        /// Whether IDLE has begun.
        case idle
    }

    let limits: SpliceLimits
    var link = Link.up
    var client = ClientStream()
    var server = ServerStream()
    var phase = Phase.command
    var decision: Decision?
    /// The commands that have not been answered, oldest first; the last may not be complete.
    var commands: [ProxiedCommand] = []
    /// The ticket, as the server made it; nil when it is too large to be kept.
    var ticket: [UInt8]? = SessionTicket().encoded()
    /// Why the streams can no longer be followed; then nothing can be carried over.
    var confusion: String?
    /// How much of a line was dropped whose end has not come.
    var droppedLineBytes = 0
    var hasSaidGoodbye = false
    /// Why the proxy is to end as soon as no command is in progress.
    var ending: String?
    var outbox = SpliceOutbox()

    /// What the shell has to do, in this order.
    public enum Directive: Hashable, Sendable {
        /// Send bytes to the client.
        case sendToClient([UInt8])
        /// Send bytes to the server.
        case sendToServer([UInt8])
        /// A command ended; for metrics. The name comes from a fixed list.
        case commandFinished(name: String, status: ResponseStatus)
        /// Find another server that takes the ticket, and call ``SpliceMachine/linkRestored()``.
        case reconnect(ticket: [UInt8])
        /// Send what was sent so far, then close the connection to the client; the reason is for a log. Nothing follows.
        case close(reason: String)
    }

    /// Begins with a server that has just taken a client who selected nothing.
    ///
    /// - Parameter limits: the bounds.
    public init(limits: SpliceLimits = SpliceLimits()) { self.limits = limits }

    // MARK: Outputs

    /// Takes the next thing that the shell has to do.
    ///
    /// - Returns: the directive, or nil when there is nothing to do until the next input.
    public mutating func nextDirective() -> Directive? {
        outbox.next()
    }

    // MARK: Getters

    /// Whether the shell should read from the client.
    ///
    /// What has come is passed on unless the server's word is due, so a part of a line that is left always needs more.
    public var wantsClientInput: Bool {
        link == .up && commands.count < limits.commandsInProgress
            && (client.mode != .waiting || client.bufferedByteCount < limits.bufferedInputBytes)
    }

    /// How many commands have not been answered.
    public var commandsInProgress: Int { commands.count }

    /// Whether the machine has ended.
    public var isClosed: Bool { link == .closed }

    /// Whether the session could go on with another server now.
    public var canBeCarriedOver: Bool {
        link != .closed && confusion == nil && ticket != nil && !server.isInsideResponse && !hasSaidGoodbye
    }

    /// Checks that the parts of the machine agree.
    ///
    /// - Returns: what is broken, or nil.
    public func checkInvariants() -> String? {
        if commands.dropLast().contains(where: { !$0.isComplete }) { return "A command before the last is open." }
        if decision != nil, client.mode != .waiting, confusion == nil { return "A decision is due and nothing waits." }
        if let ticket, ticket.count > limits.ticketBytes { return "The ticket has \(ticket.count) bytes." }
        return nil
    }

    // MARK: Sending

    mutating func toClient(_ bytes: [UInt8]) { outbox.toClient += bytes }

    mutating func toServer(_ bytes: [UInt8]) { outbox.toServer += bytes }

    mutating func answer(_ command: ProxiedCommand, _ condition: StatusCondition) {
        var line: [UInt8] = []
        ResponseEncoder.encode(.tagged(command.tag, condition), into: &line)
        toClient(line)
        outbox.append(.commandFinished(name: command.name, status: condition.status))
    }

    mutating func close(_ reason: String, goodbye: String? = nil) {
        guard link != .closed else { return }
        if let goodbye, !hasSaidGoodbye, !server.isInsideResponse {
            var line: [UInt8] = []
            ResponseEncoder.encode(
                .untagged(StatusCondition(.bye, code: .unavailable, text: goodbye)), into: &line)
            toClient(line)
        }
        link = .closed
        commands = []
        outbox.append(.close(reason: reason))
    }
}

/// The bounds of a proxied session.
public struct SpliceLimits: Hashable, Sendable {
    /// The most commands that may wait for their answers before the client is not read from; 256 by default.
    public var commandsInProgress = 256
    /// The most bytes of the client that are held before it is not read from; 64 KiB by default.
    public var bufferedInputBytes = 65_536
    /// The most bytes of a ticket, 4 MiB by default; a session with a larger one cannot be carried over.
    public var ticketBytes = 4 << 20

    /// The most bytes of a line, whose server is gone, that are dropped in search of its end; 1 MiB by default.
    public var droppedLineBytes = 1 << 20

    /// Makes the default limits.
    public init() {}
}
