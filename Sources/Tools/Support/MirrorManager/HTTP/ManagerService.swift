// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Hummingbird
internal import Logging
internal import MirrorConfig
internal import MirrorWire
internal import NodeSupport
internal import Synchronization

/// Answers requests; everything that the routes share.
final class ManagerService: Sendable {
    let core: ManagerCore
    let access: AccessControl
    let workers: WorkerClient
    let webhooks: WebhookSender
    let metrics: ManagerMetrics
    let logger: Logger
    let jobsDocument = DocumentCache()
    let rowsDocument = DocumentCache()
    let isSecure: Bool
    private let mirrorZ: Mutex<MirrorZSettings?>

    init(_ settings: ManagerSettings, store: any ManagerStore, limits: Registry.Limits, logger: Logger) async throws {
        self.logger = logger
        isSecure = settings.server.certificate != nil
        access = AccessControl(settings)
        workers = try WorkerClient(settings, commandTimeout: limits.commandTimeout, logger: logger)
        let registry = MetricsRegistry(limits: ManagerMetrics.limits)
        let webhooks = try WebhookSender(settings.webhooks, metrics: registry, logger: logger)
        self.webhooks = webhooks
        mirrorZ = Mutex(settings.mirrorZ)
        let core = try await ManagerCore(
            store: store, keptRuns: settings.historyRuns, limits: limits, logger: logger
        ) { webhooks.offer($0) }
        self.core = core
        metrics = try ManagerMetrics(registry, core: core)
    }

    /// Takes over what can change while the manager runs.
    func update(_ settings: ManagerSettings) {
        access.update(settings)
        workers.update(settings)
        webhooks.update(settings.webhooks)
        mirrorZ.withLock { $0 = settings.mirrorZ }
        core.keep(runs: settings.historyRuns)
    }

    /// The site's part of the MirrorZ document.
    var site: MirrorZSettings? { mirrorZ.withLock { $0 } }

    /// Answers a request.
    func answer(_ inquiry: Inquiry) async throws -> Response {
        switch inquiry.route {
        case .ping: return .message("pong")
        case .jobs: return document(jobsDocument, inquiry) { $0.webRows.snapshot }
        case .flushDisabled: return try await flushDisabled(inquiry)
        case .workers: return listWorkers()
        case .register: return try await register(inquiry)
        case .removeWorker(let id): return try await removeWorker(id, inquiry)
        case .workerJobs(let id): return listJobs(of: id)
        case .postStatus(let id): return try await takeStatus(of: id, inquiry)
        case .postSize(let id): return try await takeSize(of: id, inquiry)
        case .postSchedules(let id): return try await takeSchedules(of: id, inquiry)
        case .command: return try await forwardCommand(inquiry)
        default: return try await answerOwn(inquiry)
        }
    }

    private func answerOwn(_ inquiry: Inquiry) async throws -> Response {
        switch inquiry.route {
        case .page: return page(inquiry)
        case .health: return .text(.ok, "ok\n")
        case .metrics: return metrics.page()
        case .mirrorZ: return try mirrorZDocument()
        case .mirrorRows: return document(rowsDocument, inquiry) { $0.rows.snapshot }
        case .workerRows: return listWorkerRows()
        case .history(let key): return try await history(of: key, inquiry)
        case .explain(let key): return try await explain(key)
        case .logs(let key): return try await logs(of: key)
        case .log(let key, let id): return try await log(of: key, id: id, inquiry)
        case .forget(let key): return try await forget(key, inquiry)
        case .placedCommand: return try await placeCommand(inquiry)
        case .events: return follow(inquiry)
        case .trigger(let name): return try await trigger(name, inquiry)
        case .logIn: return try logIn(inquiry)
        case .logOut: return logOut(inquiry)
        case .whoAmI: return whoAmI(inquiry)
        case .workerEvents(let id): return try await takeEvents(of: id, inquiry)
        case .heartbeat(let id): return try takeHeartbeat(of: id, inquiry)
        default: return .notFoundPage
        }
    }

    /// Notes who changed what.
    func audit(_ action: String, _ inquiry: Inquiry, _ details: Logger.Metadata = [:]) {
        var metadata = details
        metadata["who"] = "\(inquiry.principal.name)"
        metadata["from"] = "\(inquiry.remote)"
        logger.notice("audit: \(action)", metadata: metadata)
    }
}
