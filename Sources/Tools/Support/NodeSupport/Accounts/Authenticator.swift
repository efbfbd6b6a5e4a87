// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What came of an attempt to log in: a user, a refusal, or that nothing can be said now.
public enum AuthenticationOutcome: Hashable, Sendable {
    /// The password is right.
    case accepted(AuthenticatedUser)
    /// Name or password is wrong; nobody is told which.
    case rejected
    /// Nothing can be said now: the reason is for the client and holds no secret. The attempt must not count as a
    /// failure.
    case unavailable(String)
}

/// Decides whether somebody is who they say they are.
///
/// Whoever embeds the mail service gives it a directory of users by conforming to this protocol. Two adapters are part
/// of the suite: ``FileAuthenticator`` for a text file, and one for a table in PostgreSQL.
public protocol Authenticator: Sendable {
    /// Checks a name and a password.
    ///
    /// Implementations take the same time for an unknown user and for a wrong password, never block the caller's
    /// thread, may be asked by any number of tasks at a time, and answer in bounded time: when they cannot say, with
    /// ``AuthenticationOutcome/unavailable(_:)``.
    ///
    /// - Parameters:
    ///   - user: The name as the client sent it.
    ///   - password: The password's bytes as the client sent them.
    ///   - client: The client's address, for logs and policies.
    /// - Returns: The outcome.
    func authenticate(user: String, password: [UInt8], client: String) async -> AuthenticationOutcome
}
