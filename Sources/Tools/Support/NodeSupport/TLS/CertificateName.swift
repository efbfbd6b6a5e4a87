// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import FoundationEssentials
internal import SwiftASN1
internal import X509

/// A host name or address that a server certificate vouches for.
enum CertificateName: Hashable {
    /// A DNS name in small letters.
    case name(String)
    /// 4 or 16 bytes of an address.
    case address([UInt8])

    /// What every certificate of the store names.
    static let loopback: [CertificateName] = [
        .name("localhost"), .address([127, 0, 0, 1]), .address([UInt8](repeating: 0, count: 15) + [1]),
    ]

    /// Reads a host.
    ///
    /// - Parameter text: A DNS name, an IPv4 or an IPv6 address.
    /// - Returns: The name, or `nil` for the addresses that mean "all interfaces", which no client connects to.
    /// - Throws: ``NodeError`` with `hostInvalid`.
    static func parse(_ text: String) throws(NodeError) -> CertificateName? {
        if let bytes = IPAddress.version4Bytes(text) ?? IPAddress.version6Bytes(text) {
            return bytes.allSatisfy { $0 == 0 } ? nil : .address(bytes)
        }
        guard IPAddress.isName(text) else {
            let shown = text.unicodeScalars.prefix(100).map { $0.escaped(asASCII: false) }.joined()
            throw NodeError(
                .hostInvalid,
                "\"\(shown)\" cannot stand in a certificate; give a host name (international ones as xn--...) "
                    + "or an IP address"
            )
        }
        return .name(text.lowercased())
    }

    /// The form a certificate holds (RFC 5280 section 4.2.1.6).
    var generalName: GeneralName {
        switch self {
        case .name(let name): .dnsName(name)
        case .address(let bytes): .ipAddress(ASN1OctetString(contentBytes: bytes[...]))
        }
    }

    /// The names in a certificate; kinds that we never issue are left out.
    static func names(in certificate: Certificate) -> Set<CertificateName> {
        // A malformed extension names nobody, so the certificate is issued again.
        guard let alternatives = try? certificate.extensions.subjectAlternativeNames else { return [] }
        var names: Set<CertificateName> = []
        for alternative in alternatives {
            switch alternative {
            case .dnsName(let name): names.insert(.name(name.lowercased()))
            case .ipAddress(let octets): names.insert(.address(Array(octets.bytes)))
            default: continue
            }
        }
        return names
    }
}
