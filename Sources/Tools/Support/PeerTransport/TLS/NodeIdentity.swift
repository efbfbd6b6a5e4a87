// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NIOSSL
internal import NodeSupport
internal import SwiftASN1
package import X509

/// Who a node is: its role and its name, as its certificate says.
///
/// A certificate carries them in one URI among its alternative names (RFC 5280 section 4.2.1.6):
///
///     node-uri  = "urn:kuiper:pluto:" role ":" name
///     role      = "distributor" / "worker" / "storage"
///     name      = ( ALPHA / DIGIT ) *63( ALPHA / DIGIT / "-" / "_" / "." )
///
/// Nothing else in a certificate is believed: not the subject, not the host names.
package struct NodeIdentity: Hashable, Sendable, CustomStringConvertible {
    /// What every URI of ours begins with.
    package static let uriPrefix = "urn:kuiper:pluto:"
    /// The most bytes of a name: what a CN may hold (RFC 5280 appendix A.1, ub-common-name).
    package static let maximumNameBytes = 64

    /// What the node does.
    package let role: NodeRole
    /// The node's name, as in the configuration.
    package let name: String

    /// Joins a role and a name; `nil` when the name is not one that a certificate may carry (see ``isName(_:)``).
    ///
    /// - Parameters:
    ///   - role: What the node does.
    ///   - name: The node's name.
    package init?(role: NodeRole, name: String) {
        guard Self.isName(name) else { return nil }
        self.role = role
        self.name = name
    }

    /// Reads a URI; `nil` when it is not a node's.
    ///
    /// - Parameter uri: The text.
    package init?(uri: String) {
        guard uri.hasPrefix(Self.uriPrefix) else { return nil }
        let rest = uri.dropFirst(Self.uriPrefix.count)
        guard let colon = rest.firstIndex(of: ":"), let role = NodeRole(rawValue: String(rest[..<colon])) else {
            return nil
        }
        self.init(role: role, name: String(rest[rest.index(after: colon)...]))
    }

    /// Reads a certificate; `nil` unless exactly one URI of ours is among the alternative names, and is well formed.
    ///
    /// - Parameter certificate: One whose signature and dates were checked already.
    package init?(certificate: Certificate) {
        // A malformed extension names nobody.
        guard let names = try? certificate.extensions.subjectAlternativeNames else { return nil }
        var uris: [String] = []
        for name in names {
            guard case .uniformResourceIdentifier(let uri) = name, uri.hasPrefix(Self.uriPrefix) else { continue }
            uris.append(uri)
        }
        guard uris.count == 1 else { return nil }
        self.init(uri: uris[0])
    }

    /// Reads a certificate's bytes; `nil` when they are no certificate, or as for ``init(certificate:)``.
    ///
    /// - Parameter certificateDER: One certificate, checked already.
    package init?(certificateDER: [UInt8]) {
        // What cannot be read names nobody.
        guard let certificate = try? Certificate(derEncoded: certificateDER) else { return nil }
        self.init(certificate: certificate)
    }

    /// Reads the certificate that a TLS peer showed; `nil` as for ``init(certificate:)``.
    ///
    /// - Parameter peer: The peer's leaf, which the handshake has checked.
    package init?(peer: NIOSSLCertificate) {
        // What cannot be written out names nobody.
        guard let bytes = try? peer.toDERBytes() else { return nil }
        self.init(certificateDER: bytes)
    }

    /// The URI for a certificate.
    package var uri: String { "\(Self.uriPrefix)\(role.rawValue):\(name)" }

    /// `ROLE NAME`, for logs.
    package var description: String { "\(role.rawValue) \(name)" }

    /// Whether a text may be a node's name: a letter or digit, then up to 63 letters, digits, hyphens, underscores and
    /// dots, all ASCII.
    ///
    /// - Parameter text: The text.
    /// - Returns: Whether it may.
    package static func isName(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (1...maximumNameBytes).contains(bytes.count), let first = bytes.first, isAlphanumeric(first) else {
            return false
        }
        return bytes.allSatisfy { isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
