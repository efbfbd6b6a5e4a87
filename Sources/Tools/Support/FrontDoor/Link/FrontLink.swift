// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NodeSupport
internal import PeerTransport

/// The distributor's end of a front link.
///
/// Writing never waits: ``isWritable`` says when no more should be written.
struct FrontLink: Sendable {
    let node: FrontNode
    let channel: any Channel
    let inbox: FrontInbox

    /// Makes a connection to a node and sees that it is the one that was meant, before anything is said.
    ///
    /// - Parameters:
    ///   - node: the node.
    ///   - tls: who this distributor is.
    ///   - group: the event loops.
    ///   - limits: the bounds; the whole takes no longer than ``FrontLimits/connectTime``.
    /// - Returns: the link.
    /// - Throws: ``FrontFault``.
    static func connect(
        to node: FrontNode, tls: MeshTLS, group: any EventLoopGroup, limits: FrontLimits
    ) async throws(FrontFault) -> FrontLink {
        let inbox = FrontInbox()
        let loop = group.next()
        let handshake = loop.makePromise(of: Void.self)
        let channel: any Channel
        do {
            let context = try tls.clientContext(applicationProtocols: [FrontLinkServer.applicationProtocol])
            channel = try await ClientBootstrap(group: loop)
                .connectTimeout(limits.connectTime)
                .channelOption(.autoRead, value: false)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(
                    .writeBufferWaterMark,
                    value: ChannelOptions.Types.WriteBufferWaterMark(
                        low: limits.writeBytes / 4, high: limits.writeBytes)
                )
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: nil))
                        try channel.pipeline.syncOperations.addHandler(
                            FrontClientHandler(limits: limits, inbox: inbox, handshake: handshake))
                    }
                }.connect(host: node.address.host, port: node.address.port).get()
        } catch {
            // Nobody waits for it; a promise has to be kept or broken.
            handshake.fail(error)
            throw FrontFault(code: .unreachable, reason: "\(node.address): \(error)")
        }
        let link = FrontLink(node: node, channel: channel, inbox: inbox)
        do throws(FrontFault) {
            try await link.finish(handshake.futureResult, within: limits.connectTime)
        } catch {
            link.abort()
            throw error
        }
        return link
    }

    private func finish(
        _ handshake: EventLoopFuture<Void>, within limit: TimeAmount
    ) async throws(FrontFault) {
        let alarm = channel.eventLoop.scheduleTask(in: limit) { [channel] in Self.abort(channel) }
        defer { alarm.cancel() }
        do {
            try await handshake.get()
        } catch let fault as FrontFault {
            throw fault
        } catch {
            throw FrontFault(code: .unreachable, reason: "\(node.address): \(error)")
        }
        try await checkIdentity()
    }

    /// Waits for the next frame, by itself; for the time before a session, and for health.
    ///
    /// - Parameter limit: the longest to wait.
    func next(within limit: TimeAmount) async throws(FrontFault) -> FrontFrame {
        let alarm = channel.eventLoop.scheduleTask(in: limit) { [inbox, channel] in
            inbox.stateChanged(
                FrontFault(code: .timeout, reason: "no answer within \(limit.nanoseconds / 1_000_000) ms"))
            Self.abort(channel)
        }
        defer { alarm.cancel() }
        while true {
            let gate = WakeGate()
            inbox.setWake { gate.open() }
            switch inbox.take({ channel.read() }) {
            case .frame(let frame): return frame
            case .ended(let fault): throw fault
            case .nothing: await gate.wait()
            }
        }
    }

    /// Checks that the node's certificate is the one of the node that was meant.
    private func checkIdentity() async throws(FrontFault) {
        let peer: NodeIdentity
        do throws(NodeError) {
            peer = try await MeshTLS.identity(of: channel)
        } catch {
            throw FrontFault(code: .role, reason: "\(error)")
        }
        guard peer.role != .distributor, peer.name == node.name else {
            throw FrontFault(code: .role, reason: "\(node.address) is \(peer), not \(node.name)")
        }
    }

    /// Begins a session.
    ///
    /// - Parameters:
    ///   - preamble: who it is for.
    ///   - limits: the bounds.
    func open(_ preamble: FrontPreamble, limits: FrontLimits) async throws(FrontFault) {
        send(.open(preamble))
        switch try await next(within: limits.readyTime) {
        case .ready: return
        case .refused(let fault): throw fault
        default: throw .malformed("a frame that answers no OPEN")
        }
    }

    /// Whether more should be written.
    var isWritable: Bool { channel.isWritable }

    func send(_ frame: FrontFrame) {
        var output = ByteBuffer()
        frame.write(into: &output)
        channel.writeAndFlush(output, promise: nil)
    }

    /// Closes without waiting for the other end.
    func abort() { channel.eventLoop.execute { [channel] in Self.abort(channel) } }

    private static func abort(_ channel: any Channel) {
        // Beneath TLS, which would wait for the node's goodbye.
        if let tls = try? channel.pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self) {
            tls.close(promise: nil)
        } else {
            channel.close(promise: nil)
        }
    }
}
