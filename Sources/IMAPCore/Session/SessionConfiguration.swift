// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// How a session machine behaves; fixed for the connection.
public struct SessionConfiguration: Hashable, Sendable {
    /// The bounds of one session.
    public var limits = SessionLimits()
    /// The character between the levels of mailbox names; `/` by default.
    public var hierarchySeparator = UInt8(ascii: "/")
    /// Whether STARTTLS is offered on a connection without TLS; true by default.
    public var offersStartTLS = true
    /// Whether LOGIN and PLAIN are taken without TLS; false by default (RFC 3501 section 6.2.3, LOGINDISABLED).
    public var allowsInsecureAuthentication = false
    /// Whether the machine ends after a login and hands the connection over, ``SessionDirective/handOver(_:)``; false by
    /// default.
    public var handsOverAfterLogin = false
    /// The text of the greeting, for a person.
    public var greeting = "IMAP server ready"
    /// What ID answers, before and after login (RFC 2971); empty for NIL.
    public var identification: [IDField] = []

    /// Makes the default configuration.
    public init() {}
}

/// The bounds of one session.
///
/// The time-outs are kept by the shell, which asks for ``SessionMachine/deadline``.
public struct SessionLimits: Hashable, Sendable {
    /// The bounds of commands before login; ``IMAPLimits/beforeAuthentication`` by default.
    public var beforeAuthentication = IMAPLimits.beforeAuthentication
    /// The bounds of commands after login; `appendLiteralBytes` is the APPENDLIMIT (RFC 7889).
    public var afterAuthentication = IMAPLimits()
    /// The bad commands in a row that end the session with a BYE; 20 by default.
    public var consecutiveBadCommands = 20
    /// The bad commands before login that end the session with a BYE; 10 by default.
    public var badCommandsBeforeLogin = 10
    /// The failed logins that end the session with a BYE; 5 by default.
    public var failedLogins = 5
    /// The most bytes of pipelined input that are held before `wantsInput` turns false; 64 KiB by default.
    ///
    /// What the shell passes in one call is always taken, so at most one read more than this is held.
    public var bufferedInputBytes = 65_536
    /// The most events that are kept for a client that sends no command; 1,000,000 by default.
    ///
    /// Beyond it the session ends with a BYE, and the client starts afresh.
    public var pendingEvents = 1_000_000
    /// How long a connection may take until login; 60 seconds by default.
    public var loginTimeout = Duration.seconds(60)
    /// How long a client may say nothing; RFC 3501 section 5.4 demands at least 30 minutes, which is the default.
    public var idleTimeout = Duration.seconds(30 * 60)
    /// How long a client may stop within a command or literal; 5 minutes by default.
    public var literalTimeout = Duration.seconds(5 * 60)

    /// Makes the default limits.
    public init() {}

    /// The time that a deadline stands for.
    ///
    /// - Parameter deadline: the kind of time-out.
    /// - Returns: how long the client may take.
    public func timeout(for deadline: SessionDeadline) -> Duration {
        switch deadline {
        case .login: loginTimeout
        case .idle: idleTimeout
        case .literal: literalTimeout
        }
    }
}
