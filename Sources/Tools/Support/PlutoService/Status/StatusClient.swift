// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
package import NodeSupport

/// Asks nodes for their status, all at the same time.
package enum StatusClient {
    /// What bounds asking one node.
    package struct Limits: Hashable, Sendable {
        /// The longest from the start to the whole answer, in milliseconds.
        package var milliseconds: Int64 = 2_000
        /// The most bytes of an answer.
        package var maximumBytes = 4 << 20

        /// The documented defaults.
        package init() {}
    }

    /// Asks the nodes of a cluster.
    ///
    /// - Parameters:
    ///   - nodes: Their names and where each serves its metrics, in the order to report.
    ///   - limits: What bounds asking each.
    /// - Returns: What each said.
    package static func ask(
        _ nodes: [(name: String, address: HostPort)], limits: Limits = Limits()
    ) async -> ClusterReport {
        await withTaskGroup(of: (Int, ClusterReport.Entry).self) { group in
            for (index, node) in nodes.enumerated() {
                group.addTask {
                    let answer: Result<NodeReport, NodeError>
                    do throws(NodeError) {
                        answer = .success(try await report(of: node.address, limits: limits))
                    } catch {
                        answer = .failure(error)
                    }
                    return (index, ClusterReport.Entry(node: node.name, address: node.address, answer: answer))
                }
            }
            var entries = await group.reduce(into: []) { $0.append($1) }
            entries.sort { $0.0 < $1.0 }
            return ClusterReport(entries: entries.map(\.1))
        }
    }

    /// Asks one node.
    ///
    /// - Parameters:
    ///   - address: Where it serves its metrics.
    ///   - limits: What bounds asking.
    /// - Returns: What it said.
    /// - Throws: ``NodeError`` with `statusUnusable`.
    package static func report(of address: HostPort, limits: Limits = Limits()) async throws(NodeError) -> NodeReport {
        let body: [UInt8]
        do { body = try await get("/status", from: address, limits: limits) } catch let error as NodeError {
            throw error
        } catch {
            throw NodeError(.statusUnusable, "no answer from \(address)", cause: error)
        }
        return try StatusJSON.report(in: body, of: address)
    }

    private static func get(_ path: String, from address: HostPort, limits: Limits) async throws -> [UInt8] {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let answer = loop.makePromise(of: [UInt8].self)
        let overdue = loop.scheduleTask(in: .milliseconds(limits.milliseconds)) {
            answer.fail(NodeError(.statusUnusable, "no answer from \(address) in time"))
        }
        let connected = ClientBootstrap(group: loop)
            .connectTimeout(.milliseconds(limits.milliseconds))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(
                        AnswerCollector(host: "\(address)", path: path, limit: limits.maximumBytes, answer: answer))
                }
            }
            .connect(host: address.host, port: address.port)
        connected.whenFailure { answer.fail($0) }
        answer.futureResult.whenComplete { _ in
            overdue.cancel()
            // How the connection ends does not matter any more.
            connected.whenSuccess { $0.close(promise: nil) }
        }
        return try await answer.futureResult.get()
    }
}

/// Sends one request and gathers its answer; confined to its event loop.
private final class AnswerCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let host: String
    private let path: String
    private let limit: Int
    private let answer: EventLoopPromise<[UInt8]>
    private var body: [UInt8] = []

    init(host: String, path: String, limit: Int, answer: EventLoopPromise<[UInt8]>) {
        self.host = host
        self.path = path
        self.limit = limit
        self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) {
        var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path)
        head.headers.add(name: "Host", value: host)
        head.headers.add(name: "Connection", value: "close")
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            if head.status != .ok {
                fail("\(host) answers \(head.status.code) to GET \(path)")
            }
        case .body(let part):
            guard body.count + part.readableBytes <= limit else { return fail("the answer of \(host) is too long") }
            body.append(contentsOf: part.readableBytesView)
        case .end: answer.succeed(body)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        // Does nothing when the answer is complete.
        fail("\(host) closed the connection before its answer was complete")
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answer.fail(NodeError(.statusUnusable, "\(host) does not answer as a node does", cause: error))
    }

    private func fail(_ reason: String) { answer.fail(NodeError(.statusUnusable, reason)) }
}
