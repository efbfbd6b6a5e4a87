// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import MirrorWire
internal import NIOCore
internal import SyncJobs

/// The routes of tunasync's manager.
extension ManagerService {
    /// `GET /jobs` and `GET /api/v1/mirrors`: what was encoded before, as it is or compressed.
    func document(
        _ cache: DocumentCache, _ inquiry: Inquiry, _ snapshot: @Sendable (Registry) -> RowTable.Snapshot
    ) -> Response {
        let snapshot = core.read(snapshot)
        let isCompressed = ContentCoding.acceptsGzip(inquiry.headers)
        let tag = "\"\(core.hub.epoch)-\(snapshot.generation)\(isCompressed ? "-gz" : "")\""
        var headers: HTTPFields = [.eTag: tag, .vary: "Accept-Encoding", .cacheControl: "no-cache"]
        if EntityTag.matches(inquiry.headers, tag) { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = MirrorWire.jsonType
        if isCompressed, let compressed = cache.compressed(snapshot) {
            headers[.contentEncoding] = "gzip"
            return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: compressed))
        }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: cache.plain(snapshot)))
    }

    func flushDisabled(_ inquiry: Inquiry) async throws -> Response {
        try await core.change { $0.flushDisabled() }
        audit("flushed disabled mirrors", inquiry)
        return .message("flushed")
    }

    func listWorkers() -> Response {
        let workers = core.read { registry in
            registry.sortedWorkers.map { entry in
                var worker = entry.record.worker
                worker.token = Worker.redacted
                return worker
            }
        }
        return .json(workers.json)
    }

    func register(_ inquiry: Inquiry) async throws -> Response {
        let posted = try Worker(json: inquiry.body)
        guard !posted.id.isEmpty else { throw Refusal.invalid("failed to register worker: key required") }
        guard WorkerRecord.isID(posted.id) else { throw Refusal.invalid("there can be no worker with such an id") }
        guard inquiry.principal.covers(worker: posted.id) else {
            return .error(.forbidden, "the token \(inquiry.principal.name) does not allow this")
        }
        let limit = WorkerAddress.maximumBytes
        guard posted.token.utf8.count <= limit, posted.version.utf8.count <= 128, posted.incarnation.utf8.count <= 128
        else { throw Refusal.invalid("a text of the registration is too long") }
        if !posted.url.isEmpty { _ = try await workers.check(posted.url, peer: inquiry.remote) }
        let kept = try await core.change { registry throws(Refusal) in
            try registry.register(posted, from: inquiry.remote, at: .now())
        }
        audit("registered a worker", inquiry, ["worker": "\(posted.id)", "url": "\(posted.url)"])
        return .json(kept.json)
    }

    func removeWorker(_ id: String, _ inquiry: Inquiry) async throws -> Response {
        guard inquiry.principal.covers(worker: id) else {
            return .error(.forbidden, "the token \(inquiry.principal.name) does not allow this")
        }
        let isKnown = try await core.change { $0.removeWorker(id) }
        guard isKnown else { return Self.invalidWorker(id) }
        audit("removed a worker", inquiry, ["worker": "\(id)"])
        return .message("deleted")
    }

    func listJobs(of id: String) -> Response {
        let statuses = core.read { $0.workers[id] == nil ? nil : $0.statuses(of: id) }
        guard let statuses else { return Self.invalidWorker(id) }
        return .json(statuses.json)
    }

    func takeStatus(of id: String, _ inquiry: Inquiry) async throws -> Response {
        let posted = try MirrorStatus(json: inquiry.body)
        guard !posted.name.isEmpty else { throw Refusal.invalid("mirror Name should not be empty") }
        guard JobName(posted.name) != nil else { throw Refusal.invalid("there can be no mirror with such a name") }
        guard WorkerRecord.isID(id) else { return Self.invalidWorker(id) }
        let kept = try await core.change { registry throws(Refusal) -> MirrorStatus in
            let moment = Moment.now()
            _ = try registry.touch(id, at: moment, creates: true)
            return try registry.take(posted, from: id, at: moment.time)
        }
        return .json(kept.json)
    }

    func takeSize(of id: String, _ inquiry: Inquiry) async throws -> Response {
        let update = try SizeUpdate(json: inquiry.body)
        let kept = try await core.change { registry throws(Refusal) -> MirrorStatus? in
            guard try registry.touch(id, at: .now(), creates: false) else { return nil }
            return try registry.setSize(update.size, of: MirrorKey(name: update.name, worker: id))
        }
        guard let kept else { return Self.invalidWorker(id) }
        return .json(kept.json)
    }

    func takeSchedules(of id: String, _ inquiry: Inquiry) async throws -> Response {
        let list = try ScheduleList(
            json: inquiry.body, limits: ManagerResponder.listLimits)
        let schedules = list.schedules ?? []
        guard schedules.allSatisfy({ !$0.name.isEmpty }) else {
            throw Refusal.invalid("mirror Name should not be empty")
        }
        guard WorkerRecord.isID(id) else { return Self.invalidWorker(id) }
        let unknown = try await core.change { registry throws(Refusal) -> [String] in
            _ = try registry.touch(id, at: .now(), creates: true)
            return registry.take(schedules, from: id)
        }
        if !unknown.isEmpty {
            logger.debug("due times of unknown mirrors", metadata: ["worker": "\(id)", "mirrors": "\(unknown.count)"])
        }
        return .json(Array("{}".utf8))
    }

    /// `POST /cmd`: the manager's own record changes before the worker is told, and whether or not it can be.
    func forwardCommand(_ inquiry: Inquiry) async throws -> Response {
        var command = try ClientCommand(json: inquiry.body)
        if command.worker.isEmpty { command.worker = try place(command.mirror) }
        let id = command.worker
        guard inquiry.principal.covers(worker: id) else {
            return .error(.forbidden, "the token \(inquiry.principal.name) does not allow this")
        }
        guard let record = core.read({ $0.workers[id]?.record }) else {
            throw Refusal.invalid("worker \(id) is not registered yet")
        }
        audit(
            "command \(command.verb.rawValue)", inquiry, ["worker": "\(id)", "mirror": "\(command.mirror)"])
        try await want(command)
        do {
            _ = try await workers.post(command, to: record)
        } catch {
            try core.alter { $0.markUnreachable(id) }
            return .error(
                .internalServerError,
                "post command to worker \(id)(\(record.worker.url)) fail: \(WorkerClient.reason(error))")
        }
        return .message("successfully send command to worker \(id)")
    }

    /// Notes what a command asks for before it is delivered.
    func want(_ command: ClientCommand) async throws {
        let key = MirrorKey(name: command.mirror, worker: command.worker)
        switch command.verb {
        case .stop: try await core.change { $0.want(.paused, of: key, at: .now()) }
        case .disable: try await core.change { $0.want(.disabled, of: key, at: .now()) }
        case .start, .restart, .ping, .reload, .enable: return
        }
    }

    /// The only worker that has a mirror.
    func place(_ mirror: String) throws(Refusal) -> String {
        let owners = core.read { $0.workers(having: mirror) }
        guard let owner = owners.first, owners.count == 1 else {
            throw .invalid(
                owners.isEmpty
                    ? "no worker has a mirror of that name; name the worker"
                    : "the workers \(owners.joined(separator: ", ")) have a mirror of that name; name one")
        }
        return owner
    }

    static func invalidWorker(_ id: String) -> Response { .error(.badRequest, "invalid workerID \(id)") }
}
