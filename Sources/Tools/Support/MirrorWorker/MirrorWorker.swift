// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import FoundationEssentials
package import Logging
package import MirrorConfig
internal import MirrorWire
internal import NodeSupport
internal import ServiceLifecycle
internal import Storage
internal import Synchronization
internal import SyncJobs

/// A worker: runs its mirrors as they are due, tells its managers durably what happens, and takes commands.
///
/// It starts and runs without any manager. One process has a state directory at a time.
package final class MirrorWorker: Service {
    /// The parts that run side by side.
    private enum Part: Equatable {
        case server, commits, links, reloads, signals, loop
    }

    private let path: String?
    private let configuration: Mutex<WorkerConfiguration>
    private let identity: Shared<WorkerIdentity>
    private let lock: DirectoryLock
    private let store: WorkerStore
    private let content: WorkerStore.Content
    private let outbox: Outbox
    private let links: LinkSet
    private let inbox: WorkerInbox
    private let board: RunningBoard
    private let view: WorkerView
    private let gate: HistoryGate
    private let server: WorkerServer
    private let carrier: any RunCarrier
    private let clock: WallClock
    private let limits: WorkerLimits
    private let logger: Logger
    private let handlesSignals: Bool
    /// The manager with which a newer process is registered.
    private let fencedBy = Shared<String?>(nil)
    private let stopAsked = Shared<ContinuousClock.Instant?>(nil)
    private let linksClose = WakeFlag()
    private let (reloadRequests, reloadRequester) = AsyncStream.makeStream(
        of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// Prepares the worker of a configuration file; nothing runs before ``run()``.
    ///
    /// - Parameters:
    ///   - configurationPath: the file, which SIGHUP and the verb `reload` read again.
    ///   - logger: where the worker logs.
    ///   - version: the version of the program, for managers.
    /// - Throws: `NodeError` with all errors of the configuration; ``WorkerError`` when the state directory cannot be used.
    package convenience init(configurationPath: String, logger: Logger, version: String = "") async throws {
        let (configuration, problems) = try WorkerConfigReader.load(path: configurationPath)
        for problem in problems { logger.warning("\(problem)") }
        try await self.init(configuration: configuration, path: configurationPath, logger: logger, version: version)
    }

    /// Prepares a worker; nothing runs before ``run()``.
    ///
    /// - Parameters:
    ///   - configuration: what to do.
    ///   - path: the file that the configuration is read from again; nothing when there is none.
    ///   - logger: where the worker logs.
    ///   - version: the version of the program, for managers.
    ///   - limits: what bounds queues and waits.
    ///   - clock: the time of day.
    ///   - carrier: what carries out runs; a `RunSupervisor` in the state directory when it is left out.
    ///   - handlesSignals: whether SIGHUP reads the configuration again.
    /// - Throws: ``WorkerError`` when the state directory cannot be used.
    package init(
        configuration: WorkerConfiguration, path: String? = nil, logger: Logger, version: String = "",
        limits: WorkerLimits = WorkerLimits(), clock: WallClock = .system, carrier: (any RunCarrier)? = nil,
        handlesSignals: Bool = true
    ) async throws {
        let settings = configuration.settings
        self.path = path
        self.configuration = Mutex(configuration)
        self.limits = limits
        self.clock = clock
        self.logger = logger
        self.handlesSignals = handlesSignals
        let state = try await OpenState(settings, carrier: carrier, logger: logger)
        (lock, store, content, self.carrier) = (state.lock, state.store, state.content, state.carrier)
        let identity = Shared(
            WorkerIdentity(
                name: settings.name, url: "", commandToken: state.content.commandToken ?? "",
                incarnation: UUID().uuidString.lowercased(), started: .now(), outbox: state.content.outbox ?? "",
                version: version))
        self.identity = identity
        let (inbox, board, view, gate) = (WorkerInbox(), RunningBoard(), WorkerView(), HistoryGate())
        (self.inbox, self.board, self.view, self.gate) = (inbox, board, view, gate)
        view.set(tokens: settings.tokens, allowsLegacy: settings.allowsLegacy)
        view.set(mirrors: Dictionary(settings.mirrors.map { ($0.name, $0) }) { first, _ in first })
        let outbox = Outbox(
            store: state.store, content: state.content, managers: settings.managers.map { ManagerLink.id(of: $0) },
            limits: limits, logger: logger)
        self.outbox = outbox
        let fencedBy = fencedBy
        links = LinkSet(outbox: outbox, logger: logger) { address in
            try ManagerLink(
                address, outbox: outbox, board: board, limits: limits, logger: logger, identity: { identity.value },
                onKnowledge: { manager, knowledge in
                    gate.offer(manager, knowledge)
                    if let knowledge { inbox.post(.known(manager: manager, knowledge)) }
                },
                onFenced: { manager in
                    fencedBy.value = manager
                    gate.cancel()
                    inbox.post(.stop(reason: "a newer process of this worker is registered with \(manager)"))
                })
        }
        let registry = MetricsRegistry()
        try WorkerMetrics.register(in: registry, view: view, outbox: outbox, links: links)
        let requester = reloadRequester
        server = WorkerServer(
            settings.server,
            responder: WorkerResponder(
                inbox: inbox, view: view,
                access: WorkerAccess(view: view, commandToken: state.content.commandToken ?? ""),
                carrier: state.carrier,
                registry: registry, limits: limits,
                complaint: { outbox.failure.map { "the worker's state cannot be written: \($0)" } },
                requestReload: { requester.yield() }), logger: logger)
    }

    // MARK: Running

    /// Runs until the process is to stop, the task is cancelled, or a newer process of the worker is registered.
    ///
    /// - Throws: ``WorkerError``: `listen`; `fenced`, for which the process ends with WorkerError/exitStatus.
    package func run() async throws {
        defer {
            store.close()
            lock.close()
        }
        do {
            try await withGracefulShutdownHandler {
                try await serve()
            } onGracefulShutdown: {
                self.stop()
            }
        } catch {
            await writeRest()
            throw error
        }
        await writeRest()
        if let manager = fencedBy.value {
            throw WorkerError(
                .fenced,
                "a newer worker with the name \(identity.value.name) is registered with \(manager); this one ends")
        }
        logger.notice("stopped", metadata: ["untold_events": "\(outbox.pendingCount)"])
    }

    /// Begins to stop: no new runs, all runs are ended, the last states are told; then ``run()`` returns.
    package func stop() {
        stopAsked.value = .now
        gate.cancel()
        inbox.post(.stop(reason: "it was asked to stop"))
    }

    /// The port that commands are taken on, as soon as there is one.
    ///
    /// - Throws: ``WorkerError`` when the worker cannot listen.
    package func port() async throws(WorkerError) -> Int { try await server.port() }

    private func serve() async throws {
        let interrupted = await carrier.recoverRuns()
        try await withThrowingTaskGroup(of: Part.self) { group in
            group.addTask {
                try await self.server.run()
                return .server
            }
            let port = try await server.port()
            let settings = configuration.withLock { $0.settings }
            identity.value.url = Self.url(settings, port: port)
            logger.notice("listening", metadata: ["port": "\(port)", "mirrors": "\(settings.mirrors.count)"])
            group.addTask {
                await self.outbox.commitLoop()
                return .commits
            }
            group.addTask {
                await self.runLinks()
                return .links
            }
            try links.set(settings.managers)
            group.addTask {
                for await _ in self.reloadRequests { _ = await self.reload() }
                return .reloads
            }
            if handlesSignals {
                group.addTask {
                    await ReloadLoop.run(every: .seconds(86_400)) { isAsked in
                        if isAsked { self.reloadRequester.yield() }
                    }
                    return .signals
                }
            }
            group.addTask {
                await self.work(interrupted)
                return .loop
            }
            while let part = try await group.next() {
                switch part {
                case .loop:
                    links.close()
                    linksClose.raise()
                case .links: outbox.finish()
                case .commits:
                    group.cancelAll()
                    return
                case .server, .reloads, .signals: break
                }
            }
        }
    }

    /// Runs the links; when they are closed they have only so long for the rest.
    private func runLinks() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.links.run() }
            group.addTask {
                await self.linksClose.wait()
                let now = ContinuousClock.now
                let end = max(
                    now + self.limits.flushPatience, (self.stopAsked.value ?? now) + self.limits.stopPatience)
                // A cancelled worker has no time left.
                try? await Task.sleep(until: end)
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// Joins the memories, then runs the loop.
    private func work(_ interrupted: [JobName: RunNumber]) async {
        let configuration = configuration.withLock { $0 }
        let names = configuration.settings.mirrors.map(\.name)
        let answer = await gate.wait(
            for: configuration.settings.managers.map { ManagerLink.id(of: $0) },
            isMemoryComplete: names.allSatisfy { content.jobs[$0] != nil }, patience: limits.historyPatience)
        // A worker that is to stop already begins nothing.
        if gate.isCancelled { return inbox.close() }
        let rows = Dictionary((answer?.rows ?? []).map { ($0.name, $0) }) { $1 }
        let untold = answer.map { outbox.names(after: $0.toldThrough) } ?? []
        var remembered: [JobName: StoredJob] = [:]
        for name in names {
            remembered[name] = Memory.join(
                name, own: content.jobs[name], row: rows[name.text], isUntold: untold.contains(name.text))
        }
        let last = interrupted.values.max().map { $0.number + 1 } ?? 0
        let loop = WorkerLoop(
            parts: WorkerLoop.Parts(
                inbox: inbox, outbox: outbox, board: board, view: view, carrier: carrier, clock: clock, limits: limits,
                logger: logger), configuration: configuration, jobs: content.jobs,
            nextRun: max(content.nextRun ?? 1, last), seed: .random(in: 0 ... .max))
        await loop.run(adopting: remembered, interrupted: interrupted)
    }

    /// Writes what came after the commits had ended.
    private func writeRest() async {
        outbox.finish()
        await outbox.commitLoop()
    }

    // MARK: Reloading

    /// Reads the configuration file again and applies it as a whole; with an error in it everything stays as it is.
    ///
    /// - Returns: whether the new configuration holds.
    package func reload() async -> Bool {
        guard let path else {
            logger.warning("there is no configuration file to read again")
            return false
        }
        let (new, problems) = WorkerConfigReader.read(path: path)
        for problem in problems where problem.severity != .note { logger.warning("\(problem)") }
        guard let new else {
            logger.error(
                "the configuration has errors; the one from before stays in force", metadata: ["file": "\(path)"])
            return false
        }
        return await apply(new)
    }

    /// Applies another configuration.
    ///
    /// - Returns: whether it holds; not when certificates for managers cannot be used.
    package func apply(_ new: WorkerConfiguration) async -> Bool {
        do {
            try links.set(new.settings.managers)
        } catch {
            logger.error(
                "the managers' certificates cannot be used; the configuration from before stays in force",
                metadata: ["reason": "\(error)"])
            return false
        }
        configuration.withLock { $0 = new }
        view.set(tokens: new.settings.tokens, allowsLegacy: new.settings.allowsLegacy)
        await withCheckedContinuation { continuation in inbox.post(.apply(new, continuation)) }
        return true
    }

    // MARK: Parts

    private static func url(_ settings: WorkerSettings, port: Int) -> String {
        if let url = settings.advertisedURL { return url }
        let scheme = settings.server.certificate == nil ? "http" : "https"
        let host = settings.hostname.contains(":") ? "[\(settings.hostname)]" : settings.hostname
        return "\(scheme)://\(host):\(port)/"
    }
}
