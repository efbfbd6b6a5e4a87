// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension ReplicationMachine {
    /// How the group stands, at the time of the last input.
    ///
    /// - Complexity: O(members x replicas + links).
    public var status: GroupStatus {
        var result = GroupStatus(group: group.group, node: group.node, replica: store.replica)
        for member in members.values.sorted(by: { $0.name < $1.name }) { result.peers.append(status(of: member)) }
        result.isWritable = store.isWritable
        result.durable = durable.positions
        result.stable = stable.positions
        result.receivedOperations = counts.receivedOperations
        result.receivedFrames = counts.receivedFrames
        result.sentFrames = links.values.reduce(counts.sentFrames) { $0 &+ $1.stream.sentFrames }
        result.logBytesRead = links.values.reduce(counts.logBytesRead) { $0 &+ $1.stream.readBytes }
        result.missingBodies = bodies.count
        result.importing = snapshots.incoming?.id
        result.importedParts = snapshots.incoming?.taken ?? 0
        result.exports = snapshots.exports.count
        result.divergences = counts.divergences
        result.repairs = counts.repairs
        return result
    }

    private func status(of member: PeerMember) -> PeerStatus {
        var status = PeerStatus(name: member.name, stripe: member.stripe)
        status.replica = member.replica
        status.isReachable = member.isReachable
        status.isWritable = member.unwritableSince == nil
        status.durable = member.durable.positions
        status.outgoing = state(member.name, .outgoing, established: member.outgoing)
        status.incoming = state(member.name, .incoming, established: member.incoming)
        status.silentMilliseconds = member.heardAt.map { now.monotonicMilliseconds - $0 }
        status.sendLagOperations = durable.count(beyond: member.durable)
        status.sendLagMilliseconds = ownHistory.age(
            after: member.durable[store.replica], at: now.monotonicMilliseconds)
        if let link = member.outgoing, let stream = links[link]?.stream, let place = stream.cursor {
            let unread = store.logEnd.rawValue - min(place.rawValue, store.logEnd.rawValue)
            status.sendLagBytes = unread + UInt64(stream.queuedBytes + stream.outstanding)
            status.windowBytesInUse = stream.outstanding
        }
        status.receiveLagOperations = member.durable.count(beyond: durable)
        status.receiveLagBytes = member.backlogBytes
        if let replica = member.replica, member.durable[replica] > durable[replica] {
            let seen = newest[replica] ?? HybridTimestamp(rawValue: 0)
            let theirs = member.newestOwnTimestamp.milliseconds
            status.receiveLagMilliseconds =
                seen.rawValue == 0
                ? now.wallMilliseconds - min(theirs, now.wallMilliseconds) : theirs - min(seen.milliseconds, theirs)
        }
        status.clockLeadMilliseconds = member.clockLeadMilliseconds
        if let link = member.incoming { status.subscriptions = (links[link]?.subscriptions ?? []).sorted() }
        status.refusals = member.refusals
        status.lastRefusal = member.lastRefusal
        return status
    }

    private func state(_ peer: String, _ direction: LinkDirection, established: LinkID?) -> PeerLinkState {
        if established != nil { return .up }
        return links.values.contains { $0.peer == peer && $0.direction == direction } ? .greeting : .down
    }

    /// Checks what must always hold.
    ///
    /// - Throws: `malformed`, with the rule that is broken.
    /// - Complexity: O(state).
    public func checkInvariants() throws(CRDTError) {
        for (name, member) in members {
            for (link, direction) in [(member.outgoing, LinkDirection.outgoing), (member.incoming, .incoming)] {
                guard let link else { continue }
                guard let state = links[link], state.isUp, state.peer == name, state.direction == direction else {
                    throw CRDTError(.malformed, "\(name) names link \(link), which is not its own")
                }
            }
        }
        for link in links.values {
            try link.stream.checkInvariants()
            try link.inbox.checkInvariants()
            guard link.wants.count <= limits.servedWantsPerLink else {
                throw CRDTError(.malformed, "\(link.wants.count) wants wait on a link")
            }
            for origin in link.subscriptions where sources[origin] != link.id {
                throw CRDTError(.malformed, "\(origin) is subscribed on link \(link.id) and not received there")
            }
        }
        for (origin, link) in sources {
            guard let state = links[link], state.isUp, state.direction == .incoming,
                state.subscriptions.contains(origin), origin != store.replica
            else { throw CRDTError(.malformed, "\(origin) is received on link \(link), which does not bring it") }
        }
        guard delivered.covers(durable) else { throw CRDTError(.malformed, "more is durable than delivered") }
        guard durable.covers(stable) else { throw CRDTError(.malformed, "more is stable than durable") }
        try bodies.checkInvariants()
        try snapshots.checkInvariants()
    }
}
