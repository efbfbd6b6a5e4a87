// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Crypto
package import FoundationEssentials
internal import SwiftASN1
internal import X509

/// A certificate and its private key, just made.
package struct IssuedCertificate: Sendable {
    /// The certificate as PEM.
    package let certificatePEM: String
    /// Its private key as PEM.
    package let keyPEM: String
    /// When the certificate ends.
    package let notValidAfter: Date

    /// Writes both files, each as a whole: the key with mode 0600 first, then the certificate with mode 0644.
    ///
    /// A reader that comes between the two finds a pair that does not fit and keeps what it has; its next look finds
    /// the new pair.
    ///
    /// - Parameters:
    ///   - certificatePath: Where the certificate goes; the directory exists.
    ///   - keyPath: Where the key goes; the directory exists.
    /// - Throws: ``NodeError`` with `fileUnwritable`.
    package func write(certificatePath: String, keyPath: String) throws(NodeError) {
        try AtomicFile.write(path: keyPath, bytes: Array(keyPEM.utf8), mode: 0o600)
        try AtomicFile.write(path: certificatePath, bytes: Array(certificatePEM.utf8), mode: 0o644)
    }

    /// Makes a certificate for clients that trust nobody for it but itself: for tests, and until a public authority
    /// has issued one.
    ///
    /// - Parameters:
    ///   - hosts: Names and addresses at which clients connect, besides localhost, 127.0.0.1 and ::1; those that mean
    ///     all interfaces are left out.
    ///   - lifetime: How long it is valid, in seconds.
    ///   - now: The time.
    /// - Returns: Certificate and key (P-256); nothing is written.
    /// - Throws: ``NodeError`` with `hostInvalid`, `authorityUnusable` or `tlsUnusable`.
    package static func selfSigned(
        hosts: [String], lifetime: TimeInterval, now: Date = Date()
    ) throws(NodeError) -> IssuedCertificate {
        var names: [CertificateName] = []
        for host in hosts {
            if let name = try CertificateName.parse(host), !names.contains(name) { names.append(name) }
        }
        names += CertificateName.loopback.filter { !names.contains($0) }
        let key = P256.Signing.PrivateKey()
        let certificate = try CertificateIssuer.selfSigned(
            key: Certificate.PrivateKey(key), commonName: hosts.first ?? "localhost", names: names, lifetime: lifetime,
            now: now)
        return IssuedCertificate(
            certificatePEM: try CertificateIssuer.pem(certificate), keyPEM: key.pemRepresentation + "\n",
            notValidAfter: certificate.notValidAfter)
    }
}
