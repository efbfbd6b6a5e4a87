// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Cuts the stream of a client into commands, literals and continuation lines (RFC 3501 sections 2.2 and 4.3, RFC 7888).
///
/// The shell gives it bytes in any pieces with `receive(_:)` and then calls `nextEvent()` until it returns nil. The same
/// bytes give the same events, however they are cut; only the pieces of an appended message depend on the cuts.
/// Events are pulled one at a time because their meaning depends on what the session makes of the one before: whether an
/// APPEND is accepted, whether IDLE or AUTHENTICATE changes the meaning of the next line.
///
/// Lines end with CRLF; a bare LF is accepted too, because people type into these connections and old scripts exist.
/// A CR anywhere else is left in place, where the parser refuses it.
///
/// After an error the rest of the broken command is thrown away, up to named limits, so that no byte of a literal is ever
/// taken for a command. When that cannot be done, the error's scope is the connection and nothing more comes.
///
/// Memory: one line or one command, at most `commandBytes` and `lineBytes`, and what `receive(_:)` was last given; a
/// message in APPEND passes through. The shell reads no more from its socket while events are waiting.
public struct CommandFramer: Sendable {
    /// What the framer found.
    public enum Event: Hashable, Sendable {
        /// A complete command, for `CommandParser.parse(_:limits:)`. It is never an APPEND with a message.
        case command(CommandText)
        /// The client waits for a `+` before it sends an accepted literal: send it now.
        case continuationRequest
        /// APPEND, up to its message. The framer waits for `acceptLiteral()` or `refuseLiteral()`.
        case appendPending(Tag, AppendCommand)
        /// The next bytes of the message; never empty.
        case appendBytes([UInt8])
        /// The message and its command are complete: it can be stored.
        case appendFinished
        /// The command turned out to be wrong after its message had begun: nothing must be stored.
        case appendFailed(IMAPError)
        /// DONE: the client ends IDLE.
        case idleDone
        /// The client's response in AUTHENTICATE, decoded from base64.
        case authenticationResponse(Secret)
        /// The client gave up AUTHENTICATE with `*`.
        case authenticationCancelled
        /// A command or line that cannot be used; in `idle` and `authentication` mode the error has no tag.
        case invalid(IMAPError)
    }

    /// What the next line is.
    public enum Mode: Hashable, Sendable {
        /// A command.
        case command
        /// DONE, which ends IDLE (RFC 2177).
        case idle
        /// A SASL response in base64 or `*` (RFC 3501 section 6.2.2).
        case authentication
    }

    enum State: Hashable, Sendable {
        /// In a line of a command, or in the line that `mode` says.
        case line
        /// In a literal that is an argument.
        case literal(remaining: Int)
        /// Waiting for the session's decision about a message.
        case decision(AppendCommand)
        /// In the message of APPEND.
        case message(remaining: Int)
        /// Behind the message, in the rest of the command.
        case messageTail
        /// Throwing away the rest of a line of a broken command.
        case discardingLine
        /// Throwing away a literal of a broken command.
        case discardingLiteral(remaining: Int)
        /// Throwing away everything.
        case ended
    }

    /// The limits; those of `updateLimits(_:)` count from the next line on.
    public private(set) var limits: IMAPLimits
    /// What the next line is; after that line it is `command` again.
    public internal(set) var mode = Mode.command

    var state = State.line
    var buffer: [UInt8] = []
    /// The first byte of `buffer` that has not been consumed.
    var head = 0
    /// The first byte of `buffer` that has not been searched for the end of the line.
    var scanned = 0
    /// The command so far.
    var command: [UInt8] = []
    var literalCount = 0
    /// Why the message that is being received will not do.
    var messageError: IMAPError?
    /// The last bytes of the line that is being thrown away.
    var discardedTail: [UInt8] = []
    var discardedLineCount = 0
    var discardedLiteralCount = 0
    var queue: [Event] = []
    /// The bytes looked at while searching for line ends: tests see that no byte is looked at twice.
    var examinedBytes = 0

    /// Makes a framer at the start of a stream.
    ///
    /// - Parameter limits: the limits.
    public init(limits: IMAPLimits = IMAPLimits()) {
        self.limits = limits
    }

    // MARK: Inputs

    /// Takes the next bytes of the stream.
    ///
    /// - Parameter bytes: bytes in any quantity.
    /// - Complexity: amortised linear.
    public mutating func receive(_ bytes: Span<UInt8>) {
        guard state != .ended else { return }
        compact()
        bytes.withUnsafeBufferPointer { buffer.append(contentsOf: $0) }
    }

    /// Takes the next bytes of the stream.
    ///
    /// - Parameter bytes: bytes in any quantity.
    public mutating func receive(_ bytes: [UInt8]) {
        receive(bytes.span)
    }

    // MARK: Commands

    /// Says what the next line is, after an IDLE or AUTHENTICATE command.
    ///
    /// - Parameter mode: the meaning of the next line.
    public mutating func expect(_ mode: Mode) {
        self.mode = mode
    }

    /// Changes the limits, for example after a login.
    ///
    /// - Parameter limits: the new limits.
    public mutating func updateLimits(_ limits: IMAPLimits) {
        self.limits = limits
    }

    /// Accepts the message of a pending APPEND: its bytes come next.
    ///
    /// Without a pending APPEND nothing happens.
    public mutating func acceptLiteral() {
        guard case .decision(let append) = state else { return }
        if append.literalKind == .synchronizing { queue.append(.continuationRequest) }
        state = append.literalBytes > 0 ? .message(remaining: append.literalBytes) : .messageTail
    }

    /// Refuses the message of a pending APPEND; the session has sent the tagged response.
    ///
    /// A message that the client has held back will not come; one that it sends anyway is counted and thrown away
    /// without an event. Without a pending APPEND nothing happens.
    public mutating func refuseLiteral() {
        guard case .decision(let append) = state else { return }
        discard(after: .literal(byteCount: append.literalBytes, kind: append.literalKind))
    }

    /// Throws away what was received but not looked at, as STARTTLS demands: it was sent before the protection began and
    /// may come from somebody else (RFC 3501 section 6.2.1).
    ///
    /// - Returns: the number of bytes thrown away.
    public mutating func discardBufferedInput() -> Int {
        let count = bufferedByteCount
        buffer = []
        (head, scanned) = (0, 0)
        if state != .ended { startCommand() }
        return count
    }

    /// Takes what was received but not looked at, for whoever goes on with the stream.
    ///
    /// - Returns: the bytes.
    mutating func takeBufferedInput() -> [UInt8] {
        let rest = Array(buffer[head...])
        _ = discardBufferedInput()
        return rest
    }

    // MARK: Outputs

    /// Finds the next event in what was received.
    ///
    /// - Returns: the event; nil when more bytes, or a decision about an APPEND, are needed.
    /// - Complexity: amortised linear in the bytes received.
    public mutating func nextEvent() -> Event? {
        while true {
            if !queue.isEmpty { return queue.removeFirst() }
            guard step() else { return nil }
        }
    }

    // MARK: Getters

    /// The number of bytes that were received but not yet used.
    public var bufferedByteCount: Int { buffer.count - head }

    /// Whether a command has begun and not ended, so that a time limit for it should run.
    public var isInsideCommand: Bool {
        state != .line || !command.isEmpty || bufferedByteCount > 0
    }

    /// Whether nothing more will come because the framing was lost.
    public var hasEnded: Bool { state == .ended }
}
