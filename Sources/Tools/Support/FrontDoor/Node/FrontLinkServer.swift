// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import IMAPCore
package import IMAPService
package import Logging
package import MailStore
package import NIOCore
internal import NIOPosix
internal import NIOSSL
package import NodeSupport
package import PeerTransport
internal import ServiceLifecycle
internal import Synchronization

/// The end of front links at a node that has mail: takes sessions that distributors open for their users.
///
/// A worker serves one group, storage all of them. Only the certificate of a distributor opens a session (issue 3, and the
/// original's defect D16: anybody in the mesh could speak for any session). On graceful shutdown the sessions are given up one
/// by one, each between two commands, so that their distributors take them elsewhere.
package final class FrontLinkServer: Service {
    /// What the protocol is called in TLS (ALPN, RFC 7301).
    package static let applicationProtocol = "kuiper-front/1"

    private let services: SessionServices
    private let stores: [String: MailStore]
    private let tls: MeshTLS
    private let limits: FrontLimits
    private let metrics: FrontServerMetrics
    private let group: any EventLoopGroup
    private let logger: Logger
    private let census: ConnectionCensus
    private let unproved = Mutex(0)
    private let listeners = Mutex<[NIOAsyncChannel<Accepted, Never>]>([])
    private let health = Mutex(HealthLinks())

    /// A connection that was accepted, and what it will say first.
    private struct Accepted: Sendable {
        let connection: ConnectionChannel
        let handler: NIOLoopBound<FrontServerHandler>
        let first: EventLoopFuture<FrontFrame>
    }

    /// The links over which distributors watch this node.
    private struct HealthLinks {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isEnding = false
    }

    /// Makes a server.
    ///
    /// - Parameters:
    ///   - services: what each session offers and may hold; its limits bound the number of sessions.
    ///   - stores: the mail, by the names of the groups.
    ///   - tls: who this node is.
    ///   - limits: the bounds of the links.
    ///   - metrics: what is counted.
    ///   - group: the event loops; owned by the caller.
    ///   - logger: where it reports.
    package init(
        services: SessionServices, stores: [String: MailStore], tls: MeshTLS, limits: FrontLimits = FrontLimits(),
        metrics: FrontServerMetrics, group: any EventLoopGroup, logger: Logger
    ) {
        self.services = services
        self.stores = stores
        self.tls = tls
        self.limits = limits
        self.metrics = metrics
        self.group = group
        self.logger = logger
        census = ConnectionCensus(limit: services.limits.connections, limitPerAddress: services.limits.connections)
    }

    /// Binds a listener.
    ///
    /// - Parameter address: where; port 0 picks a free one.
    /// - Returns: the bound address.
    /// - Throws: ``NodeError`` with `addressUnavailable` when the address is taken or not ours.
    package func bind(_ address: HostPort) async throws(NodeError) -> HostPort {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: services.limits.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        do {
            let channel = try await bootstrap.bind(host: address.host, port: address.port) { [tls, limits] channel in
                channel.eventLoop.makeCompletedFuture {
                    let context = try tls.serverContext(applicationProtocols: [Self.applicationProtocol])
                    let first = channel.eventLoop.makePromise(of: FrontFrame.self)
                    let handler = FrontServerHandler(limits: limits, first: first)
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    try channel.pipeline.syncOperations.addHandler(handler)
                    return Accepted(
                        connection: try ConnectionChannel(channel: channel),
                        handler: NIOLoopBound(handler, eventLoop: channel.eventLoop), first: first.futureResult)
                }
            }
            let port = channel.channel.localAddress?.port ?? address.port
            listeners.withLock { $0.append(channel) }
            return HostPort(host: address.host, port: UInt16(truncatingIfNeeded: port))
        } catch {
            throw NodeError(
                .addressUnavailable,
                "cannot listen on \(address): \(error); choose another address, or port 0 for a free one")
        }
    }

    /// How many sessions are open.
    package var sessionCount: Int { census.count }

    /// Serves until graceful shutdown.
    package func run() async throws {
        let listeners = self.listeners.withLock { $0 }
        try await withGracefulShutdownHandler {
            try await withThrowingDiscardingTaskGroup { tasks in
                for listener in listeners { tasks.addTask { try await self.serve(listener) } }
            }
        } onGracefulShutdown: {
            // A node that ends is not healthy: the distributors hear of it before their sessions come back to them.
            let watchers = self.health.withLock { health in
                health.isEnding = true
                return Array(health.channels.values)
            }
            for channel in watchers { channel.eventLoop.execute { ConnectionChannel.abort(channel) } }
            self.census.shutDown(goodbye: .milliseconds(Int64(self.services.limits.goodbyeMilliseconds)))
            for listener in listeners { listener.channel.close(promise: nil) }
        }
    }

    private func serve(_ listener: NIOAsyncChannel<Accepted, Never>) async throws {
        try await listener.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { tasks in
                do {
                    for try await connection in connections {
                        guard enter() else {
                            metrics.refused.with("crowded").increment()
                            let channel = connection.connection.channel
                            channel.eventLoop.execute { ConnectionChannel.abort(channel) }
                            continue
                        }
                        tasks.addTask {
                            await self.serve(connection)
                        }
                    }
                } catch  where self.census.isShuttingDown {
                    // The listener was closed on purpose while it was waiting for a connection.
                }
            }
        }
    }

    /// Counts a connection that has not proved who it is; no more of them than there may be sessions, which is what comes at once when another node ends.
    private func enter() -> Bool {
        unproved.withLock { count in
            guard count < services.limits.connections else { return false }
            count += 1
            return true
        }
    }

    private func serve(_ accepted: Accepted) async {
        let connection = accepted.connection
        let address = connection.channel.remoteAddress?.ipAddress ?? "unknown"
        do throws(FrontFault) {
            let result: Result<(FrontFrame, NodeIdentity), FrontFault>
            do throws(FrontFault) {
                result = .success(try await identify(accepted))
            } catch {
                result = .failure(error)
            }
            unproved.withLock { $0 -= 1 }
            let (first, peer) = try result.get()
            switch first {
            case .open(let preamble): try await serve(preamble, from: peer, accepted)
            case .ping(let number): await serveHealth(number, accepted)
            default: throw .malformed("a frame that does not open a link")
            }
        } catch {
            metrics.refused.with("\(error.code)").increment()
            logger.error("front link refused", metadata: ["peer": "\(address)", "reason": "\(error)"])
            var output = ByteBuffer()
            FrontFrame.refused(error).write(into: &output)
            // The other end may be gone already; there is nothing more to tell it.
            try? await connection.write(output, limit: .seconds(1))
        }
        await connection.close(within: .milliseconds(Int64(services.limits.goodbyeMilliseconds)))
    }

    /// Waits for the first frame, and looks at who sent it before it means anything.
    private func identify(_ accepted: Accepted) async throws(FrontFault) -> (FrontFrame, NodeIdentity) {
        let channel = accepted.connection.channel
        channel.read()
        let alarm = channel.eventLoop.scheduleTask(in: limits.openingTime) { ConnectionChannel.abort(channel) }
        defer { alarm.cancel() }
        let first: FrontFrame
        do {
            first = try await accepted.first.get()
        } catch let fault as FrontFault {
            throw fault
        } catch {
            throw FrontFault(code: .unreachable, reason: "\(error)")
        }
        let peer: NodeIdentity
        do throws(NodeError) {
            peer = try await MeshTLS.identity(of: channel)
        } catch {
            throw FrontFault(code: .role, reason: "\(error)")
        }
        guard peer.role == .distributor else { throw FrontFault(code: .role, reason: "\(peer) is no distributor") }
        return (first, peer)
    }

    private func serveHealth(_ first: UInt64, _ accepted: Accepted) async {
        metrics.healthLinks.add(1)
        defer { metrics.healthLinks.add(-1) }
        let channel = accepted.connection.channel
        let key = ObjectIdentifier(channel)
        let isWelcome = health.withLock { health in
            guard !health.isEnding, health.channels.count < services.limits.connections else { return false }
            health.channels[key] = channel
            return true
        }
        guard isWelcome else { return }
        channel.eventLoop.execute { accepted.handler.value.beginHealth(first) }
        // A channel that has ended is what is waited for, however it ended.
        try? await channel.closeFuture.get()
        health.withLock { $0.channels[key] = nil }
    }

    private func serve(
        _ preamble: FrontPreamble, from peer: NodeIdentity, _ accepted: Accepted
    ) async throws(FrontFault) {
        guard let store = stores[preamble.group] else {
            throw FrontFault(code: .group, reason: "this node does not have the group \(preamble.group)")
        }
        let ticket: UInt64
        switch census.enter(client: preamble.group, channel: accepted.connection) {
        case .admitted(let number): ticket = number
        case .refused(let limit): throw FrontFault(code: .overloaded, reason: "the limit \(limit) was met")
        }
        metrics.opened.with(preamble.ticket == nil ? "new" : "resumed").increment()
        metrics.sessions.add(1)
        let fault = await run(preamble, store, accepted, number: ticket)
        metrics.sessions.add(-1)
        census.leave(ticket)
        if let fault { throw fault }
    }

    /// Runs a session's task, which is cancelled when the link ends: nobody searches for a client that is gone.
    private func run(
        _ preamble: FrontPreamble, _ store: MailStore, _ accepted: Accepted, number: UInt64
    ) async -> FrontFault? {
        let channel = accepted.connection.channel
        let work = Task(executorPreference: LoopExecutor(channel.eventLoop)) { () -> FrontFault? in
            do throws(FrontFault) {
                try await self.session(preamble, store, accepted, number: number)
                return nil
            } catch {
                return error
            }
        }
        channel.closeFuture.whenComplete { _ in work.cancel() }
        return await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            accepted.connection.abort()
        }
    }

    private func session(
        _ preamble: FrontPreamble, _ store: MailStore, _ accepted: Accepted, number: UInt64
    ) async throws(FrontFault) {
        var session = try await begin(preamble, store, accepted, number: number)
        var output = ByteBuffer()
        FrontFrame.ready.write(into: &output)
        do {
            try await accepted.connection.write(output, limit: limits.readyTime)
        } catch {
            await session.abandon()
            throw FrontFault(code: .unreachable, reason: "\(error)")
        }
        accepted.connection.channel.eventLoop.execute { accepted.handler.value.beginSession() }
        await session.run()
        accepted.connection.channel.eventLoop.execute { accepted.handler.value.endSession() }
    }

    private func begin(
        _ preamble: FrontPreamble, _ store: MailStore, _ accepted: Accepted, number: UInt64
    ) async throws(FrontFault) -> IMAPConnection {
        await store.awaitSession()
        do {
            return try await IMAPConnection(
                services: services, account: try await store.account(admitting: preamble.user),
                channel: accepted.connection, framing: FrontSessionFraming(limits: limits), client: preamble.client,
                resuming: preamble.ticket, number: number)
        } catch let error as IMAPError {
            throw FrontFault(code: .ticket, reason: "\(error)")
        } catch {
            throw FrontFault(code: .unavailable, reason: "\(error)")
        }
    }
}
