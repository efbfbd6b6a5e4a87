// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// Authenticates against the users of a file, which can be read again while the process runs.
///
/// Every attempt costs the same, whoever it is for; ``PasswordCheck`` says how.
package final class FileAuthenticator: Authenticator {
    /// Where the users come from.
    package struct Source: Hashable, Sendable {
        /// The file.
        package var path: String
        /// What stands between name and password.
        package var separator: String
        /// What bounds the file.
        package var limits: UserDirectory.Limits

        /// Names a file.
        ///
        /// - Parameters:
        ///   - path: The file.
        ///   - separator: What stands between name and password, as in ``UserDirectory``.
        ///   - limits: What bounds the file.
        package init(path: String, separator: String = ";", limits: UserDirectory.Limits = UserDirectory.Limits()) {
            self.path = path
            self.separator = separator
            self.limits = limits
        }

        /// Reads the file.
        func load() throws(NodeError) -> UserDirectory {
            try UserDirectory.load(path: path, separator: separator, limits: limits)
        }
    }

    private struct Users {
        var directory: UserDirectory
        var check: PasswordCheck

        init(_ directory: UserDirectory) {
            self.directory = directory
            check = PasswordCheck(dearest: directory.dearestParameters)
        }
    }

    private let source: Source?
    private let verifier: PasswordVerifier
    private let users: Mutex<Users>

    /// Creates an authenticator for users that are in memory already.
    ///
    /// - Parameters:
    ///   - directory: The users; ``reload()`` does nothing.
    ///   - verifier: Runs the hashing; shared and closed by the owner.
    package init(directory: UserDirectory, verifier: PasswordVerifier) {
        source = nil
        users = Mutex(Users(directory))
        self.verifier = verifier
    }

    /// Creates an authenticator for the users of a file.
    ///
    /// - Parameters:
    ///   - source: The file.
    ///   - verifier: Runs the hashing; shared and closed by the owner.
    /// - Throws: ``NodeError`` as ``UserDirectory/load(path:separator:limits:)`` does.
    package init(source: Source, verifier: PasswordVerifier) throws(NodeError) {
        self.source = source
        users = Mutex(Users(try source.load()))
        self.verifier = verifier
    }

    /// Reads the file again; attempts that have begun are decided by what was there before.
    ///
    /// - Returns: How many users there are now.
    /// - Throws: ``NodeError`` as ``UserDirectory/load(path:separator:limits:)`` does; then the users stay as they were.
    @discardableResult
    package func reload() throws(NodeError) -> Int {
        guard let source else { return count }
        let fresh = Users(try source.load())
        users.withLock { $0 = fresh }
        return fresh.directory.count
    }

    /// How many users there are.
    package var count: Int { users.withLock { $0.directory.count } }

    /// The parameters that attempts for unknown users make up for.
    var dearestParameters: PasswordHash.Parameters? { users.withLock { $0.check.dearest } }

    /// Checks a name and a password.
    ///
    /// - Parameters:
    ///   - user: The name as the client sent it.
    ///   - password: The password's bytes as the client sent them.
    ///   - client: The client's address; not used.
    /// - Returns: The outcome; `unavailable` when too many attempts are waiting. The user's ID is the number of the line.
    package func authenticate(user: String, password: [UInt8], client: String) async -> AuthenticationOutcome {
        let (directory, check) = users.withLock { ($0.directory, $0.check) }
        let entry = directory.entry(for: user)
        guard let isMatch = await check.matches(password, entry?.password, verifier: verifier) else {
            return .unavailable("too many logins at the moment; try again")
        }
        guard isMatch, let entry else { return .rejected }
        return .accepted(AuthenticatedUser(name: entry.name, id: UserID(rawValue: Int64(entry.line))))
    }
}
