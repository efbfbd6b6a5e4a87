// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
package import NIOCore
internal import NIOPosix
internal import NIOSSL
package import NodeSupport

/// Accepts the links of one group's peers on one address: TLS 1.3 with certificates on both sides, roles worker and storage only.
///
/// Whoever has not proved who it is gets little: few connections at a time, and a short time for the handshake.
package final class PeerListener: Sendable {
    /// The address that is listened on, with the real port when port 0 was asked for.
    package let address: HostPort

    private let channel: any Channel
    private let census: ListenerCensus

    private init(address: HostPort, channel: any Channel, census: ListenerCensus) {
        self.address = address
        self.channel = channel
        self.census = census
    }

    /// Listens from now on.
    ///
    /// - Parameters:
    ///   - address: where; port 0 picks a free one.
    ///   - tls: who this node is.
    ///   - group: the event loops.
    ///   - limits: what a peer can hold.
    ///   - receiver: gets `opened` and `refused`, on event loops.
    /// - Returns: the listener.
    /// - Throws: ``NodeError`` with `addressUnavailable`, or an error of the certificates.
    package static func bind(
        _ address: HostPort, tls: MeshTLS, group: any EventLoopGroup, limits: LinkLimits = LinkLimits(),
        receiver: @escaping @Sendable (PeerEndpointEvent) -> Void
    ) async throws(NodeError) -> PeerListener {
        // A node whose certificate cannot be used says so at its start.
        _ = try tls.serverContext(applicationProtocols: [peerApplicationProtocol])
        let census = ListenerCensus(limits: limits)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: limits.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.prepare(channel, tls: tls, census: census, limits: limits, receiver: receiver)
                }
            }
        do {
            let channel = try await bootstrap.bind(host: address.host, port: address.port).get()
            let bound = HostPort(
                host: channel.localAddress?.ipAddress ?? address.host,
                port: UInt16(clamping: channel.localAddress?.port ?? address.port))
            return PeerListener(address: bound, channel: channel, census: census)
        } catch {
            throw NodeError(
                .addressUnavailable,
                "cannot listen for peers on \(address); choose another address or stop what listens there", cause: error
            )
        }
    }

    /// Stops listening, closes all links in peace, and returns when they are closed.
    package func close() async {
        // Closing a second time fails with "already closed", which is what we want to be true.
        try? await channel.close().get()
        let (links, channels) = census.stop()
        for link in links { link.close(LinkFault(.closed, "this node stops listening for peers")) }
        let linked = Set(links.map(\.channelIdentity))
        for channel in channels where !linked.contains(ObjectIdentifier(channel)) {
            channel.eventLoop.execute { LinkHandler.abort(channel) }
        }
        for channel in channels {
            // A connection's close future reports how it ended; that it ended is all we wait for.
            try? await channel.closeFuture.get()
        }
    }

    private static func prepare(
        _ channel: any Channel, tls: MeshTLS, census: ListenerCensus, limits: LinkLimits,
        receiver: @escaping @Sendable (PeerEndpointEvent) -> Void
    ) throws {
        let remote = ChannelLink.name(of: channel.remoteAddress)
        // Throwing makes the bootstrap close the connection.
        switch census.admit(channel) {
        case .admitted: break
        case .stopped: throw LinkFault(.closed, "this node stops listening for peers")
        case .full:
            let fault = LinkFault(
                .tooManyConnections,
                "\(limits.unauthenticatedConnections) connections have not proved who they are; this is one more")
            receiver(.refused(remoteAddress: remote, fault))
            throw fault
        }
        channel.closeFuture.whenComplete { _ in census.remove(channel) }
        let own = tls.own
        let setup = LinkSetup(
            direction: .incoming, limits: limits, applicationProtocol: peerApplicationProtocol,
            admit: { PeerAdmission.refusal(of: $0, own: own, expected: nil) },
            opened: { link in
                channel.closeFuture.whenComplete { _ in census.remove(link) }
                census.prove(channel, link)?.close(
                    LinkFault(.replaced, "\(link.peer.name) has opened a newer link"))
                receiver(.opened(link))
            },
            failed: { receiver(.refused(remoteAddress: remote, $0)) })
        let context = try tls.serverContext(applicationProtocols: [peerApplicationProtocol])
        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
        try channel.pipeline.syncOperations.addHandler(LinkHandler(setup: setup))
    }
}
