// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import FoundationEssentials
package import NIOSSL

/// What a listener needs to prove who it is: a TLS context with certificate and key.
package struct ServerIdentity: Sendable {
    /// What the certificate store did at start.
    package enum Change: Hashable, Sendable, CustomStringConvertible {
        /// It made a certificate authority.
        case createdAuthority
        /// It issued a server certificate, for this reason.
        case issuedServerCertificate(IssueReason)

        /// One line for a log.
        package var description: String {
            switch self {
            case .createdAuthority: "made a certificate authority"
            case .issuedServerCertificate(let reason): "issued a server certificate: \(reason.rawValue)"
            }
        }
    }

    /// Why a server certificate was issued.
    package enum IssueReason: String, Hashable, Sendable {
        /// There was none, or its key was absent.
        case missing = "there was none"
        /// It ends within 30 days, or has ended.
        case expiring = "the old one is about to expire"
        /// It begins in the future.
        case notYetValid = "the old one is not valid yet"
        /// It does not name all hosts.
        case hostsChanged = "the old one does not name all hosts"
        /// The key is that of another certificate.
        case keyMismatch = "the key does not belong to the old one"
        /// It was signed by another authority of ours.
        case authorityChanged = "the old one is from another authority"
    }

    /// The context for `NIOSSLServerHandler`: TLS 1.2 and 1.3.
    package let context: NIOSSLContext
    /// The file with the server certificate.
    package let certificatePath: String
    /// The file with the authority that clients must trust; `nil` when the operator brought the certificate.
    package let authorityPath: String?
    /// When the server certificate ends; warn before.
    package let notValidAfter: Date
    /// What the store did; empty when it used what was there.
    package let changes: [Change]
}
