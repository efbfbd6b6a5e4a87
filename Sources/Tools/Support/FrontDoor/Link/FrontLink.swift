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
    /// It ends at once when its task is cancelled.
    ///
    /// - Parameters:
    ///   - node: the node.
    ///   - tls: who this distributor is.
    ///   - group: the event loops.
    ///   - limits: the bounds; the whole takes no longer than ``FrontLimits/connectTime``.
    ///   - resolver: what finds the addresses of a host; nil for the system's.
    /// - Returns: the link.
    /// - Throws: ``FrontFault``.
    static func connect(
        to node: FrontNode, tls: MeshTLS, group: any EventLoopGroup, limits: FrontLimits,
        resolver: (any Resolver & Sendable)? = nil
    ) async throws(FrontFault) -> FrontLink {
        let attempt = FrontAttempt()
        let loop = group.next()
        let alarm = loop.scheduleTask(in: limits.connectTime) { attempt.giveUp() }
        defer { alarm.cancel() }
        let result: Result<FrontLink, FrontFault> = await withTaskCancellationHandler {
            do throws(FrontFault) {
                let link = try await connect(to: node, tls: tls, loop: loop, limits: limits, resolver, attempt)
                return .success(link)
            } catch {
                attempt.giveUp()
                return .failure(error)
            }
        } onCancel: {
            attempt.giveUp()
        }
        return try result.get()
    }

    private static func connect(
        to node: FrontNode, tls: MeshTLS, loop: any EventLoop, limits: FrontLimits,
        _ resolver: (any Resolver & Sendable)?, _ attempt: FrontAttempt
    ) async throws(FrontFault) -> FrontLink {
        let channel: any Channel
        do {
            let context = try tls.clientContext(applicationProtocols: [FrontLinkServer.applicationProtocol])
            channel = try await ClientBootstrap(group: loop)
                .resolver(resolver)
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
                        let handler = FrontClientHandler(limits: limits, eventLoop: channel.eventLoop)
                        // First, so that whatever comes keeps its promise or breaks it.
                        try channel.pipeline.syncOperations.addHandler(handler)
                        try attempt.use(handler.candidate(channel))
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: nil), position: .first)
                    }
                }.connect(host: node.address.host, port: node.address.port).get()
        } catch {
            throw fault(error, node, attempt)
        }
        guard let winner = attempt.candidate(channel) else {
            throw FrontFault(code: .unreachable, reason: "\(node.address): the connection is not one of this attempt")
        }
        do {
            try await winner.handshake.get()
        } catch let fault as FrontFault where !attempt.isGivenUp {
            throw fault
        } catch {
            throw fault(error, node, attempt)
        }
        let link = FrontLink(node: node, channel: channel, inbox: winner.inbox)
        try await link.checkIdentity()
        return link
    }

    private static func fault(_ error: any Error, _ node: FrontNode, _ attempt: FrontAttempt) -> FrontFault {
        attempt.isGivenUp
            ? FrontFault(code: .timeout, reason: "\(node.address): no connection in time")
            : FrontFault(code: .unreachable, reason: "\(node.address): \(error)")
    }

    /// Waits for the next frame, by itself; for the time before a session, and for health.
    ///
    /// - Parameter limit: the longest to wait.
    /// - Returns: the frame.
    /// - Throws: ``FrontFault`` when none comes.
    func next(within limit: TimeAmount) async throws(FrontFault) -> FrontFrame {
        let alarm = channel.eventLoop.scheduleTask(in: limit) { [inbox, channel] in
            inbox.stateChanged(
                FrontFault(code: .timeout, reason: "no answer within \(limit.nanoseconds / 1_000_000) ms"))
            FrontAttempt.abort(channel)
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
    /// - Throws: ``FrontFault`` when the node refuses it or does not answer.
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
    func abort() { channel.eventLoop.execute { [channel] in FrontAttempt.abort(channel) } }
}
