// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A member of a replication group as the configuration or a membership operation names it.
public struct GroupMember: Hashable, Sendable {
    /// The node's name, which its certificate proves.
    public var name: String
    /// The UID stripe that only this member assigns from.
    public var stripe: UInt8

    /// Names a member.
    ///
    /// - Parameters:
    ///   - name: the node's name, 1 to ``ReplicationLimits/maximumNameBytes`` bytes.
    ///   - stripe: its UID stripe.
    public init(name: String, stripe: UInt8) {
        self.name = name
        self.stripe = stripe
    }
}

/// Which replica a member was when it last said so, as the group's own account records it.
public struct MemberIdentity: Hashable, Sendable {
    /// The node's name.
    public var name: String
    /// The replica, which changes when the node comes back with a new store.
    public var replica: ReplicaID
    /// All replicas that the node ever was, as far as it said so.
    public var lives: [ReplicaID]

    /// Ties a name to a replica.
    ///
    /// - Parameters:
    ///   - name: the node's name.
    ///   - replica: the replica.
    ///   - lives: all replicas that the node ever was; default none.
    public init(name: String, replica: ReplicaID, lives: [ReplicaID] = []) {
        self.name = name
        self.replica = replica
        self.lives = lives
    }
}

/// A replication group as one of its nodes sees it: the replicas of one range of users.
///
/// Two nodes replicate only if their descriptions agree: the same group, partition and settings, equal partial settings as
/// far as both have them, and no two names on one stripe and no name on two. A name that only one side lists is allowed, because a change of membership is an
/// operation and cannot be everywhere at once; but each of the two must list the other.
public struct GroupDescription: Hashable, Sendable {
    /// The group's name, the same at every member.
    public var group: String
    /// The partition, which follows from the name.
    public var partition: PartitionID
    /// This node's name.
    public var node: String
    /// All members, this node among them.
    public var members: [GroupMember]
    /// Names that operations removed from the group: whoever announced itself and is neither here nor a member is a stranger,
    /// before whom nothing counts as stable.
    public var removed: Set<String>
    /// What must be the same at every member beside, such as the hierarchy separator.
    public var settings: [String: String]
    /// What must be the same at every member that knows it, such as the range of users, of which a node that only keeps
    /// a copy need not be told; at most ``ReplicationLimits/maximumSettings``.
    public var partialSettings: [String: String]

    /// Describes a group.
    ///
    /// - Parameters:
    ///   - group: the group's name.
    ///   - partition: the partition.
    ///   - node: this node's name.
    ///   - members: all members, this node among them.
    ///   - settings: what must be the same at every member.
    ///   - partialSettings: what must be the same at every member that knows it.
    ///   - removed: names that operations removed from the group.
    public init(
        group: String, partition: PartitionID, node: String, members: [GroupMember], settings: [String: String],
        partialSettings: [String: String] = [:], removed: Set<String> = []
    ) {
        self.group = group
        self.partition = partition
        self.node = node
        self.members = members
        self.settings = settings
        self.partialSettings = partialSettings
        self.removed = removed
    }

    /// The settings for people who have to compare them.
    var settingsText: String {
        settings.isEmpty
            ? "none" : settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    /// A hash of everything that must be equal at all members at all times: group, partition and settings.
    ///
    /// The members are compared one by one instead: they may differ while a change is under way.
    public var fingerprint: UInt64 {
        var bytes: [UInt8] = []
        WireWriter.put(group, into: &bytes)
        WireWriter.put(UInt64(partition.rawValue), into: &bytes)
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
            WireWriter.put(name, into: &bytes)
            WireWriter.put(value, into: &bytes)
        }
        return StableHash.hash(bytes)
    }

    /// The contradictions between the partial settings here and those of a peer.
    ///
    /// - Parameter theirs: the peer's partial settings.
    /// - Returns: what differs, in words; nil if nothing does.
    func conflict(withSettings theirs: [String: String]) -> String? {
        let differences = partialSettings.sorted { $0.key < $1.key }.compactMap { name, value in
            theirs[name].flatMap { $0 == value ? nil : "\(name) is \($0) there and \(value) here" }
        }
        return differences.isEmpty ? nil : differences.joined(separator: ", ")
    }

    /// Finds a member.
    ///
    /// - Parameter name: the node's name.
    /// - Returns: the member, or nil if the group has none of that name.
    public func member(named name: String) -> GroupMember? { members.first { $0.name == name } }

    /// The first contradiction between this list of members and a peer's that concerns this node or the peer.
    ///
    /// Others may contradict each other: two that were added at the same time and given one stripe are kept out by everybody, and the rest goes on, so that
    /// the operation which removes one of them can travel.
    ///
    /// - Parameters:
    ///   - others: the peer's list.
    ///   - peer: the peer's name.
    /// - Returns: what is wrong, in words; nil if the two may replicate.
    func conflict(with others: [GroupMember], of peer: String) -> String? {
        let concerned: Set = [node, peer]
        for theirs in others {
            for ours in members where (ours.name == theirs.name) != (ours.stripe == theirs.stripe) {
                guard concerned.contains(ours.name) || concerned.contains(theirs.name) else { continue }
                return "here \(ours.name) has UID stripe \(ours.stripe), there \(theirs.name) has \(theirs.stripe)"
            }
        }
        return nil
    }
}
