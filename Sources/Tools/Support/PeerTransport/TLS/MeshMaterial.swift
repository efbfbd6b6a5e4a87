// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import FoundationEssentials
internal import NIOSSL
internal import NodeSupport
internal import SwiftASN1
internal import X509

/// One consistent set of a node's certificate, key and roots, read from its files and checked.
struct MeshMaterial: Sendable {
    /// Where the files are.
    struct Paths: Sendable {
        let certificate: String
        let key: String
        let roots: String
    }

    /// What the files held; equal texts need no new contexts.
    struct Texts: Hashable, Sendable {
        let certificate: String
        let key: String
        let roots: String

        init(reading paths: Paths) throws(NodeError) {
            certificate = try PEMFiles.text(of: paths.certificate)
            key = try PEMFiles.text(of: paths.key)
            roots = try PEMFiles.text(of: paths.roots)
        }
    }

    let texts: Texts
    let identity: NodeIdentity
    let notValidBefore: Date
    let notValidAfter: Date
    private let chain: [NIOSSLCertificate]
    private let key: NIOSSLPrivateKey
    private let roots: [NIOSSLCertificate]

    /// Checks what was read.
    ///
    /// - Throws: ``NodeError`` with `pemMalformed`, `keyMismatch`, `certificateUnidentified`, `certificateUntrusted` or
    ///   `tlsUnusable`, naming the file.
    init(_ texts: Texts, paths: Paths) throws(NodeError) {
        self.texts = texts
        let chain = try PEMFiles.certificates(in: texts.certificate, file: paths.certificate)
        let secret = try PEMFiles.privateKey(in: texts.key, file: paths.key)
        let roots = try PEMFiles.certificates(in: texts.roots, file: paths.roots)
        // `certificates` never returns an empty chain.
        guard let leaf = chain.first, leaf.publicKey == secret.key.publicKey else {
            throw NodeError(
                .keyMismatch,
                "\(paths.key): does not belong to the first certificate of \(paths.certificate); give the key it was "
                    + "made for, or make both again with pluto pki renew")
        }
        guard let identity = NodeIdentity(certificate: leaf) else {
            throw NodeError(
                .certificateUnidentified,
                "\(paths.certificate): names no node (it needs exactly one alternative name URI:"
                    + "\(NodeIdentity.uriPrefix)ROLE:NAME); make one with pluto pki init or renew")
        }
        try Self.check(chain, roots: roots, paths: paths)
        self.identity = identity
        notValidBefore = leaf.notValidBefore
        notValidAfter = leaf.notValidAfter
        do {
            self.chain = try chain.map(Self.convert)
            self.roots = try roots.map(Self.convert)
            key = try NIOSSLPrivateKey(bytes: Array(secret.document.pemString.utf8), format: .pem)
        } catch {
            throw NodeError(
                .tlsUnusable, "\(paths.certificate): the TLS library refuses this certificate, its key or its roots",
                cause: error)
        }
    }

    /// Makes the context for connections that this node opens.
    ///
    /// The peer's chain is checked against the roots, its host name is not: who the peer is says its URI.
    func clientContext(applicationProtocols: [String]) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates(roots)
        configuration.certificateChain = chain.map { .certificate($0) }
        configuration.privateKey = .privateKey(key)
        return try Self.context(&configuration, applicationProtocols: applicationProtocols)
    }

    /// Makes the context for connections that others open; a peer without a certificate of the roots is refused.
    func serverContext(applicationProtocols: [String]) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfigurationWithMTLS(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key),
            trustRoots: .certificates(roots))
        return try Self.context(&configuration, applicationProtocols: applicationProtocols)
    }

    private static func context(
        _ configuration: inout TLSConfiguration, applicationProtocols: [String]
    ) throws -> NIOSSLContext {
        configuration.minimumTLSVersion = .tlsv13
        configuration.applicationProtocols = applicationProtocols
        return try NIOSSLContext(configuration: configuration)
    }

    private static func convert(_ certificate: Certificate) throws -> NIOSSLCertificate {
        try NIOSSLCertificate(bytes: certificate.serializeAsPEM().derBytes, format: .der)
    }

    /// Follows the signatures from the leaf to a root: a node that no peer would believe says so itself, at once.
    private static func check(_ chain: [Certificate], roots: [Certificate], paths: Paths) throws(NodeError) {
        var current = chain[0]
        for _ in chain.indices {
            if roots.contains(where: { signed(current, by: $0) }) { return }
            guard let next = chain.first(where: { $0 != current && signed(current, by: $0) }) else { break }
            current = next
        }
        throw NodeError(
            .certificateUntrusted,
            "\(paths.certificate): was not issued by an authority of \(paths.roots), so no peer would believe it; "
                + "issue it again with pluto pki renew, or give the right RootCertLoc")
    }

    private static func signed(_ certificate: Certificate, by issuer: Certificate) -> Bool {
        certificate.issuer == issuer.subject
            && issuer.publicKey.isValidSignature(certificate.signature, for: certificate)
    }
}
