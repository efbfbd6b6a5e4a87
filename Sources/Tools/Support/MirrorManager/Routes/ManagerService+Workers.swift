// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import AsyncHTTPClient
internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import MirrorWire
internal import NIOCore
internal import NIOHTTP1

/// What only a worker knows, passed on.
extension ManagerService {
    /// How long a worker may take to begin its answer.
    private static let patience: Duration = .seconds(10)
    /// How long a log may be followed.
    private static let followTimeout: TimeAmount = .hours(24)

    func explain(_ key: MirrorKey) async throws -> Response {
        let (record, worker, isOnline) = core.read { registry in
            (
                registry.mirrors[key]?.record, registry.workers[key.worker]?.record,
                registry.workers[key.worker]?.isOnline
            )
        }
        guard let record else { throw Self.unknown(key) }
        let state = record.status.status
        guard let worker else {
            return .json(
                ExplanationAnswer(
                    state: state, reason: "worker-unknown", text: "its worker \(key.worker) is not registered"
                ).json)
        }
        guard !worker.isLegacy else {
            return .json(
                ExplanationAnswer(
                    state: state, reason: "worker-legacy",
                    text: "its worker \(key.worker) is one of tunasync's, which do not say",
                    until: record.status.nextSchedule
                ).json)
        }
        if isOnline == true, let answer = try await question("explain", key, worker) { return answer }
        return .json(
            ExplanationAnswer(
                state: state, reason: "worker-offline", text: "its worker \(key.worker) cannot be reached",
                since: worker.worker.lastOnline
            ).json)
    }

    func logs(of key: MirrorKey) async throws -> Response {
        let worker = try ownWorker(of: key)
        guard let answer = try await question("logs", key, worker) else { throw ServiceFault.unreachable(key.worker) }
        return answer
    }

    func log(of key: MirrorKey, id: String, _ inquiry: Inquiry) async throws -> Response {
        let worker = try ownWorker(of: key)
        let offset = try inquiry.number("offset", in: 0...Int.max, standard: 0)
        let isFollowing = inquiry.parameter("follow") == "true"
        let path =
            "\(Self.path(key))/logs/\(PercentCoding.encode(id))?offset=\(offset)\(isFollowing ? "&follow=true" : "")"
        let answer: HTTPClientResponse
        do {
            answer = try await head(of: path, worker)
        } catch {
            throw ServiceFault.unreachable("\(key.worker): \(WorkerClient.reason(error))")
        }
        guard answer.status == .ok, inquiry.method != .head else { return try await pass(answer) }
        let hub = core.hub
        return Response(
            status: .ok,
            headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                for try await part in answer.body {
                    if hub.hasEnded { break }
                    try await writer.write(part)
                }
                try await writer.finish(nil)
            })
    }

    /// Waits for the beginning of an answer for a short time only, while its body may take long.
    private func head(of path: String, _ worker: WorkerRecord) async throws -> HTTPClientResponse {
        try await withThrowingTaskGroup(of: HTTPClientResponse?.self) { group in
            group.addTask { [workers] in
                try await workers.get(path, from: worker, timeout: Self.followTimeout)
            }
            group.addTask {
                try await Task.sleep(for: Self.patience)
                return nil
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() ?? nil else {
                throw WorkerClient.Unreachable(reason: "it did not answer in time")
            }
            return answer
        }
    }

    private func ownWorker(of key: MirrorKey) throws(Refusal) -> WorkerRecord {
        let (isKnown, worker) = core.read { ($0.mirrors[key] != nil, $0.workers[key.worker]?.record) }
        guard isKnown, let worker else { throw Self.unknown(key) }
        guard !worker.isLegacy else {
            throw .unknown("worker \(key.worker) is one of tunasync's, which do not give their logs")
        }
        return worker
    }

    /// A worker's answer to a question about a mirror; nothing when it cannot be reached.
    private func question(_ what: String, _ key: MirrorKey, _ worker: WorkerRecord) async throws -> Response? {
        do {
            let answer = try await workers.get(
                "\(Self.path(key))/\(what)", from: worker, timeout: workers.commandTimeout)
            return try await pass(answer)
        } catch {
            logger.info(
                "a worker did not answer",
                metadata: ["worker": "\(key.worker)", "reason": "\(WorkerClient.reason(error))"])
            return nil
        }
    }

    private func pass(_ answer: HTTPClientResponse) async throws -> Response {
        let body = try await answer.body.collect(upTo: WorkerClient.maximumAnswerBytes)
        let code = Int(answer.status.code)
        guard code == 200 || (400..<500).contains(code) else {
            return .error(.badGateway, "the worker answered \(code)")
        }
        // What a worker says is not trusted to be JSON: only a document that can be read is passed on.
        let bytes = Array(body.readableBytesView)
        guard (try? JSONParser.parse(bytes)) != nil else {
            return .error(code == 200 ? .badGateway : .init(code: code), "the worker answered \(code) without a reason")
        }
        return .json(bytes, status: .init(code: code))
    }

    private static func path(_ key: MirrorKey) -> String { "api/v1/jobs/\(PercentCoding.encode(key.name))" }
}

/// A failure that is nobody's mistake.
enum ServiceFault: Error {
    /// A worker cannot be reached.
    case unreachable(String)
}
