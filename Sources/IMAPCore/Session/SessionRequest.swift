// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a session machine asks its shell to do for the user who is logged in.
///
/// At most one request that expects a reply is outstanding at a time. The shell answers it with
/// ``SessionMachine/complete(_:)``; ``SessionReply/refused(_:)`` answers any request.
public enum SessionRequest: Hashable, Sendable {
    /// Check credentials; answered by `authenticated`, `authenticationFailed` or `authenticationUnavailable`.
    ///
    /// The shell puts a growing delay in front of its reply after failures.
    case authenticate(user: [UInt8], password: Secret)
    /// List all mailboxes and subscriptions; answered by `mailboxes`.
    case listMailboxes
    /// Create a mailbox and the parents it lacks; answered by `done`.
    case createMailbox(MailboxName, specialUse: SpecialUse?)
    /// Delete a mailbox; answered by `done`. Never INBOX.
    case deleteMailbox(MailboxName)
    /// Rename a mailbox with its subtree, or move all messages out of INBOX (RFC 3501 section 6.3.5); answered by `done`.
    case renameMailbox(from: MailboxName, to: MailboxName)
    /// Subscribe to a name, whether or not it exists; answered by `done`.
    case subscribe(MailboxName)
    /// End a subscription; answered by `done`.
    case unsubscribe(MailboxName)
    /// Report counts of a mailbox; answered by `status`.
    ///
    /// APPENDLIMIT and RECENT are never among the items: the machine adds them. No items ask whether the mailbox exists.
    case status(MailboxName, [StatusItem])
    /// Open a mailbox and begin to deliver its events; answered by `selected`.
    ///
    /// The events that follow the snapshot come after the reply.
    case select(MailboxName, readOnly: Bool)
    /// The selected mailbox, or the one that an outstanding `select` opens, is left: no more events. Expects no reply.
    case deselect
    /// Begin an upload; answered by `appendReady`, before the client is asked for the message.
    case append(AppendTarget)
    /// The message is complete: make it durable; answered by `appended`.
    case appendEnd
    /// The upload, or the one that an outstanding `append` begins, will never be completed: drop it. Expects no reply.
    case appendAbort
    /// Write the FETCH responses with a ``FetchComposer``; answered by `fetched`.
    case fetch(FetchRequest)
    /// Change flags; answered by `stored`.
    case store(StoreRequest)
    /// Copy messages of the selected mailbox; answered by `copied`.
    case copy([MessageTarget], to: MailboxName)
    /// Move messages of the selected mailbox; answered by `moved`.
    case move([MessageTarget], to: MailboxName)
    /// Remove messages with `\Deleted`, all of them or only those of the given ones; answered by `expunged`.
    case expunge(uids: [UID]?)
    /// Find messages of the selected mailbox; answered by `found`.
    case search(SearchRequest)
    /// Look for news of the selected mailbox (NOOP, CHECK); answered by `done` after the events have been delivered.
    case poll

    /// Whether the shell has to answer; `deselect` and `appendAbort` are only told.
    public var expectsReply: Bool {
        switch self {
        case .deselect, .appendAbort: false
        case .authenticate, .listMailboxes, .createMailbox, .deleteMailbox, .renameMailbox, .subscribe, .unsubscribe,
            .status, .select, .append, .appendEnd, .fetch, .store, .copy, .move, .expunge, .search, .poll:
            true
        }
    }
}

/// One message that a command is about.
public struct MessageTarget: Hashable, Sendable {
    /// Its position in the session's view; valid while the command is in progress.
    public let sequenceNumber: SequenceNumber
    /// Its identifier.
    public let uid: UID

    /// Makes a target.
    ///
    /// - Parameters:
    ///   - sequenceNumber: the position in the session's view.
    ///   - uid: the identifier.
    public init(sequenceNumber: SequenceNumber, uid: UID) {
        self.sequenceNumber = sequenceNumber
        self.uid = uid
    }
}

/// What APPEND is about to upload (RFC 3501 section 6.3.11).
public struct AppendTarget: Hashable, Sendable {
    /// The mailbox.
    public let mailbox: MailboxName
    /// The flags; unknown keywords are to be made.
    public let flags: [Flag]
    /// The internal date, or nil for the time of arrival.
    public let date: DateTime?
    /// The number of bytes that will follow.
    public let byteCount: Int

