// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One command of a client (RFC 3501 section 6).
public struct Command: Hashable, Sendable {
    /// The label for the tagged response.
    public let tag: Tag
    /// The command's name and arguments.
    public let body: CommandBody

    /// Makes a command.
    ///
    /// - Parameters:
    ///   - tag: the label for the tagged response.
    ///   - body: the command's name and arguments.
    public init(tag: Tag, body: CommandBody) {
        self.tag = tag
        self.body = body
    }
}

/// A command's name and arguments.
///
/// DONE and SASL responses are no commands but lines inside one; the `CommandFramer` reports them.
public enum CommandBody: Hashable, Sendable {
    /// CAPABILITY (RFC 3501 section 6.1.1).
    case capability
    /// NOOP (RFC 3501 section 6.1.2).
    case noop
    /// LOGOUT (RFC 3501 section 6.1.3).
    case logout
    /// STARTTLS (RFC 3501 section 6.2.1).
    case starttls
    /// LOGIN (RFC 3501 section 6.2.3).
    case login(user: [UInt8], password: Secret)
    /// AUTHENTICATE with the mechanism in upper case and the decoded initial response (RFC 3501 section 6.2.2, RFC 4959).
    case authenticate(mechanism: String, initialResponse: Secret?)
    /// ENABLE with the names in upper case (RFC 5161).
    case enable([String])
    /// ID; nil for `ID NIL` (RFC 2971).
    case id([IDField]?)
    /// NAMESPACE (RFC 2342).
    case namespace
    /// SELECT (RFC 3501 section 6.3.1), with the parameters of RFC 4466 section 2.1, each once.
    case select(MailboxName, parameters: [SelectParameter] = [])
    /// EXAMINE (RFC 3501 section 6.3.2), with the parameters of RFC 4466 section 2.1, each once.
    case examine(MailboxName, parameters: [SelectParameter] = [])
    /// CREATE (RFC 3501 section 6.3.3), with the uses of RFC 6154 section 3.
    case create(MailboxName, specialUse: [SpecialUse])
    /// DELETE (RFC 3501 section 6.3.4).
    case delete(MailboxName)
    /// RENAME (RFC 3501 section 6.3.5).
    case rename(from: MailboxName, to: MailboxName)
    /// SUBSCRIBE (RFC 3501 section 6.3.6).
    case subscribe(MailboxName)
    /// UNSUBSCRIBE (RFC 3501 section 6.3.7).
    case unsubscribe(MailboxName)
    /// LIST (RFC 3501 section 6.3.8, RFC 5258).
    case list(ListCommand)
    /// LSUB (RFC 3501 section 6.3.9).
    case lsub(reference: ListReference, pattern: ListPattern)
    /// STATUS (RFC 3501 section 6.3.10).
    case status(MailboxName, [StatusItem])
    /// APPEND without its message, which the framer delivers in pieces (RFC 3501 section 6.3.11).
    case append(AppendCommand)
    /// IDLE (RFC 2177).
    case idle
    /// CHECK (RFC 3501 section 6.4.1).
    case check
    /// CLOSE (RFC 3501 section 6.4.2).
    case close
    /// UNSELECT (RFC 3691).
    case unselect
    /// EXPUNGE (RFC 3501 section 6.4.3).
    case expunge
    /// UID EXPUNGE (RFC 4315 section 2.1).
    case uidExpunge(UIDSet)
    /// SEARCH and UID SEARCH (RFC 3501 section 6.4.4).
    case search(SearchCommand)
    /// FETCH and UID FETCH (RFC 3501 section 6.4.5), with CHANGEDSINCE (RFC 7162 section 3.1.4.1), which is never zero.
    case fetch(MessageSet, [FetchItem], changedSince: ModSequence? = nil)
    /// STORE and UID STORE (RFC 3501 section 6.4.6).
    case store(MessageSet, StoreChange)
    /// COPY and UID COPY (RFC 3501 section 6.4.7).
    case copy(MessageSet, MailboxName)
    /// MOVE and UID MOVE (RFC 6851).
    case move(MessageSet, MailboxName)
}

/// One field of ID (RFC 2971 section 3.3).
public struct IDField: Hashable, Sendable {
    /// The field's name.
    public let name: [UInt8]
    /// The field's value; nil for NIL.
    public let value: [UInt8]?

    /// Makes a field.
    ///
    /// - Parameters:
    ///   - name: the field's name.
    ///   - value: the field's value, or nil.
    public init(name: [UInt8], value: [UInt8]?) {
        self.name = name
        self.value = value
    }
}

/// A parameter of SELECT and EXAMINE (RFC 4466 section 2.1).
public enum SelectParameter: Hashable, Sendable, CaseIterable {
    /// CONDSTORE: modification sequences are wanted from now on (RFC 7162 section 3.1.8).
    case condstore
}

/// What STORE does with the flags that it names (RFC 3501 section 6.4.6).
public enum StoreMode: Hashable, Sendable {
    /// `FLAGS`: the message has these flags and no others, apart from `\Recent`.
    case replace
    /// `+FLAGS`: the flags are set.
    case add
    /// `-FLAGS`: the flags are taken away.
    case remove
}

/// The change that STORE asks for (RFC 3501 section 6.4.6).
public struct StoreChange: Hashable, Sendable {
    /// What happens with the flags.
    public let mode: StoreMode
    /// Whether the client wants no FETCH responses (`.SILENT`).
    public let isSilent: Bool
    /// The flags, each once, without `\Recent`; may be empty.
    public let flags: [Flag]
    /// UNCHANGEDSINCE: messages that have changed later are left alone (RFC 7162 section 3.1.3); nil for no condition.
    public let unchangedSince: ModSequence?

    /// Makes a change.
    ///
    /// - Parameters:
    ///   - mode: what happens with the flags.
    ///   - isSilent: whether the client wants no FETCH responses.
    ///   - flags: the flags.
    ///   - unchangedSince: the condition, or nil.
    public init(mode: StoreMode, isSilent: Bool, flags: [Flag], unchangedSince: ModSequence? = nil) {
        self.mode = mode
        self.isSilent = isSilent
        self.flags = flags
        self.unchangedSince = unchangedSince
    }
}

/// How the bytes of a literal follow its header.
public enum LiteralKind: Hashable, Sendable {
    /// `{n}`: the client waits for a continuation (RFC 3501 section 4.3).
    case synchronizing
    /// `{n+}`: the bytes follow at once (RFC 7888).
    case nonSynchronizing
}

/// The arguments of APPEND for one message (RFC 3501 section 6.3.11); MULTIAPPEND is not offered.
public struct AppendCommand: Hashable, Sendable {
    /// The mailbox.
    public let mailbox: MailboxName
    /// The flags, each once, without `\Recent`; may be empty.
    public let flags: [Flag]
    /// The internal date, or nil for the time of arrival.
    public let date: DateTime?
    /// The size of the message in bytes.
    public let literalBytes: Int
    /// How the message follows.
    public let literalKind: LiteralKind

    /// Makes the arguments.
    ///
    /// - Parameters:
    ///   - mailbox: the mailbox.
    ///   - flags: the flags.
    ///   - date: the internal date, or nil.
    ///   - literalBytes: the size of the message in bytes.
    ///   - literalKind: how the message follows.
    public init(mailbox: MailboxName, flags: [Flag], date: DateTime?, literalBytes: Int, literalKind: LiteralKind) {
        self.mailbox = mailbox
        self.flags = flags
        self.date = date
        self.literalBytes = literalBytes
        self.literalKind = literalKind
    }
}
