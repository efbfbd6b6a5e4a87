// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Logging
internal import NIOSSL
internal import NodeSupport
internal import ServiceLifecycle
internal import Synchronization

/// The certificate that clients see, read again when a person asks for it or the files have changed.
final class PublicCertificate: Service {
    /// How often the files are looked at.
    static let pollInterval = Duration.seconds(30)

    private struct State {
        var identity: ServerIdentity
        var texts: [[UInt8]]
    }

    private let certificatePath: String
    private let keyPath: String
    private let logger: Logger
    private let state: Mutex<State>

    /// Loads the certificate.
    ///
    /// - Throws: ``NodeError``, naming the file and the remedy.
    init(certificatePath: String, keyPath: String, logger: Logger) throws(NodeError) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        self.logger = logger
        let texts = try Self.texts(certificatePath, keyPath)
        state = Mutex(
            State(identity: try PEMFiles.load(certificate: certificatePath, key: keyPath), texts: texts))
    }

    /// What a new connection uses.
    var context: NIOSSLContext { state.withLock { $0.identity.context } }

    /// Takes the files as they are now; the old certificate stays in use when they cannot be used.
    ///
    /// - Returns: Whether there was something new.
    func reload() throws(NodeError) -> Bool {
        let texts = try Self.texts(certificatePath, keyPath)
        guard texts != state.withLock({ $0.texts }) else { return false }
        let identity = try PEMFiles.load(certificate: certificatePath, key: keyPath)
        state.withLock { $0 = State(identity: identity, texts: texts) }
        return true
    }

    /// Looks again every so often and on SIGHUP, until the process stops.
    func run() async throws {
        await ReloadLoop.run(every: Self.pollInterval) { isAsked in
            do throws(NodeError) {
                if try self.reload() || isAsked { self.logger.notice("public certificate loaded") }
            } catch {
                self.logger.error(
                    "the public certificate cannot be loaded; the old one stays", metadata: ["reason": "\(error)"])
            }
        }
    }

    private static func texts(_ certificate: String, _ key: String) throws(NodeError) -> [[UInt8]] {
        [
            try BoundedFile.read(path: certificate, limit: PEMFiles.maximumFileBytes),
            try BoundedFile.read(path: key, limit: PEMFiles.maximumFileBytes),
        ]
    }
}
