// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import IMAPCore
package import MailStore
package import NodeSupport

/// Lets users in: one for all connections, or one for each.
package protocol LoginDesk: Sendable {
    /// Checks credentials and makes ready for the user.
    ///
    /// - Parameters:
    ///   - user: the name as the client sent it.
    ///   - password: the password.
    ///   - client: the client's address.
    /// - Returns: the outcome.
    /// - Throws: an error that ends the connection.
    func logIn(user: [UInt8], password: Secret, client: String) async throws -> LoginResult
}

/// What came of a login.
package enum LoginResult: Sendable {
    /// The user is in; the account is nil when another server holds it.
    case accepted(UserName, MailAccount?)
    /// Name or password is wrong.
    case rejected
    /// Nothing can be said or done now, with the reason for the client.
    case unavailable(String)
}

/// Lets users in whose mail is in a store of this process.
struct StoreDesk: LoginDesk {
    let gate: LoginGate
    let store: MailStore

    func logIn(user: [UInt8], password: Secret, client: String) async throws -> LoginResult {
        switch try await gate.authenticate(user: user, password: password, client: client) {
        case .accepted(let user): .accepted(user.name, try await store.account(named: user.name.value))
        case .rejected: .rejected
        case .unavailable(let reason): .unavailable(reason)
        }
    }
}

/// For users who have logged in elsewhere: nobody can log in again.
struct ClosedDesk: LoginDesk {
    func logIn(user: [UInt8], password: Secret, client: String) async throws -> LoginResult { .rejected }
}
