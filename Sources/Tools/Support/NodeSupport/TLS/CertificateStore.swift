// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Crypto
package import FoundationEssentials
internal import Glibc
internal import NIOSSL
internal import SwiftASN1
internal import X509

/// The demo's own certificate authority and server certificate, kept in a directory.
///
/// The files are `ca.pem`, `ca-key.pem`, `server.pem` and `server-key.pem`; the directory has mode 0700, the keys 0600.
/// Each file is replaced as a whole and every key is written before its certificate, so a crash at any instant leaves a
/// set that is used or completed at the next start. The authority is kept for ever (clients trust it); the server
/// certificate is issued again when it is about to expire, does not name all hosts, or does not fit its key or
/// authority. What cannot be read is reported and never overwritten, nor is a server certificate that somebody else
/// issued.
package enum CertificateStore {
    /// The files of a store.
    enum File: String, CaseIterable {
        case authority = "ca.pem"
        case authorityKey = "ca-key.pem"
        case server = "server.pem"
        case serverKey = "server-key.pem"

        var mode: UInt32 {
            switch self {
            case .authority, .server: 0o644
            case .authorityKey, .serverKey: 0o600
            }
        }
    }

    /// How long before its end a server certificate is issued again: 30 days.
    package static let renewalMargin: TimeInterval = 30 * 86_400

    private struct Authority {
        let certificate: Certificate
        /// `nil` when the operator keeps the key elsewhere.
        let key: Certificate.PrivateKey?
    }

    private struct Server {
        let chain: [Certificate]
        let key: PEMDocument
    }

    /// Loads the store, making what is missing and renewing the server certificate when that is due.
    ///
    /// - Parameters:
    ///   - directory: Where the files are; made when missing.
    ///   - hosts: Host names and addresses the certificate must name besides localhost, 127.0.0.1 and ::1. Addresses
    ///     that mean all
    ///     interfaces are left out.
    ///   - now: The time.
    /// - Returns: The identity; its `changes` say what was made.
    /// - Throws: ``NodeError``: `hostInvalid`, `directoryUnusable`, `fileUnreadable`, `fileUnwritable`, `pemMalformed`,
    ///   `keyMismatch`, `authorityUnusable`, `certificateForeign` or `tlsUnusable`, naming the file and the remedy.
    package static func loadOrCreate(
        directory: String, hosts: [String] = [], now: Date = Date()
    ) throws(NodeError) -> ServerIdentity {
        var names = CertificateName.loopback
        for host in hosts {
            if let name = try CertificateName.parse(host), !names.contains(name) { names.append(name) }
        }
        try DataDirectory.create(directory)
        let lock = try lock(directory)
        defer { close(lock) }
        AtomicFile.removeLeftovers(directory: directory, names: File.allCases.map(\.rawValue))

        // Everything is read and judged before anything is written: a broken file changes nothing.
        let oldServer = try loadServer(directory)
        var changes: [ServerIdentity.Change] = []
        let authority = try loadOrCreateAuthority(directory, server: oldServer.chain, now: now, changes: &changes)
        var server = oldServer.chain.flatMap { chain in oldServer.key.map { Server(chain: chain, key: $0.document) } }
        if let reason = issueReason(oldServer, authority: authority.certificate, names: Set(names), now: now) {
            server = try issue(directory, authority: authority, names: names, old: oldServer.chain, now: now)
            changes.append(.issuedServerCertificate(reason))
        }
        guard let server, let leaf = server.chain.first else {
            throw NodeError(.pemMalformed, "\(path(directory, .server)): there is no certificate; move it away")
        }
        let context = try ServerTLS.context(chain: server.chain, key: server.key, file: path(directory, .server))
        return ServerIdentity(
            context: context, certificatePath: path(directory, .server), authorityPath: path(directory, .authority),
            notValidAfter: leaf.notValidAfter, changes: changes)
    }

    // MARK: The authority

    private static func loadOrCreateAuthority(
        _ directory: String, server: [Certificate]?, now: Date, changes: inout [ServerIdentity.Change]
    ) throws(NodeError) -> Authority {
        let certificate = try read(directory, .authority).map { text throws(NodeError) in
            try PEMFiles.certificates(in: text, file: path(directory, .authority))[0]
        }
        let key = try read(directory, .authorityKey).map { text throws(NodeError) in
            try PEMFiles.privateKey(in: text, file: path(directory, .authorityKey)).key
        }
        if let certificate {
            try check(certificate, key: key, directory, now: now)
            return Authority(certificate: certificate, key: key)
        }
        // A new authority will replace the server certificate: refuse before anything is written.
        try refuseForeign(server, directory)
        let newKey: Certificate.PrivateKey
        if let key {
            newKey = key
        } else {
            let fresh = P256.Signing.PrivateKey()
            try write(directory, .authorityKey, fresh.pemRepresentation)
            newKey = Certificate.PrivateKey(fresh)
        }
        let made = try CertificateIssuer.authority(key: newKey, now: now)
        try write(directory, .authority, try CertificateIssuer.pem(made))
        changes.append(.createdAuthority)
        return Authority(certificate: made, key: newKey)
    }

    private static func check(
        _ certificate: Certificate, key: Certificate.PrivateKey?, _ directory: String, now: Date
    ) throws(NodeError) {
        if let key, key.publicKey != certificate.publicKey {
            throw NodeError(
                .keyMismatch,
                "\(path(directory, .authorityKey)): does not belong to \(File.authority.rawValue); "
                    + "restore the right pair, or move both away to have new ones made"
            )
        }
        if now > certificate.notValidAfter {
            throw NodeError(
                .authorityUnusable,
                "\(path(directory, .authority)): the authority has expired; move it and \(File.authorityKey.rawValue) "
                    + "away to have new ones made, and give clients the new \(File.authority.rawValue)"
            )
        }
    }

    // MARK: The server certificate

    private typealias OldServer = (chain: [Certificate]?, key: (key: Certificate.PrivateKey, document: PEMDocument)?)

    private static func loadServer(_ directory: String) throws(NodeError) -> OldServer {
        let chain = try read(directory, .server).map { text throws(NodeError) in
            try PEMFiles.certificates(in: text, file: path(directory, .server))
        }
        let key = try read(directory, .serverKey).map { text throws(NodeError) in
            try PEMFiles.privateKey(in: text, file: path(directory, .serverKey))
        }
        return (chain, key)
    }

    /// Why a new server certificate is due; `nil` when the old one serves.
    private static func issueReason(
        _ old: OldServer, authority: Certificate, names: Set<CertificateName>, now: Date
    ) -> ServerIdentity.IssueReason? {
        guard let leaf = old.chain?.first, let key = old.key?.key else { return .missing }
        if key.publicKey != leaf.publicKey { return .keyMismatch }
        guard leaf.issuer == authority.subject, authority.publicKey.isValidSignature(leaf.signature, for: leaf) else {
            return .authorityChanged
        }
        // Near the authority's own end a new certificate would not last longer than the old one.
        let wanted = min(now.addingTimeInterval(renewalMargin), authority.notValidAfter)
        if leaf.notValidAfter < wanted { return .expiring }
        if leaf.notValidBefore > now { return .notYetValid }
        return names.isSubset(of: CertificateName.names(in: leaf)) ? nil : .hostsChanged
    }

    private static func issue(
        _ directory: String, authority: Authority, names: [CertificateName], old: [Certificate]?, now: Date
    ) throws(NodeError) -> Server {
        try refuseForeign(old, directory)
        guard let authorityKey = authority.key else {
            throw NodeError(
                .authorityUnusable,
                "\(path(directory, .authorityKey)): a new server certificate is due but the authority's key is "
                    + "missing; restore it, or move \(File.authority.rawValue) away to have a new authority made"
            )
        }
        let key = P256.Signing.PrivateKey()
        let leaf = try CertificateIssuer.server(
            key: Certificate.PrivateKey(key), names: names, authority: authority.certificate,
            authorityKey: authorityKey, now: now)
        let document: PEMDocument
        do {
            document = try PEMDocument(pemString: key.pemRepresentation)
        } catch {
            throw NodeError(.tlsUnusable, "cannot write a private key that was just made as PEM", cause: error)
        }
        try write(directory, .serverKey, key.pemRepresentation)
        try write(directory, .server, try CertificateIssuer.pem(leaf))
        return Server(chain: [leaf], key: document)
    }

    private static func refuseForeign(_ server: [Certificate]?, _ directory: String) throws(NodeError) {
        guard let leaf = server?.first, !CertificateIssuer.isOurs(leaf) else { return }
        throw NodeError(
            .certificateForeign,
            "\(path(directory, .server)): this certificate was issued by somebody else and is not replaced; "
                + "give it as the operator's certificate, or move it and \(File.serverKey.rawValue) away"
        )
    }

    // MARK: Files

    private static func path(_ directory: String, _ file: File) -> String { "\(directory)/\(file.rawValue)" }

    private static func read(_ directory: String, _ file: File) throws(NodeError) -> String? {
        let bytes = try BoundedFile.readIfPresent(path: path(directory, file), limit: PEMFiles.maximumFileBytes)
        return bytes.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func write(_ directory: String, _ file: File, _ text: String) throws(NodeError) {
        let ended = text.hasSuffix("\n") ? text : text + "\n"
        try AtomicFile.write(path: path(directory, file), bytes: Array(ended.utf8), mode: file.mode)
    }

    /// Locks the directory, so that two processes that start together do not mix their files.
    ///
    /// Closing the descriptor unlocks.
    private static func lock(_ directory: String) throws(NodeError) -> Int32 {
        let remedy = "check the directory's permissions"
        let descriptor: Int32
        switch SystemCall.retrying({ open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }) {
        case .value(let opened): descriptor = opened
        case .failed(let code):
            throw NodeError.system(.directoryUnusable, "cannot open \(directory)", errno: code, remedy: remedy)
        }
        if case .failed(let code) = SystemCall.retrying({ flock(descriptor, LOCK_EX) }) {
            close(descriptor)
            throw NodeError.system(.directoryUnusable, "cannot lock \(directory)", errno: code, remedy: remedy)
        }
        return descriptor
    }
}
