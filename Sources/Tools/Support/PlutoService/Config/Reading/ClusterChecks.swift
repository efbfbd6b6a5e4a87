// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import NodeSupport
internal import PeerTransport

/// Compares what the sections of a configuration say with each other, and reports contradictions.
struct ClusterChecks {
    let draft: DraftCluster
    let report: ConfigReport

    func run() {
        checkNames()
        checkSubnetCounts()
        checkUserRanges()
        checkPeers()
        checkGroups()
        checkNumbering()
        checkRegions()
        checkFiles()
        checkAddresses()
    }

    // MARK: Names

    private func checkNames() {
        var seen: [String: Located<String>] = [:]
        for (name, title) in nodeNames() {
            if let earlier = seen[name.value] {
                report.error(
                    name.line,
                    "\(title) has the Name \"\(name.value)\", which \(earlier.value) on line "
                        + "\(earlier.line) has too; every node needs a name of its own")
            } else {
                seen[name.value] = Located(title, line: name.line)
            }
        }
        for worker in draft.workers {
            guard let key = worker.key, let other = draft.workers.first(where: { $0.name?.value == key }),
                other.key != key
            else { continue }
            report.warning(
                worker.section.line,
                "\(worker.section.title): \"\(key)\" is also the Name of \(other.section.title), "
                    + "which \"pluto worker \(key)\" starts")
        }
    }

    private func nodeNames() -> [(name: Located<String>, title: String)] {
        let distributors = draft.distributors.map { ($0.name, $0.section.title) }
        let replicas = draft.replicas.map { ($0.name, $0.section.title) }
        return (distributors + replicas).compactMap { name, title in name.map { ($0, title) } }
            .sorted { $0.0.line < $1.0.line }
    }

    // MARK: Users

    private func checkSubnetCounts() {
        for worker in draft.workers where worker.subnets.count > 1 {
            let names = worker.subnets.map(\.name).joined(separator: ", ")
            report.error(
                worker.subnets[1].line,
                "\(worker.section.title) is in more than one subnet (\(names)); a worker has "
                    + "one range of users and so one subnet")
        }
    }

    /// Workers of one group have one range; those of different groups have no user in common.
    private func checkUserRanges() {
        for (index, worker) in draft.workers.enumerated() {
            guard let users = worker.users, let group = worker.groupName else { continue }
            for other in draft.workers[..<index] {
                guard let others = other.users, let otherGroup = other.groupName else { continue }
                if group == otherGroup {
                    guard users.value != others.value else { continue }
                    report.error(
                        users.line,
                        "\(worker.section.title) has the users \(Self.shown(users.value)), but "
                            + "\(other.section.title) of the same subnet \(group) has \(Self.shown(others.value)) on "
                            + "line \(others.line); all workers of a subnet have the same users")
                } else if users.value.overlaps(others.value) {
                    report.error(
                        users.line,
                        "\(worker.section.title) has the users \(Self.shown(users.value)), which overlap "
                            + "with \(Self.shown(others.value)) of \(other.section.title) on line \(others.line); a "
                            + "user has one subnet")
                }
            }
        }
    }

    private static func shown(_ users: ClosedRange<Int>) -> String { "\(users.lowerBound) to \(users.upperBound)" }

    // MARK: Peers

    private func checkPeers() {
        for replica in draft.replicas {
            guard let name = replica.name?.value else { continue }
            for subnet in replica.subnets {
                for peer in subnet.peers { check(peer, of: replica, named: name, in: subnet) }
            }
            if replica.role == .worker, replica.subnets.isEmpty {
                report.warning(
                    replica.section.line, "\(replica.section.title) has no Peers: its mail is on one machine only")
            }
        }
    }

