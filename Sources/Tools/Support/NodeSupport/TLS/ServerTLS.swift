// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NIOSSL
internal import SwiftASN1
internal import X509

/// Makes server contexts from certificates and keys.
enum ServerTLS {
    /// The cipher suites for TLS 1.2: forward secrecy and authenticated encryption only.
    ///
    /// Those of TLS 1.3 are fixed by the library.
    static let cipherSuites = "ECDH+AESGCM:ECDH+CHACHA20:!aNULL:!eNULL"

    /// Makes a context.
    ///
    /// - Parameters:
    ///   - chain: The server's certificate, then the intermediate ones.
    ///   - key: The server's private key as PEM.
    ///   - file: The certificate's file, for messages.
    /// - Returns: The context.
    /// - Throws: ``NodeError`` with `tlsUnusable`.
    static func context(chain: [Certificate], key: PEMDocument, file: String) throws(NodeError) -> NIOSSLContext {
        do {
            let certificates = try chain.map { certificate in
                let bytes = try certificate.serializeAsPEM().derBytes
                return NIOSSLCertificateSource.certificate(try NIOSSLCertificate(bytes: bytes, format: .der))
            }
            let privateKey = try NIOSSLPrivateKey(bytes: Array(key.pemString.utf8), format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: certificates, privateKey: .privateKey(privateKey))
            configuration.minimumTLSVersion = .tlsv12
            configuration.cipherSuites = cipherSuites
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw NodeError(
                .tlsUnusable, "\(file): the TLS library refuses this certificate or its key; make a new pair",
                cause: error)
        }
    }
}
