// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Crypto
package import FoundationEssentials
internal import SwiftASN1
package import X509

/// The certificate authority of a cluster's inside: it signs the certificates by which nodes know each other.
///
/// Its own key is P-256; an operator's authority may have an RSA key (2048 bits and more) or one on P-384 or P-521. The
/// subjects of what it signs differ from its own and from each other (`O=Kuiper, OU=<unit>, CN=<name>`), because
/// verifiers take a certificate whose subject equals its issuer for a self-signed one.
package struct MeshAuthority: Sendable {
    /// How long an authority is valid when nothing else is asked for: 10 years.
    package static let defaultLifetime: TimeInterval = CertificateIssuer.authorityLifetime
    /// How long a node's certificate is valid when nothing else is asked for: 90 days, as in the original.
    package static let defaultLeafLifetime: TimeInterval = 90 * 86_400
    /// How long before its making a certificate begins, for peers whose clock is behind: 1 hour.
    package static let backdating: TimeInterval = CertificateIssuer.backdating
    /// The organisation in all subjects.
    package static let organization = "Kuiper"

    /// The authority's certificate as PEM: what every node trusts.
    package let certificatePEM: String
    /// The authority's private key as PEM: kept away from the nodes, mode 0600.
    package let keyPEM: String
    private let certificate: Certificate
    private let key: Certificate.PrivateKey

    /// When the authority ends; nothing that it signs is valid longer.
    package var notValidAfter: Date { certificate.notValidAfter }

    /// Makes a new authority with a key of its own.
    ///
    /// - Parameters:
    ///   - lifetime: How long it is valid, in seconds.
    ///   - now: The time.
    /// - Returns: The authority; nothing is written.
    /// - Throws: ``NodeError`` with `authorityUnusable` or `tlsUnusable`.
    package static func make(
        lifetime: TimeInterval = defaultLifetime, now: Date = Date()
    ) throws(NodeError) -> MeshAuthority {
        let key = P256.Signing.PrivateKey()
        let signer = Certificate.PrivateKey(key)
        let certificate = try CertificateIssuer.authority(
            key: signer, organization: organization, label: "Kuiper Pluto CA", lifetime: lifetime, now: now)
        return MeshAuthority(
            certificatePEM: try CertificateIssuer.pem(certificate), keyPEM: key.pemRepresentation + "\n",
            certificate: certificate, key: signer)
    }

    /// Loads an authority from files.
    ///
    /// A file with several certificates is a bundle: the one that the key belongs to signs.
    ///
    /// - Parameters:
    ///   - certificatePath: A PEM file with the authority's certificate.
    ///   - keyPath: A PEM file with its unencrypted private key.
    ///   - now: The time.
    /// - Returns: The authority.
    /// - Throws: ``NodeError`` with `fileMissing`, `fileUnreadable`, `fileTooLarge`, `pemMalformed`, `keyMismatch` or
    ///   `authorityUnusable` (expired, not valid yet, or not allowed to sign certificates), naming the file.
    package static func load(
        certificatePath: String, keyPath: String, now: Date = Date()
    ) throws(NodeError) -> MeshAuthority {
        let all = try PEMFiles.certificates(in: try PEMFiles.text(of: certificatePath), file: certificatePath)
        let keyText = try PEMFiles.text(of: keyPath)
        let key = try PEMFiles.privateKey(in: keyText, file: keyPath).key
        guard let certificate = all.first(where: { $0.publicKey == key.publicKey }) else {
            throw NodeError(
                .keyMismatch,
                "\(keyPath): does not belong to a certificate of \(certificatePath); give the authority's own pair")
        }
        // A malformed extension allows nothing.
        guard let constraints = try? certificate.extensions.basicConstraints,
            case .isCertificateAuthority = constraints
        else {
            throw NodeError(
                .authorityUnusable,
                "\(certificatePath): is not a certificate authority (CA:TRUE is missing); give the authority's own pair"
            )
        }
        guard certificate.notValidBefore <= now, now < certificate.notValidAfter else {
            throw NodeError(
                .authorityUnusable,
                "\(certificatePath): the authority is not valid now; make a new one, or check the system's clock")
        }
        return MeshAuthority(
            certificatePEM: try CertificateIssuer.pem(certificate), keyPEM: keyText, certificate: certificate, key: key)
    }

    /// Issues a certificate with a new P-256 key for both ends of mutual TLS.
    ///
    /// - Parameters:
    ///   - commonName: The CN of the subject: the node's name.
    ///   - unit: The OU of the subject: the node's role.
    ///   - uri: The URI that peers believe.
    ///   - hosts: Names and addresses at which the node is reached; those that mean all interfaces are left out.
    ///   - lifetime: How long it is valid, in seconds; cut to the authority's end.
    ///   - now: The time.
    /// - Returns: Certificate and key; nothing is written.
    /// - Throws: ``NodeError`` with `hostInvalid`, `authorityUnusable` or `tlsUnusable`.
    package func issue(
        commonName: String, unit: String, uri: String, hosts: [String],
        lifetime: TimeInterval = MeshAuthority.defaultLeafLifetime, now: Date = Date()
    ) throws(NodeError) -> IssuedCertificate {
        var names: [GeneralName] = [.uniformResourceIdentifier(uri)]
        for host in hosts {
            guard let name = try CertificateName.parse(host)?.generalName, !names.contains(name) else { continue }
            names.append(name)
        }
        let subject: DistinguishedName
        do {
            subject = try DistinguishedName {
                OrganizationName(MeshAuthority.organization)
                OrganizationalUnitName(unit)
                CommonName(commonName)
            }
        } catch {
            throw NodeError(.authorityUnusable, "cannot name a certificate for \(commonName)", cause: error)
        }
        let key = P256.Signing.PrivateKey()
        let leaf = try CertificateIssuer.leaf(
            publicKey: Certificate.PublicKey(key.publicKey), subject: subject, names: names,
            usages: [.serverAuth, .clientAuth], lifetime: lifetime, authority: certificate, authorityKey: self.key,
            now: now)
        return IssuedCertificate(
            certificatePEM: try CertificateIssuer.pem(leaf), keyPEM: key.pemRepresentation + "\n",
            notValidAfter: leaf.notValidAfter)
    }

    /// Whether this authority signed a certificate.
    ///
    /// - Parameter certificate: The certificate.
    /// - Returns: Whether issuer and signature are this authority's.
    package func hasIssued(_ certificate: Certificate) -> Bool {
        certificate.issuer == self.certificate.subject
            && self.certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
    }
}
