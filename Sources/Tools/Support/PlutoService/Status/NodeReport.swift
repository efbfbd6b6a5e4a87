// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// How far one side of a pair of nodes is behind the other.
package struct LagReport: Codable, Hashable, Sendable {
    /// In operations.
    package var operations: UInt64
    /// In bytes of log; absent while the place in the log is not known.
    package var bytes: UInt64?
    /// In seconds.
    package var seconds: Double

    /// Gathers a lag.
    ///
    /// - Parameters:
    ///   - operations: In operations.
    ///   - bytes: In bytes of log, if known.
    ///   - seconds: In seconds.
    package init(operations: UInt64, bytes: UInt64?, seconds: Double) {
        self.operations = operations
        self.bytes = bytes
        self.seconds = seconds
    }
}

/// How a member of a group stands to the node that reports.
package struct PeerReport: Codable, Hashable, Sendable {
    /// The member's name.
    package var name: String
    /// Its replica; absent if it was never heard of.
    package var replica: String?
    /// Whether it was heard lately.
    package var isReachable: Bool
    /// Whether it can write, as it last said.
    package var isWritable = true
    /// The link on which this node sends: `down`, `greeting` or `up`.
    package var outgoing: String
    /// The link on which this node receives.
    package var incoming: String
    /// The time since it was heard last; absent if it never was.
    package var silentSeconds: Double?
    /// How far it is behind this node.
    package var behind: LagReport
    /// How far it is ahead of this node.
    package var ahead: LagReport
    /// The lead of its clock over this node's, in seconds.
    package var clockLeadSeconds: Double
    /// How many links with it were refused.
    package var refusals: UInt64
    /// Why the last one was.
    package var lastRefusal: String?

    /// Whether both links are up.
    var isLinked: Bool { outgoing == "up" && incoming == "up" }
}

/// How a replication group stands, as one of its nodes sees it.
package struct GroupReport: Codable, Hashable, Sendable {
    /// The group's name.
    package var group: String
    /// The reporting node's replica.
    package var replica: String
    /// Whether the node can write.
    package var isWritable = true
    /// The other members.
    package var peers: [PeerReport]
    /// The operations that the node holds durably.
    package var operations: UInt64
    /// Those of them that every member holds.
    package var stableOperations: UInt64
    /// The message bodies that are still to come.
    package var missingBodies: Int
    /// Whether the node is taking in a snapshot of a peer.
    package var isImporting: Bool
    /// The snapshots that the node is making for peers.
    package var exports: Int
    /// Differences that were found between replicas with the same operations, since the start.
    package var divergences: UInt64
    /// Accounts that were fetched again because of that, since the start.
    package var repairs: UInt64
    /// Facts about UIDs; absent if the store does not tell.
    package var uids: UIDReport?
}

/// What happened to UIDs and to concurrent changes in a group's mailboxes, since the start of the node.
package struct UIDReport: Codable, Hashable, Sendable {
    /// Epochs that were opened, by kind; kinds of which there were none are absent.
    ///
    /// Under `all` those of this node and of others; under `takeOver`, `handOver` and `merge` those of this node, by reason.
    package var epochs: [String: UInt64]
    /// The greatest number of an epoch that was seen.
    package var greatestEpoch: UInt64
    /// Messages that got another UID because two owners had assigned some at the same time.
    package var reissues: UInt64
    /// Changes that met a concurrent one on the same thing.
    package var conflicts: UInt64

    /// Gathers the counts.
    ///
    /// - Parameters:
    ///   - epochs: Epochs by kind.
    ///   - greatestEpoch: The greatest number of an epoch.
    ///   - reissues: Messages with another UID.
    ///   - conflicts: Changes that met a concurrent one.
    package init(
        epochs: [String: UInt64] = [:], greatestEpoch: UInt64 = 0, reissues: UInt64 = 0, conflicts: UInt64 = 0
    ) {
        self.epochs = epochs
        self.greatestEpoch = greatestEpoch
        self.reissues = reissues
        self.conflicts = conflicts
    }
}

/// How a distributor sees a node that takes its sessions.
package struct BackendReport: Codable, Hashable, Sendable {
    /// The node's name.
    package var name: String
    /// Where it listens.
    package var address: String
    /// Whether it answers.
    package var isUp: Bool

    /// Describes a node.
    ///
    /// - Parameters:
    ///   - name: The node's name.
    ///   - address: Where it listens.
    ///   - isUp: Whether it answers.
    package init(name: String, address: String, isUp: Bool) {
        self.name = name
        self.address = address
        self.isUp = isUp
    }
}

/// What a node says about itself at `/status`.
package struct NodeReport: Codable, Hashable, Sendable {
    /// The node's name.
    package var node: String
    /// `distributor`, `worker` or `storage`.
    package var role: String
    /// The version of the program.
    package var version: String
    /// The time since it became ready, in seconds.
    package var uptimeSeconds: Double
    /// The IMAP sessions that are open.
    package var sessions: Int
    /// The groups of which it is a member.
    package var groups: [GroupReport]
    /// The nodes to which it hands sessions.
    package var backends: [BackendReport]

    /// Gathers a report.
    ///
    /// - Parameters:
    ///   - node: The node's name.
    ///   - role: Its role.
    ///   - version: The version of the program.
    ///   - uptimeSeconds: The time since it became ready.
    ///   - sessions: The sessions that are open.
    ///   - groups: The groups of which it is a member.
    ///   - backends: The nodes to which it hands sessions.
    package init(
        node: String, role: String, version: String, uptimeSeconds: Double, sessions: Int = 0,
        groups: [GroupReport] = [], backends: [BackendReport] = []
    ) {
        self.node = node
        self.role = role
        self.version = version
        self.uptimeSeconds = uptimeSeconds
        self.sessions = sessions
        self.groups = groups
        self.backends = backends
    }
}
