// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// One connection to Redis; commands are answered in their order.
final class RedisLink: Sendable {
    /// Where a server is, and as whom to go there.
    struct Target: Sendable {
        var host: String
        var port: Int
        var user: String?
        var password: String?
        var database: Int
        var isSecure: Bool

        /// Reads `redis://[user[:password]@]host[:port][/number]` or `rediss://…`.
        ///
        /// - Parameters:
        ///   - url: the text.
        ///   - password: takes the place of the text's.
        /// - Throws: `refused` when it is none of these.
        init(_ url: String, password: String?) throws(StoreError) {
            let failure = StoreError(.refused, "a Redis database must be redis://[USER@]HOST[:PORT][/NUMBER]")
            let rest: Substring
            if url.hasPrefix("redis://") {
                isSecure = false
                rest = url.dropFirst(8)
            } else if url.hasPrefix("rediss://") {
                isSecure = true
                rest = url.dropFirst(9)
            } else {
                throw failure
            }
            let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            let number = parts.count > 1 && !parts[1].isEmpty ? Int(parts[1]) : 0
            guard let number, number >= 0, let whole = parts.first else { throw failure }
            database = number
            var authority = whole
            if let at = whole.lastIndex(of: "@") {
                let words = whole[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                user = words[0].isEmpty ? nil : PercentCoding.decode(words[0])
                self.password = password ?? (words.count > 1 ? PercentCoding.decode(words[1]) : nil)
                authority = whole[whole.index(after: at)...]
            } else {
                user = nil
                self.password = password
            }
            let scheme = isSecure ? "https" : "http"
            let hasPort = authority.hasSuffix("]") ? false : authority.last { $0 == ":" } != nil
            guard let address = WorkerAddress("\(scheme)://\(authority)\(hasPort ? "" : ":6379")") else {
                throw failure
            }
            host = address.host
            port = address.port
        }
    }

    /// How long connecting, and an answer, may take.
    static let timeout: TimeAmount = .seconds(30)

    private let channel: any Channel

    private init(_ channel: any Channel) { self.channel = channel }

    /// Connects, signs in and chooses the database.
    static func connect(_ target: Target) async throws -> RedisLink {
        let context = target.isSecure ? try NIOSSLContext(configuration: .makeClientConfiguration()) : nil
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(5))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let context {
                            let name = AddressRules.isAddress(target.host) ? nil : target.host
                            try channel.pipeline.syncOperations.addHandler(
                                NIOSSLClientHandler(context: context, serverHostname: name))
                        }
                        try channel.pipeline.syncOperations.addHandler(RedisHandler())
                    }
                }
                .connect(host: target.host, port: target.port).get()
        } catch {
            throw StoreError(
                .unavailable, "the Redis server \(target.host):\(target.port) cannot be reached", cause: error)
        }
        let link = RedisLink(channel)
        if let password = target.password {
            _ = try await link.run(["AUTH"] + (target.user.map { [$0] } ?? []) + [password])
        }
        if target.database != 0 { _ = try await link.run(["SELECT", String(target.database)]) }
        return link
    }

    /// Whether the connection still stands, as far as that is known.
    var isAlive: Bool { channel.isActive }

    /// Sends a command and waits for its answer.
    ///
    /// - Throws: `refused` with what the server says; `unavailable` when the connection broke.
    func run(_ words: [String]) async throws -> RedisValue {
        try await run(words.map { Array($0.utf8) })
    }

    /// Sends a command and waits for its answer.
    ///
    /// - Throws: `refused` with what the server says; `unavailable` when the connection broke.
    func run(_ words: [[UInt8]]) async throws -> RedisValue {
        let promise = channel.eventLoop.makePromise(of: RedisValue.self)
        channel.writeAndFlush(RedisHandler.Request(bytes: RedisValue.command(words), promise: promise))
            .whenFailure { promise.fail(Self.broken($0)) }
        let value = try await promise.futureResult.get()
        if case .failure(let reason) = value { throw StoreError(.refused, "Redis: \(reason)") }
        return value
    }

    /// Sends several commands as one transaction.
    ///
    /// - Throws: as ``run(_:)-([String])``; nothing was done when a command cannot be understood.
    func transaction(_ commands: [[[UInt8]]]) async throws {
        let all = [[Array("MULTI".utf8)]] + commands + [[Array("EXEC".utf8)]]
        let answers = all.map { words in
            let promise = channel.eventLoop.makePromise(of: RedisValue.self)
            channel.write(RedisHandler.Request(bytes: RedisValue.command(words), promise: promise))
                .whenFailure { promise.fail(Self.broken($0)) }
            return promise.futureResult
        }
        channel.flush()
        for (index, answer) in answers.enumerated() {
            let value = try await answer.get()
            if case .failure(let reason) = value, index == answers.count - 1 {
                throw StoreError(.refused, "Redis: \(reason)")
            }
            guard index == answers.count - 1 else { continue }
            guard case .list(let results) = value else { throw StoreError(.refused, "Redis gave the transaction up") }
            for case .failure(let reason) in results { throw StoreError(.refused, "Redis: \(reason)") }
        }
    }

    private static func broken(_ error: any Error) -> StoreError {
        StoreError(.unavailable, "the connection to Redis broke", cause: error)
    }

    /// Ends the connection.
    func close() async {
        // One that is closed already needs no closing.
        try? await channel.close()
    }
}

/// Matches answers with commands.
private final class RedisHandler: ChannelDuplexHandler {
    struct Request: Sendable {
        let bytes: ByteBuffer
        let promise: EventLoopPromise<RedisValue>
    }

    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Request
    typealias OutboundOut = ByteBuffer

    private var waiting: CircularBuffer<EventLoopPromise<RedisValue>> = []
    private var received = ByteBuffer()
    private var timer: Scheduled<Void>?

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let request = unwrapOutboundIn(data)
        waiting.append(request.promise)
        if timer == nil { watch(context) }
        context.write(wrapOutboundOut(request.bytes), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        received.writeBuffer(&buffer)
        do throws(StoreError) {
            while let value = try RedisValue.read(&received) {
                guard let promise = waiting.popFirst() else { break }
                promise.succeed(value)
            }
        } catch {
            fail(context, error)
            return
        }
        received.discardReadBytes()
        timer?.cancel()
        timer = nil
        if !waiting.isEmpty { watch(context) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(context, StoreError(.unavailable, "the connection to Redis ended"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(context, StoreError(.unavailable, "the connection to Redis broke", cause: error))
    }

    private func watch(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: RedisLink.timeout) {
            let (handler, context) = bound.value
            handler.fail(context, StoreError(.unavailable, "the Redis server did not answer in time"))
        }
    }

    private func fail(_ context: ChannelHandlerContext, _ error: StoreError) {
        timer?.cancel()
        timer = nil
        let failed = waiting
        waiting = []
        for promise in failed { promise.fail(error) }
        context.close(promise: nil)
    }
}
