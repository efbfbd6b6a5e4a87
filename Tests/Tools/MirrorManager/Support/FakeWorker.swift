// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import HTTPTypes
import Hummingbird
import LiveTestSupport
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// A server that notes what is posted to it and answers what it is told to.
final class FakeWorker: Sendable {
    struct Received: Sendable, Equatable {
        let method: String
        let path: String
        let authorization: String?
        let contentType: String?
        let signature: String?
        let body: String
    }

    struct Answer: Sendable {
        var status = 200
        var body = #"{"msg":"OK"}"#
        /// Whether the body is sent again and again until the other side goes away.
        var isEndless = false
    }

    private struct State {
        var received: [Received] = []
        var answers: [Answer] = []
        var port: Int?
    }

    private let state = Mutex(State())

    var received: [Received] { state.withLock(\.received) }

    /// The next answers; afterwards it is `{"msg":"OK"}`.
    func answer(_ answers: [Answer]) { state.withLock { $0.answers = answers } }

    /// Runs the server while a test uses it.
    static func run(_ body: (FakeWorker, String) async throws -> Void) async throws {
        let worker = FakeWorker()
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { request, _ in try await worker.take(request) },
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                if let port = channel.localAddress?.port { continuation.yield(port) }
                continuation.finish()
            }, logger: TestManager.quiet)
        let group = ServiceGroup(configuration: .init(services: [application], logger: TestManager.quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var found: Int?
            for await port in ports { found = port }
            guard let port = found else { throw LiveFailure("the server has no port") }
            do {
                try await body(worker, "http://127.0.0.1:\(port)/")
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func take(_ request: Request) async throws -> Response {
        let body = try await request.body.collect(upTo: 1 << 20)
        let signature = HTTPField.Name("Kuiper-Signature").flatMap { request.headers[$0] }
        let received = Received(
            method: request.method.rawValue, path: request.uri.string,
            authorization: request.headers[.authorization], contentType: request.headers[.contentType],
            signature: signature, body: String(buffer: body))
        let answer = state.withLock { state in
            state.received.append(received)
            return state.answers.isEmpty ? Answer() : state.answers.removeFirst()
        }
        if answer.isEndless {
            return Response(
                status: .init(code: answer.status),
                body: .init { writer in
                    while true {
                        try await writer.write(ByteBuffer(string: answer.body))
                        try await Task.sleep(for: .milliseconds(20))
                    }
                })
        }
        return Response(
            status: .init(code: answer.status), headers: [.contentType: "application/json; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: answer.body)))
    }
}
