// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What another server needs to carry on a session where its client believes it to be.
///
/// A ticket says what the client has been told, not what is in the store: the selected mailbox and the messages that have
/// numbers there. The server that takes the session over compares that with its own mailbox and tells the difference; see
/// ``SessionMachine/init(configuration:resuming:in:)``. A ticket holds no credentials: who it belongs to is said elsewhere.
///
/// The format is described in `docs/front-link.md`.
public struct SessionTicket: Hashable, Sendable {
    /// The mailbox that the client has selected.
    public struct Mailbox: Hashable, Sendable {
        /// The name under which the client knows it.
        public var name: MailboxName
        /// What stays the same when the mailbox is renamed, as in ``SelectedMailbox/identity``; may be empty.
        public let identity: [UInt8]
        /// The generation of the identifiers.
        public let uidValidity: UIDValidity
        /// Whether the client may change nothing.
        public let isReadOnly: Bool
        /// No identifier below this can be news: the client was told of UIDNEXT, or of a message in front of it.
        public var nextUID: UInt64
        /// The messages that the client knows, in the order of their numbers, strictly ascending.
        public var uids: [UID]
        /// For a client with CONDSTORE: it has been told of every change of flags up to this modification sequence of the server
        /// that made the ticket, and perhaps of later ones.
        public var modSequence: ModSequence?

        /// Describes a selected mailbox.
        ///
        /// - Parameters:
        ///   - name: the name under which the client knows it.
        ///   - identity: what stays the same when it is renamed.
        ///   - uidValidity: the generation of the identifiers.
        ///   - isReadOnly: whether the client may change nothing.
        ///   - nextUID: no identifier below this can be news.
        ///   - uids: the messages that the client knows, strictly ascending.
        ///   - modSequence: up to where a client with CONDSTORE has been told of changed flags.
        public init(
            name: MailboxName, identity: [UInt8], uidValidity: UIDValidity, isReadOnly: Bool, nextUID: UInt64,
            uids: [UID], modSequence: ModSequence? = nil
        ) {
            self.name = name
            self.identity = identity
            self.uidValidity = uidValidity
            self.isReadOnly = isReadOnly
            self.nextUID = nextUID
            self.uids = uids
            self.modSequence = modSequence
        }
    }

    /// The selected mailbox, or nil when the client is logged in and has none.
    public var mailbox: Mailbox?
    /// The extensions that the client has switched on, with ENABLE or otherwise, in upper case.
    public var enabled: [String]

    /// Makes the ticket of a session.
    ///
    /// - Parameters:
    ///   - mailbox: the selected mailbox, or nil.
    ///   - enabled: the extensions that are switched on.
    public init(mailbox: Mailbox? = nil, enabled: [String] = []) {
        self.mailbox = mailbox
        self.enabled = enabled
    }
}

/// The bounds of a ticket.
public struct TicketLimits: Hashable, Sendable {
    /// The most bytes of a ticket with all its changes; 4 MiB by default.
    public var bytes = 4 << 20
    /// The most messages of the mailbox; 10,000,000 by default.
    public var messages = 10_000_000
    /// The most bytes of a mailbox's identity; 64 by default.
    public var identityBytes = 64
    /// The most extensions; 32 by default.
    public var extensions = 32
    /// The most bytes of the name of an extension; 64 by default.
    public var extensionBytes = 64

    /// Makes the default limits.
    public init() {}
}

/// A change of a session's ticket.
///
/// Whoever keeps the ticket needs not understand it: the bytes replace those so far, or are put behind them. A ticket with
/// its changes behind it is a ticket.
public struct TicketUpdate: Hashable, Sendable {
    /// Whether the bytes take the place of all before.
    public let isComplete: Bool
    /// The bytes.
    public let bytes: [UInt8]

    /// Makes an update.
    ///
    /// - Parameters:
    ///   - isComplete: whether the bytes take the place of all before.
    ///   - bytes: the bytes.
    public init(isComplete: Bool, bytes: [UInt8]) {
        self.isComplete = isComplete
        self.bytes = bytes
    }

    /// Carries the update out.
    ///
    /// - Parameter ticket: the bytes of the ticket so far.
    public func apply(to ticket: inout [UInt8]) {
        if isComplete { ticket = bytes } else { ticket += bytes }
    }
}

extension IMAPError.Code {
    /// The ticket of a session cannot be read, or asks for what this server does not have.
    public static let invalidTicket = IMAPError.Code("invalidTicket")
}
