// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport
package import PeerTransport

/// The files by which a node proves who it is inside the cluster.
package struct NodeFiles: Hashable, Sendable {
    /// The node's certificate.
    package let certificatePath: String
    /// Its private key.
    package let keyPath: String
    /// The cluster's authorities.
    package let rootPath: String
}

/// What a worker needs to run; section `[Workers.<key>]`.
package struct WorkerSettings: Sendable {
    /// The key of the section.
    package let key: String
    /// Who the node is.
    package let identity: NodeIdentity
    /// The region it is in; empty when the file names none.
    package let region: String
    /// Where it listens for distributors.
    package let mailListen: HostPort
    /// Where distributors reach it.
    package let mailPublic: HostPort
    /// Where it serves metrics; nil for nowhere.
    package let metrics: HostPort?
    /// Its certificate.
    package let files: NodeFiles
    /// The IDs of its users.
    package let users: ClosedRange<Int>
    /// Its place in its group.
    package let replica: ReplicaSettings
    /// The octets of headers that it remembers, nil for the default; key `HeaderCacheBytes`.
    package let headerCacheBytes: Int?
}

/// What the storage node needs to run; section `[Storage]`.
package struct StorageSettings: Sendable {
    /// Who the node is.
    package let identity: NodeIdentity
    /// Where it listens for distributors.
    package let mailListen: HostPort
    /// Where distributors reach it.
    package let mailPublic: HostPort
    /// Where it serves metrics; nil for nowhere.
    package let metrics: HostPort?
    /// Its certificate.
    package let files: NodeFiles
    /// Its place in each group, in the order of the groups' names.
    package let replicas: [ReplicaSettings]
    /// The octets of headers that it remembers, nil for the default; key `HeaderCacheBytes`.
    package let headerCacheBytes: Int?
}
