// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import IMAPCore
package import IMAPService
package import NIOSSL
package import NodeSupport

/// What a distributor listens on, whom it passes clients on to, and what it allows.
package struct DistributorConfiguration: Sendable {
    /// One address for clients.
    package struct Listener: Sendable {
        /// Where.
        package var address: HostPort
        /// Whether TLS comes first (RFC 8314); else plain text with STARTTLS.
        package var isTLS: Bool
        /// Who may say, with PROXY protocol v2, whom a connection is for; empty for nobody.
        package var proxies: [AddressRange]

        /// Describes a listener.
        ///
        /// - Parameters:
        ///   - address: where.
        ///   - isTLS: whether TLS comes first.
        ///   - proxies: who may use the PROXY protocol.
        package init(address: HostPort, isTLS: Bool, proxies: [AddressRange] = []) {
            self.address = address
            self.isTLS = isTLS
            self.proxies = proxies
        }
    }

    /// The addresses for clients.
    package var listeners: [Listener]
    /// The public side of TLS; asked for each connection, so that a new certificate is used at once.
    package var tls: @Sendable () -> NIOSSLContext
    /// Which nodes serve which users.
    package var placement: UserPlacement
    /// What sessions offer until the login.
    package var session: SessionConfiguration
    /// The limits of the public side.
    package var limits: IMAPServerLimits
    /// The limits of the links to nodes.
    package var links: FrontLimits
    /// The times of the watch over nodes.
    package var health: HealthTimes
    /// The limits of sessions after the login.
    package var splice: SpliceLimits

    /// Gathers a configuration.
    ///
    /// - Parameters:
    ///   - listeners: the addresses for clients.
    ///   - tls: the public side of TLS.
    ///   - placement: which nodes serve which users.
    ///   - session: what sessions offer until the login.
    ///   - limits: the limits of the public side.
    ///   - links: the limits of the links to nodes.
    ///   - health: the times of the watch over nodes.
    ///   - splice: the limits of sessions after the login.
    package init(
        listeners: [Listener], tls: @escaping @Sendable () -> NIOSSLContext, placement: UserPlacement,
        session: SessionConfiguration = SessionConfiguration(), limits: IMAPServerLimits = IMAPServerLimits(),
        links: FrontLimits = FrontLimits(), health: HealthTimes = HealthTimes(), splice: SpliceLimits = SpliceLimits()
    ) {
        self.listeners = listeners
        self.tls = tls
        self.placement = placement
        self.session = session
        self.session.handsOverAfterLogin = true
        self.limits = limits
        self.links = links
        self.health = health
        self.splice = splice
    }
}