    private func check(_ peer: DraftPeer, of replica: DraftReplica, named name: String, in subnet: DraftSubnet) {
        let title = "\(replica.section.title.dropLast()).Peers.\(subnet.name)]"
        if peer.name == name {
            report.error(peer.line, "\(title) names \"\(name)\", which is the node itself; name only the others")
            return
        }
        if let distributor = draft.distributors.first(where: { $0.name?.value == peer.name }) {
            report.error(
                peer.line,
                "\(title) names \"\(peer.name)\", which is the distributor \(distributor.section.title) and "
                    + "keeps no mail")
            return
        }
        guard let other = draft.replicas.first(where: { $0.name?.value == peer.name }) else {
            // A worker of another region may be in that region's file only. A key in place of a name is a mistake.
            if let keyed = draft.workers.first(where: { $0.key == peer.name }), let meant = keyed.name?.value {
                report.error(
                    peer.line,
                    "\(title) names \"\(peer.name)\", which is the key of a section; peers go by the Name, "
                        + "which is \"\(meant)\"")
            }
            return
        }
        guard let theirs = other.subnets.first(where: { $0.name == subnet.name }) else {
            let remedy =
                other.role == .storage
                ? "add [Storage.SyncAddrs.\(subnet.name)] and [Storage.Peers.\(subnet.name)]"
                : "add \(other.section.title.dropLast()).Peers.\(subnet.name)]"
            report.error(
                peer.line,
                "\(title) names \"\(peer.name)\", but \(other.section.title) is not in the subnet "
                    + "\(subnet.name); \(remedy)")
            return
        }
        if let address = peer.address, let shown = theirs.syncPublic, shown.value != address {
            report.warning(
                peer.line,
                "\(title) \(peer.name) is \(address), but \(other.section.title) says on line \(shown.line) "
                    + "that others reach it at \(shown.value)")
        }
    }

    /// Where numbers are given, every member must have one.
    private func checkNumbering() {
        for (subnet, names) in draft.numbering.sorted(by: { $0.value.line < $1.value.line }) {
            let members = draft.replicas.flatMap { replica in
                replica.subnets.filter { $0.name == subnet }.flatMap { found in
                    found.peers.map(\.name) + [replica.name?.value].compactMap { $0 }
                }
            }
            if members.isEmpty {
                report.error(names.line, "[Replication.Members] numbers the subnet \(subnet), which no node is in")
            }
            for missing in Set(members).subtracting(names.value).sorted() {
                report.error(
                    names.line,
                    "[Replication.Members] \(subnet) does not have \"\(missing)\", which is a member; put it at the end, "
                        + "or in the place that pluto member list shows")
            }
        }
    }

    /// All nodes of a subnet must list the same members, or they refuse each other.
    private func checkGroups() {
        var views: [String: (members: Set<String>, title: String)] = [:]
        var partitions: [PartitionID: String] = [:]
        for replica in draft.replicas {
            guard let name = replica.name?.value else { continue }
            for subnet in replica.subnets where !subnet.peers.isEmpty {
                let members = Set(subnet.peers.map(\.name) + [name])
                if let first = views[subnet.name] {
                    for missing in first.members.subtracting(members).sorted() {
                        report.error(
                            subnet.line,
                            "\(replica.section.title) does not list \"\(missing)\" in the subnet "
                                + "\(subnet.name), but \(first.title) does; every member lists all others")
                    }
                    for extra in members.subtracting(first.members).sorted() {
                        report.error(
                            subnet.line,
                            "\(replica.section.title) has \"\(extra)\" in the subnet \(subnet.name), but "
                                + "\(first.title) does not list it; every member lists all others")
                    }
                } else {
                    views[subnet.name] = (members, replica.section.title)
                }
                if members.count > GroupSettings.maximumMembers {
                    report.error(
                        subnet.line,
                        "the subnet \(subnet.name) has \(members.count) members and may have "
                            + "\(GroupSettings.maximumMembers)")
                }
                let partition = GroupSettings.partition(of: subnet.name)
                if let other = partitions[partition], other != subnet.name {
                    report.error(
                        subnet.line,
                        "the subnets \(other) and \(subnet.name) have the same number \(partition) inside "
                            + "operations; give one of them another name")
                }
                partitions[partition] = subnet.name
            }
        }
    }

    // MARK: Distributors

    private func checkRegions() {
        let regions = Set(draft.workers.map(\.regionName))
        for distributor in draft.distributors {
            let own = distributor.region?.value ?? ""
            if draft.workers.isEmpty {
                report.error(
                    distributor.section.line,
                    "\(distributor.section.title) has nobody to pass clients on to; add "
                        + "[Workers.<key>]")
            } else if !regions.contains(own) {
                let place = own.isEmpty ? "without a Region" : "in the region \(own)"
                report.warning(
                    distributor.region?.line ?? distributor.section.line,
                    "\(distributor.section.title) has no worker \(place); its clients go to storage and other regions")
            }
            guard let failover = distributor.failoverRegions else { continue }
            for name in failover.value where !regions.contains(name) {
                let meant = NearMiss.suggestion(for: name, among: regions).map { "; did you mean \"\($0)\"?" } ?? ""
                report.error(
                    failover.line,
                    "\(distributor.section.title) FailoverRegions names \"\(name)\", which no worker "
                        + "is in\(meant)")
            }
            if failover.value.contains(own) {
                report.error(
                    failover.line, "\(distributor.section.title) FailoverRegions names its own region; name only others"
                )
            }
        }
    }

