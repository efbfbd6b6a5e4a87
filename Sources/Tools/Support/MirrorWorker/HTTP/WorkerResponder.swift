// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import HTTPTypes
internal import Hummingbird
internal import MirrorConfig
internal import MirrorWire
internal import NIOCore
internal import NodeSupport
internal import SyncJobs

/// Answers the worker's HTTP requests: tunasync's one route for commands, and ours for people and managers of ours.
struct WorkerResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    let inbox: WorkerInbox
    let view: WorkerView
    let access: WorkerAccess
    let carrier: any RunCarrier
    let registry: MetricsRegistry
    let limits: WorkerLimits
    /// What keeps the worker from being well; nothing when it is.
    let complaint: @Sendable () -> String?
    /// Reads the configuration again, later.
    let requestReload: @Sendable () -> Void

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        let path = request.uri.path
        if path == "/" { return request.method == .post ? try await command(request) : Answers.notFound }
        guard request.method == .get || request.method == .head else { return Answers.notFound }
        switch path {
        case "/healthz":
            guard let complaint = complaint() else { return Answers.json(.ok, MessageAnswer("ok").json) }
            return Answers.error(.serviceUnavailable, complaint)
        case "/metrics":
            if let refusal = refusal(of: request) { return refusal }
            return Answers.bytes(.ok, "text/plain; version=0.0.4; charset=utf-8", registry.exposition())
        default: return await job(path, request)
        }
    }

    // MARK: Commands

    /// `POST /` as tunasync's worker answers it, but that `ping` changes nothing, unknown verbs start nothing, and `reload` is a success.
    private func command(_ request: Request) async throws -> Response {
        let caller: String
        switch access.decide(request.headers, .command) {
        case .allowed(let by): caller = by
        case .unknown: return Answers.unauthorized
        case .forbidden: return Answers.error(.forbidden, "this token may not give commands")
        }
        let body: ByteBuffer
        do { body = try await request.body.collect(upTo: limits.maximumCommandBytes) } catch {
            return Answers.message(.contentTooLarge, "Invalid request")
        }
        let document: WorkerCommand
        do throws(WireError) { document = try WorkerCommand(json: Array(body.readableBytesView)) } catch {
            return Answers.plainMessage(.badRequest, "Invalid request")
        }
        if document.mirror.isEmpty {
            guard document.verb == .reload else { return Answers.message(.notAcceptable, "Invalid Command") }
            requestReload()
            return Answers.message(.ok, "OK")
        }
        guard let name = JobName(document.mirror), view.has(name) else { return unknown(document.mirror) }
        let command: JobCommand
        switch document.verb {
        case .start: command = .start(force: document.isForced)
        case .stop: command = .stop
        case .disable: command = .disable
        case .restart: command = .restart
        case .enable: command = .enable
        case .ping: return Answers.message(.ok, "OK")
        case .reload: return Answers.message(.notAcceptable, "Invalid Command")
        }
        let answer = await withCheckedContinuation { continuation in
            inbox.post(.command(command, name, by: caller, continuation))
        }
        switch answer {
        case .accepted: return Answers.message(.ok, "OK")
        case .unknownMirror: return unknown(document.mirror)
        case .refused(let reason): return Answers.message(.conflict, reason)
        }
    }

    private func unknown(_ name: String) -> Response { Answers.message(.notFound, "Mirror ``\(name)'' not found") }

    // MARK: Jobs

    /// The routes below `/api/v1/jobs/NAME`.
    private func job(_ path: String, _ request: Request) async -> Response {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        guard parts.count >= 5, parts.count <= 6, Array(parts[0..<3]) == ["api", "v1", "jobs"],
            let text = parts[3].removingPercentEscapes(), let name = JobName(text)
        else { return Answers.notFound }
        if let refusal = refusal(of: request) { return refusal }
        guard let mirror = view.mirror(name) else { return Answers.error(.notFound, "there is no mirror \(name)") }
        switch (parts[4], parts.count) {
        case ("explain", 5): return await explain(name)
        case ("logs", 5): return Answers.json(.ok, carrier.logDocuments(of: mirror).json)
        case ("logs", 6):
            guard let id = parts[5].removingPercentEscapes() else { return Answers.notFound }
            return log(id, of: mirror, request)
        default: return Answers.notFound
        }
    }

    private func explain(_ name: JobName) async -> Response {
        let explanation = await withCheckedContinuation { continuation in
            inbox.post(.explain(name, continuation))
        }
        guard let explanation else { return Answers.error(.notFound, "there is no mirror \(name)") }
        let document = ExplanationAnswer(
            state: explanation.state, reason: explanation.code, text: explanation.text,
            since: explanation.since.map { WireTime($0) } ?? .never,
            until: explanation.until.map { WireTime($0) } ?? .never, by: explanation.by ?? "")
        return Answers.json(.ok, document.json)
    }

    private func log(_ id: String, of mirror: MirrorSettings, _ request: Request) -> Response {
        let query = request.uri.queryParameters
        let follow = query["follow"] == "true" || query["follow"] == "1"
        guard let offset = query["offset"].map({ Int64($0) }) ?? 0, offset >= 0 else {
            return Answers.error(.badRequest, "offset must be a number of bytes from 0")
        }
        let pieces: any AsyncSequence<[UInt8], any Error> & Sendable
        do throws(LogRefusal) { pieces = try carrier.log(id, of: mirror, offset: offset, follow: follow) } catch {
            return Answers.error(.notFound, error.message)
        }
        var response = Answers.bytes(.ok, "text/plain; charset=utf-8", [])
        response.headers[.cacheControl] = "no-store"
        if request.method == .head { return response }
        response.body = ResponseBody { writer in
            for try await piece in pieces { try await writer.write(ByteBuffer(bytes: piece)) }
            try await writer.finish(nil)
        }
        return response
    }

    private func refusal(of request: Request) -> Response? {
        switch access.decide(request.headers, .read) {
        case .allowed: nil
        case .unknown: Answers.unauthorized
        case .forbidden: Answers.error(.forbidden, "this token may not read")
        }
    }
}
