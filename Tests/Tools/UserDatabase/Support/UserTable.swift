// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Crypto
import FoundationEssentials
import Logging
import NodeSupport
import Synchronization
import Testing
@testable import UserDatabase

/// A database with a table of users, and an authenticator on it.
final class UserTable: Sendable {
    static let rolePassword = "role-password-in-the-test"

    let name: String
    let server: PostgresServer
    let authenticator: DatabaseAuthenticator
    let database: UserDatabase
    let log: LogCapture
    let registry = MetricsRegistry()
    private let verifier = PasswordVerifier()

    /// Makes a database of a fresh name with rows, and a role that may read them.
    static func make(rows: String = "", definition: String = table) throws -> String {
        let name = "users_\(UInt64.random(in: 0 ... .max))"
        let server = try LivePostgres.server
        try server.sql("CREATE DATABASE \(name); CREATE ROLE \(name) LOGIN PASSWORD '\(rolePassword)';")
        try server.sql(definition + rows + "; GRANT SELECT ON users TO \(name);", database: name)
        return name
    }

    /// The original's table.
    static let table = "CREATE TABLE users (id integer, username text, password text);"

    /// Connects to a database of ``make(rows:definition:)``.
    init(_ name: String, _ change: (inout UserDatabaseConfiguration) -> Void = { _ in }) throws {
        self.name = name
        server = try LivePostgres.server
        log = LogCapture()
        var configuration = UserDatabaseConfiguration(
            host: "127.0.0.1", port: server.port, database: name, user: name,
            credential: .text(Redacted(Self.rolePassword)), tls: .verified(authorityPath: server.authority))
        change(&configuration)
        database = try UserDatabase(
            configuration: configuration, metrics: UserDatabaseMetrics(registry: registry), logger: log.logger)
        authenticator = DatabaseAuthenticator(database: database, verifier: verifier, logger: log.logger)
    }

    /// Runs a test with a table and closes it.
    static func with(
        rows: String = "", definition: String = table, _ change: (inout UserDatabaseConfiguration) -> Void = { _ in },
        _ body: (UserTable) async throws -> Void
    ) async throws {
        try await with(try UserTable(make(rows: rows, definition: definition), change), body)
    }

    /// Runs a test with a table and closes it.
    static func with(_ table: UserTable, _ body: (UserTable) async throws -> Void) async throws {
        do { try await body(table) } catch {
            await table.close()
            throw error
        }
        await table.close()
    }

    func close() async {
        await database.close()
        await verifier.close()
    }

    func login(_ user: String, _ password: String) async -> AuthenticationOutcome {
        await authenticator.authenticate(user: user, password: Array(password.utf8), client: "192.0.2.1")
    }

    /// Whether a login is accepted as the user with this ID.
    func accepts(_ user: String, _ password: String, id: Int64) async -> Bool {
        await login(user, password)
            == UserName(validating: user).map { .accepted(AuthenticatedUser(name: $0, id: UserID(rawValue: id))) }
    }

    /// The metrics page.
    var metrics: String { String(decoding: registry.exposition(), as: UTF8.self) }

    /// What the original's database holds for a password.
    static func sha512(_ password: String) -> String {
        "{SHA512}" + Data(SHA512.hash(data: Array(password.utf8))).base64EncodedString()
    }

    /// A text as SQL writes it.
    static func literal(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }

    /// An INSERT of rows.
    static func insert(_ rows: [(Int, String, String)]) -> String {
        "INSERT INTO users VALUES "
            + rows.map { "(\($0.0), \(literal($0.1)), \(literal($0.2)))" }.joined(separator: ", ")
    }
}

/// Keeps every line that was logged.
final class LogCapture: Sendable {
    private let captured = Mutex<[String]>([])

    var lines: [String] { captured.withLock { $0 } }
    var text: String { lines.joined(separator: "\n") }

    var logger: Logger {
        Logger(label: "test") { _ in Handler(capture: self) }
    }

    private struct Handler: LogHandler {
        let capture: LogCapture
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
            let line = "\(event.level) \(event.message) \(all.map { "\($0)=\($1)" }.sorted().joined(separator: " "))"
            capture.captured.withLock { $0.append(line) }
        }
    }
}
