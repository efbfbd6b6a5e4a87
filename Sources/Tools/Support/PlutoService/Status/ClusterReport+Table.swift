// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension ClusterReport {
    /// The report for people: a line for each node, one for each pair of group and peer, then what is not well.
    ///
    /// - Returns: Lines that end in a line feed.
    package func table() -> String {
        var nodes = [["NODE", "ROLE", "STATE", "UP", "SESSIONS", "METRICS"]]
        var groups = [
            [
                "NODE", "GROUP", "OPERATIONS", "STABLE", "BODIES MISSING", "EPOCHS", "CONFLICTS", "UIDS REISSUED",
                "DIVERGENCES",
            ]
        ]
        var peers = [
            ["NODE", "GROUP", "PEER", "OUT", "IN", "PEER BEHIND (ops, bytes, s)", "PEER AHEAD (ops, bytes, s)"]
        ]
        for entry in entries {
            guard case .success(let report) = entry.answer else {
                nodes.append([entry.node, "-", "UNREACHABLE", "-", "-", "\(entry.address)"])
                continue
            }
            nodes.append([
                report.node, report.role, "ready", Self.duration(report.uptimeSeconds), "\(report.sessions)",
                "\(entry.address)",
            ])
            for group in report.groups {
                groups.append(Self.row(group, of: report.node))
                peers += group.peers.map { peer in
                    [
                        report.node, group.group, peer.name, Self.link(peer.outgoing, peer),
                        Self.link(peer.incoming, peer),
                        Self.lag(peer.behind), Self.lag(peer.ahead),
                    ]
                }
            }
            peers += report.backends.map { backend in
                [report.node, "-", backend.name, backend.isUp ? "up" : "DOWN", "-", "-", "-"]
            }
        }
        var text = TextTable.aligned(nodes)
        if groups.count > 1 { text += "\n" + TextTable.aligned(groups) }
        if peers.count > 1 { text += "\n" + TextTable.aligned(peers) }
        let worries = worries
        text += worries.isEmpty ? "\nall is well\n" : "\nnot well:\n" + worries.map { "  \($0)\n" }.joined()
        return text
    }

    private static func row(_ group: GroupReport, of node: String) -> [String] {
        let epochs = group.uids.map { uids in
            uids.epochs.isEmpty
                ? "0" : uids.epochs.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        }
        return [
            node, group.group, "\(group.operations)", "\(group.stableOperations)", "\(group.missingBodies)",
            epochs ?? "-", group.uids.map { "\($0.conflicts)" } ?? "-", group.uids.map { "\($0.reissues)" } ?? "-",
            "\(group.divergences)",
        ]
    }

    private static func link(_ state: String, _ peer: PeerReport) -> String {
        state == "up" && peer.isReachable ? "up" : state.uppercased()
    }

    private static func lag(_ lag: LagReport) -> String {
        let tenths = Int((min(max(lag.seconds, 0), 1e9) * 10).rounded())
        return "\(lag.operations), \(lag.bytes.map { "\($0)" } ?? "?"), \(tenths / 10).\(tenths % 10)"
    }

    private static func duration(_ seconds: Double) -> String {
        let whole = Int(min(max(seconds, 0), 1e12))
        return whole < 3_600
            ? "\(whole / 60)m\(whole % 60)s" : "\(whole / 86_400)d\(whole / 3_600 % 24)h\(whole / 60 % 60)m"
    }
}
