// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import NIOCore
internal import NIOPosix
internal import NodeSupport
internal import PeerTransport

/// Two nodes' ends of one link over loopback, mutual TLS 1.3, as the product makes them.
struct LinkPair {
    let writer: any PeerLink
    let reader: any PeerLink
    private let dialler: TLSEndpoint
    private let listener: TLSEndpoint

    /// Dials and waits for the handshake.
    ///
    /// - Parameters:
    ///   - mesh: who the nodes are.
    ///   - names: the writer and the reader.
    ///   - writerGroup: one event loop for the writer.
    ///   - readerGroup: one event loop for the reader.
    /// - Throws: what the certificates or the endpoints report.
    init(
        _ mesh: Mesh, _ names: (writer: String, reader: String), _ writerGroup: any EventLoopGroup,
        _ readerGroup: any EventLoopGroup
    ) async throws {
        let (accepted, accepts) = AsyncStream.makeStream(of: (any PeerLink).self)
        let (dialled, dials) = AsyncStream.makeStream(of: (any PeerLink).self)
        listener = TLSEndpoint(
            listen: [HostPort(host: "127.0.0.1", port: 0)], tls: try mesh.tls(names.reader), group: readerGroup)
        let bound = try await listener.start { event in
            if case .opened(let link) = event { accepts.yield(link) }
        }
        guard let address = bound.first else { throw BenchFailure("the reader does not listen") }
        dialler = TLSEndpoint(listen: [], tls: try mesh.tls(names.writer), group: writerGroup)
        _ = try await dialler.start { event in
            if case .opened(let link) = event { dials.yield(link) }
        }
        dialler.setPeers([PeerAddress(name: names.reader, addresses: [address])])
        var ends = (dialled.makeAsyncIterator(), accepted.makeAsyncIterator())
        guard let first = await ends.0.next(isolation: #isolation),
            let second = await ends.1.next(isolation: #isolation)
        else { throw BenchFailure("there is no link") }
        (writer, reader) = (first, second)
    }

    /// Closes both ends.
    func close() async {
        await dialler.close()
        await listener.close()
    }
}
