// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// A client that sends bytes and reads lines; what it does not read stays in the socket.
package final class TestClient: Sendable {
    package enum Failure: Error { case closed(rest: String) }

    private struct State {
        var bytes: [UInt8] = []
        var isClosed = false
        var waiter: CheckedContinuation<Void, Never>?
        var number = 0
    }

    private let channel: any Channel
    private let inbox: Inbox

    private final class Inbox: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let state = Mutex(State())

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = Array(unwrapInboundIn(data).readableBytesView)
            wake { $0.bytes += bytes }
        }

        func channelInactive(context: ChannelHandlerContext) { wake { $0.isClosed = true } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        private func wake(_ change: (inout State) -> Void) {
            let waiter = state.withLock { state in
                change(&state)
                return state.waiter.take()
            }
            waiter?.resume()
        }
    }

    private init(channel: any Channel, inbox: Inbox) {
        self.channel = channel
        self.inbox = inbox
    }

    /// Connects; a client that is not eager reads only what ``read()`` asks for.
    package static func connect(port: Int, isTLS: Bool = false, isEager: Bool = true) async throws -> TestClient {
        let inbox = Inbox()
        let context = isTLS ? try tls() : nil
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: isEager)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                    try channel.pipeline.syncOperations.addHandler(inbox)
                }
            }.connect(host: "127.0.0.1", port: port).get()
        return TestClient(channel: channel, inbox: inbox)
    }

    private static func tls() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        return try NIOSSLContext(configuration: configuration)
    }

    /// Begins the client's side of TLS.
    package func startTLS() async throws {
        let context = try Self.tls()
        try await channel.eventLoop.submit { [channel] in
            try channel.pipeline.syncOperations.addHandler(
                NIOSSLClientHandler(context: context, serverHostname: nil), position: .first)
        }.get()
    }

    package func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get() }

    /// Leaves what comes from now on in the socket.
    package func pause() async throws { try await channel.setOption(.autoRead, value: false).get() }

    /// Reads again.
    package func resume() async throws { try await channel.setOption(.autoRead, value: true).get() }

    /// Asks the socket for bytes once.
    package func read() { channel.read() }

    package func close() async {
        try? await channel.close().get()
    }

    /// Goes away without a word, of TLS or otherwise: the peer gets a reset.
    package func reset() async {
        let options = channel as? any SocketOptionProvider
        try? await options?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try? await channel.eventLoop.submit { [channel] in
            if let tls = try? channel.pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self) {
                tls.close(promise: nil)
            } else {
                channel.close(promise: nil)
            }
        }.get()
        try? await channel.closeFuture.get()
    }

    /// The next line, without its end; a literal at its end is taken with it.
    package func line() async throws -> String {
        while true {
            let (line, known) = inbox.state.withLock { state -> ([UInt8]?, Int) in
                guard let end = Self.lineEnd(state.bytes) else { return (nil, state.bytes.count) }
                let line = Array(state.bytes[..<end])
                state.bytes.removeFirst(end)
                return (line, state.bytes.count)
            }
            if let line { return String(decoding: line.dropLast(2), as: UTF8.self) }
            try await wait(beyond: known)
        }
    }

    /// Waits for the server to close, and returns what it said before.
    package func rest() async -> String {
        while true {
            do { try await wait(beyond: receivedBytes) } catch {
                return inbox.state.withLock { String(decoding: $0.bytes, as: UTF8.self) }
            }
        }
    }

    package var isClosed: Bool { inbox.state.withLock { $0.isClosed } }

    package var receivedBytes: Int { inbox.state.withLock { $0.bytes.count } }

    /// Waits for more bytes than those that were looked at.
    private func wait(beyond known: Int) async throws {
        if let rest = inbox.state.withLock({ $0.isClosed ? String(decoding: $0.bytes, as: UTF8.self) : nil }) {
            throw Failure.closed(rest: rest)
        }
        await withCheckedContinuation { continuation in
            let isNews = inbox.state.withLock { state in
                if state.isClosed || state.bytes.count != known { return true }
                state.waiter = continuation
                return false
            }
            if isNews { continuation.resume() }
        }
    }

    /// The end of the first response, literals included.
    private static func lineEnd(_ bytes: [UInt8]) -> Int? {
        var start = 0
        while let feed = bytes[start...].firstIndex(of: 0x0a) {
            guard feed >= start + 3, bytes[feed - 2] == UInt8(ascii: "}"),
                let brace = bytes[start..<feed - 2].lastIndex(of: UInt8(ascii: "{")),
                let count = Int(String(decoding: bytes[brace + 1..<feed - 2], as: UTF8.self))
            else { return feed + 1 }
            start = feed + 1 + count
            if start > bytes.count { return nil }
        }
        return nil
    }

    /// Sends a command and reads to its tagged response.
    @discardableResult
    package func command(_ text: String) async throws -> [String] {
        let tag = inbox.state.withLock { state in
            state.number += 1
            return "c\(state.number)"
        }
        try await send("\(tag) \(text)\r\n")
        return try await lines(to: tag)
    }

    package func lines(to tag: String) async throws -> [String] {
        var lines: [String] = []
        while true {
            let line = try await line()
            lines.append(line)
            if line.hasPrefix(tag + " ") { return lines }
        }
    }

    /// Connects and logs in.
    package static func loggedIn(_ port: Int, isTLS: Bool = true, user: String = "alice") async throws -> TestClient {
        let client = try await connect(port: port, isTLS: isTLS)
        _ = try await client.line()
        try await client.command("LOGIN \(user) \(String(user.reversed()))")
        return client
    }

    package func append(_ text: String, to mailbox: String = "INBOX") async throws -> String {
        try await send("ap APPEND \(mailbox) {\(text.utf8.count)+}\r\n\(text)\r\n")
        return try await lines(to: "ap").last ?? ""
    }
}
