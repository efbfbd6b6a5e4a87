// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport
internal import PeerTransport

/// What a configuration file says, key by key.
///
/// Each value is right in itself, but nothing is compared with anything else yet. What was missing or wrong is nil and
/// was reported.
struct DraftCluster {
    var rootCertificate: Located<String>?
    var rootKey: Located<String>?
    var imap = IMAPSettings()
    var replication = ReplicationSettings()
    /// The subnets' members in the order of their numbers, where the file says it.
    var numbering: [String: Located<[String]>] = [:]
    var log = LogSettings()
    var distributors: [DraftDistributor] = []
    var workers: [DraftReplica] = []
    var storage: DraftReplica?

    /// All workers, then storage.
    var replicas: [DraftReplica] { workers + (storage.map { [$0] } ?? []) }
}

/// A `[Distributor]` or `[Distributors.<key>]`.
struct DraftDistributor {
    let section: ConfigSection
    let key: String?
    let name: Located<String>?
    let region: Located<String>?
    let mailPublic: Located<HostPort>?
    let mailListen: Located<HostPort>?
    let startTLSListen: Located<HostPort>?
    let metrics: Located<HostPort>?
    let expectsProxyProtocol: Bool
    let proxySources: [String]
    let publicCertificate: Located<String>?
    let publicKey: Located<String>?
    let certificate: Located<String>?
    let privateKey: Located<String>?
    let authentication: AuthenticationSettings?
    let failoverRegions: Located<[String]>?
    let limits: DistributorLimits
}

/// A `[Workers.<key>]` or `[Storage]`.
struct DraftReplica {
    let section: ConfigSection
    let role: NodeRole
    let key: String?
    let name: Located<String>?
    let region: Located<String>?
    let mailPublic: Located<HostPort>?
    let mailListen: Located<HostPort>?
    let metrics: Located<HostPort>?
    let certificate: Located<String>?
    let privateKey: Located<String>?
    let dataRoot: Located<String>?
    let headerCacheBytes: Int?
    let users: Located<ClosedRange<Int>>?
    let subnets: [DraftSubnet]
}

/// A subnet as one of its nodes sees it.
struct DraftSubnet {
    let name: String
    /// Where the peers are listed, or for storage where the subnet's addresses are when it lists none.
    let line: Int
    let syncPublic: Located<HostPort>?
    let syncListen: Located<HostPort>?
    /// The peers; an address is nil when it was wrong.
    let peers: [DraftPeer]
}

/// A peer that a node lists.
struct DraftPeer {
    let name: String
    let line: Int
    let address: HostPort?
}
