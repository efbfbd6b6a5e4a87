// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport

/// A node that can serve users of a range: where it is, who it must be, and in which group it has their mail.
package struct FrontCandidate: Hashable, Sendable {
    /// The node's name, as its certificate says it.
    package let node: String
    /// Where its front links are taken.
    package let address: HostPort
    /// The group of replicas.
    package let group: String

    /// Names a node.
    ///
    /// - Parameters:
    ///   - node: the node's name.
    ///   - address: where its front links are taken.
    ///   - group: the group of replicas.
    package init(node: String, address: HostPort, group: String) {
        self.node = node
        self.address = address
        self.group = group
    }
}

/// Which nodes serve which users.
package struct UserPlacement: Sendable {
    /// The users of one range and the nodes that can serve them.
    package struct Range: Sendable {
        /// The first user's number.
        package let first: Int64
        /// The last user's number.
        package let last: Int64
        /// The nodes, the preferred one first: the worker, storage, replicas of other regions.
        package let candidates: [FrontCandidate]

        /// Describes a range.
        ///
        /// - Parameters:
        ///   - first: the first user's number.
        ///   - last: the last user's number.
        ///   - candidates: the nodes, the preferred one first.
        package init(first: Int64, last: Int64, candidates: [FrontCandidate]) {
            self.first = first
            self.last = last
            self.candidates = candidates
        }
    }

    /// The ranges; of those that overlap the first counts.
    package let ranges: [Range]

    /// Gathers ranges.
    ///
    /// - Parameter ranges: the ranges.
    package init(_ ranges: [Range]) { self.ranges = ranges }

    /// The nodes that can serve a user, the preferred one first.
    ///
    /// - Parameter user: the user's number.
    /// - Returns: the nodes; none when the user is in no range.
    package func candidates(for user: UserID) -> [FrontCandidate] {
        ranges.first { $0.first <= user.rawValue && user.rawValue <= $0.last }?.candidates ?? []
    }

    /// Every node once.
    var nodes: [FrontNode] {
        var seen: Set<FrontNode> = []
        return ranges.flatMap(\.candidates).map(\.frontNode).filter { seen.insert($0).inserted }
    }
}

/// A node to be watched, whatever groups it has.
struct FrontNode: Hashable, Sendable {
    let name: String
    let address: HostPort
}

extension FrontCandidate {
    var frontNode: FrontNode { FrontNode(name: node, address: address) }
}
