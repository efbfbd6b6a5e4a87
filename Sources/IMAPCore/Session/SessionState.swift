// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The state of a session (RFC 3501 section 3).
public enum SessionState: String, Hashable, Sendable, CaseIterable {
    /// The client has not logged in (section 3.1).
    case notAuthenticated
    /// The client has logged in and has no mailbox open (section 3.2).
    case authenticated
    /// A mailbox is open (section 3.3).
    case selected
    /// The session has ended (section 3.4).
    case logout
}

/// The command that is being carried out.
struct CommandInProgress: Hashable, Sendable {
    /// The label of its tagged response.
    let tag: Tag
    /// Its name, from the fixed list of ``CommandBody/name``.
    let name: String
}

/// What the session is in the middle of.
enum SessionProgress {
    /// The greeting has not been sent.
    case unopened
    /// Between two commands.
    case ready
    /// A request is outstanding; input stays in the framer.
    case waiting(CommandInProgress, Continuation)
    /// AUTHENTICATE waits for the client's response.
    case authenticating(CommandInProgress)
    /// The handshake is under way.
    case startingTLS
    /// APPEND waits for the next piece of its message.
    case uploading(CommandInProgress)
    /// The store gave up an upload; the rest of the message is read and dropped before the client is told.
    case discardingUpload(CommandInProgress, Refusal)
    /// IDLE waits for DONE.
    case idling(CommandInProgress)
    /// Nothing more happens.
    case closed
}

/// What is to be done with the reply to the outstanding request.
enum Continuation {
    /// LOGIN, AUTHENTICATE.
    case authenticate
    /// CREATE, RENAME, SUBSCRIBE, UNSUBSCRIBE, NOOP, CHECK: only the tagged response is left.
    case confirm
    /// DELETE of a mailbox.
    case delete(MailboxName)
    /// LIST.
    case list(ListCommand)
    /// LIST with STATUS, one mailbox after the other; the last line comes first and waits for its counts.
    case listStatus([MailboxListing.Line], [StatusItem])
    /// LSUB.
    case lsub(ListReference, ListPattern)
    /// STATUS.
    case status(MailboxName, [StatusItem])
    /// SELECT, EXAMINE.
    case select(readOnly: Bool)
    /// APPEND, before its message.
    case appendBegin
    /// APPEND, after a piece of its message.
    case appendPiece
    /// APPEND, after its message.
    case appendEnd
    /// FETCH.
    case fetch(isUID: Bool)
    /// STORE.
    case store(isUID: Bool, isSilent: Bool)
    /// COPY.
    case copy
    /// MOVE.
    case move
    /// EXPUNGE, UID EXPUNGE.
    case expunge
    /// CLOSE.
    case close
    /// SEARCH.
    case search(SearchCommand)
}

/// Which news of the mailbox may go out with a tagged response.
enum Announcement {
    /// All of it.
    case everything
    /// All but EXPUNGE: the command was FETCH, STORE or SEARCH (RFC 3501 section 7.4.1).
    case withoutExpunge
    /// None.
    case nothing
}
