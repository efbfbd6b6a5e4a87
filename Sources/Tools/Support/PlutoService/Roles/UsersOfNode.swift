// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Logging
internal import NodeSupport
internal import ServiceLifecycle
internal import UserDatabase

/// The directory of users that a distributor's configuration names, and what keeps it going.
struct UsersOfNode {
    let authenticator: any Authenticator
    /// In the order in which they start.
    let services: [any Service]

    /// Opens the directory.
    ///
    /// - Parameters:
    ///   - settings: Which one.
    ///   - registry: Where its metrics are shown.
    ///   - logger: Told about reloads and failures.
    /// - Throws: ``NodeError``, when the file cannot be used, or the database's settings cannot.
    init(_ settings: AuthenticationSettings, registry: MetricsRegistry, logger: Logger) throws(NodeError) {
        let verifier = PasswordVerifier()
        switch settings {
        case .file(let file):
            let source = FileAuthenticator.Source(path: file.path, separator: file.separator)
            let users = try FileAuthenticator(source: source, verifier: verifier)
            logger.info("users loaded", metadata: ["count": "\(users.count)"])
            authenticator = users
            services = [verifier, UsersFileService(users: users, logger: logger)]
        case .postgres(let settings):
            let database = try UserDatabase(
                configuration: Self.configuration(settings), metrics: UserDatabaseMetrics(registry: registry),
                logger: logger)
            authenticator = DatabaseAuthenticator(database: database, verifier: verifier, logger: logger)
            services = [verifier, UserDatabaseService(database: database)]
        }
    }

    private static func configuration(_ settings: PostgresAuthenticationSettings) -> UserDatabaseConfiguration {
        var limits = UserDatabaseConfiguration.Limits()
        limits.connections = settings.poolSize
        limits.connectMilliseconds = settings.connectTimeoutMilliseconds
        limits.lookupMilliseconds = settings.lookupTimeoutMilliseconds
        let credential: UserDatabaseConfiguration.Credential
        if let path = settings.passwordFile {
            credential = .file(path: path)
        } else if let password = settings.password {
            credential = .text(password)
        } else {
            credential = .none
        }
        return UserDatabaseConfiguration(
            host: settings.host, port: settings.port, database: settings.database, user: settings.user,
            credential: credential, tls: settings.usesTLS ? .verified(authorityPath: settings.rootPath) : .disabled,
            limits: limits)
    }
}

/// Reads the users' file again on SIGHUP.
private struct UsersFileService: Service {
    let users: FileAuthenticator
    let logger: Logger

    func run() async throws {
        // Only a person knows when an editor is done with the file: the hourly look is ignored.
        await ReloadLoop.run(every: .seconds(3_600)) { isAsked in
            guard isAsked else { return }
            do throws(NodeError) {
                let count = try users.reload()
                logger.notice("users loaded", metadata: ["count": "\(count)"])
            } catch {
                logger.error(
                    "the users' file cannot be used; the old users stay", metadata: ["reason": "\(error.message)"])
            }
        }
    }
}
