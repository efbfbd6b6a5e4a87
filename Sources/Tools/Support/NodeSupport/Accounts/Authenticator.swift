// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What came of an attempt to log in.
package enum AuthenticationOutcome: Hashable, Sendable {
    /// The password is right; the name is spelled as the directory spells it.
    case accepted(UserName)
    /// Name or password is wrong; nobody is told which.
    case rejected
    /// Nothing can be said now: the reason is for the client and holds no secret. The attempt must not count as a
    /// failure.
    case unavailable(String)
}

/// Decides whether somebody is who they say they are.
package protocol Authenticator: Sendable {
    /// Checks a name and a password.
    ///
    /// Implementations take the same time for an unknown user and for a wrong password, and never block the caller's
    /// thread.
    ///
    /// - Parameters:
    ///   - user: The name as the client sent it.
    ///   - password: The password's bytes as the client sent them.
    ///   - client: The client's address, for logs and policies.
    /// - Returns: The outcome.
    func authenticate(user: String, password: [UInt8], client: String) async -> AuthenticationOutcome
}
