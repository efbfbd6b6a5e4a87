// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Crypto
internal import FoundationEssentials
internal import SwiftASN1
internal import X509

/// Makes certificates (RFC 5280): authorities and what they sign.
enum CertificateIssuer {
    /// How long an authority is valid: 10 years.
    static let authorityLifetime: TimeInterval = 3_650 * 86_400
    /// How long a server certificate is valid: 397 days, the most that clients accept from public authorities.
    static let serverLifetime: TimeInterval = 397 * 86_400
    /// How long before now a certificate begins, for clients whose clock is behind.
    static let backdating: TimeInterval = 3_600
    /// The organisation in the names of everything the demo issues; tells its certificates from those of others.
    static let organization = "Kuiper demo"

    /// Makes a self-signed authority.
    ///
    /// Its name ends in a fingerprint of its key: clients tell authorities apart by name, and two of the same name
    /// break each other.
    static func authority(
        key: Certificate.PrivateKey, organization: String = organization, label: String = "Kuiper demo CA",
        lifetime: TimeInterval = authorityLifetime, now: Date
    ) throws(NodeError) -> Certificate {
        do {
            let fingerprint = SubjectKeyIdentifier(hash: key.publicKey).keyIdentifier.prefix(4)
            let digits = fingerprint.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            let subject = try DistinguishedName {
                OrganizationName(organization)
                CommonName("\(label) \(digits)")
            }
            return try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
                notValidBefore: now.addingTimeInterval(-backdating),
                notValidAfter: now.addingTimeInterval(lifetime), issuer: subject, subject: subject,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    SubjectKeyIdentifier(hash: key.publicKey)
                },
                issuerPrivateKey: key)
        } catch {
            throw NodeError(
                .authorityUnusable, "cannot make a certificate authority; check the system's clock", cause: error)
        }
    }

    /// Makes the demo's server certificate, which never outlives its authority.
    static func server(
        key: Certificate.PrivateKey, names: [CertificateName], authority: Certificate,
        authorityKey: Certificate.PrivateKey, now: Date
    ) throws(NodeError) -> Certificate {
        let subject: DistinguishedName
        do {
            subject = try DistinguishedName {
                OrganizationName(organization)
                CommonName("Kuiper demo server")
            }
        } catch {
            throw NodeError(.authorityUnusable, "cannot name a server certificate", cause: error)
        }
        return try leaf(
            publicKey: key.publicKey, subject: subject, names: names.map(\.generalName), usages: [.serverAuth],
            lifetime: serverLifetime, authority: authority, authorityKey: authorityKey, now: now)
    }

    /// Makes a certificate that signs nothing itself and never outlives its authority.
    static func leaf(
        publicKey: Certificate.PublicKey, subject: DistinguishedName, names: [GeneralName],
        usages: [ExtendedKeyUsage.Usage], lifetime: TimeInterval, authority: Certificate,
        authorityKey: Certificate.PrivateKey, now: Date
    ) throws(NodeError) -> Certificate {
        do {
            let authorityIdentifier =
                try authority.extensions.subjectKeyIdentifier?.keyIdentifier
                ?? SubjectKeyIdentifier(hash: authority.publicKey).keyIdentifier
            return try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
                notValidBefore: max(now.addingTimeInterval(-backdating), authority.notValidBefore),
                notValidAfter: min(now.addingTimeInterval(lifetime), authority.notValidAfter),
                issuer: authority.subject, subject: subject,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true))
                    try ExtendedKeyUsage(usages)
                    SubjectAlternativeNames(names)
                    SubjectKeyIdentifier(hash: publicKey)
                    AuthorityKeyIdentifier(keyIdentifier: authorityIdentifier)
                },
                issuerPrivateKey: authorityKey)
        } catch {
            throw NodeError(
                .authorityUnusable, "cannot issue a certificate; check the system's clock", cause: error)
        }
    }

    /// Makes a server certificate that is signed with its own key; it can sign nothing else.
    static func selfSigned(
        key: Certificate.PrivateKey, commonName: String, names: [CertificateName], lifetime: TimeInterval, now: Date
    ) throws(NodeError) -> Certificate {
        do {
            let subject = try DistinguishedName {
                OrganizationName("Kuiper")
                OrganizationalUnitName("self-signed")
                CommonName(String(commonName.prefix(64)))
            }
            return try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
                notValidBefore: now.addingTimeInterval(-backdating),
                notValidAfter: now.addingTimeInterval(lifetime), issuer: subject, subject: subject,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true))
                    try ExtendedKeyUsage([.serverAuth])
                    SubjectAlternativeNames(names.map(\.generalName))
                    SubjectKeyIdentifier(hash: key.publicKey)
                },
                issuerPrivateKey: key)
        } catch {
            throw NodeError(
                .authorityUnusable, "cannot make a self-signed certificate; check the system's clock", cause: error)
        }
    }

    /// Whether a certificate was issued by an authority of the demo, judged by the issuer's organisation.
    static func isOurs(_ certificate: Certificate) -> Bool {
        certificate.issuer.contains { relative in
            relative.contains { attribute in
                attribute.type == .RDNAttributeType.organizationName
                    && String(describing: attribute.value) == organization
            }
        }
    }

    /// A certificate as PEM with a line feed at its end.
    static func pem(_ certificate: Certificate) throws(NodeError) -> String {
        do {
            let text = try certificate.serializeAsPEM().pemString
            return text.hasSuffix("\n") ? text : text + "\n"
        } catch {
            throw NodeError(.tlsUnusable, "cannot write a certificate that was just made as PEM", cause: error)
        }
    }
}
