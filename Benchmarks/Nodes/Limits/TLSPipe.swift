// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NodeSupport
internal import PeerTransport

/// The least that it takes to move bytes over loopback TLS 1.3: a channel that writes as long as it may, and one that counts.
///
/// It uses the product's certificates and cipher, and large writes and reads; there is no framing.
final class TLSPipe {
    private let server: any Channel
    private let client: any Channel
    private let sender: NIOLoopBound<Sender>

    /// Connects.
    init(_ mesh: Mesh, _ groups: NodeLoops) async throws {
        let serverContext = try mesh.tls("b").serverContext(applicationProtocols: ["bench"])
        let clientContext = try mesh.tls("a").clientContext(applicationProtocols: ["bench"])
        server = try await ServerBootstrap(group: groups.reader)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 256 << 10))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: serverContext))
                    try channel.pipeline.syncOperations.addHandler(Counter())
                }
            }.bind(host: "127.0.0.1", port: 0).get()
        guard let address = server.localAddress else { throw BenchFailure("the receiving end does not listen") }
        client = try await ClientBootstrap(group: groups.writer)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: .init(low: 512 << 10, high: 1 << 20))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: clientContext, serverHostname: nil))
                    try channel.pipeline.syncOperations.addHandler(Sender())
                }
            }.connect(to: address).get()
        let channel = client
        sender = try await channel.eventLoop.submit {
            NIOLoopBound(
                try channel.pipeline.syncOperations.handler(type: Sender.self), eventLoop: channel.eventLoop)
        }.get()
        // The handshake is over when something has come back.
        try await run(bytes: 1)
    }

    /// Moves so many bytes; returns when the other end has said that it has them.
    func run(bytes: Int) async throws {
        let sender = sender
        try await client.eventLoop.flatSubmit { sender.value.send(bytes) }.get()
    }

    /// Sends one small message and waits for the answer, so many times: the nanoseconds of each, ascending.
    func roundTrips(count: Int) async throws -> [UInt64] {
        let sender = sender
        return try await client.eventLoop.flatSubmit { sender.value.roundTrips(count) }.get().sorted()
    }

    /// Closes both ends.
    func close() async throws {
        // The other end may have gone first, which is as good.
        try? await client.close().get()
        try await server.close().get()
    }
}

/// Writes large pieces as long as the channel takes them.
///
/// The first eight octets of each transfer say how long it is; the answer is one octet.
private final class Sender: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let pieceBytes = 256 << 10
    private let piece = ByteBuffer(repeating: 0x5a, count: pieceBytes)
    private var left = 0
    private var done: EventLoopPromise<Void>?
    private var context: ChannelHandlerContext?
    private var trips: (left: Int, began: UInt64, found: [UInt64], done: EventLoopPromise<[UInt64]>)?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func send(_ bytes: Int) -> EventLoopFuture<Void> {
        guard let context else { preconditionFailure("the channel is closed") }
        let promise = context.eventLoop.makePromise(of: Void.self)
        done = promise
        left = bytes
        context.write(wrapOutboundOut(ByteBuffer(integer: UInt64(bytes))), promise: nil)
        write(context)
        return promise.futureResult
    }

    func roundTrips(_ count: Int) -> EventLoopFuture<[UInt64]> {
        guard let context else { preconditionFailure("the channel is closed") }
        let promise = context.eventLoop.makePromise(of: [UInt64].self)
        trips = (count, 0, [], promise)
        trip(context)
        return promise.futureResult
    }

    private func trip(_ context: ChannelHandlerContext) {
        trips?.began = MonotonicClock.now()
        var message = ByteBuffer(integer: UInt64(64))
        message.writeRepeatingByte(0x5a, count: 64)
        context.writeAndFlush(wrapOutboundOut(message), promise: nil)
    }

    private func write(_ context: ChannelHandlerContext) {
        while left > 0 && context.channel.isWritable {
            let count = min(left, Self.pieceBytes)
            left -= count
            let slice = piece.getSlice(at: 0, length: count) ?? piece
            context.writeAndFlush(wrapOutboundOut(slice), promise: nil)
        }
        context.flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        write(context)
        context.fireChannelWritabilityChanged()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if let trips {
            self.trips?.found.append(MonotonicClock.now() - trips.began)
            self.trips?.left -= 1
            if trips.left > 1 { return trip(context) }
            let found = self.trips?.found ?? []
            self.trips = nil
            trips.done.succeed(found)
        } else {
            done?.succeed()
            done = nil
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        done?.fail(error)
        done = nil
        trips?.done.fail(error)
        trips = nil
        context.close(promise: nil)
    }
}

/// Counts what comes and answers when a transfer is complete.
private final class Counter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var missing = 0
    private var head = ByteBuffer()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if missing == 0 {
            head.writeBuffer(&bytes)
            guard let length = head.readInteger(as: UInt64.self) else { return }
            missing = Int(length)
            bytes = head
            head = ByteBuffer()
        }
        missing -= bytes.readableBytes
        if missing <= 0 {
            missing = 0
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(repeating: 1, count: 1)), promise: nil)
        }
    }
}
