// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore
internal import NIOTLS
internal import Synchronization

/// What a node has sent and nobody has taken: where the event loop leaves word for the task of a distributor's session.
///
/// Octets are read from the node only when the task asks, so at most the frames of one reading, and a part of one, wait here.
final class FrontInbox: Sendable {
    private struct State {
        var frames: [FrontFrame] = []
        var head = 0
        var isReading = false
        /// Why nothing more comes.
        var end: FrontFault?
        var wake: (@Sendable () -> Void)?
    }

    enum Item: Sendable {
        case frame(FrontFrame)
        /// Nothing more comes.
        case ended(FrontFault)
        /// Nothing has come yet.
        case nothing
    }

    private let state = Mutex(State())

    /// Sets what is called, on any thread, when there is something to take.
    func setWake(_ wake: @escaping @Sendable () -> Void) {
        let isDue = state.withLock { state in
            state.wake = wake
            return state.head < state.frames.count || state.end != nil
        }
        if isDue { wake() }
    }

    /// Takes the next frame; asks for more when there is none.
    func take(_ demand: () -> Void) -> Item {
        let (item, wantsMore) = state.withLock { state -> (Item, Bool) in
            if state.head < state.frames.count {
                defer { state.head += 1 }
                return (.frame(state.frames[state.head]), false)
            }
            state.frames.removeAll(keepingCapacity: true)
            state.head = 0
            if let end = state.end { return (.ended(end), false) }
            if state.isReading { return (.nothing, false) }
            state.isReading = true
            return (.nothing, true)
        }
        if wantsMore { demand() }
        return item
    }

    func deliver(_ frame: FrontFrame) { state.withLock { $0.frames.append(frame) } }

    /// A reading is over.
    func readingCompleted() {
        state.withLock { state -> (@Sendable () -> Void)? in
            state.isReading = false
            return state.wake
        }?()
    }

    /// The link takes more, or has ended.
    func stateChanged(_ end: FrontFault? = nil) {
        state.withLock { state -> (@Sendable () -> Void)? in
            state.end = state.end ?? end
            return state.wake
        }?()
    }
}

/// The distributor's end of a front link, on its event loop.
final class FrontClientHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let limits: FrontLimits
    private let inbox = FrontInbox()
    private var input = ByteBuffer()
    private var fault: FrontFault?
    /// Until the handshake has ended, the handler reads by itself.
    private var handshake: EventLoopPromise<Void>?
    private let handshakeFuture: EventLoopFuture<Void>

    init(limits: FrontLimits, eventLoop: any EventLoop) {
        self.limits = limits
        let promise = eventLoop.makePromise(of: Void.self)
        handshake = promise
        handshakeFuture = promise.futureResult
    }

    /// What an attempt to connect has to know of the channel that the handler is for.
    func candidate(_ channel: any Channel) -> FrontAttempt.Candidate {
        FrontAttempt.Candidate(channel: channel, inbox: inbox, handshake: handshakeFuture)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.read()
        context.fireChannelActive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        handshake?.fail(fault ?? FrontFault(code: .unreachable, reason: "the connection has ended"))
        handshake = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted(let agreed)? = event as? TLSUserEvent else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        if agreed == FrontLinkServer.applicationProtocol {
            handshake?.succeed()
        } else {
            handshake?.fail(FrontFault(code: .version, reason: "the other end speaks \(agreed ?? "another protocol")"))
        }
        handshake = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard fault == nil else { return }
        input.writeBuffer(&bytes)
        do throws(FrontFault) {
            while let frame = try FrontFrame.read(from: &input, limits: limits) { inbox.deliver(frame) }
            input.discardReadBytes()
        } catch {
            fault = error
            input = ByteBuffer()
            context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if handshake != nil { context.read() } else { inbox.readingCompleted() }
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        inbox.stateChanged()
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        handshake?.fail(fault ?? FrontFault(code: .unreachable, reason: "the node closed the connection"))
        handshake = nil
        inbox.stateChanged(fault ?? FrontFault(code: .unreachable, reason: "the node closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fault = fault ?? FrontFault(code: .unreachable, reason: "\(error)")
        context.close(promise: nil)
    }
}
