// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NIOCore
import NIOPosix
import NodeSupport
import Synchronization

/// A TCP client that sends what it is told and collects what it gets.
final class RawConnection: Sendable {
    private let channel: any Channel
    private let collector: NIOLoopBound<Collector>

    private init(channel: any Channel, collector: NIOLoopBound<Collector>) {
        self.channel = channel
        self.collector = collector
    }

    static func open(_ address: HostPort) async throws -> RawConnection {
        let made = Mutex<NIOLoopBound<Collector>?>(nil)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let collector = Collector()
                    made.withLock { $0 = NIOLoopBound(collector, eventLoop: channel.eventLoop) }
                    try channel.pipeline.syncOperations.addHandler(collector)
                }
            }
            .connect(host: address.host, port: address.port).get()
        guard let collector = made.withLock({ $0 }) else { throw ChannelError.alreadyClosed }
        return RawConnection(channel: channel, collector: collector)
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    /// Waits until what has come ends with this text.
    func wait(forSuffix suffix: String) async throws -> String {
        try await channel.eventLoop.flatSubmit { [collector, channel] in
            collector.value.wait(forSuffix: suffix, on: channel.eventLoop)
        }.get()
    }

    /// Waits until the server has closed, and gives all that came.
    func waitForEnd() async throws -> String {
        // How the connection ended does not matter, only that it did.
        try? await channel.closeFuture.get()
        return try await channel.eventLoop.submit { [collector] in collector.value.text }.get()
    }

    func close() async throws {
        try await channel.close().get()
    }

    /// Opens a connection, sends a text and waits for the server to close.
    static func exchange(_ address: HostPort, _ text: String) async throws -> String {
        let connection = try await open(address)
        // A server that has closed already makes the write fail; what it said is what counts.
        try? await connection.send(text)
        return try await connection.waitForEnd()
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        var text = ""
        private var waiter: (suffix: String, promise: EventLoopPromise<String>)?

        func wait(forSuffix suffix: String, on loop: any EventLoop) -> EventLoopFuture<String> {
            let promise = loop.makePromise(of: String.self)
            waiter = (suffix, promise)
            check()
            return promise.futureResult
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            text += String(buffer: unwrapInboundIn(data))
            check()
        }

        func channelInactive(context: ChannelHandlerContext) {
            waiter?.promise.fail(ChannelError.eof)
            waiter = nil
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }

        private func check() {
            guard let waiter, text.hasSuffix(waiter.suffix) else { return }
            self.waiter = nil
            waiter.promise.succeed(text)
        }
    }
}
