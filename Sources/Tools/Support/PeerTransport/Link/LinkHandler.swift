// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// What becomes of a connection after its handshake.
struct LinkSetup: Sendable {
    /// Who opened it.
    var direction: LinkDirection
    /// The limits.
    var limits: LinkLimits
    /// What must have been agreed upon (RFC 7301).
    var applicationProtocol: String
    /// Whether this peer may be here: the reason if not.
    var admit: @Sendable (NodeIdentity) -> LinkFault?
    /// The link is there; called once at most, on the event loop.
    var opened: @Sendable (ChannelLink) -> Void
    /// The connection ended before it became a link; called once at most, on the event loop.
    var failed: @Sendable (LinkFault) -> Void
}

/// The part of a link inside the pipeline: waits for the handshake, checks who is there, then cuts and decodes what comes.
///
/// Confined to its event loop.
final class LinkHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private enum Phase {
        case handshake
        case open(ChannelLink)
        case over
    }

    private let setup: LinkSetup
    private var phase = Phase.handshake
    private var framer: LinkFramer
    private var batch: [PeerMessage] = []
    private var batchBytes = 0
    private var hasMessage = false
    /// Whether something came that is no message: nothing that follows can be read.
    private var isGarbage = false
    private var alarm: Scheduled<Void>?
    /// The first thing that went wrong, told when the channel is closed.
    private var fault: LinkFault?

    init(setup: LinkSetup) {
        self.setup = setup
        framer = LinkFramer(maximumBodyBytes: setup.limits.messageBytes)
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard alarm == nil else { return }
        setAlarm(
            context, after: setup.limits.handshakeTime,
            LinkFault(.handshakeTimeout, "no TLS handshake within \(setup.limits.handshakeTime)"))
        context.read()
    }

    func channelInactive(context: ChannelHandlerContext) {
        alarm?.cancel()
        deliverBatch()
        let isInsideFrame = framer.isInsideFrame && !isGarbage
        let natural =
            isInsideFrame
            ? LinkFault(.truncated, "the link ended inside a message, after \(framer.heldBytes) octets of it")
            : LinkFault(.ended, "the peer closed the link")
        finish(fault ?? natural)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .handshake = phase {
            end(context, LinkFault(.tls, "the TLS handshake failed: \(error)"))
        } else if let error = error as? NIOSSLError, case .uncleanShutdown = error {
            end(context, LinkFault(.reset, "the connection broke"))
        } else if error is NIOSSLError || error is BoringSSLError {
            end(context, LinkFault(.tls, "the TLS connection failed: \(error)"))
        } else {
            end(context, LinkFault(.reset, "the connection broke: \(error)"))
        }
    }

    // MARK: The handshake

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let agreed) = event as? TLSUserEvent, case .handshake = phase {
            open(context, agreed: agreed)
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func open(_ context: ChannelHandlerContext, agreed: String?) {
        alarm?.cancel()
        guard agreed == setup.applicationProtocol else {
            let spoken = agreed ?? "no application protocol"
            end(
                context,
                LinkFault(.protocolMismatch, "the peer speaks \(spoken), not \(setup.applicationProtocol)"))
            return
        }
        let identity: NodeIdentity
        do {
            let certificate = try context.pipeline.syncOperations.nioSSL_peerCertificate()
            guard let certificate, let named = NodeIdentity(peer: certificate) else {
                end(context, LinkFault(.identityRefused, "the peer's certificate names no node of this cluster"))
                return
            }
            identity = named
        } catch {
            end(context, LinkFault(.identityRefused, "the peer's certificate cannot be read: \(error)"))
            return
        }
        if let refusal = setup.admit(identity) {
            end(context, refusal)
            return
        }
        let link = ChannelLink(
            peer: identity, direction: setup.direction, channel: context.channel, limits: setup.limits)
        phase = .open(link)
        setAlarm(
            context, after: setup.limits.firstMessageTime,
            LinkFault(.silent, "no message within \(setup.limits.firstMessageTime) of the handshake"))
        setup.opened(link)
    }

    // MARK: Messages

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .open(let link) = phase, fault == nil, !isGarbage else { return }
        framer.append(unwrapInboundIn(data))
        do {
            while let body = try framer.next() {
                batch.append(try PeerMessageFraming.message(body))
                batchBytes += body.readableBytes + LinkFramer.headerBytes
            }
        } catch {
            deliverBatch()
            isGarbage = true
            link.garbled(error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        deliverBatch()
        switch phase {
        case .handshake: context.read()
        case .open(let link): if link.mayRead { context.read() }
        case .over: break
        }
        context.fireChannelReadComplete()
    }

    private func deliverBatch() {
        guard case .open(let link) = phase, !batch.isEmpty else { return }
        if !hasMessage {
            hasMessage = true
            alarm?.cancel()
        }
        link.received(batch, bytes: batchBytes)
        batch = []
        batchBytes = 0
    }

    // MARK: The end

    /// Notes why and closes; the service hears of it when the channel is closed.
    private func end(_ context: ChannelHandlerContext, _ fault: LinkFault) {
        if self.fault == nil { self.fault = fault }
        Self.abort(context.channel)
    }

    private func finish(_ fault: LinkFault) {
        switch phase {
        case .handshake: setup.failed(fault)
        case .open(let link): link.ended(fault)
        case .over: break
        }
        phase = .over
    }

    private func setAlarm(_ context: ChannelHandlerContext, after time: Duration, _ fault: LinkFault) {
        alarm = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
            self.end(context, fault)
        }
    }

    /// Closes without asking TLS, which would wait for the peer's goodbye; on the event loop.
    static func abort(_ channel: any Channel) {
        if let tls = try? channel.pipeline.syncOperations.context(handlerType: NIOSSLHandler.self) {
            tls.close(promise: nil)
        } else {
            // There is no TLS in the pipeline any more.
            channel.close(promise: nil)
        }
    }
}
