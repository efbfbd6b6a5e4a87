// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Why the database gave no answer.
///
/// No text here holds a password or a name that a client sent.
enum DatabaseFailure: Error, Hashable {
    /// No connection: nobody listens, the name or the certificate is wrong, the role or its password is refused.
    case unreachable(String)
    /// The connection ended while it was in use; a question can be asked again on another.
    case connectionLost(String)
    /// The server refused the statement.
    case refused(String)
    /// The answer is not what the table must give.
    case malformed(String)
    /// There was no answer in time.
    case timedOut(String)
    /// Too many are waiting.
    case busy
    /// The database was closed on this side.
    case closed

    /// One line for the log.
    var reason: String {
        switch self {
        case .unreachable(let reason), .connectionLost(let reason), .refused(let reason), .malformed(let reason),
            .timedOut(let reason):
            reason
        case .busy: "too many logins are waiting for the user database"
        case .closed: "the user database was closed"
        }
    }
}
