// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport
package import PeerTransport

/// What a distributor needs to run; section `[Distributor]` or `[Distributors.<key>]`.
package struct DistributorSettings: Sendable {
    /// The key of the section; nil for `[Distributor]`.
    package let key: String?
    /// Who the node is.
    package let identity: NodeIdentity
    /// The region it is in; empty when the file names none.
    package let region: String
    /// Where clients find it.
    package let mailPublic: HostPort
    /// Where it listens with implicit TLS.
    package let mailListen: HostPort
    /// Where it listens in plain text with STARTTLS; nil for nowhere.
    package let startTLSListen: HostPort?
    /// Whether client connections begin with a PROXY header of version 2; keys `ProxyProtocol` and `ProxySources`.
    package let expectsProxyProtocol: Bool
    /// The addresses and networks (`10.0.0.0/8`) whose PROXY headers are believed; empty when none are expected.
    package let proxySources: [String]
    /// Where it serves metrics; nil for nowhere.
    package let metrics: HostPort?
    /// The certificate that clients see.
    package let publicCertificatePath: String
    /// Its private key.
    package let publicKeyPath: String
    /// Its certificate inside the cluster.
    package let files: NodeFiles
    /// How users are known.
    package let authentication: AuthenticationSettings
    /// Who serves whom, in the order of user IDs; ranges do not overlap.
    package let routes: [UserRoute]
    /// What it allows.
    package let limits: DistributorLimits

    /// Finds who serves a user.
    ///
    /// - Parameter userID: The user's ID.
    /// - Returns: The route; nil when no range holds the ID.
    package func route(for userID: Int64) -> UserRoute? {
        routes.first { $0.users.contains(Int(userID)) }
    }
}

/// The users of one range and the nodes that may serve them.
package struct UserRoute: Hashable, Sendable {
    /// The IDs of the users.
    package let users: ClosedRange<Int>
    /// The group that replicates them.
    package let group: GroupSettings
    /// The nodes in the order in which they are tried: the worker of this region, storage, workers of other regions.
    package let candidates: [SessionNode]
}

/// A node that serves sessions.
package struct SessionNode: Hashable, Sendable {
    /// Who it is, which its certificate must prove.
    package let identity: NodeIdentity
    /// The region it is in; empty for storage and when the file names none.
    package let region: String
    /// Where distributors reach it.
    package let address: HostPort
}

/// The limits of a distributor.
package struct DistributorLimits: Hashable, Sendable {
    /// The most client connections; key `MaximumConnections`.
    package var maximumConnections = 10_000
    /// The most client connections of one address; key `MaximumConnectionsPerAddress`.
    package var maximumConnectionsPerAddress = 1_000
    /// How often each node is asked whether it is well, in milliseconds; key `HealthIntervalMilliseconds`.
    package var healthIntervalMilliseconds = 250
    /// How long connecting to a node may take before the next one is tried, in milliseconds; key
    /// `ConnectTimeoutMilliseconds`.
    package var connectTimeoutMilliseconds = 500

    /// The documented defaults.
    package init() {}
}
