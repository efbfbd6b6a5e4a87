// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
package import NodeSupport

/// How to reach the PostgreSQL server that knows the users, and what bounds the traffic with it.
package struct UserDatabaseConfiguration: Sendable {
    /// How the server proves who it is.
    package enum TLS: Hashable, Sendable {
        /// TLS 1.2 or later; the server's certificate must come from an authority of this PEM file and name the host
        /// (libpq's `verify-full`). Without a file, the authorities of the system.
        case verified(authorityPath: String?)
        /// No TLS: only for a server on the same machine or behind a tunnel.
        case disabled
    }

    /// Where the password comes from.
    package enum Credential: Sendable {
        /// The server asks for none, or libpq's own password file has it.
        case none
        /// It is in the configuration.
        case text(Redacted<String>)
        /// It is the first line of a file, which is read anew for every connection, so that it can be changed.
        case file(path: String)
    }

    /// What bounds waiting, connections and memory.
    package struct Limits: Hashable, Sendable {
        /// The connections to the server, each with a thread of its own.
        package var connections = 4
        /// The logins that may wait for a connection; one more is turned away at once.
        package var waiting = 256
        /// The longest from the question to the answer, in milliseconds.
        package var lookupMilliseconds = 3_000
        /// The longest that opening a connection may take, in milliseconds.
        package var connectMilliseconds = 2_000
        /// The longest that a statement may take, in milliseconds; the server is told as well.
        package var statementMilliseconds = 2_000
        /// The pause after the first failed attempt to connect, in milliseconds; it doubles with each further one.
        package var firstPauseMilliseconds = 50
        /// The longest pause between attempts to connect, in milliseconds.
        package var longestPauseMilliseconds = 2_000

        /// The documented defaults.
        package init() {}
    }

    /// A host name, an address, or the directory of a Unix-domain socket.
    package var host: String
    /// The port, which also names the Unix-domain socket.
    package var port: UInt16
    /// The database that holds the table `users`.
    package var database: String
    /// The role to log in as; it needs to read the table, no more.
    package var user: String
    /// The role's password.
    package var credential: Credential
    /// How the server proves who it is.
    package var tls: TLS
    /// What bounds waiting, connections and memory.
    package var limits: Limits

    /// Gathers a configuration.
    ///
    /// - Parameters:
    ///   - host: A host name, an address, or the directory of a Unix-domain socket.
    ///   - port: The port.
    ///   - database: The database that holds the table `users`.
    ///   - user: The role to log in as.
    ///   - credential: The role's password.
    ///   - tls: How the server proves who it is.
    ///   - limits: What bounds waiting, connections and memory.
    package init(
        host: String, port: UInt16 = 5_432, database: String, user: String, credential: Credential, tls: TLS,
        limits: Limits = Limits()
    ) {
        self.host = host
        self.port = port
        self.database = database
        self.user = user
        self.credential = credential
        self.tls = tls
        self.limits = limits
    }

    /// The file of authorities to trust; `nil` when TLS is off.
    ///
    /// - Throws: ``NodeError`` with `userDatabaseUnusable` when there is none.
    func authorities() throws(NodeError) -> String? {
        switch tls {
        case .disabled: return nil
        case .verified(let path?):
            guard access(path, R_OK) == 0 else {
                throw NodeError.system(
                    .userDatabaseUnusable, "cannot read the authorities of the user database, \(path)", errno: errno,
                    remedy: "check the path and its permissions")
            }
            return path
        case .verified(nil):
            guard let path = Self.systemAuthorities.first(where: { access($0, R_OK) == 0 }) else {
                throw NodeError(
                    .userDatabaseUnusable,
                    "this system has no list of certificate authorities; name the file of the one that signed the "
                        + "user database's certificate")
            }
            return path
        }
    }

    /// The password at this moment; `nil` when there is none to give.
    ///
    /// - Throws: ``NodeError`` when the file cannot be read.
    func password() throws(NodeError) -> String? {
        switch credential {
        case .none: return nil
        case .text(let text): return text.value
        case .file(let path):
            let bytes = try BoundedFile.read(path: path, limit: Self.maximumPasswordFileBytes)
            let line = bytes.prefix { $0 != 0x0A && $0 != 0x0D }
            guard let text = String(validating: line, as: UTF8.self), !text.isEmpty, !line.contains(0) else {
                throw NodeError(
                    .userDatabaseUnusable, "\(path): the first line is not a password; write it there as UTF-8 text")
            }
            return text
        }
    }

    private static let maximumPasswordFileBytes = 4_096
    private static let systemAuthorities = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
    ]
}

extension NodeError.Code {
    /// The configuration of the user database cannot be used, or there are no threads for it.
    package static let userDatabaseUnusable = NodeError.Code("userDatabaseUnusable")
}
