// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Glibc
internal import LiveTestSupport
internal import NIOPosix
internal import NodeSupport
internal import PeerTransport
internal import ReplicaTestSupport

/// The least that it can take until another node has made something durable: it crosses a TLS link, is written and synced there, and a word comes back.
///
/// Uses the same TLS, the same kind of proxy and the same disk as the replicas.
final class LagLimit {
    private let dialler: TLSEndpoint
    private let listener: TLSEndpoint
    private let proxy: LinkProxy
    private let link: any PeerLink
    private var iterator: AsyncStream<Void>.Iterator

    init(_ cluster: TestCluster) async throws {
        let loops = MultiThreadedEventLoopGroup.singleton
        let local = HostPort(host: "127.0.0.1", port: 0)
        let file = try SyncedFile(path: cluster.directory.file("limit"))
        listener = TLSEndpoint(listen: [local], tls: try cluster.mesh("b"), group: loops)
        let bound = try await listener.start { event in
            guard case .opened(let link) = event else { return }
            link.start { event in
                guard case .messages(let messages, let bytes) = event else { return }
                link.consumed(bytes: bytes)
                for case .frames(let frame) in messages {
                    file.write(frame)
                    link.send(.acknowledge(consumed: UInt64(frame.count), durable: []))
                }
            }
        }
        proxy = try LinkProxy(to: Int(bound.first?.port ?? 0))
        dialler = TLSEndpoint(listen: [local], tls: try cluster.mesh("a"), group: loops)
        let (links, found) = AsyncStream.makeStream(of: (any PeerLink).self)
        _ = try await dialler.start { event in
            if case .opened(let link) = event, link.direction == .outgoing { found.yield(link) }
        }
        let there = HostPort(host: "127.0.0.1", port: UInt16(proxy.port))
        dialler.setPeers([PeerAddress(name: "b", addresses: [there])])
        var opened = links.makeAsyncIterator()
        guard let link = await opened.next() else { throw LiveFailure("no link") }
        self.link = link
        let (answers, answered) = AsyncStream.makeStream(of: Void.self)
        iterator = answers.makeAsyncIterator()
        link.start { event in
            guard case .messages(_, let bytes) = event else { return }
            link.consumed(bytes: bytes)
            answered.yield()
        }
    }

    /// One round.
    func measure(octets: Int) async -> Duration {
        let start = ContinuousClock.now
        link.send(.frames([UInt8](repeating: 0x61, count: octets)))
        _ = await iterator.next(isolation: #isolation)
        return .now - start
    }

    func close() async {
        await dialler.close()
        await listener.close()
        proxy.stop()
    }
}

/// A file whose writes are durable.
final class SyncedFile: Sendable {
    private let descriptor: Int32

    init(path: String) throws {
        descriptor = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LiveFailure.system("open") }
    }

    deinit { Glibc.close(descriptor) }

    func write(_ bytes: [UInt8]) {
        precondition(Glibc.write(descriptor, bytes, bytes.count) == bytes.count, "the disk takes nothing")
        precondition(fdatasync(descriptor) == 0, "the disk fails")
    }
}
