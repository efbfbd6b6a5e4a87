// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension CommandBody {
    /// The command's name in upper case, with the prefix `UID` where it was given: a fixed list for metrics and texts.
    var name: String {
        switch self {
        case .capability: "CAPABILITY"
        case .noop: "NOOP"
        case .logout: "LOGOUT"
        case .starttls: "STARTTLS"
        case .login: "LOGIN"
        case .authenticate: "AUTHENTICATE"
        case .enable: "ENABLE"
        case .id: "ID"
        case .namespace: "NAMESPACE"
        case .select: "SELECT"
        case .examine: "EXAMINE"
        case .create: "CREATE"
        case .delete: "DELETE"
        case .rename: "RENAME"
        case .subscribe: "SUBSCRIBE"
        case .unsubscribe: "UNSUBSCRIBE"
        case .list: "LIST"
        case .lsub: "LSUB"
        case .status: "STATUS"
        case .append: "APPEND"
        case .idle: "IDLE"
        case .check: "CHECK"
        case .close: "CLOSE"
        case .unselect: "UNSELECT"
        case .expunge: "EXPUNGE"
        case .uidExpunge: "UID EXPUNGE"
        case .search(let search): search.isUID ? "UID SEARCH" : "SEARCH"
        case .fetch(let messages, _, _): messages.isUID ? "UID FETCH" : "FETCH"
        case .store(let messages, _): messages.isUID ? "UID STORE" : "STORE"
        case .copy(let messages, _): messages.isUID ? "UID COPY" : "COPY"
        case .move(let messages, _): messages.isUID ? "UID MOVE" : "MOVE"
        }
    }

    /// The states in which the command may be given (RFC 3501 section 6).
    var allowedStates: Set<SessionState> {
        switch self {
        case .capability, .noop, .logout, .id: [.notAuthenticated, .authenticated, .selected]
        case .starttls, .login, .authenticate: [.notAuthenticated]
        case .enable, .namespace, .select, .examine, .create, .delete, .rename, .subscribe, .unsubscribe, .list, .lsub,
            .status, .append, .idle:
            [.authenticated, .selected]
        case .check, .close, .unselect, .expunge, .uidExpunge, .search, .fetch, .store, .copy, .move: [.selected]
        }
    }
}