    // MARK: Files and addresses

    /// A certificate, and a key, belong to one node.
    private func checkFiles() {
        var seen: [String: (line: Int, use: String)] = [:]
        func check(_ path: Located<String>?, _ use: String) {
            guard let path else { return }
            if let earlier = seen[path.value] {
                report.error(
                    path.line,
                    "\(use) is \(path.value), which is \(earlier.use) on line \(earlier.line) too; every "
                        + "node has a certificate and a key of its own")
            } else {
                seen[path.value] = (path.line, use)
            }
        }
        check(draft.rootCertificate, "RootCertLoc")
        for distributor in draft.distributors {
            check(distributor.certificate, "\(distributor.section.title) InternalCertLoc")
            check(distributor.privateKey, "\(distributor.section.title) InternalKeyLoc")
        }
        for replica in draft.replicas {
            check(replica.certificate, "\(replica.section.title) CertLoc")
            check(replica.privateKey, "\(replica.section.title) KeyLoc")
        }
    }

    private struct Use {
        let address: Located<HostPort>
        let title: String
        let key: String
    }

    private func checkAddresses() {
        // Where a node listens: one port, one purpose. Other nodes may be on other machines.
        for distributor in draft.distributors {
            checkListening([
                use(distributor.mailListen, distributor.section, "ListenMailAddr"),
                use(distributor.startTLSListen, distributor.section, "StartTLSAddr"),
                use(distributor.metrics, distributor.section, "PrometheusAddr"),
            ])
        }
        for replica in draft.replicas {
            let syncs = replica.subnets.map {
                use(
                    $0.syncListen, replica.section, replica.role == .storage ? "SyncAddrs.\($0.name)" : "ListenSyncAddr"
                )
            }
            checkListening(
                [
                    use(replica.mailListen, replica.section, "ListenMailAddr"),
                    use(replica.metrics, replica.section, "PrometheusAddr"),
                ] + (replica.role == .worker ? Array(syncs.prefix(1)) : syncs))
        }
        // Where others reach a node: an address leads to one node and purpose.
        var shown = draft.distributors.map { use($0.mailPublic, $0.section, "PublicMailAddr") }
        for replica in draft.replicas {
            shown.append(use(replica.mailPublic, replica.section, "PublicMailAddr"))
            let syncs = replica.subnets.map {
                use(
                    $0.syncPublic, replica.section, replica.role == .storage ? "SyncAddrs.\($0.name)" : "PublicSyncAddr"
                )
            }
            shown += replica.role == .worker ? Array(syncs.prefix(1)) : syncs
        }
        reportClashes(shown.compactMap { $0 }) { $0 == $1 }
    }

    private func use(_ address: Located<HostPort>?, _ section: ConfigSection, _ key: String) -> Use? {
        address.map { Use(address: $0, title: section.title, key: key) }
    }

    private func checkListening(_ uses: [Use?]) {
        reportClashes(uses.compactMap { $0 }) { first, second in
            first.port == second.port && (first.host == second.host || first.isWildcard || second.isWildcard)
        }
    }

    private func reportClashes(_ uses: [Use], clash: (HostPort, HostPort) -> Bool) {
        for (index, use) in uses.enumerated() {
            guard let earlier = uses[..<index].first(where: { clash($0.address.value, use.address.value) }) else {
                continue
            }
            // The later line is the one to look at.
            let (first, second) = earlier.address.line <= use.address.line ? (earlier, use) : (use, earlier)
            report.error(
                second.address.line,
                "\(second.title) \(second.key) is \(second.address.value), which \(first.title) "
                    + "\(first.key) on line \(first.address.line) has already")
        }
    }
}

extension DraftReplica {
    /// The region; empty when the file names none.
    var regionName: String { region?.value ?? "" }

    /// The group of a worker: its subnet, or a group of its own when it has no peers.
    var groupName: String? { subnets.first?.name ?? name?.value }
}
