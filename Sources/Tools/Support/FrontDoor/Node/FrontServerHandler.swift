// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import IMAPService
internal import NIOCore
internal import NIOTLS

/// The node's end of a front link, on its event loop: the first frame says what the link is for; then the octets of a session
/// are passed on, or pings are answered.
final class FrontServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// The first frame has not come.
        case opening(EventLoopPromise<FrontFrame>)
        /// Somebody looks at the first frame.
        case deciding
        /// A session: its octets go to the next handler.
        case session
        /// Pings are answered.
        case health
        case closed
    }

    private let limits: FrontLimits
    private var state: State
    private var input = ByteBuffer()
    private var context: ChannelHandlerContext?
    private var silence: Scheduled<Void>?

    init(limits: FrontLimits, first: EventLoopPromise<FrontFrame>) {
        self.limits = limits
        state = .opening(first)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(FrontFault(code: .unreachable, reason: "the connection has ended"))
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .closed = state { return }
        var bytes = unwrapInboundIn(data)
        input.writeBuffer(&bytes)
        process(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        switch state {
        case .opening, .health: context.read()
        case .deciding, .session, .closed: break
        }
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted(let agreed)? = event as? TLSUserEvent else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        guard agreed != FrontLinkServer.applicationProtocol else { return }
        end(FrontFault(code: .version, reason: "the other end speaks \(agreed ?? "no protocol of ours")"))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(FrontFault(code: .unreachable, reason: "the connection has ended"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(FrontFault(code: .unreachable, reason: "\(error)"))
        context.close(promise: nil)
    }

    /// A session begins: octets go on from here.
    func beginSession() {
        guard case .deciding = state, let context else { return }
        state = .session
        process(context)
    }

    /// The link is for health: the ping that came first is answered, and all that follow.
    func beginHealth(_ first: UInt64) {
        guard case .deciding = state, let context else { return }
        state = .health
        answer(first, context)
        process(context)
        context.read()
    }

    /// The session has ended: what still comes is taken and dropped until the distributor closes.
    ///
    /// A connection that is closed while octets wait to be read is reset, and a reset can overtake the session's last words.
    func endSession() {
        guard case .session = state, let context else { return }
        state = .closed
        input = ByteBuffer()
        context.channel.setOption(.autoRead, value: true).whenFailure { _ in
            // It is closed already.
        }
        context.read()
    }

    private func process(_ context: ChannelHandlerContext) {
        do throws(FrontFault) {
            while true {
                // What comes behind the first frame waits until it is decided what the link is for.
                if case .deciding = state { return }
                guard let frame = try FrontFrame.read(from: &input, limits: limits) else { break }
                try take(frame, context)
            }
            input.discardReadBytes()
        } catch {
            // Whoever waits for the first frame says why it is refused, and closes.
            let isAnswered = if case .opening = state { true } else { false }
            end(error)
            if !isAnswered { context.close(promise: nil) }
        }
    }

    private func take(_ frame: FrontFrame, _ context: ChannelHandlerContext) throws(FrontFault) {
        switch (state, frame) {
        case (.opening(let promise), .open), (.opening(let promise), .ping):
            state = .deciding
            promise.succeed(frame)
        case (.session, .data(let bytes)): context.fireChannelRead(wrapInboundOut(bytes))
        case (.health, .ping(let number)): answer(number, context)
        case (.closed, _): break
        default: throw .malformed("a frame that does not belong here")
        }
    }

    private func answer(_ number: UInt64, _ context: ChannelHandlerContext) {
        var output = context.channel.allocator.buffer(capacity: 16)
        FrontFrame.pong(number).write(into: &output)
        context.writeAndFlush(wrapOutboundOut(output), promise: nil)
        silence?.cancel()
        let channel = context.channel
        silence = context.eventLoop.scheduleTask(in: limits.healthSilence) { ConnectionChannel.abort(channel) }
    }

    private func end(_ fault: FrontFault) {
        silence?.cancel()
        silence = nil
        if case .opening(let promise) = state { promise.fail(fault) }
        state = .closed
        input = ByteBuffer()
    }
}
