// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The status of a status response (RFC 3501 section 7.1).
public enum ResponseStatus: String, Hashable, Sendable {
    /// The command succeeded, or information.
    case ok = "OK"
    /// The command failed, or a warning.
    case no = "NO"
    /// The command was not understood.
    case bad = "BAD"
    /// The connection ends; always untagged.
    case bye = "BYE"
    /// A greeting of a connection that needs no login; always untagged.
    case preauth = "PREAUTH"
}

/// The machine-readable part of a status response (RFC 3501 section 7.1, RFC 5530, RFC 4315, RFC 4469, RFC 6154,
/// RFC 7162).
public enum ResponseCode: Hashable, Sendable {
    /// ALERT: the text must be shown to the user.
    case alert
    /// ALREADYEXISTS: the name is taken.
    case alreadyExists
    /// APPENDUID: the identifier of the appended message.
    case appendUID(UIDValidity, UID)
    /// AUTHENTICATIONFAILED: wrong credentials.
    case authenticationFailed
    /// AUTHORIZATIONFAILED: the credentials are good, but not for this identity.
    case authorizationFailed
    /// BADCHARSET with the charsets that SEARCH accepts.
    case badCharset([SearchCharset])
    /// CANNOT: never possible, for example an invalid mailbox name.
    case cannot
    /// CAPABILITY.
    case capability([Capability])
    /// CLIENTBUG: the client did something it should not.
    case clientBug
    /// CLOSED: what follows concerns the newly selected mailbox (RFC 7162).
    case closed
    /// CONTACTADMIN: the user should ask the administrator.
    case contactAdmin
    /// COPYUID: the identifiers of the copied messages, in corresponding order.
    case copyUID(UIDValidity, source: UIDSet, destination: UIDSet)
    /// CORRUPTION: stored data is damaged.
    case corruption
    /// EXPIRED: the credentials are too old.
    case expired
    /// EXPUNGEISSUED: another session expunged the messages.
    case expungeIssued
    /// HIGHESTMODSEQ: the modification sequence of the mailbox; never zero (RFC 7162 section 3.1.2.1).
    case highestModSequence(ModSequence)
    /// INUSE: something else is being done with the mailbox.
    case inUse
    /// LIMIT: a limit of the server was reached.
    case limit
    /// MODIFIED: the messages that have changed, so that a conditional STORE left them alone (RFC 7162 section 3.1.3).
    case modified(MessageSet)
    /// NONEXISTENT: there is no such mailbox.
    case nonExistent
    /// NOPERM: not allowed.
    case noPermission
    /// OVERQUOTA: the quota is exceeded.
    case overQuota
    /// PARSE: a stored message could not be parsed.
    case parse
    /// PERMANENTFLAGS.
    case permanentFlags([PermanentFlag])
    /// PRIVACYREQUIRED: only over TLS.
    case privacyRequired
    /// READ-ONLY.
    case readOnly
    /// READ-WRITE.
    case readWrite
    /// SERVERBUG: the server did something it should not.
    case serverBug
    /// TOOBIG: the message is larger than the server takes.
    case tooBig
    /// TRYCREATE: the command would work after a CREATE.
    case tryCreate
    /// UIDNEXT.
    case uidNext(UID)
    /// UIDNOTSTICKY: the mailbox has no lasting identifiers.
    case uidNotSticky
    /// UIDVALIDITY.
    case uidValidity(UIDValidity)
    /// UNAVAILABLE: a part of the server is down for now.
    case unavailable
    /// UNSEEN: the first message without `\Seen`.
    case unseen(SequenceNumber)
    /// USEATTR: the special use is not possible.
    case useAttribute
}
