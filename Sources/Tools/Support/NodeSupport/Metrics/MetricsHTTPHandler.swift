// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore
internal import NIOHTTP1

/// Answers the requests of one connection to the metrics server.
///
/// Confined to its event loop. One timer covers every way to hold the connection: silence, a head that trickles in, a
/// body without end, and a reader that does not read.
final class MetricsHTTPHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Asks the connection to end after the answer it is sending, or at once when it sends none.
    struct Stop: Sendable {}

    private enum State {
        case idle
        case reading(HTTPRequestHead, bodyBytes: Int)
        case answering
    }

    private struct Answer {
        var status: HTTPResponseStatus
        var contentType = "text/plain; charset=utf-8"
        var allow: String?
        var body: [UInt8]
    }

    private let registry: MetricsRegistry
    private let pages: [MetricsPage]
    private let limits: MetricsServer.Limits
    private var state = State.idle
    private var isStopping = false
    private var timer: Scheduled<Void>?

    init(registry: MetricsRegistry, pages: [MetricsPage], limits: MetricsServer.Limits) {
        self.registry = registry
        self.pages = pages
        self.limits = limits
    }

    func channelActive(context: ChannelHandlerContext) {
        startTimer(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is Stop:
            isStopping = true
            if case .answering = state { return }
            context.close(promise: nil)
        case ChannelEvent.inputClosed:
            if case .answering = state { return }
            context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard head.uri.utf8.count <= limits.maximumHeadBytes else {
                return answer(Self.plain(.uriTooLong, "the URI is too long\n"), to: head, keepAlive: false, context)
            }
            state = .reading(head, bodyBytes: 0)
        case .body(let part):
            guard case .reading(let head, let bytes) = state else { return }
            let total = bytes + part.readableBytes
            guard total <= limits.maximumBodyBytes else {
                return answer(Self.plain(.payloadTooLarge, "no body wanted\n"), to: head, keepAlive: false, context)
            }
            state = .reading(head, bodyBytes: total)
        case .end:
            guard case .reading(let head, _) = state else { return }
            answer(self.answer(for: head), to: head, keepAlive: head.isKeepAlive, context)
        }
    }

    private func answer(for head: HTTPRequestHead) -> Answer {
        let path = head.uri.prefix { $0 != "?" && $0 != "#" }
        let page = pages.first { $0.path == path }
        guard page != nil || path == "/metrics" || path == "/healthz" else {
            let known = pages.map(\.path) + ["/metrics and /healthz"]
            return Self.plain(.notFound, "not found; there are \(known.joined(separator: ", "))\n")
        }
        guard head.method == .GET || head.method == .HEAD else {
            var refusal = Self.plain(.methodNotAllowed, "only GET and HEAD\n")
            refusal.allow = "GET, HEAD"
            return refusal
        }
        if let page { return Answer(status: .ok, contentType: page.contentType, body: page.content()) }
        if path == "/healthz" { return Self.plain(.ok, "ok\n") }
        return Answer(status: .ok, contentType: PrometheusText.contentType, body: registry.exposition())
    }

    private static func plain(_ status: HTTPResponseStatus, _ text: String) -> Answer {
        Answer(status: status, body: Array(text.utf8))
    }

    private func answer(
        _ answer: Answer, to request: HTTPRequestHead, keepAlive: Bool, _ context: ChannelHandlerContext
    ) {
        state = .answering
        let keepAlive = keepAlive && !isStopping
        var head = HTTPResponseHead(version: request.version, status: answer.status)
        head.headers.add(name: "Content-Type", value: answer.contentType)
        head.headers.add(name: "Content-Length", value: String(answer.body.count))
        head.headers.add(name: "Cache-Control", value: "no-store")
        if let allow = answer.allow { head.headers.add(name: "Allow", value: allow) }
        if !keepAlive { head.headers.add(name: "Connection", value: "close") }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD {
            let body = context.channel.allocator.buffer(bytes: answer.body)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        let sent = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        sent.futureResult.whenComplete { _ in
            let (handler, context) = bound.value
            handler.answered(keepAlive: keepAlive, context)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: sent)
    }

    private func answered(keepAlive: Bool, _ context: ChannelHandlerContext) {
        guard keepAlive, !isStopping else { return context.close(promise: nil) }
        if case .answering = state { state = .idle }
        startTimer(context)
    }

    private func startTimer(_ context: ChannelHandlerContext) {
        timer?.cancel()
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: TimeAmount(limits.maximumIdle)) {
            channel.close(promise: nil)
        }
    }
}