    /// Describes an upload.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - flags: the flags.
    ///   - date: the internal date, or nil for the time of arrival.
    ///   - byteCount: the number of bytes that will follow.
    public init(mailbox: MailboxName, flags: [Flag], date: DateTime?, byteCount: Int) {
        self.mailbox = mailbox
        self.flags = flags
        self.date = date
        self.byteCount = byteCount
    }
}

/// The FETCH responses that the shell has to write (RFC 3501 section 6.4.5).
public struct FetchRequest: Hashable, Sendable {
    /// The messages, ascending.
    public let targets: [MessageTarget]
    /// The items that the client wants.
    public let items: [FetchItem]
    /// Whether `\Seen` must be set on every message, durably, before its response is written.
    public let markSeen: Bool
    /// Whether every response carries the UID, wanted or not (UID FETCH).
    public let includeUID: Bool
    /// Only messages with a greater modification sequence are fetched, and those that are gone are no error (RFC 7162 section
    /// 3.1.4.1); nil for all.
    public let changedSince: ModSequence?
    /// Whether a response that tells of `\Seen` carries the UID and the modification sequence, wanted or not.
    public let announcesModSequence: Bool

    /// Describes a FETCH.
    ///
    /// - Parameters:
    ///   - targets: the messages, ascending.
    ///   - items: the items that the client wants.
    ///   - markSeen: whether `\Seen` must be set.
    ///   - includeUID: whether every response carries the UID.
    ///   - changedSince: only messages with a greater modification sequence are fetched; nil for all.
    ///   - announcesModSequence: whether a response that tells of `\Seen` carries the UID and the modification sequence.
    public init(
        targets: [MessageTarget], items: [FetchItem], markSeen: Bool, includeUID: Bool,
        changedSince: ModSequence? = nil,
        announcesModSequence: Bool = false
    ) {
        self.targets = targets
        self.items = items
        self.markSeen = markSeen
        self.includeUID = includeUID
        self.changedSince = changedSince
        self.announcesModSequence = announcesModSequence
    }
}

/// A change of flags (RFC 3501 section 6.4.6).
///
/// The machine writes the responses.
public struct StoreRequest: Hashable, Sendable {
    /// The messages, ascending.
    public let targets: [MessageTarget]
    /// What happens with the flags.
    public let mode: StoreMode
    /// The flags; unknown keywords are to be made.
    public let flags: [Flag]
    /// Messages with a greater modification sequence are left alone (RFC 7162 section 3.1.3); nil for no condition.
    ///
    /// They are reported as ``StoreOutcome/modified``. The check and the change of a message are one step.
    /// ``ModSequence/zero`` asks whether the flags exist: a message is left alone if a system flag or a keyword that it has is
    /// named, or if all its flags are to be replaced.
    public let unchangedSince: ModSequence?

    /// Describes a change.
    ///
    /// - Parameters:
    ///   - targets: the messages, ascending.
    ///   - mode: what happens with the flags.
    ///   - flags: the flags.
    ///   - unchangedSince: the condition, or nil.
    public init(targets: [MessageTarget], mode: StoreMode, flags: [Flag], unchangedSince: ModSequence? = nil) {
        self.targets = targets
        self.mode = mode
        self.flags = flags
        self.unchangedSince = unchangedSince
    }
}

/// A search of the selected mailbox (RFC 3501 section 6.4.4), evaluated with a ``SearchPlan``.
public struct SearchRequest: Hashable, Sendable {
    /// The condition.
    ///
    /// It holds no sequence numbers, no `*` and no `\Recent`: the machine has replaced them.
    public let key: SearchKey
    /// The charset of the strings in the condition.
    public let charset: SearchCharset

    /// The modification sequences that the condition compares with; if there are any, those of the matches are to be told.
    public var modSequences: Set<ModSequence> { key.modSequences }

    /// Describes a search.
    ///
    /// - Parameters:
    ///   - key: the resolved condition.
    ///   - charset: the charset of the strings in the condition.
    public init(key: SearchKey, charset: SearchCharset) {
        self.key = key
        self.charset = charset
    }
}
