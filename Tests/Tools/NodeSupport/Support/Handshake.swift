// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import NodeSupport

/// Makes real TLS connections to a server on a free port.
enum Handshake {
    /// Connects once and waits for the server's greeting.
    ///
    /// With a host name the connection goes to 127.0.0.2, which no certificate names: this library's client accepts a certificate that names
    /// the address it is connected to, whatever host name it was given, so at 127.0.0.1 the name would not be put to the test.
    static func run(
        server: NIOSSLContext, trusting authority: String, hostname: String?,
        adjust: (inout TLSConfiguration) -> Void = { _ in }
    ) async throws -> String {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(authority)
        adjust(&configuration)
        let client = try NIOSSLContext(configuration: configuration)
        return try await withServer(server, host: hostname == nil ? "127.0.0.1" : "127.0.0.2") { address in
            let promise = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: String.self)
            do {
                _ = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandlers([
                                NIOSSLClientHandler(context: client, serverHostname: hostname),
                                Reader(promise: promise),
                            ])
                        }
                    }
                    .connect(host: address.host, port: address.port).get()
            } catch {
                promise.fail(error)
            }
            return try await promise.futureResult.get()
        }
    }

    /// Runs a server that greets every client that completes its handshake.
    static func withServer<Value>(
        _ context: NIOSSLContext, host: String = "127.0.0.1", _ body: (HostPort) async throws -> Value
    ) async throws -> Value {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        NIOSSLServerHandler(context: context), Greeter(),
                    ])
                }
            }
            .bind(host: host, port: 0).get()
        defer { listener.close(promise: nil) }
        return try await body(HostPort(host: host, port: UInt16(listener.localAddress?.port ?? 0)))
    }

    /// Says hello when the handshake is done.
    private final class Greeter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case TLSUserEvent.handshakeCompleted = event {
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "hello")), promise: nil)
            }
            context.fireUserInboundEventTriggered(event)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// Completes with the greeting, or with the first error.
    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let promise: EventLoopPromise<String>

        init(promise: EventLoopPromise<String>) { self.promise = promise }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            promise.succeed(String(buffer: unwrapInboundIn(data)))
            context.close(promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            promise.fail(error)
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { promise.fail(ChannelError.eof) }
    }
}
