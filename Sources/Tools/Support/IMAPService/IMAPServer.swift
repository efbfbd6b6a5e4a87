// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import IMAPCore
package import Logging
package import MailStore
package import NIOCore
internal import NIOPosix
internal import NIOSSL
package import NodeSupport
internal import ServiceLifecycle
internal import Synchronization

/// An IMAP server: listeners, and one task for each connection.
///
/// Bind first, so that the ports are known, then run. On graceful shutdown it takes no more connections, tells those it has (`* BYE`), and ends.
package final class IMAPServer: Service {
    let configuration: IMAPServerConfiguration
    let store: MailStore
    let gate: LoginGate
    let metrics: IMAPServerMetrics
    let services: SessionServices
    let logger: Logger
    private let group: any EventLoopGroup
    private let census: ConnectionCensus
    private let listeners = Mutex<[Listener]>([])

    /// Makes a server.
    ///
    /// - Parameters:
    ///   - configuration: where it listens, and its limits.
    ///   - store: the mail.
    ///   - gate: checks credentials.
    ///   - metrics: what is counted.
    ///   - group: the event loops; owned by the caller.
    ///   - logger: where it reports.
    package init(
        configuration: IMAPServerConfiguration, store: MailStore, gate: LoginGate, metrics: IMAPServerMetrics,
        group: any EventLoopGroup, logger: Logger
    ) {
        self.configuration = configuration
        self.store = store
        self.gate = gate
        self.metrics = metrics
        self.group = group
        self.logger = logger
        services = SessionServices(
            session: configuration.session, limits: configuration.limits, tls: configuration.tls, meter: metrics,
            logger: logger)
        census = ConnectionCensus(
            limit: configuration.limits.connections, limitPerAddress: configuration.limits.connectionsPerAddress)
    }

    /// Where the server listens.
    package struct Addresses: Sendable {
        /// The plain listener's address, with the port that the system chose.
        package var plain: HostPort?
        /// The TLS listener's address.
        package var tls: HostPort?
    }

    /// Binds the listeners.
    ///
    /// - Returns: the bound addresses.
    /// - Throws: ``NodeError`` with `addressUnavailable` when an address is taken or not ours.
    package func bind() async throws -> Addresses {
        var addresses = Addresses()
        if let address = configuration.plainAddress {
            addresses.plain = try await bind(address, isTLS: false)
        }
        if let address = configuration.tlsAddress {
            addresses.tls = try await bind(address, isTLS: true)
        }
        return addresses
    }

    private struct Listener: Sendable {
        var channel: NIOAsyncChannel<ConnectionChannel, Never>
        var isTLS: Bool
    }

    private func bind(_ address: HostPort, isTLS: Bool) async throws -> HostPort {
        let tls = configuration.tls
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: configuration.limits.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        do {
            let channel = try await bootstrap.bind(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if isTLS { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    return try ConnectionChannel(channel: channel)
                }
            }
            let port = channel.channel.localAddress?.port ?? address.port
            listeners.withLock { $0.append(Listener(channel: channel, isTLS: isTLS)) }
            return HostPort(host: address.host, port: UInt16(truncatingIfNeeded: port))
        } catch let error as NodeError {
            throw error
        } catch {
            throw NodeError(
                .addressUnavailable,
                "cannot listen on \(address): \(error); choose another address, or port 0 for a free one")
        }
    }

    /// Serves until graceful shutdown.
    package func run() async throws {
        let listeners = self.listeners.withLock { $0 }
        try await withGracefulShutdownHandler {
            try await withThrowingDiscardingTaskGroup { tasks in
                for listener in listeners { tasks.addTask { try await self.serve(listener) } }
            }
        } onGracefulShutdown: {
            self.census.shutDown(goodbye: .milliseconds(Int64(self.configuration.limits.goodbyeMilliseconds)))
            for listener in listeners { listener.channel.channel.close(promise: nil) }
        }
    }

    private func serve(_ listener: Listener) async throws {
        let name = listener.isTLS ? "imaps" : "imap"
        try await listener.channel.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { tasks in
                do {
                    for try await connection in connections {
                        metrics.accepted.with(name).increment()
                        tasks.addTask { await self.serve(connection, isTLS: listener.isTLS) }
                    }
                } catch  where self.census.isShuttingDown {
                    // The listener was closed on purpose while it was waiting for a connection.
                }
            }
        }
    }

    private func serve(_ channel: ConnectionChannel, isTLS: Bool) async {
        let client = channel.channel.remoteAddress?.ipAddress ?? "unknown"
        let ticket: UInt64
        switch census.enter(client: client, channel: channel) {
        case .admitted(let number): ticket = number
        case .refused(let limit):
            metrics.refused.with(limit).increment()
            logger.notice("connection refused", metadata: ["client": "\(client)", "limit": "\(limit)"])
            if !isTLS {
                // The client may be gone already; there is nothing more to tell it.
                try? await channel.write(
                    ByteBuffer(string: "* BYE Too many connections, try again later\r\n"), limit: .seconds(1))
            }
            await channel.close(within: .seconds(1))
            return
        }
        metrics.connections.add(1)
        // The greeting waits for the handshake, and the handshake for the client's first bytes.
        if isTLS { channel.channel.read() }
        await run(channel, client: client, isTLS: isTLS, number: ticket)
        await channel.close(
            within: .milliseconds(Int64(configuration.limits.goodbyeMilliseconds)))
        metrics.connections.add(-1)
        census.leave(ticket)
    }

    /// Runs a connection's task, which is cancelled when the channel closes.
    ///
    /// Nobody waits out a login's delay, or searches, for a client that is gone. The task ends by itself, after it has let go of all
    /// that it holds.
    private func run(_ channel: ConnectionChannel, client: String, isTLS: Bool, number: UInt64) async {
        let work = Task(executorPreference: LoopExecutor(channel.channel.eventLoop)) { [services, gate, store] in
            var connection = IMAPConnection(
                services: services, desk: StoreDesk(gate: gate, store: store), channel: channel, client: client,
                isTLS: isTLS, number: number)
            await connection.run()
        }
        channel.channel.closeFuture.whenComplete { _ in work.cancel() }
        await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            channel.abort()
        }
    }
}
