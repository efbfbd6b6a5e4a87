// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import IMAPService
package import Logging
package import NIOCore
internal import NIOPosix
internal import NIOSSL
package import NodeSupport
package import PeerTransport
internal import ServiceLifecycle
internal import Synchronization

/// The front door of the mail service: speaks IMAP with clients until they have logged in, then passes them on to the nodes
/// that have their mail, and keeps them when a node is lost.
///
/// It keeps nothing on disk; any number of distributors can stand side by side. Bind first, so that the ports are known, then
/// run. On graceful shutdown it takes no more connections, lets commands in progress end, says goodbye and ends.
package final class Distributor: Service {
    private let configuration: DistributorConfiguration
    private let gate: LoginGate
    private let metrics: DistributorMetrics
    private let group: any EventLoopGroup
    private let logger: Logger
    private let census: ConnectionCensus
    private let monitor: HealthMonitor
    private let dialler: FrontDialler
    private let listeners = Mutex<[Listener]>([])

    private struct Listener: Sendable {
        var channel: NIOAsyncChannel<Accepted, Never>
        var isTLS: Bool
    }

    /// A connection that was accepted, and whom it is for, once that is known.
    private struct Accepted: Sendable {
        let connection: ConnectionChannel
        let client: EventLoopFuture<String>
    }

    /// Makes a distributor.
    ///
    /// - Parameters:
    ///   - configuration: where it listens, whom it passes clients on to, and its limits.
    ///   - gate: checks credentials.
    ///   - tls: who it is to the nodes.
    ///   - metrics: what is counted.
    ///   - group: the event loops; owned by the caller.
    ///   - logger: where it reports.
    /// - Throws: ``NodeError`` if its metrics are shown already.
    package init(
        configuration: DistributorConfiguration, gate: LoginGate, tls: MeshTLS, metrics: DistributorMetrics,
        group: any EventLoopGroup, logger: Logger
    ) throws(NodeError) {
        self.configuration = configuration
        self.gate = gate
        self.metrics = metrics
        self.group = group
        self.logger = logger
        census = ConnectionCensus(
            limit: configuration.limits.connections, limitPerAddress: configuration.limits.connectionsPerAddress)
        monitor = HealthMonitor(
            nodes: configuration.placement.nodes, tls: tls, group: group, limits: configuration.links,
            times: configuration.health, logger: logger)
        dialler = FrontDialler(
            tls: tls, limits: configuration.links, times: configuration.health, monitor: monitor, metrics: metrics,
            logger: logger)
        try metrics.observe(monitor)
    }

    /// Binds the listeners.
    ///
    /// - Returns: the bound addresses, in the order of the configuration.
    /// - Throws: ``NodeError`` with `addressUnavailable` when an address is taken or not ours.
    package func bind() async throws(NodeError) -> [HostPort] {
        var bound: [HostPort] = []
        for listener in configuration.listeners { bound.append(try await bind(listener)) }
        return bound
    }

    private func bind(_ listener: DistributorConfiguration.Listener) async throws(NodeError) -> HostPort {
        let tls = configuration.tls
        let address = listener.address
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: configuration.limits.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(
                .writeBufferWaterMark, value: ChannelOptions.Types.WriteBufferWaterMark(low: 32 << 10, high: 256 << 10))
        do {
            let channel = try await bootstrap.bind(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let client = try ProxyProtocolHandler.install(on: channel, trusting: listener.proxies)
                    if listener.isTLS {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls()))
                    }
                    return Accepted(connection: try ConnectionChannel(channel: channel), client: client)
                }
            }
            let port = channel.channel.localAddress?.port ?? address.port
            listeners.withLock { $0.append(Listener(channel: channel, isTLS: listener.isTLS)) }
            return HostPort(host: address.host, port: UInt16(truncatingIfNeeded: port))
        } catch {
            throw NodeError(
                .addressUnavailable,
                "cannot listen on \(address): \(error); choose another address, or port 0 for a free one")
        }
    }

    /// How many clients are connected.
    package var sessionCount: Int { census.count }

    /// The nodes that it watches, and whether each answers, in the order of their names.
    package var nodes: [(name: String, address: HostPort, isUp: Bool)] {
        monitor.all.map { ($0.node.name, $0.node.address, $0.health == .up || $0.health == .late) }.sorted {
            $0.name < $1.name
        }
    }

    /// Serves until graceful shutdown.
    package func run() async throws {
        let listeners = self.listeners.withLock { $0 }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await self.monitor.run() }
            try await withGracefulShutdownHandler {
                try await withThrowingDiscardingTaskGroup { connections in
                    for listener in listeners { connections.addTask { try await self.serve(listener) } }
                }
            } onGracefulShutdown: {
                self.census.shutDown(goodbye: .milliseconds(Int64(self.configuration.limits.goodbyeMilliseconds)))
                for listener in listeners { listener.channel.channel.close(promise: nil) }
            }
            // The watch ends with the last session.
            tasks.cancelAll()
        }
    }

    private func serve(_ listener: Listener) async throws {
        try await listener.channel.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { tasks in
                do {
                    for try await connection in connections {
                        metrics.accepted.increment()
                        tasks.addTask { await self.serve(connection, isTLS: listener.isTLS) }
                    }
                } catch  where self.census.isShuttingDown {
                    // The listener was closed on purpose while it was waiting for a connection.
                }
            }
        }
    }

    private func serve(_ accepted: Accepted, isTLS: Bool) async {
        let connection = accepted.connection
        // The greeting waits for the handshake, and the handshake for the client's first bytes.
        connection.channel.read()
        guard let client = await identify(accepted) else { return }
        switch census.enter(client: client, channel: connection) {
        case .admitted(let number):
            metrics.connections.add(1)
            await run(connection, client: client, isTLS: isTLS, number: number)
            await connection.close(within: .milliseconds(Int64(configuration.limits.goodbyeMilliseconds)))
            metrics.connections.add(-1)
            census.leave(number)
        case .refused(let limit):
            metrics.refused.with(limit).increment()
            logger.notice("connection refused", metadata: ["client": "\(client)", "limit": "\(limit)"])
            if !isTLS {
                // The client may be gone already; there is nothing more to tell it.
                try? await connection.write(
                    ByteBuffer(string: "* BYE Too many connections, try again later\r\n"), limit: .seconds(1))
            }
            await connection.close(within: .seconds(1))
        }
    }

    /// Waits until it is known whom a connection is for.
    private func identify(_ accepted: Accepted) async -> String? {
        let channel = accepted.connection.channel
        let alarm = channel.eventLoop.scheduleTask(in: configuration.links.openingTime) {
            ConnectionChannel.abort(channel)
        }
        defer { alarm.cancel() }
        do {
            return try await accepted.client.get()
        } catch {
            metrics.refused.with("proxy_header").increment()
            logger.notice(
                "connection without a good PROXY header",
                metadata: [
                    "proxy": "\(channel.remoteAddress?.ipAddress ?? "unknown")", "reason": "\(error)",
                ])
            accepted.connection.abort()
            return nil
        }
    }

    /// Runs a connection's task, which is cancelled when the channel closes.
    private func run(_ connection: ConnectionChannel, client: String, isTLS: Bool, number: UInt64) async {
        let work = Task(executorPreference: LoopExecutor(connection.channel.eventLoop)) {
            await self.session(connection, client: client, isTLS: isTLS, number: number)
        }
        connection.channel.closeFuture.whenComplete { _ in work.cancel() }
        await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            connection.abort()
        }
    }

    private func session(_ connection: ConnectionChannel, client: String, isTLS: Bool, number: UInt64) async {
        var logger = logger
        logger[metadataKey: "connection"] = "\(number)"
        logger[metadataKey: "client"] = "\(client)"
        let desk = DoorDesk(
            gate: gate, placement: configuration.placement, dialler: dialler, channel: connection.channel,
            logger: logger)
        // The certificate may have been renewed since the distributor began.
        let services = SessionServices(
            session: configuration.session, limits: configuration.limits, tls: configuration.tls(), meter: metrics,
            logger: self.logger)
        var greeter = IMAPConnection(
            services: services, desk: desk, channel: connection, client: client, isTLS: isTLS, number: number)
        let rest = await greeter.run()
        guard let session = desk.take() else { return }
        guard let rest else {
            // The client went while its session was being opened.
            session.opened.link.abort()
            return
        }
        var door = DoorSession(
            session, client: connection, dialler: dialler, limits: configuration.limits, splice: configuration.splice,
            logger: logger)
        await door.run(rest)
    }
}
