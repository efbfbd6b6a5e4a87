// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NIOCore
import NIOPosix
import NIOSSL
import NodeSupport
import PeerTransport

/// Makes one real mutual-TLS connection on a free port of loopback and says what both ends saw.
enum MeshHandshake {
    struct Outcome: Sendable {
        /// Who the server says the client is.
        let client: NodeIdentity
        /// Who the client says the server is.
        let server: NodeIdentity
        let version: TLSVersion?
    }

    static func run(
        client: NIOSSLContext, server: NIOSSLContext, hostname: String? = nil
    ) async throws -> Outcome {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: server))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await listener.executeThenClose { accepted in
            async let seen = serve(accepted)
            let outcome: Result<(NodeIdentity, TLSVersion?), any Error>
            do {
                outcome = .success(try await connect(client, hostname, to: listener.channel.localAddress?.port ?? 0))
            } catch {
                outcome = .failure(error)
            }
            let (identity, version) = try outcome.get()
            return Outcome(client: try await seen, server: identity, version: version)
        }
    }

    private static func serve(
        _ accepted: NIOAsyncChannelInboundStream<NIOAsyncChannel<ByteBuffer, ByteBuffer>>
    ) async throws -> NodeIdentity {
        for try await connection in accepted {
            return try await connection.executeThenClose { inbound, outbound in
                // The client speaks first: when its bytes are here, the handshake is done.
                var bytes = inbound.makeAsyncIterator()
                _ = try await bytes.next()
                let identity = try await MeshTLS.identity(of: connection.channel)
                try await outbound.write(ByteBuffer(string: "welcome"))
                // The client closes when it has looked.
                while try await bytes.next() != nil {}
                return identity
            }
        }
        throw ChannelError.eof
    }

    private static func connect(
        _ context: NIOSSLContext, _ hostname: String?, to port: Int
    ) async throws -> (NodeIdentity, TLSVersion?) {
        let connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: hostname))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await connection.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: "hello"))
            for try await _ in inbound {
                let version = try await connection.channel.nioSSL_tlsVersion().get()
                return (try await MeshTLS.identity(of: connection.channel), version)
            }
            throw ChannelError.eof
        }
    }
}
