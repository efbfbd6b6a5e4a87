// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore

/// Takes the PROXY header from the begin of a connection, before TLS, and then leaves the pipeline.
final class ProxyProtocolHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var client: EventLoopPromise<String>?
    private var input = ByteBuffer()

    private init(client: EventLoopPromise<String>) { self.client = client }

    /// Puts a handler into the pipeline of a connection from a trusted balancer; all others are taken as they are.
    ///
    /// - Parameters:
    ///   - channel: the connection, on whose event loop this runs.
    ///   - proxies: the balancers that are trusted.
    /// - Returns: the client's address, as soon as it is known; fails when a balancer sends no good header.
    /// - Throws: an error when the pipeline takes no handler.
    static func install(
        on channel: any Channel, trusting proxies: [AddressRange]
    ) throws -> EventLoopFuture<String> {
        let address = channel.remoteAddress?.ipAddress ?? "unknown"
        guard proxies.contains(where: { $0.contains(address) }) else {
            return channel.eventLoop.makeSucceededFuture(address)
        }
        let promise = channel.eventLoop.makePromise(of: String.self)
        try channel.pipeline.syncOperations.addHandler(ProxyProtocolHandler(client: promise))
        return promise.futureResult
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard client != nil else {
            context.fireChannelRead(data)
            return
        }
        var bytes = unwrapInboundIn(data)
        input.writeBuffer(&bytes)
        do throws(ProxyHeader.Fault) {
            guard let header = try ProxyHeader.read(from: &input) else { return }
            switch header {
            case .client(let address): finish(.success(address))
            case .local: finish(.success(context.remoteAddress?.ipAddress ?? "unknown"))
            }
            if input.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(input)) }
            input = ByteBuffer()
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } catch {
            finish(.failure(error))
            context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Nobody behind this handler asks for more before the header has come.
        if client != nil { context.read() }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(.failure(ChannelError.eof))
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { finish(.failure(ChannelError.eof)) }

    private func finish(_ result: Result<String, any Error>) {
        client?.completeWith(result)
        client = nil
    }
}
