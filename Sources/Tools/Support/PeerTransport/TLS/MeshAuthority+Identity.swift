// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import FoundationEssentials
package import NodeSupport

extension MeshAuthority {
    /// Issues the certificate of a node.
    ///
    /// - Parameters:
    ///   - identity: Whose it is.
    ///   - hosts: Names and addresses at which the node is reached.
    ///   - lifetime: How long it is valid, in seconds; cut to the authority's end.
    ///   - now: The time.
    /// - Returns: Certificate and key; nothing is written.
    /// - Throws: ``NodeError`` with `hostInvalid`, `authorityUnusable` or `tlsUnusable`.
    package func issue(
        for identity: NodeIdentity, hosts: [String], lifetime: TimeInterval = MeshAuthority.defaultLeafLifetime,
        now: Date = Date()
    ) throws(NodeError) -> IssuedCertificate {
        try issue(
            commonName: identity.name, unit: identity.role.rawValue, uri: identity.uri, hosts: hosts,
            lifetime: lifetime, now: now)
    }
}
