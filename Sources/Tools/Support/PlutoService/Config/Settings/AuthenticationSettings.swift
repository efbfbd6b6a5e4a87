// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport

/// Where the distributor learns who a user is; key `AuthAdapter`.
package enum AuthenticationSettings: Sendable {
    /// A file; `[Distributor.AuthFile]`.
    case file(FileAuthenticationSettings)
    /// A PostgreSQL database; `[Distributor.AuthPostgres]`.
    case postgres(PostgresAuthenticationSettings)
}

/// A file of users, a line each; the number of the line is the user's ID.
package struct FileAuthenticationSettings: Hashable, Sendable {
    /// The file; key `File`.
    package var path: String
    /// Stands between name and password; key `Separator`.
    package var separator: String
}

/// A PostgreSQL database with a table `users(id, username, password)`.
package struct PostgresAuthenticationSettings: Sendable {
    /// A host name, an address, or the directory of a socket; key `IP`.
    package var host: String
    /// The port; key `Port`.
    package var port: UInt16
    /// The database; key `Database`.
    package var database: String
    /// The role to log in as; key `User`.
    package var user: String
    /// The role's password when it is in the configuration; key `Password`.
    package var password: Redacted<String>?
    /// The file whose first line is the password; key `PasswordFile`.
    package var passwordFile: String?
    /// Whether the connection is encrypted and the server's certificate checked; key `UseTLS`.
    package var usesTLS: Bool
    /// The authorities of the server's certificate; key `RootCertLoc`; nil for those of the system.
    package var rootPath: String?
    /// The connections; key `PoolSize`.
    package var poolSize: Int
    /// How long connecting may take, in milliseconds; key `ConnectTimeoutMilliseconds`.
    package var connectTimeoutMilliseconds: Int
    /// How long a login may wait for its answer, in milliseconds; key `LookupTimeoutMilliseconds`.
    package var lookupTimeoutMilliseconds: Int
}
