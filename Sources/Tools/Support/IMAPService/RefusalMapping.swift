// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import IMAPCore
internal import MailStore

/// The one place where the store's errors become the protocol's replies (RFC 5530).
enum RefusalMapping {
    /// The reply to a request that failed.
    static func refusal(_ error: MailStoreError, of request: SessionRequest) -> SessionReply {
        .refused(Refusal(code: code(error, of: request), text: text(error)))
    }

    private static func code(_ error: MailStoreError, of request: SessionRequest) -> ResponseCode? {
        guard error.code == .noSuchMailbox else { return code(error) }
        switch request {
        // The client is told that creating the mailbox would help (RFC 3501 sections 6.3.11 and 6.4.7, RFC 6851 section 4.3).
        case .append, .appendEnd, .copy, .move: return .tryCreate
        case .authenticate, .listMailboxes, .createMailbox, .deleteMailbox, .renameMailbox, .subscribe, .unsubscribe,
            .status, .select, .deselect, .appendAbort, .fetch, .store, .expunge, .search, .poll:
            return code(error)
        }
    }

    private static func code(_ error: MailStoreError) -> ResponseCode? {
        switch error.code {
        case .noSuchMailbox: .nonExistent
        case .mailboxExists: .alreadyExists
        case .badName, .notPermitted: .cannot
        case .limitExceeded: .limit
        case .diskFull, .unavailable, .closed, .locked, .superseded, .catchingUp: .unavailable
        case .corrupt: .corruption
        case .bodyGone: .expungeIssued
        default: .serverBug
        }
    }

    /// What the client is told; an operator finds the rest, with paths and numbers of the system, in the log.
    private static func text(_ error: MailStoreError) -> String {
        switch error.code {
        case .diskFull: "The server's disk is full: nothing was changed, mail can still be read; try again later"
        case .unavailable: "The server cannot write at the moment: nothing was changed; try again later"
        case .corrupt: "The server found damaged data; the administrator has been told"
        case .closed: "The server is closing"
        default: error.message
        }
    }
}
