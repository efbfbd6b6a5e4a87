// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Who may be at the other end of a link between replicas.
enum PeerAdmission {
    /// The roles that hold replicas.
    static let roles: Set<NodeRole> = [.worker, .storage]

    /// Checks the identity that a certificate proves.
    ///
    /// - Parameters:
    ///   - peer: who is there.
    ///   - own: this node.
    ///   - expected: the name of the node that was dialled; `nil` when it came by itself.
    /// - Returns: why it may not be here; `nil` when it may.
    static func refusal(of peer: NodeIdentity, own: NodeIdentity, expected: String?) -> LinkFault? {
        guard roles.contains(peer.role) else {
            return LinkFault(
                .identityRefused,
                "\(peer.name) has the role \(peer.role.rawValue); only a worker or storage takes part in replication")
        }
        guard peer.name != own.name else {
            return LinkFault(
                .identityRefused,
                "the peer calls itself \(own.name) as this node does; give each node its own certificate")
        }
        if let expected, expected != peer.name {
            return LinkFault(
                .identityRefused,
                "\(peer.name) answers where \(expected) should; correct the address or the certificate")
        }
        return nil
    }
}
