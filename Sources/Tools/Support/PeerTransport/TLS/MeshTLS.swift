// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import FoundationEssentials
package import Logging
package import NIOCore
package import NIOSSL
package import NodeSupport
internal import ServiceLifecycle
internal import Synchronization

/// Mutual TLS between the nodes of a cluster: what a node shows, and whom it believes.
///
/// Only TLS 1.3 (RFC 8446), only certificates of the cluster's own roots, on both ends. The handshake proves that the
/// peer holds a certificate of the cluster; which node it is, and whether its role may do what it asks, the caller
/// checks with ``identity(of:)``. Host names are not checked: nodes move between addresses, and their names are proven.
///
/// The files may be replaced at any time. ``run()`` looks at them every 30 seconds and on SIGHUP; new connections use
/// the new files, open ones go on. Files that cannot be used change nothing: the node keeps what it had and logs an
/// error. So callers take a context for each connection and never keep one.
///
/// In TLS 1.3 a client's handshake ends before the server has judged the client's certificate: a client that is refused
/// sees it as an error or an end while it reads.
package final class MeshTLS: Service {
    /// The named times of a mesh.
    package struct Limits: Hashable, Sendable {
        /// How often the files are looked at.
        package var pollInterval: Duration = .seconds(30)
        /// How long to wait before a second look at a key and certificate that do not fit: they may be on their way.
        package var settleDelay: Duration = .seconds(1)
        /// How long before its end a certificate is warned about, once a day: 14 days.
        package var expiryWarning: TimeInterval = 14 * 86_400

        /// The documented defaults.
        package init() {}
    }

    private struct ContextKey: Hashable {
        let isServer: Bool
        let protocols: [String]
    }

    private struct State {
        var material: MeshMaterial
        var contexts: [ContextKey: NIOSSLContext] = [:]
        /// What was complained about last, so that a file that stays broken is not complained about at each look.
        var lastComplaint: String?
        var warnedAt: Date?
    }

    private let paths: MeshMaterial.Paths
    private let limits: Limits
    private let logger: Logger
    private let state: Mutex<State>

    /// Reads the files.
    ///
    /// A certificate that has expired is no error here (the node serves its own data), but it is logged: peers refuse
    /// it.
    ///
    /// - Parameters:
    ///   - certificatePath: A PEM file with the node's certificate, then intermediate ones if any.
    ///   - keyPath: A PEM file with its unencrypted private key.
    ///   - rootPath: A PEM file with the certificates of the cluster's authorities: one, or two while they rotate.
    ///   - limits: The named times.
    ///   - logger: Told about reloads, failures and certificates that end soon.
    /// - Throws: ``NodeError`` with `fileMissing`, `fileUnreadable`, `fileTooLarge`, `pemMalformed`, `keyMismatch`,
    ///   `certificateUnidentified`, `certificateUntrusted` or `tlsUnusable`, naming the file and the remedy.
    package init(
        certificatePath: String, keyPath: String, rootPath: String, limits: Limits = Limits(), logger: Logger
    ) throws(NodeError) {
        paths = MeshMaterial.Paths(certificate: certificatePath, key: keyPath, roots: rootPath)
        self.limits = limits
        self.logger = logger
        let material = try MeshMaterial(MeshMaterial.Texts(reading: paths), paths: paths)
        state = Mutex(State(material: material))
        warnIfEnding(now: Date())
    }

    /// Who this node is, as its certificate says.
    package var own: NodeIdentity { state.withLock { $0.material.identity } }

    /// When this node's certificate ends.
    package var notValidAfter: Date { state.withLock { $0.material.notValidAfter } }

    /// The context for a connection that this node opens; made once per set of protocols and files.
    ///
    /// - Parameter applicationProtocols: What to offer (ALPN, RFC 7301), such as `kuiper-peer/1`.
    /// - Returns: The context, for one connection.
    /// - Throws: ``NodeError`` with `tlsUnusable`.
    package func clientContext(applicationProtocols: [String] = []) throws(NodeError) -> NIOSSLContext {
        try context(ContextKey(isServer: false, protocols: applicationProtocols))
    }

    /// The context for a connection that a peer opens; made once per set of protocols and files.
    ///
    /// A client that offers none of the protocols is not refused by TLS: check what was agreed.
    ///
    /// - Parameter applicationProtocols: What to accept (ALPN, RFC 7301), the preferred one first.
    /// - Returns: The context, for one connection.
    /// - Throws: ``NodeError`` with `tlsUnusable`.
    package func serverContext(applicationProtocols: [String]) throws(NodeError) -> NIOSSLContext {
        try context(ContextKey(isServer: true, protocols: applicationProtocols))
    }

    /// Says who the other end of a connection is.
    ///
    /// - Parameter channel: A connection whose handshake is done.
    /// - Returns: The peer's role and name.
    /// - Throws: ``NodeError`` with `peerUnidentified` when the connection is not TLS, has ended, or its certificate
    ///   names no node.
    package static func identity(of channel: any Channel) async throws(NodeError) -> NodeIdentity {
        let certificate: NIOSSLCertificate?
        do {
            certificate = try await channel.nioSSL_peerCertificate().get()
        } catch {
            throw NodeError(.peerUnidentified, "the connection has no TLS, or has ended", cause: error)
        }
        guard let certificate else {
            throw NodeError(.peerUnidentified, "the peer showed no certificate, or the handshake is not done")
        }
        guard let identity = NodeIdentity(peer: certificate) else {
            throw NodeError(
                .peerUnidentified, "the peer's certificate is of this cluster but names no node (URI:urn:kuiper:pluto:)"
            )
        }
        return identity
    }

    /// Reads the files again; when anything changed, new connections use it.
    ///
    /// - Throws: As ``init(certificatePath:keyPath:rootPath:limits:logger:)``, and ``NodeError`` with `identityChanged`
    ///   when the new certificate is another node's. What was in use stays in use.
    package func reload() throws(NodeError) {
        let texts = try MeshMaterial.Texts(reading: paths)
        let current = state.withLock { $0.material }
        guard texts != current.texts else { return }
        let material = try MeshMaterial(texts, paths: paths)
        guard material.identity == current.identity else {
            throw NodeError(
                .identityChanged,
                "\(paths.certificate): is now the certificate of \(material.identity), but this is \(current.identity);"
                    + " restore the file, or start the node again")
        }
        state.withLock { state in
            state.material = material
            state.contexts = [:]
            state.lastComplaint = nil
            state.warnedAt = nil
        }
        logger.notice(
            "new certificates are in use",
            metadata: ["certificate": "\(paths.certificate)", "until": "\(material.notValidAfter)"])
    }

    /// Looks at the files every ``Limits/pollInterval`` and on SIGHUP, until it is cancelled or a graceful stop begins.
    package func run() async throws {
        await ReloadLoop.run(every: limits.pollInterval) { [self] isAsked in
            await look(isAsked: isAsked)
            warnIfEnding(now: Date())
        }
    }

    private func look(isAsked: Bool) async {
        do throws(NodeError) {
            do throws(NodeError) {
                try reload()
            } catch {
                // Certificate and key are two files: whoever replaces them may be between the two.
                guard error.code == .keyMismatch else { throw error }
                // Cancellation only makes the second look come at once.
                try? await Task.sleep(for: limits.settleDelay)
                try reload()
            }
            state.withLock { $0.lastComplaint = nil }
        } catch {
            let isNew = state.withLock { state in
                defer { state.lastComplaint = error.message }
                return state.lastComplaint != error.message
            }
            if isNew || isAsked {
                logger.error(
                    "new certificates cannot be used; the old ones stay in use", metadata: ["reason": "\(error)"])
            }
        }
    }

    private func warnIfEnding(now: Date) {
        let warning: (end: Date, isOver: Bool)? = state.withLock { state in
            let end = state.material.notValidAfter
            guard end.timeIntervalSince(now) < limits.expiryWarning else { return nil }
            if let warnedAt = state.warnedAt, now.timeIntervalSince(warnedAt) < 86_400 { return nil }
            state.warnedAt = now
            return (end, end <= now)
        }
        guard let warning else { return }
        logger.log(
            level: warning.isOver ? .error : .warning,
            warning.isOver
                ? "the node's certificate has expired: peers refuse it; run pluto pki renew"
                : "the node's certificate ends soon; run pluto pki renew",
            metadata: ["certificate": "\(paths.certificate)", "until": "\(warning.end)"])
    }

    private func context(_ key: ContextKey) throws(NodeError) -> NIOSSLContext {
        do {
            return try state.withLock { state in
                if let context = state.contexts[key] { return context }
                let context =
                    key.isServer
                    ? try state.material.serverContext(applicationProtocols: key.protocols)
                    : try state.material.clientContext(applicationProtocols: key.protocols)
                state.contexts[key] = context
                return context
            }
        } catch {
            throw NodeError(
                .tlsUnusable, "\(paths.certificate): the TLS library refuses this certificate or its key",
                cause: error)
        }
    }
}
