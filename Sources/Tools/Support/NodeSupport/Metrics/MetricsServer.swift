// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Logging
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import ServiceLifecycle
internal import Synchronization

/// Serves `GET /metrics`, `GET /healthz` and what pages its owner adds, over HTTP/1.1, to Prometheus and to people.
///
/// It listens from ``bind(_:registry:pages:group:limits:)`` on; ``run()`` keeps it until the process stops gracefully, then
/// answers what has been asked and closes. It does no authentication and no TLS: bind it to loopback or to a network
/// that is trusted.
package final class MetricsServer: Service {
    /// What a client can hold open.
    package struct Limits: Hashable, Sendable {
        /// The most connections at a time; further ones are closed at once.
        package var maximumConnections = 64
        /// The most bytes of all header fields of a request.
        package var maximumHeadBytes = 8 * 1024
        /// The most header fields of a request.
        package var maximumHeaderFields = 64
        /// The most bytes of a request's body, which is read and ignored.
        package var maximumBodyBytes = 16 * 1024
        /// The longest time from the start of a connection, or from the last answer, until the next answer is sent.
        package var maximumIdle: Duration = .seconds(30)
        /// How long a graceful stop waits for answers that are being sent.
        package var shutdownGrace: Duration = .milliseconds(500)

        /// The documented defaults.
        package init() {}
    }

    /// The address that is listened on, with the real port when port 0 was asked for.
    package let address: HostPort

    private let listener: any Channel
    private let connections: ConnectionSet
    private let limits: Limits

    private init(address: HostPort, listener: any Channel, connections: ConnectionSet, limits: Limits) {
        self.address = address
        self.listener = listener
        self.connections = connections
        self.limits = limits
    }

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - address: Where; port 0 picks a free one.
    ///   - registry: What is served.
    ///   - pages: What is served besides.
    ///   - group: The event loops to run on.
    ///   - limits: What a client can hold open.
    /// - Returns: The server; call ``run()`` or ``close()`` on it.
    /// - Throws: ``NodeError`` with `addressUnavailable`.
    package static func bind(
        _ address: HostPort, registry: MetricsRegistry, pages: [MetricsPage] = [], group: any EventLoopGroup,
        limits: Limits = Limits()
    ) async throws(NodeError) -> MetricsServer {
        let connections = ConnectionSet(maximum: limits.maximumConnections)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try prepare(channel, registry: registry, pages: pages, connections: connections, limits: limits)
                }
            }
        do {
            let listener = try await bootstrap.bind(host: address.host, port: address.port).get()
            let bound = HostPort(
                host: listener.localAddress?.ipAddress ?? address.host,
                port: UInt16(clamping: listener.localAddress?.port ?? address.port))
            return MetricsServer(address: bound, listener: listener, connections: connections, limits: limits)
        } catch {
            throw NodeError(
                .addressUnavailable,
                "cannot serve metrics on \(address); choose another address or stop what listens there", cause: error)
        }
    }

    /// Serves until the process stops gracefully or the task is cancelled, then closes cleanly.
    package func run() async throws {
        let listener = listener
        await withTaskCancellationOrGracefulShutdownHandler {
            // The listener fails only by being closed; how it closed makes no difference here.
            try? await listener.closeFuture.get()
        } onCancelOrGracefulShutdown: {
            listener.close(promise: nil)
        }
        await close()
    }

    /// Stops listening, lets answers that are being sent finish for ``Limits/shutdownGrace``, and closes every
    /// connection.
    package func close() async {
        // Closing a second time fails with "already closed", which is what we want to be true.
        try? await listener.close().get()
        let channels = connections.stop()
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(MetricsHTTPHandler.Stop()) }
        let overdue = listener.eventLoop.scheduleTask(in: TimeAmount(limits.shutdownGrace)) {
            for channel in channels { channel.close(promise: nil) }
        }
        for channel in channels {
            // A connection's close future reports how it ended; that it ended is all we wait for.
            try? await channel.closeFuture.get()
        }
        overdue.cancel()
    }

    private static func prepare(
        _ channel: any Channel, registry: MetricsRegistry, pages: [MetricsPage], connections: ConnectionSet,
        limits: Limits
    ) throws {
        // Throwing makes the bootstrap close the connection.
        guard connections.admit(channel) else { throw ConnectionRefused() }
        channel.closeFuture.whenComplete { _ in connections.remove(channel) }
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderFieldSize = limits.maximumHeadBytes
        decoding.maxHeaderListSize = limits.maximumHeadBytes
        decoding.maxHeaderFieldCount = limits.maximumHeaderFields
        let pipeline = channel.pipeline.syncOperations
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: true, withErrorHandling: true, withEncoderConfiguration: .init(),
            withDecoderLimitConfiguration: decoding)
        try pipeline.addHandler(MetricsHTTPHandler(registry: registry, pages: pages, limits: limits))
    }
}

/// There were too many connections, or the server had stopped.
private struct ConnectionRefused: Error {}

/// The open connections of a server.
private final class ConnectionSet: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isStopped = false
    }

    private let maximum: Int
    private let state = Mutex(State())

    init(maximum: Int) {
        self.maximum = maximum
    }

    /// Takes a connection in, unless there are too many or the server stopped.
    func admit(_ channel: any Channel) -> Bool {
        state.withLock { state in
            guard !state.isStopped, state.channels.count < maximum else { return false }
            state.channels[ObjectIdentifier(channel)] = channel
            return true
        }
    }

    func remove(_ channel: any Channel) {
        state.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    /// Admits nobody any more and gives what is open.
    func stop() -> [any Channel] {
        state.withLock { state in
            state.isStopped = true
            return Array(state.channels.values)
        }
    }
}
