// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorConfig
internal import NIOSSL

/// TLS towards others.
enum ClientTLS {
    /// Makes a configuration: whom to trust, and a certificate of one's own.
    ///
    /// - Throws: what the TLS library says of files that it cannot use.
    static func configuration(_ settings: ClientTLSSettings) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let authorities = settings.authorities { configuration.trustRoots = .file(authorities) }
        if let certificate = settings.certificate, let key = settings.key {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
        }
        return configuration
    }
}
