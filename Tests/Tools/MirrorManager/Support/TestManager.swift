// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import AsyncHTTPClient
import LiveTestSupport
import Logging
import MirrorConfig
@testable import MirrorManager
import MirrorWire
import NIOCore
import NIOHTTP1
import ServiceLifecycle

/// A real manager on a port of its own.
struct TestManager: Sendable {
    /// What came back.
    struct Reply: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    let manager: MirrorManager
    let base: String

    /// Settings of a manager that lets everybody do everything.
    static var open: ManagerSettings {
        var settings = ManagerSettings(server: ListenSettings(host: "127.0.0.1", port: 0), database: .memory)
        settings.allowsLegacy = true
        return settings
    }

    /// Settings of a manager that asks for tokens: `reader`, `trigger` (for `a`), `worker` (for `w1`), `operator` (for `w1`),
    /// `admin`; the secrets are the names with `-secret`.
    static var closed: ManagerSettings {
        var settings = ManagerSettings(server: ListenSettings(host: "127.0.0.1", port: 0), database: .memory)
        settings.isReadingOpen = false
        settings.tokens = [
            TokenSettings(name: "reader", secret: Secret("reader-secret"), role: .read),
            TokenSettings(name: "trigger", secret: Secret("trigger-secret"), role: .trigger, scope: ["a"]),
            TokenSettings(name: "worker", secret: Secret("worker-secret"), role: .worker, scope: ["w1"]),
            TokenSettings(name: "operator", secret: Secret("operator-secret"), role: .operate, scope: ["w1"]),
            TokenSettings(name: "admin", secret: Secret("admin-secret"), role: .admin),
        ]
        return settings
    }

    /// Workers may take as long as they need: the machine is busy with other tests.
    static var patient: Registry.Limits {
        var limits = Registry.Limits()
        limits.commandTimeout = .seconds(120)
        return limits
    }

    /// Runs a manager while a test uses it.
    static func run(
        _ settings: ManagerSettings = open, store: (any ManagerStore)? = nil,
        limits: Registry.Limits = Self.patient, logger: Logger = quiet,
        _ body: (TestManager) async throws -> Void
    ) async throws {
        let manager: MirrorManager
        if let store {
            manager = try await MirrorManager(settings: settings, store: store, limits: limits, logger: logger)
        } else {
            manager = try await MirrorManager(
                settings: settings, store: try await ManagerStores.open(settings.database), limits: limits,
                logger: logger)
        }
        let group = ServiceGroup(configuration: .init(services: [manager], logger: quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            do {
                try await body(TestManager(manager: manager, base: try await manager.address.baseURL))
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    func send(
        _ method: HTTPMethod, _ path: String, _ body: [UInt8]? = nil, headers: [(String, String)] = []
    ) async throws -> Reply {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        request.headers = HTTPHeaders(headers)
        if let body {
            request.headers.replaceOrAdd(name: "Content-Type", value: MirrorWire.jsonType)
            request.body = .bytes(body)
        }
        let response = try await Self.client.execute(request, timeout: .seconds(180))
        let received = try await response.body.collect(upTo: 64 << 20)
        return Reply(
            status: Int(response.status.code), headers: response.headers, body: Array(received.readableBytesView))
    }

    func get(_ path: String, headers: [(String, String)] = []) async throws -> Reply {
        try await send(.GET, path, headers: headers)
    }

    func post(_ path: String, _ body: String, headers: [(String, String)] = []) async throws -> Reply {
        try await send(.POST, path, Array(body.utf8), headers: headers)
    }

    func post(_ path: String, _ body: some WireDocument, headers: [(String, String)] = []) async throws -> Reply {
        try await send(.POST, path, body.jsonLine, headers: headers)
    }

    /// Posts what a worker of tunasync says of a mirror.
    @discardableResult
    func status(_ name: String, _ state: String, worker: String = "w1", size: String = "unknown") async throws -> Reply
    {
        try await post(
            "/workers/\(worker)/jobs/\(name)",
            #"{"name":"\#(name)","worker":"\#(worker)","is_master":true,"status":"\#(state)","size":"\#(size)"}"#)
    }

    /// The rows of `/jobs`.
    func jobs() async throws -> [WebStatus] {
        try [WebStatus](json: try await get("/jobs").body, limits: ManagerResponder.listLimits)
    }

    /// The rows of `/api/v1/mirrors`.
    func rows() async throws -> [MirrorRow] { try [MirrorRow](json: try await get("/api/v1/mirrors").body) }

    /// Does not follow redirects, so that tests see them.
    private static let client = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: .init(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(120)),
            connectionPool: .init(idleTimeout: .seconds(8), concurrentHTTP1ConnectionsPerHostSoftLimit: 64)))
}

/// Asks again until it is so.
func eventually(
    _ what: String, within limit: Duration = .seconds(180), _ condition: () async throws -> Bool
) async throws {
    let deadline = Deadline(limit)
    while !(try await condition()) {
        guard !deadline.isOver else { throw LiveFailure("not in time: \(what)") }
        try await Task.sleep(for: .milliseconds(20))
    }
}
