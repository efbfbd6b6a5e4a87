// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
internal import Logging
internal import MirrorConfig
internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// Listens for the worker's HTTP requests.
final class WorkerServer: Sendable {
    private typealias Waiter = CheckedContinuation<Result<Int, WorkerError>, Never>

    private enum Binding {
        case waiting([Waiter])
        case ended(Result<Int, WorkerError>)
    }

    private let settings: ListenSettings
    private let maximumConnections: Int
    private let responder: WorkerResponder
    private let logger: Logger
    private let binding = Mutex(Binding.waiting([]))

    /// Prepares a server; it does not listen yet.
    init(_ settings: ListenSettings, responder: WorkerResponder, logger: Logger) {
        self.settings = settings
        maximumConnections = responder.limits.maximumConnections
        self.responder = responder
        self.logger = logger
    }

    /// Listens until the task is cancelled or the process stops.
    ///
    /// - Throws: `WorkerError` when it cannot listen.
    func run() async throws {
        do {
            var quiet = logger
            // Hummingbird tells of every connection that breaks.
            quiet.logLevel = max(logger.logLevel, .warning)
            let application = Application(
                responder: responder, server: try builder(),
                configuration: ApplicationConfiguration(
                    address: .hostname(settings.host, port: settings.port), serverName: nil,
                    availableConnectionsDelegate: MaximumAvailableConnections(maximumConnections)),
                onServerRunning: { [self] channel in
                    settle(.success(channel.localAddress?.port ?? settings.port))
                }, logger: quiet)
            try await application.run()
            settle(.failure(WorkerError(.listen, "the server ended before it listened")))
        } catch {
            let failure = WorkerError(
                .listen, "cannot listen on \(settings.host):\(settings.port): \(error); choose another address or port")
            settle(.failure(failure))
            throw failure
        }
    }

    /// The port that the server listens on, as soon as it does.
    ///
    /// - Throws: `WorkerError` when it cannot listen.
    func port() async throws(WorkerError) -> Int {
        let result = await withCheckedContinuation { (continuation: Waiter) in
            let result: Result<Int, WorkerError>? = binding.withLock { binding in
                switch binding {
                case .waiting(let waiters):
                    binding = .waiting(waiters + [continuation])
                    return nil
                case .ended(let result): return result
                }
            }
            if let result { continuation.resume(returning: result) }
        }
        return try result.get()
    }

    private func settle(_ result: Result<Int, WorkerError>) {
        let waiters = binding.withLock { binding in
            guard case .waiting(let waiters) = binding else { return [] as [Waiter] }
            binding = .ended(result)
            return waiters
        }
        for waiter in waiters { waiter.resume(returning: result) }
    }

    private func builder() throws -> HTTPServerBuilder {
        let http = HTTPServerBuilder.http1(
            configuration: HTTP1Channel.Configuration(idleTimeout: .seconds(120)))
        guard let certificate = settings.certificate, let key = settings.key else { return http }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        if let authorities = settings.clientAuthorities {
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authorities))
            // The names of clients' certificates are not host names.
            configuration.certificateVerification = .noHostnameVerification
        }
        return try .tls(http, tlsConfiguration: configuration)
    }
}
