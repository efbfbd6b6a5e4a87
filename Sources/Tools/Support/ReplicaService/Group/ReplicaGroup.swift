// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
package import NodeSupport
internal import PeerTransport

/// A replication group as the configuration describes it to one of its nodes.
package struct ReplicaGroup: Sendable {
    /// A member as the configuration names it.
    package struct Member: Hashable, Sendable {
        /// The node's name.
        package var name: String
        /// The UID stripe that only this member assigns from.
        package var stripe: UInt8
        /// Where it listens for this group's links.
        package var addresses: [HostPort]

        /// Names a member.
        ///
        /// - Parameters:
        ///   - name: the node's name.
        ///   - stripe: its UID stripe.
        ///   - addresses: where it listens for this group's links.
        package init(name: String, stripe: UInt8, addresses: [HostPort]) {
            self.name = name
            self.stripe = stripe
            self.addresses = addresses
        }
    }

    /// The group's name.
    package var name: String
    /// The partition, which follows from the name.
    package var partition: PartitionID
    /// This node's name.
    package var node: String
    /// The members, this node among them.
    package var members: [Member]
    /// What must be the same at every member, such as the hierarchy separator.
    package var settings: [String: String]
    /// What must be the same at every member that knows it, such as the range of users.
    package var partialSettings: [String: String]

    /// Describes a group.
    ///
    /// - Parameters:
    ///   - name: the group's name.
    ///   - partition: the partition.
    ///   - node: this node's name.
    ///   - members: the members, this node among them.
    ///   - settings: what must be the same at every member.
    ///   - partialSettings: what must be the same at every member that knows it.
    package init(
        name: String, partition: PartitionID, node: String, members: [Member], settings: [String: String] = [:],
        partialSettings: [String: String] = [:]
    ) {
        self.name = name
        self.partition = partition
        self.node = node
        self.members = members
        self.settings = settings
        self.partialSettings = partialSettings
    }

    /// The group as it is: the configuration, changed by what membership operations say.
    struct Resolved {
        /// For the machine.
        var description: GroupDescription
        /// Which replica each member said it is.
        var announced: [MemberIdentity]
        /// For the dialler: the other members.
        var peers: [PeerAddress]
        /// Addresses in operations that cannot be read.
        var unreadable: [String]
    }

    /// Applies membership operations to the configuration.
    ///
    /// An operation wins over the configuration; an added member without a readable address keeps the configured ones. This node stays in its own list
    /// whatever the operations say: the others refuse it when it was removed.
    ///
    /// - Parameter records: what operations say about nodes.
    /// - Returns: what holds now.
    func resolved(with records: [MemberRecord]) -> Resolved {
        var known: [String: Member] = [:]
        for member in members { known[member.name] = member }
        var unreadable: [String] = []
        for record in records {
            switch record.standing {
            case .unstated: break
            case .removed: if record.name != node { known[record.name] = nil }
            case .added:
                var addresses: [HostPort] = []
                for text in record.addresses {
                    // What cannot be read is reported below; the other addresses serve.
                    if let address = try? HostPort(parsing: text) {
                        addresses.append(address)
                    } else {
                        unreadable.append(text)
                    }
                }
                var member = known[record.name] ?? Member(name: record.name, stripe: 0, addresses: [])
                if let stripe = record.stripe { member.stripe = stripe }
                if !addresses.isEmpty { member.addresses = addresses }
                known[record.name] = member
            }
        }
        let all = known.values.sorted { $0.name < $1.name }
        return Resolved(
            description: GroupDescription(
                group: name, partition: partition, node: node,
                members: all.map { GroupMember(name: $0.name, stripe: $0.stripe) }, settings: settings,
                partialSettings: partialSettings,
                removed: Set(records.filter { $0.standing == .removed }.map(\.name))),
            announced: records.compactMap { record in
                record.replica.map { MemberIdentity(name: record.name, replica: $0, lives: record.lives) }
            },
            peers: all.filter { $0.name != node }.map { PeerAddress(name: $0.name, addresses: $0.addresses) },
            unreadable: unreadable)
    }
}
