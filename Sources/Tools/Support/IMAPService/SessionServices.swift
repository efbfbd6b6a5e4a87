// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import IMAPCore
package import Logging
package import NIOSSL

/// What the connections of one server share.
package struct SessionServices: Sendable {
    /// What each session offers and may hold.
    package var session: SessionConfiguration
    /// The limits of the server.
    package var limits: IMAPServerLimits
    /// The server's side of TLS, for STARTTLS; nil where there is none.
    package var tls: NIOSSLContext?
    /// What is counted.
    package var meter: any SessionMeter
    /// Where connections report.
    package var logger: Logger
    let structures: StructureCache
    let headers: HeaderCache

    /// Gathers services.
    ///
    /// - Parameters:
    ///   - session: what each session offers and may hold.
    ///   - limits: the limits of the server.
    ///   - tls: the server's side of TLS, or nil.
    ///   - meter: what is counted.
    ///   - logger: where connections report.
    package init(
        session: SessionConfiguration, limits: IMAPServerLimits, tls: NIOSSLContext?, meter: any SessionMeter,
        logger: Logger
    ) {
        self.session = session
        self.limits = limits
        self.tls = tls
        self.meter = meter
        self.logger = logger
        structures = StructureCache(capacity: limits.structures)
        headers = HeaderCache(octets: limits.headerBytes)
    }
}

/// Counts what sessions do.
package protocol SessionMeter: Sendable {
    /// A command was answered.
    ///
    /// - Parameters:
    ///   - name: the command, from a fixed list.
    ///   - status: how it went.
    ///   - duration: from its last byte to its answer.
    func finished(_ name: String, _ status: ResponseStatus, after duration: Duration)

    /// Somebody tried to log in.
    ///
    /// - Parameter outcome: `accepted`, `rejected` or `unavailable`.
    func loggedIn(_ outcome: String)

    /// Octets were sent, counted before TLS.
    ///
    /// - Parameter count: how many.
    func sent(_ count: Int)

    /// Octets were received, counted after TLS.
    ///
    /// - Parameter count: how many.
    func received(_ count: Int)
}
