// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import MirrorWire
internal import NIOCore
internal import SyncJobs

/// The routes that tunasync has not.
extension ManagerService {
    func page(_ inquiry: Inquiry) -> Response {
        guard let asset = MirrorPage.asset(path: inquiry.path) else { return .notFoundPage }
        var headers: HTTPFields = [.contentType: asset.contentType, .cacheControl: "no-cache"]
        headers[.contentSecurityPolicy] = Self.contentSecurityPolicy
        if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "no-referrer" }
        if let name = HTTPField.Name("X-Frame-Options") { headers[name] = "DENY" }
        let tag = EntityTag.of(asset.bytes)
        headers[.eTag] = tag
        if EntityTag.matches(inquiry.headers, tag) { return Response(status: .notModified, headers: headers) }
        return Response(
            status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: asset.bytes)))
    }

    func listWorkerRows() -> Response {
        .json(core.read { registry in registry.sortedWorkers.map { registry.row(of: $0) } }.json)
    }

    func history(of key: MirrorKey, _ inquiry: Inquiry) async throws -> Response {
        let limit = try inquiry.number("limit", in: 1...10_000, standard: 100)
        guard core.read({ $0.mirrors[key] != nil }) else { throw Self.unknown(key) }
        let runs = try await core.store.runs(of: key, limit: limit)
        return .json(runs.json)
    }

    func forget(_ key: MirrorKey, _ inquiry: Inquiry) async throws -> Response {
        guard inquiry.principal.covers(worker: key.worker) else {
            return .error(.forbidden, "the token \(inquiry.principal.name) does not allow this")
        }
        guard try await core.change({ $0.remove(key) }) else { throw Self.unknown(key) }
        audit("removed a mirror's record", inquiry, ["worker": "\(key.worker)", "mirror": "\(key.name)"])
        return .message("removed")
    }

    func takeEvents(of id: String, _ inquiry: Inquiry) async throws -> Response {
        let events = try WorkerEvents(
            json: inquiry.body, limits: ManagerResponder.listLimits)
        let acknowledged = try await core.change { registry throws(Refusal) -> UInt64 in
            try registry.take(events, from: id, at: .now())
        }
        return .json(EventsAnswer(acknowledged: acknowledged).json)
    }

    func takeHeartbeat(of id: String, _ inquiry: Inquiry) throws -> Response {
        let heartbeat = try Heartbeat(
            json: inquiry.body, limits: ManagerResponder.listLimits)
        let isKnown = try core.alter { registry throws(Refusal) -> Bool in
            try registry.beat(heartbeat, of: id, at: .now())
        }
        return .json(HeartbeatAnswer(isKnown: isKnown).json)
    }

    /// `POST /api/v1/commands`: says what the worker really answered.
    func placeCommand(_ inquiry: Inquiry) async throws -> Response {
        var command = try ClientCommand(json: inquiry.body)
        if command.worker.isEmpty { command.worker = try place(command.mirror) }
        let key = MirrorKey(name: command.mirror, worker: command.worker)
        guard inquiry.principal.covers(worker: key.worker) else {
            return .error(.forbidden, "the token \(inquiry.principal.name) does not allow this")
        }
        return try await deliver(command, key, inquiry)
    }

    func trigger(_ name: String, _ inquiry: Inquiry) async throws -> Response {
        let owners = core.read { $0.workers(having: name) }
        let keys = owners.map { MirrorKey(name: name, worker: $0) }
        guard !keys.isEmpty else { throw Refusal.unknown("there is no mirror \(name)") }
        let allowed = keys.filter { inquiry.principal.mayTrigger($0) }
        guard !allowed.isEmpty else {
            return .error(.forbidden, "the token \(inquiry.principal.name) does not allow this")
        }
        var refusal: Response?
        var started: [String] = []
        for key in allowed {
            let command = ClientCommand(verb: .start, mirror: name, worker: key.worker, options: [:])
            let response = try await deliver(command, key, inquiry)
            if response.status == .ok { started.append(key.worker) } else { refusal = response }
        }
        if started.isEmpty, let refusal { return refusal }
        return .message("\(name) was started on \(started.joined(separator: ", "))")
    }

    private func deliver(_ command: ClientCommand, _ key: MirrorKey, _ inquiry: Inquiry) async throws -> Response {
        guard let record = core.read({ $0.workers[key.worker]?.record }) else {
            throw Refusal.unknown("worker \(key.worker) is not registered yet")
        }
        if command.verb == .reload {
            guard command.mirror.isEmpty else { throw Refusal.invalid("\"reload\" is for a whole worker") }
        } else if command.mirror.isEmpty {
            throw Refusal.invalid("\"mirror_id\" is missing")
        } else if core.read({ $0.mirrors[key] == nil }), record.isLegacy {
            throw Self.unknown(key)
        }
        audit(
            "command \(command.verb.rawValue)", inquiry, ["worker": "\(key.worker)", "mirror": "\(key.name)"])
        if record.isLegacy { try await want(command) }
        let answer: WorkerClient.Answer
        do {
            answer = try await workers.post(command, to: record)
        } catch {
            try core.alter { $0.markUnreachable(key.worker) }
            return .error(.badGateway, "worker \(key.worker) cannot be reached: \(WorkerClient.reason(error))")
        }
        // tunasync's workers answer reload with 404 although they did it.
        if answer.isSuccess || (record.isLegacy && command.verb == .reload) {
            return .message("\(command.verb.rawValue) was sent to worker \(key.worker)")
        }
        let status = (400..<500).contains(answer.status) ? HTTPResponse.Status(code: answer.status) : .badGateway
        return .error(status, answer.message)
    }

    static func unknown(_ key: MirrorKey) -> Refusal { .unknown("worker \(key.worker) has no mirror \(key.name)") }

    static let contentSecurityPolicy =
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
}
