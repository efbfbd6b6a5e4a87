// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import NIOCore
import NIOPosix
import NodeSupport
import Synchronization

/// The cable between a distributor and a node: it can be cut, and it can go silent without being cut.
final class Relay: Sendable {
    private struct State {
        var target: HostPort
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isCut = false
        var isSilent = false
        /// How many more octets pass from the node to the distributor before the cable is cut.
        var budget: Int?
    }

    let address: HostPort
    private let listener: any Channel
    private let state: Mutex<State>

    private init(_ listener: any Channel, _ target: HostPort) {
        self.listener = listener
        address = HostPort(host: "127.0.0.1", port: UInt16(listener.localAddress?.port ?? 0))
        state = Mutex(State(target: target))
    }

    static func make(to target: HostPort) async throws -> Relay {
        let box = Mutex<Relay?>(nil)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                box.withLock { $0 }?.accept(channel) ?? channel.eventLoop.makeFailedFuture(ChannelError.eof)
            }
            .childChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0).get()
        let relay = Relay(listener, target)
        box.withLock { $0 = relay }
        return relay
    }

    /// The node is somewhere else from now on.
    func point(to target: HostPort) { state.withLock { $0.target = target } }

    /// Everything is closed, and nothing gets through until it is mended.
    func cut() {
        let channels = state.withLock { state in
            state.isCut = true
            return Array(state.channels.values)
        }
        for channel in channels { channel.close(promise: nil) }
    }

    /// The cable is cut after the node has sent so many more octets.
    func cut(after octets: Int) { state.withLock { $0.budget = octets } }

    /// Connections stand, and nothing gets through.
    func silence() { state.withLock { $0.isSilent = true } }

    func mend() {
        let channels = state.withLock { state in
            state.isCut = false
            // What stood while the cable was silent has lost octets.
            defer { state.isSilent = false }
            state.budget = nil
            return state.isSilent ? Array(state.channels.values) : []
        }
        for channel in channels { channel.close(promise: nil) }
    }

    func close() async {
        cut()
        try? await listener.close().get()
    }

    private func accept(_ inbound: any Channel) -> EventLoopFuture<Void> {
        let target = state.withLock { $0.isCut ? nil : $0.target }
        guard let target else { return inbound.eventLoop.makeFailedFuture(ChannelError.eof) }
        register(inbound)
        return ClientBootstrap(group: inbound.eventLoop)
            .channelOption(.autoRead, value: false)
            .connect(host: target.host, port: target.port)
            .flatMap { outbound in
                self.register(outbound)
                return inbound.eventLoop.makeCompletedFuture {
                    try inbound.pipeline.syncOperations.addHandler(Pump(self, to: outbound, isFromNode: false))
                    try outbound.pipeline.syncOperations.addHandler(Pump(self, to: inbound, isFromNode: true))
                    outbound.read()
                }
            }
    }

    private func register(_ channel: any Channel) {
        let key = ObjectIdentifier(channel)
        state.withLock { $0.channels[key] = channel }
        channel.closeFuture.whenComplete { _ in self.state.withLock { _ = $0.channels.removeValue(forKey: key) } }
    }

    /// How many of the octets may pass.
    fileprivate func admit(_ count: Int, isFromNode: Bool) -> (passing: Int, isLast: Bool) {
        state.withLock { state in
            if state.isSilent { return (0, false) }
            guard isFromNode, let budget = state.budget else { return (count, false) }
            let passing = min(count, budget)
            state.budget = budget - passing
            return (passing, budget <= count)
        }
    }

    private final class Pump: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let relay: Relay
        private let other: any Channel
        private let isFromNode: Bool

        init(_ relay: Relay, to other: any Channel, isFromNode: Bool) {
            self.relay = relay
            self.other = other
            self.isFromNode = isFromNode
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            let (passing, isLast) = relay.admit(bytes.readableBytes, isFromNode: isFromNode)
            let (channel, relay) = (context.channel, relay)
            if passing > 0, let part = bytes.readSlice(length: passing) {
                // The next octets wait until these have gone: a slow reader is felt at the other end.
                other.writeAndFlush(part).whenComplete { _ in
                    if isLast { relay.cut() } else { channel.read() }
                }
            } else if isLast {
                relay.cut()
            } else {
                context.read()
            }
        }

        func channelActive(context: ChannelHandlerContext) {
            context.read()
            context.fireChannelActive()
        }

        func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
