// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The account that holds what a group of replicas agrees on about itself.
public enum GroupAccount {
    /// The account's name: impossible for a user, because a user's name has no control characters.
    public static let name = "\u{0}group"
}

/// A change of a group's membership: an operation like any other, issued on the account ``GroupAccount``.
public enum MemberChange: Hashable, Sendable {
    /// A node becomes a member, or gets another stripe or other addresses.
    case add(name: String, stripe: UInt8, addresses: [String])
    /// A node is no member any more; its name may be added again.
    case remove(name: String)
    /// A node tells under which identity it issues operations now; a node that was wiped has another than before.
    case announce(name: String, replica: ReplicaID)

    /// The longest name of a node in bytes of UTF-8.
    public static let maximumNameBytes = 255
    /// The most addresses of a member.
    public static let maximumAddresses = 16
    /// The longest address in bytes of UTF-8.
    public static let maximumAddressBytes = 255

    /// The node.
    public var name: String {
        switch self {
        case .add(let name, _, _), .remove(let name), .announce(let name, _): name
        }
    }
}

/// What is known of a node that is, was or calls itself a member of the group.
public struct MemberRecord: Hashable, Sendable {
    /// What operations say about the node's membership.
    public enum Standing: Hashable, Sendable {
        /// Nothing: the node is a member if the configuration names it.
        case unstated
        /// It was added.
        case added
        /// It was removed.
        case removed
    }

    /// The node's name.
    public var name: String
    /// Whether it was added or removed.
    public var standing: Standing
    /// The stripe of UIDs that it gives out; nil unless it was added.
    public var stripe: UInt8?
    /// Every stripe that it was ever added with, in ascending order: UIDs of these may be known to clients for ever.
    public var usedStripes: [UInt8] = []
    /// Where it can be reached; empty unless it was added.
    public var addresses: [String]
    /// The identity that it announced last; nil if it never did.
    public var replica: ReplicaID?
    /// Every identity that it ever announced, in ascending order: each may have given out UIDs of its stripe.
    public var lives: [ReplicaID] = []

    /// Whether the node was removed.
    public var isRemoved: Bool { standing == .removed }

    /// Gathers a record.
    ///
    /// - Parameters:
    ///   - name: the node's name.
    ///   - standing: whether it was added or removed.
    ///   - stripe: its stripe of UIDs.
    ///   - addresses: where it can be reached.
    ///   - replica: the identity that it announced.
    public init(
        name: String, standing: Standing = .unstated, stripe: UInt8? = nil, addresses: [String] = [],
        replica: ReplicaID? = nil
    ) {
        self.name = name
        self.standing = standing
        self.stripe = stripe
        self.addresses = addresses
        self.replica = replica
    }
}
