// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
internal import Crypto
package import NodeSupport

/// A replication group: the replicas of one range of users (the original's subnet), as the configuration tells it.
package struct GroupSettings: Hashable, Sendable {
    /// The most members: each has a stripe of the UIDs of its own.
    package static let maximumMembers = 16

    /// The group's name: that of the subnet, or the node's own for a worker without peers.
    package let name: String
    /// The names of all members in the order of their bytes.
    package let members: [String]

    /// The members in the order of their numbers, with empty names for numbers that nobody has; nil when they are numbered
    /// in the order of their names.
    package let numbering: [String]?

    /// The number of the group in operations: the first 32 bits of the SHA-256 of its name.
    package var partition: PartitionID { Self.partition(of: name) }

    /// The UID stripe of a member; nil for a name that is not one.
    ///
    /// - Parameter name: The member's name.
    /// - Returns: Its place in the numbering, or else its rank in ``members``; from 0.
    package func stripe(of name: String) -> UInt8? {
        guard members.contains(name) else { return nil }
        return (numbering ?? members).firstIndex(of: name).flatMap { UInt8(exactly: $0) }
    }

    /// The stripes that the numbering leaves to nobody.
    package var vacatedStripes: Set<UInt8> {
        Set((numbering ?? []).indices.filter { numbering?[$0].isEmpty ?? false }.compactMap { UInt8(exactly: $0) })
    }

    /// The number of a group in operations.
    ///
    /// - Parameter name: The group's name.
    /// - Returns: The first 32 bits of the SHA-256 of the name, big-endian.
    package static func partition(of name: String) -> PartitionID {
        let digest = SHA256.hash(data: Array(name.utf8))
        return PartitionID(digest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) })
    }

    init(name: String, members: some Sequence<String>, numbering: [String]? = nil) {
        self.name = name
        self.numbering = numbering
        self.members = Set(members).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

/// Another member of a group, and where it takes links.
package struct PeerSettings: Hashable, Sendable {
    /// The peer's name, which its certificate proves.
    package let name: String
    /// Where it takes links.
    package let address: HostPort
}

/// A node's place in one group.
package struct ReplicaSettings: Hashable, Sendable {
    /// The group.
    package let group: GroupSettings
    /// The IDs of the group's users; nil at storage whose file names none of the group's workers.
    package let users: ClosedRange<Int>?
    /// Where this node listens for links of the group; nil when it has no peers.
    package let syncListen: HostPort?
    /// Where peers reach it; nil when it has no peers.
    package let syncPublic: HostPort?
    /// The other members.
    package let peers: [PeerSettings]
    /// The directory of the group's store at this node.
    package let storeDirectory: String

    /// What must be the same at all members that know it, by the keys of the file.
    package var partialSettings: [String: String] {
        users.map { ["UserStart": "\($0.lowerBound)", "UserEnd": "\($0.upperBound)"] } ?? [:]
    }
}
