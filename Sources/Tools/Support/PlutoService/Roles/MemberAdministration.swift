// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import MailStore
internal import NodeSupport
internal import PeerTransport
internal import ReplicaService

/// Answers questions about a group's members, and changes them by operations.
struct MemberAdministration: Sendable {
    let group: String
    let node: String
    /// Those that the configuration names.
    let configured: [ReplicaGroup.Member]
    /// The numbers that the configuration leaves to nobody, because members had them that are gone.
    let vacated: Set<UInt8>
    let store: MailStore
    /// What a change rests on has to hold until it is made.
    private let gate = ExclusiveGate()

    init(group: String, node: String, configured: [ReplicaGroup.Member], vacated: Set<UInt8>, store: MailStore) {
        self.group = group
        self.node = node
        self.configured = configured
        self.vacated = vacated
        self.store = store
    }

    /// Does what is asked.
    func answer(_ request: MemberRequest) async -> MemberReply {
        do {
            switch request {
            case .list: break
            case .add(let name, let addresses): try await gate.exclusively { try await add(name, addresses) }
            case .remove(let name): try await gate.exclusively { try await remove(name) }
            }
            return .members(group: group, Self.reports(configured, try await store.members(), node: node))
        } catch let error as NodeError {
            return .refused(error.message)
        } catch let error as MailStoreError {
            return .refused(error.message)
        } catch {
            return .refused("\(error)")
        }
    }

    private func add(_ name: String, _ addresses: [String]) async throws {
        guard NodeIdentity.isName(name) else {
            throw NodeError(.controlRefused, "this is not a node's name; its certificate could not hold it")
        }
        guard (1...MemberChange.maximumAddresses).contains(addresses.count) else {
            throw NodeError(
                .controlRefused, "give 1 to \(MemberChange.maximumAddresses) addresses at which \(name) takes links")
        }
        let read = try addresses.map { text in
            let address = try HostPort(parsing: text)
            guard address.port != 0, !address.isWildcard else {
                throw NodeError(
                    .controlRefused,
                    "\(address) is nowhere to connect to; give the host and port at which others find \(name)")
            }
            return "\(address)"
        }
        let records = try await store.members()
        let present = Self.reports(configured, records, node: node)
        var used = vacated.union(configured.map(\.stripe))
        for record in records { used.formUnion(record.usedStripes) }
        let stripe = try Self.stripe(for: name, among: present, used: used)
        try await store.changeMember(.add(name: name, stripe: stripe, addresses: read))
    }

    private func remove(_ name: String) async throws {
        let present = Self.reports(configured, try await store.members(), node: node)
        guard present.contains(where: { $0.name == name }) else {
            let known = present.map(\.name).joined(separator: ", ")
            throw NodeError(.controlRefused, "\(group) has no member of that name; it has \(known)")
        }
        guard name != node else {
            throw NodeError(.controlRefused, "a node cannot remove itself; ask another member to")
        }
        try await store.changeMember(.remove(name: name))
    }

    /// The stripe that a member has already, or the smallest that nobody ever had, or else that nobody has.
    ///
    /// UIDs of a member that is gone may be known to clients and to nobody else; whoever gets its stripe might give them out again. So stripes come back
    /// only when all have been used.
    static func stripe(
        for name: String, among present: [MemberReport], used: Set<UInt8>
    ) throws(NodeError) -> UInt8 {
        if let own = present.first(where: { $0.name == name }) { return own.stripe }
        let taken = Set(present.map(\.stripe))
        let all = 0..<UInt8(GroupSettings.maximumMembers)
        let fresh = all.first { !taken.contains($0) && !used.contains($0) }
        guard let free = fresh ?? all.first(where: { !taken.contains($0) }) else {
            throw NodeError(
                .controlRefused,
                "the group has \(GroupSettings.maximumMembers) members, which is the most; remove one first")
        }
        return free
    }

    /// The members: those of the configuration, changed by what operations say, in the order of their names.
    static func reports(
        _ configured: [ReplicaGroup.Member], _ records: [MemberRecord], node: String
    ) -> [MemberReport] {
        var members: [String: MemberReport] = [:]
        for member in configured {
            members[member.name] = MemberReport(
                name: member.name, stripe: member.stripe, addresses: member.addresses.map { "\($0)" }, replica: nil,
                isAsked: member.name == node)
        }
        for record in records {
            if record.isRemoved, record.name != node { members[record.name] = nil }
            if record.standing == .added {
                let old = members[record.name]
                members[record.name] = MemberReport(
                    name: record.name, stripe: record.stripe ?? old?.stripe ?? 0,
                    addresses: record.addresses.isEmpty ? old?.addresses ?? [] : record.addresses, replica: nil,
                    isAsked: record.name == node)
            }
            members[record.name]?.replica = record.replica.map { "\($0)" }
        }
        return members.values.sorted { $0.name < $1.name }
    }
}
