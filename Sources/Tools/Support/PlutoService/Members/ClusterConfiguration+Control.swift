// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
package import NodeSupport
internal import PeerTransport

extension ClusterConfiguration {
    /// Finds the control socket of a group at a node on this machine.
    ///
    /// - Parameters:
    ///   - node: The node's name; when `nil`, the one node whose socket is there.
    ///   - group: The group's name; when `nil`, the node must be in one group only.
    /// - Returns: The socket's path.
    /// - Throws: ``NodeError`` with `nodeUnknown`, when the names do not say which it is.
    package func controlSocket(node: String?, group: String?) throws(NodeError) -> String {
        let all =
            workers.map { (node: $0.identity.name, replica: $0.replica) }
            + (storage.map { storage in storage.replicas.map { (node: storage.identity.name, replica: $0) } } ?? [])
        var found = all.map { entry in
            (
                node: entry.node, group: entry.replica.group.name,
                path: GroupOfNode.controlPath(in: entry.replica.storeDirectory)
            )
        }
        if let node { found = found.filter { $0.node == node } }
        if let group { found = found.filter { $0.group == group } }
        if found.count > 1 { found = found.filter { access($0.path, F_OK) == 0 } }
        if found.count == 1 { return found[0].path }
        let names = all.map { "\($0.node) (group \($0.replica.group.name))" }.joined(separator: ", ")
        throw NodeError(
            .nodeUnknown,
            found.isEmpty
                ? "no such node runs on this machine; \(file) has \(names)"
                : "several nodes run on this machine; say which with --node and --group: \(names)")
    }
}

extension MemberReport {
    /// The members for people.
    ///
    /// - Parameters:
    ///   - group: The group's name.
    ///   - members: Its members.
    /// - Returns: Lines that end in a line feed.
    package static func table(group: String, _ members: [MemberReport]) -> String {
        "group \(group)\n"
            + TextTable.aligned(
                [["MEMBER", "STRIPE", "REPLICA", "ADDRESSES"]]
                    + members.map { member in
                        [
                            member.isAsked ? "\(member.name) (asked)" : member.name, "\(member.stripe)",
                            member.replica ?? "never seen",
                            member.addresses.isEmpty ? "-" : member.addresses.joined(separator: ", "),
                        ]
                    }) + numbering(group: group, members)
    }

    /// What the configuration files have to say when the members are not numbered in the order of their names.
    private static func numbering(group: String, _ members: [MemberReport]) -> String {
        let ranked = members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        guard ranked.enumerated().contains(where: { $0.offset != Int($0.element.stripe) }) else { return "" }
        let places = (members.map { Int($0.stripe) }.max() ?? 0) + 1
        let names = (0..<places).map { place in
            "\"\(members.first { Int($0.stripe) == place }?.name ?? "")\""
        }
        return "\nWhen the files list these members, they must have these numbers too:\n\n"
            + "[Replication.Members]\n\(group) = [\(names.joined(separator: ", "))]\n"
    }
}
