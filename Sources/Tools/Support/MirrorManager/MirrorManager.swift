// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Hummingbird
internal import HummingbirdCore
package import Logging
package import MirrorConfig
internal import NIOCore
internal import NIOPosix
internal import NodeSupport
internal import ServiceLifecycle
internal import Synchronization

/// The manager: what workers tell is kept, what people ask for is passed on, and everybody sees how the mirrors are.
package final class MirrorManager: Service {
    /// Where the manager listens.
    package struct Address: Hashable, Sendable {
        /// The address in numbers.
        package let host: String
        /// The port.
        package let port: Int
        /// Whether it speaks TLS.
        package let isSecure: Bool

        /// Such as `http://127.0.0.1:14242`, without a slash at the end.
        package var baseURL: String {
            let name = host.contains(":") ? "[\(host)]" : host
            return "\(isSecure ? "https" : "http")://\(name):\(port)"
        }
    }

    /// The most connections at once.
    package static let maximumConnections = 8_192
    /// After how long a connection without a request is closed.
    private static let idleTimeout: TimeAmount = .seconds(75)

    private enum Listening {
        case waiting([CheckedContinuation<Address?, Never>])
        case listening(Address)
        case over
    }

    private let settings: Mutex<ManagerSettings>
    private let store: any ManagerStore
    private let service: ManagerService
    private let tls: ReloadableTLS?
    private let reread: (@Sendable () async -> ManagerSettings?)?
    private let logger: Logger
    private let listening = Mutex(Listening.waiting([]))

    /// Opens the database and reads what it holds; nothing listens before ``run()``.
    ///
    /// - Parameters:
    ///   - settings: how the manager works.
    ///   - logger: where it logs, the audit too.
    ///   - reread: reads the configuration again on SIGHUP; nothing comes from a broken one, and the old one stays. Without
    ///     it SIGHUP is not caught.
    /// - Throws: ``StoreError``, `StorageError`, or what is wrong with files of TLS.
    package convenience init(
        settings: ManagerSettings, logger: Logger, reread: (@Sendable () async -> ManagerSettings?)? = nil
    ) async throws {
        let store = try await ManagerStores.open(settings.database)
        do {
            try await self.init(settings: settings, store: store, logger: logger, reread: reread)
        } catch {
            await store.close()
            throw error
        }
    }

    init(
        settings: ManagerSettings, store: any ManagerStore, limits: Registry.Limits = Registry.Limits(),
        logger: Logger, reread: (@Sendable () async -> ManagerSettings?)? = nil
    ) async throws {
        self.settings = Mutex(settings)
        self.store = store
        self.logger = logger
        self.reread = reread
        tls = settings.server.certificate == nil ? nil : try ReloadableTLS(settings.server)
        service = try await ManagerService(settings, store: store, limits: limits, logger: logger)
    }

    /// Where the manager listens; waits until it does.
    ///
    /// - Throws: `CancellationError` when it ends without ever listening.
    package var address: Address {
        get async throws {
            let address = await withCheckedContinuation { continuation in
                let known = listening.withLock { state -> Address?? in
                    switch state {
                    case .waiting(let waiting):
                        state = .waiting(waiting + [continuation])
                        return nil
                    case .listening(let address): return .some(address)
                    case .over: return .some(nil)
                    }
                }
                if let known { continuation.resume(returning: known) }
            }
            guard let address else { throw CancellationError() }
            return address
        }
    }

    /// Serves until a graceful stop or cancellation; closes the database at the end.
    package func run() async throws {
        defer { settle(nil) }
        let failure: (any Error)?
        do {
            try await serve()
            failure = nil
        } catch { failure = error }
        service.core.hub.end()
        await service.workers.close()
        do { try await service.core.flush() } catch {
            logger.error("the last changes were not written", metadata: ["error": "\(error)"])
        }
        await store.close()
        if let failure { throw failure }
    }

    /// Takes over what can change while the manager runs: tokens, who may read, allowed worker URLs, webhooks, the site of
    /// MirrorZ, the number of kept runs, and the files of TLS.
    ///
    /// - Parameter new: the new settings.
    /// - Returns: names of changed settings that count only after a restart.
    package func reload(_ new: ManagerSettings) -> [String] {
        let old = settings.withLock { settings in
            defer { settings = new }
            return settings
        }
        service.update(new)
        if let tls, new.server.certificate != nil {
            do { try tls.reload(new.server) } catch {
                logger.error("the old certificate stays in use", metadata: ["error": "\(error)"])
            }
        }
        var restart: [String] = []
        if old.database != new.database { restart.append("database") }
        if old.server.host != new.server.host || old.server.port != new.server.port
            || (old.server.certificate == nil) != (new.server.certificate == nil)
        {
            restart.append("server")
        }
        if old.client != new.client { restart.append("client") }
        return restart
    }

    private func serve() async throws {
        let hub = service.core.hub
        try await withGracefulShutdownHandler {
            // Each says whether it was the server: only that one's end is the end of all.
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    await self.watch()
                    return false
                }
                group.addTask {
                    await self.service.webhooks.run()
                    return false
                }
                if let reread {
                    group.addTask {
                        await self.reloadOnSignal(reread)
                        return false
                    }
                }
                group.addTask {
                    // Logs that are followed have no end of their own. Cancellation means that all ends anyway.
                    try? await gracefulShutdown()
                    await self.service.workers.close()
                    return false
                }
                group.addTask {
                    try await self.application().run()
                    return true
                }
                defer { group.cancelAll() }
                for try await isServer in group where isServer { return }
            }
        } onGracefulShutdown: {
            hub.end()
        }
    }

    private func application() -> some ApplicationProtocol {
        let settings = settings.withLock { $0 }
        let channel = HTTP1Channel.Configuration(idleTimeout: Self.idleTimeout)
        let server: HTTPServerBuilder
        if let tls {
            server = HTTPServerBuilder { responder in
                TLSConnection(base: HTTP1Channel(responder: responder, configuration: channel), tls: tls)
            }
        } else {
            server = .http1(configuration: channel)
        }
        return Application(
            responder: ManagerResponder(service: service), server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(settings.server.host, port: settings.server.port),
                availableConnectionsDelegate: MaximumAvailableConnections(Self.maximumConnections)),
            onServerRunning: { [self] channel in
                let local = channel.localAddress
                settle(
                    Address(
                        host: local?.ipAddress ?? settings.server.host, port: local?.port ?? settings.server.port,
                        isSecure: tls != nil))
            }, logger: logger)
    }

    /// Looks every second who has gone silent, and wakes those who follow, so that they can say that they are there.
    private func watch() async {
        // Cancellation ends the sleep and so the loop.
        while (try? await Task.sleep(for: .seconds(1))) != nil {
            do throws(Refusal) {
                try service.core.alter { $0.markOffline(at: .now) }
            } catch {
                logger.error("workers cannot be watched", metadata: ["error": "\(error)"])
            }
        }
    }

    private func reloadOnSignal(_ reread: @escaping @Sendable () async -> ManagerSettings?) async {
        await ReloadLoop.run(every: .seconds(86_400)) { isAsked in
            guard isAsked else { return }
            guard let new = await reread() else {
                self.logger.error("the configuration is broken; the old one stays in use")
                return
            }
            let restart = self.reload(new)
            self.logger.notice("took over the configuration")
            if !restart.isEmpty {
                self.logger.warning(
                    "changes count after a restart only", metadata: ["settings": "\(restart.joined(separator: ", "))"])
            }
        }
    }

    private func settle(_ address: Address?) {
        let waiting = listening.withLock { state -> [CheckedContinuation<Address?, Never>] in
            defer { state = address.map { .listening($0) } ?? .over }
            if case .waiting(let waiting) = state { return waiting }
            return []
        }
        for continuation in waiting { continuation.resume(returning: address) }
        if let address { logger.notice("the manager listens", metadata: ["address": "\(address.baseURL)"]) }
    }
}
