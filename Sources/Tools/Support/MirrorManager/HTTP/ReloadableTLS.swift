// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import HummingbirdCore
internal import Logging
internal import MirrorConfig
internal import NIOCore
internal import NIOSSL
internal import NodeSupport
internal import Synchronization

/// The TLS context of the listener; a new one counts from the next connection on.
final class ReloadableTLS: Sendable {
    private let current: Mutex<NIOSSLContext>

    init(_ settings: ListenSettings) throws { current = Mutex(try Self.context(settings)) }

    /// Reads the files again.
    ///
    /// - Throws: what is wrong with them; the old context stays.
    func reload(_ settings: ListenSettings) throws {
        let context = try Self.context(settings)
        current.withLock { $0 = context }
    }

    var context: NIOSSLContext { current.withLock { $0 } }

    private static func context(_ settings: ListenSettings) throws -> NIOSSLContext {
        guard let certificate = settings.certificate, let key = settings.key else {
            throw NodeError(.tlsUnusable, "a certificate needs a key, and a key a certificate")
        }
        // Says in good words what is wrong with the pair.
        _ = try PEMFiles.load(certificate: certificate, key: key)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if let authorities = settings.clientAuthorities {
            configuration.trustRoots = .file(authorities)
            configuration.certificateVerification = .noHostnameVerification
        }
        return try NIOSSLContext(configuration: configuration)
    }
}

/// A connection with TLS around what it carries.
struct TLSConnection<Base: ServerChildChannel>: ServerChildChannel {
    typealias Value = Base.Value

    let base: Base
    let tls: ReloadableTLS

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.context))
        }.flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}
