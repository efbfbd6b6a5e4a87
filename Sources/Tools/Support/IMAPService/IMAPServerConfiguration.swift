// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import IMAPCore
package import NIOSSL
package import NodeSupport

/// What an IMAP server listens on and what it allows.
package struct IMAPServerConfiguration: Sendable {
    /// Where it listens in plain text, with STARTTLS; nil for not at all.
    package var plainAddress: HostPort?
    /// Where it listens with implicit TLS (RFC 8314); nil for not at all.
    package var tlsAddress: HostPort?
    /// The server's side of TLS.
    package var tls: NIOSSLContext
    /// What each session offers and may hold.
    package var session: SessionConfiguration
    /// The limits of the server.
    package var limits: IMAPServerLimits

    /// Gathers a configuration.
    package init(
        plainAddress: HostPort?, tlsAddress: HostPort?, tls: NIOSSLContext,
        session: SessionConfiguration = SessionConfiguration(), limits: IMAPServerLimits = IMAPServerLimits()
    ) {
        self.plainAddress = plainAddress
        self.tlsAddress = tlsAddress
        self.tls = tls
        self.session = session
        self.limits = limits
    }
}

/// The limits of a server, over all its connections.
package struct IMAPServerLimits: Sendable {
    /// The most connections at a time; one more is told so and closed.
    package var connections = 10_000
    /// The most connections of one client address at a time.
    package var connectionsPerAddress = 1_000
    /// The longest a client may take to accept what is sent to it, in seconds.
    package var writeSeconds: Int64 = 300
    /// The octets that are gathered before they are sent.
    package var outputBytes = 64 << 10
    /// The octets of a body that are read from the store at a time.
    package var bodyReadBytes = 128 << 10
    /// The messages whose attributes are taken from the store at a time.
    package var messagesPerRead = 256
    /// The analysed messages that are remembered.
    package var structures = 512
    /// The octets of headers that are remembered, 0 for none; key `HeaderCacheBytes` of a worker and of storage.
    package var headerBytes = 32 << 20
    /// The time that connections have to say goodbye when the server ends, in milliseconds.
    package var goodbyeMilliseconds = 700
    /// The connections that wait for the server to take them.
    package var backlog: Int32 = 1_024

    /// The defaults.
    package init() {}
}
