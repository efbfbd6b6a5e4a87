// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import NIOCore
import NIOPosix
import NIOSSL
import PeerTransport
import Testing

/// Makes a real mutual-TLS connection on loopback and checks that each end knows the other.
enum Mutual {
    static func handshake(client: MeshTLS, server: MeshTLS) async throws {
        let serverContext = try server.serverContext(applicationProtocols: ["test/1"])
        let clientContext = try client.clientContext(applicationProtocols: ["test/1"])
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: serverContext))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let port = listener.channel.localAddress?.port ?? 0
        try await listener.executeThenClose { accepted in
            async let seen = serve(accepted)
            let connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: clientContext, serverHostname: nil))
                        return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            try await connection.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: "hello"))
                var bytes = inbound.makeAsyncIterator()
                #expect(try await bytes.next().map { String(buffer: $0) } == "welcome")
                let identity = try await MeshTLS.identity(of: connection.channel)
                #expect(identity == server.own)
                let version = try await connection.channel.nioSSL_tlsVersion().get()
                #expect(version == .tlsv13)
            }
            let identity = try await seen
            #expect(identity == client.own)
        }
    }

    private static func serve(
        _ accepted: NIOAsyncChannelInboundStream<NIOAsyncChannel<ByteBuffer, ByteBuffer>>
    ) async throws -> NodeIdentity {
        for try await connection in accepted {
            return try await connection.executeThenClose { inbound, outbound in
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
}
