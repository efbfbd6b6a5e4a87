// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import Logging
package import NodeSupport
internal import Synchronization

/// Authenticates against the table of users in a PostgreSQL server.
///
/// A row's password is what ``StoredPassword`` reads, with a scheme: `{SCRYPT}`, `{SHA512}` (the original's),
/// `{SSHA512}` or `{PLAIN}`; text without one may be a hash of another kind and matches nothing. Passwords are compared
/// here, not in the database, at the same cost whoever is asked for (``PasswordCheck``); the dearest scrypt parameters
/// are those seen so far, beginning with those of any row that has some.
package final class DatabaseAuthenticator: Authenticator {
    private struct Learned {
        var check = PasswordCheck(dearest: nil)
        /// Whether the table was searched for a scrypt hash.
        var hasProbed = false
    }

    private let database: UserDatabase
    private let verifier: PasswordVerifier
    private let logger: Logger
    private let learned = Mutex(Learned())

    /// What a client is told when the database gives no answer.
    static let unavailable = "the directory of users cannot be reached; try again"

    /// Creates an authenticator.
    ///
    /// - Parameters:
    ///   - database: The table; closed by the owner.
    ///   - verifier: Runs the hashing; shared and closed by the owner.
    ///   - logger: Told about rows that cannot be used.
    package init(database: UserDatabase, verifier: PasswordVerifier, logger: Logger) {
        self.database = database
        self.verifier = verifier
        self.logger = logger
    }

    /// The parameters that attempts for unknown users make up for.
    var dearestParameters: PasswordHash.Parameters? { learned.withLock { $0.check.dearest } }

    /// Checks a name and a password.
    ///
    /// - Parameters:
    ///   - user: The name as the client sent it; it reaches the database as a parameter only.
    ///   - password: The password's bytes as the client sent them.
    ///   - client: The client's address; not used.
    /// - Returns: The outcome; `unavailable` when the database does not answer or too many attempts are waiting.
    package func authenticate(user: String, password: [UInt8], client: String) async -> AuthenticationOutcome {
        // Names outside the rules are in no directory, and a NUL would end the parameter.
        guard let name = UserName(validating: user) else { return .rejected }
        let row: PostgresConnection.Row?
        do throws(DatabaseFailure) {
            try await probe()
            row = try await database.user(named: name.value).get()
        } catch {
            logger.warning("a login cannot be decided", metadata: ["reason": "\(error.reason)"])
            return .unavailable(Self.unavailable)
        }
        let (known, stored) = usable(row)
        let check = learned.withLock { learned in
            learn(stored?.parameters, &learned)
            return learned.check
        }
        guard let isMatch = await check.matches(password, stored, verifier: verifier) else {
            return .unavailable("too many logins at the moment; try again")
        }
        guard isMatch, let known else { return .rejected }
        return .accepted(known)
    }

    /// The user and the password of a row, when both can be used.
    private func usable(_ row: PostgresConnection.Row?) -> (AuthenticatedUser?, StoredPassword?) {
        guard let row, let password = row.password else { return (nil, nil) }
        do throws(NodeError) {
            let name = try UserName(row.name)
            let stored = try StoredPassword(parsing: password, allowsBare: false)
            return (AuthenticatedUser(name: name, id: UserID(rawValue: row.id)), stored)
        } catch {
            logger.error(
                "a row of the table users cannot be used", metadata: ["id": "\(row.id)", "reason": "\(error.message)"])
            return (nil, nil)
        }
    }

    /// Looks once for a row with a scrypt hash, so that unknown users cost as much as known ones from the start.
    private func probe() async throws(DatabaseFailure) {
        guard !learned.withLock({ $0.hasProbed }) else { return }
        var row: PostgresConnection.Row?
        switch await database.ask(.anyHash) {
        case .success(let rows): row = rows.first
        // A table too large to search in time: then the parameters are learned from those who come.
        case .failure(.timedOut), .failure(.refused), .failure(.malformed): break
        case .failure(let failure): throw failure
        }
        // A row that cannot be read is reported when its user comes.
        let parameters = row?.password.flatMap { try? StoredPassword(parsing: $0, allowsBare: false).parameters }
        learned.withLock { learned in
            learned.hasProbed = true
            learn(parameters, &learned)
        }
    }

    private func learn(_ parameters: PasswordHash.Parameters?, _ learned: inout Learned) {
        guard let parameters, parameters.work > learned.check.dearest?.work ?? 0 else { return }
        learned.check = PasswordCheck(dearest: parameters)
    }
}
