// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import HTTPTypes
import Hummingbird
import MirrorWire
import NIOCore
import Synchronization
import SyncJobs

/// A manager that notes what it is told, byte by byte, and answers as a test wants.
final class FakeManager: Sendable {
    /// One request.
    struct Heard: Equatable, Sendable {
        var method: String
        var path: String
        var body: String
        var authorization: String?
    }

    /// One answer.
    struct Answer: Sendable {
        var status = 200
        var body = "{}"
    }

    private struct State {
        var heard: [Heard] = []
        var answers: [@Sendable (Heard) -> Answer?] = []
        var port = 0
        var isDown = false
        /// The `GET …/jobs` answer.
        var jobs = "null"
    }

    private let state = Mutex(State())
    /// Whether it is one of ours.
    let isOurs: Bool

    init(isOurs: Bool = false) { self.isOurs = isOurs }

    /// Everything that was heard, in order.
    var heard: [Heard] { state.withLock { $0.heard } }

    /// The port, once it listens.
    var port: Int { state.withLock { $0.port } }

    var baseURL: String { "http://127.0.0.1:\(port)" }

    /// Whether it breaks every connection instead of answering.
    var isDown: Bool {
        get { state.withLock { $0.isDown } }
        set { state.withLock { $0.isDown = newValue } }
    }

    /// Forgets what was heard.
    func clear() { state.withLock { $0.heard = [] } }

    /// What it remembers of the worker's mirrors, as JSON.
    func remember(_ json: String) { state.withLock { $0.jobs = json } }

    /// Adds a rule that comes before the usual answers.
    func answer(_ rule: @escaping @Sendable (Heard) -> Answer?) { state.withLock { $0.answers.append(rule) } }

    /// The states that were told of a mirror, in order.
    func states(of name: String) -> [String] {
        heard.filter { $0.method == "POST" && $0.path.hasSuffix("/jobs/\(name)") }.compactMap { heard in
            (try? MirrorStatus(json: Array(heard.body.utf8)))?.status.rawValue
        }
    }

    /// The events that it was sent, in order.
    var events: [WorkerEvent] {
        heard.filter { $0.path.hasSuffix("/events") }.flatMap { heard in
            (try? WorkerEvents(json: Array(heard.body.utf8)))?.events ?? []
        }
    }

    /// Listens while a test does something; on the port of the last time, if there was one.
    func listening<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
        let old = port
        return try await withThrowingTaskGroup(of: Void.self) { group in
            let (ports, listens) = AsyncStream.makeStream(of: Int.self)
            let application = Application(
                responder: FakeResponder(manager: self),
                configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: old)),
                onServerRunning: { channel in listens.yield(channel.localAddress?.port ?? 0) })
            group.addTask { try await application.run() }
            for await port in ports {
                state.withLock { $0.port = port }
                break
            }
            defer { group.cancelAll() }
            return try await body()
        }
    }

    fileprivate func respond(_ heard: Heard) -> Answer {
        let (rules, jobs) = state.withLock { state in
            state.heard.append(heard)
            return (state.answers, state.jobs)
        }
        for rule in rules { if let answer = rule(heard) { return answer } }
        if heard.method == "GET", heard.path.hasSuffix("/jobs") { return Answer(body: jobs) }
        if heard.path.hasSuffix("/events") {
            let last = (try? WorkerEvents(json: Array(heard.body.utf8)))?.events.last?.sequence ?? 0
            return Answer(body: "{\"acknowledged\":\(last)}")
        }
        if heard.path.hasSuffix("/heartbeat") { return Answer(body: #"{"known":true}"#) }
        return Answer(body: heard.body.isEmpty ? "{}" : heard.body)
    }
}

private struct FakeResponder: HTTPResponder {
    typealias Context = BasicRequestContext
    let manager: FakeManager

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        let body = try await request.body.collect(upTo: 64 << 20)
        if manager.isDown {
            return Response(status: .ok, body: ResponseBody(contentLength: 1) { _ in throw BrokenConnection() })
        }
        let answer = manager.respond(
            FakeManager.Heard(
                method: request.method.rawValue, path: request.uri.path, body: String(buffer: body),
                authorization: request.headers[.authorization]))
        var headers: HTTPFields = [.contentType: "application/json; charset=utf-8"]
        if manager.isOurs, let name = HTTPField.Name("Kuiper-Mirror") { headers[name] = "1" }
        return Response(
            status: .init(code: answer.status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(string: answer.body)))
    }
}

private struct BrokenConnection: Error {}
