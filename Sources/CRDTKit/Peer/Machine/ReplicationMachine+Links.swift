// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension ReplicationMachine {
    // MARK: Outbox

    /// Time has passed; the monotonic clock of a confused shell does not make the machine's go back.
    mutating func pass(_ time: ReplicationTime) {
        now = ReplicationTime(
            monotonicMilliseconds: max(now.monotonicMilliseconds, time.monotonicMilliseconds),
            wallMilliseconds: time.wallMilliseconds)
    }

    mutating func put(_ directive: ReplicationDirective) { outbox.append(directive) }

    mutating func report(_ event: PeerEvent) { outbox.append(.report(event)) }

    mutating func send(_ message: PeerMessage, on link: LinkID) {
        links[link]?.sentAt = now.monotonicMilliseconds
        outbox.append(.send(link, message))
    }

    // MARK: Opening and closing

    mutating func open(_ link: LinkID, peer: String, _ direction: LinkDirection) {
        guard links[link] == nil else { return }
        var opened = PeerLink(
            link, peer: peer, direction: direction, limits: limits, at: now.monotonicMilliseconds)
        opened.presenceAt = now.monotonicMilliseconds
        links[link] = opened
        guard members[peer] != nil else {
            return refuse(link, RefusalReason(.unknownMember, unknownMemberText(peer)))
        }
        if direction == .outgoing { send(.hello(greeting(for: link)), on: link) }
    }

    func unknownMemberText(_ peer: String) -> String {
        peer == group.node
            ? "this node is \(peer) itself: two nodes have one name"
            : "\(peer) is not a member of group \(group.group) here"
    }

    /// A connection broke.
    mutating func lose(_ link: LinkID) {
        guard let lost = links[link] else { return }
        forget(link)
        if lost.isUp { report(.lost(peer: lost.peer, lost.direction)) }
        evaluateSubscriptions()
    }

    /// Gives a link up and tells the peer why.
    mutating func refuse(_ link: LinkID, _ reason: RefusalReason) {
        guard let refused = links[link] else { return }
        send(.refuse(reason), on: link)
        put(.close(link, reason))
        noteRefusal(refused.peer, reason)
        report(.refused(peer: refused.peer, refused.direction, reason))
        forget(link)
        evaluateSubscriptions()
    }

    mutating func refuseGarbage(_ error: CRDTError, _ link: LinkID) {
        refuse(link, RefusalReason(error))
    }

    private mutating func noteRefusal(_ peer: String, _ reason: RefusalReason) {
        members[peer]?.refusals += 1
        members[peer]?.lastRefusal = reason
    }

    /// Takes a link out of everything that refers to it.
    private mutating func forget(_ link: LinkID) {
        guard let gone = links.removeValue(forKey: link) else { return }
        counts.sentFrames &+= gone.stream.sentFrames
        counts.logBytesRead &+= gone.stream.readBytes
        if members[gone.peer]?.outgoing == link { members[gone.peer]?.outgoing = nil }
        if members[gone.peer]?.incoming == link { members[gone.peer]?.incoming = nil }
        for origin in gone.subscriptions where sources[origin] == link { sources[origin] = nil }
        bodies.lost(link)
        snapshots.lost(link, at: now.monotonicMilliseconds)
        search.lost(link)
    }

    // MARK: Greetings

    func greeting(for link: LinkID) -> PeerGreeting {
        PeerGreeting(
            group: group.group, partition: group.partition, node: group.node, replica: store.replica,
            fingerprint: group.fingerprint, members: group.members, partialSettings: group.partialSettings,
            presence: presence(for: link))
    }

    func presence(for link: LinkID) -> PeerPresence {
        let place = links[link]?.stream.cursor
        let backlog = place.map { store.logEnd.rawValue - min($0.rawValue, store.logEnd.rawValue) } ?? 0
        var start = logStart
        if let peer = links[link]?.peer, let floor = members[peer]?.floor { start.formUnion(floor) }
        return PeerPresence(
            durable: durable.positions, logStart: start.positions, wallMilliseconds: now.wallMilliseconds,
            newestOwnTimestamp: store.newestOwnTimestamp, backlogBytes: backlog, digest: store.digest,
            isWritable: store.isWritable)
    }

    mutating func greeted(_ link: LinkID, _ greeting: PeerGreeting) {
        guard let opened = links[link] else { return }
        if let reason = objection(to: greeting, from: opened.peer) { return refuse(link, reason) }
        if hasLostOwn(StreamVector(greeting.presence.durable)) {
            return refuse(link, RefusalReason(.staleLife, "\(group.node) lost own operations and begins a new life"))
        }
        recognise(opened.peer, greeting)
        if opened.direction == .incoming { send(.welcome(self.greeting(for: link)), on: link) }
        establish(link, opened, greeting)
    }

    /// What speaks against a peer.
    private func objection(to greeting: PeerGreeting, from peer: String) -> RefusalReason? {
        if greeting.group != group.group || greeting.partition != group.partition {
            return RefusalReason(
                .wrongGroup, "\(peer) is of group \(greeting.group), this node is of group \(group.group)")
        }
        if greeting.node != peer {
            return RefusalReason(.wrongIdentity, "the certificate is that of \(peer), the greeting of \(greeting.node)")
        }
        guard members[peer] != nil else { return RefusalReason(.unknownMember, unknownMemberText(peer)) }
        guard greeting.members.contains(where: { $0.name == group.node }) else {
            return RefusalReason(.unknownMember, "\(peer) does not list \(group.node) as a member of \(group.group)")
        }
        if greeting.fingerprint != group.fingerprint {
            return RefusalReason(
                .otherConfiguration,
                "the settings of group \(group.group) at \(peer) differ from those here, which are \(group.settingsText)"
            )
        }
        if let conflict = group.conflict(withSettings: greeting.partialSettings) {
            return RefusalReason(
                .otherConfiguration,
                "the settings of group \(group.group) at \(peer) differ from those here: \(conflict)")
        }
        if let conflict = group.conflict(with: greeting.members, of: peer) {
            return RefusalReason(.otherConfiguration, "the members of group \(group.group) do not fit: \(conflict)")
        }
        if greeting.replica == store.replica {
            return RefusalReason(.clone, "\(peer) has this node's replica \(store.replica): its store is a copy")
        }
        for other in members.values where other.name != peer && other.replica == greeting.replica && other.isReachable {
            return RefusalReason(.clone, "\(peer) and \(other.name) both are replica \(greeting.replica)")
        }
        let wall = greeting.presence.wallMilliseconds
        if wall > now.wallMilliseconds && wall - now.wallMilliseconds > limits.maximumLeadMilliseconds {
            return RefusalReason(
                .clockTooFarAhead, "\(peer) is at \(wall) ms, here it is \(now.wallMilliseconds): check the clocks")
        }
        return nil
    }

    /// Whether others hold own operations that this node does not: then it needs a new life.
    mutating func hasLostOwn(_ vector: StreamVector) -> Bool {
        guard vector[store.replica] > delivered[store.replica] else { return false }
        if staleLife != store.replica {
            staleLife = store.replica
            put(.takeNewIncarnation(seen: StreamPosition(origin: store.replica, counter: vector[store.replica])))
        }
        return true
    }

    private mutating func establish(_ link: LinkID, _ opened: PeerLink, _ greeting: PeerGreeting) {
        let peer = opened.peer
        let old = opened.direction == .outgoing ? members[peer]?.outgoing : members[peer]?.incoming
        if let old, old != link {
            refuse(old, RefusalReason(.superseded, "\(peer) opened a newer link"))
        }
        links[link]?.isUp = true
        if opened.direction == .outgoing { members[peer]?.outgoing = link } else { members[peer]?.incoming = link }
        links[link]?.acknowledged = opened.direction == .incoming ? durable : StreamVector()
        report(.established(peer: peer, opened.direction, greeting.replica))
        compareMembers(peer, greeting.members)
        hear(peer)
        _ = members[peer]?.take(greeting.presence, at: now)
        checkWritability(peer)
        if opened.direction == .outgoing, members[peer]?.floor.isEmpty == false { links[link]?.isPresenceDue = true }
        announceSelf()
        evaluateSubscriptions()
        resumeTransfers(peer)
        pumpBodies()
        updateUnreachable()
    }

    /// Takes note of which replica a member is, and whether it may read the log from the beginning.
    ///
    /// Stability counts what a member acknowledged before its disk was lost, or ignores one that has just joined. So members may have dropped what they kept
    /// for operations concurrent with a DELETE, while a replica without history that reads the log from the beginning would issue just such operations, on
    /// mailboxes of which it has not read yet that they are gone. A snapshot brings it all at once: what all members held at any time before, this node
    /// holds now. In a group that has just been founded nobody has dropped anything, and the log serves.
    private mutating func recognise(_ peer: String, _ greeting: PeerGreeting) {
        let former = members[peer]?.replica
        if let former, former != greeting.replica {
            members[peer]?.replace(by: greeting.replica)
            report(.replaced(peer: peer, old: former, new: greeting.replica))
        }
        members[peer]?.replica = greeting.replica
        // What the member said on another link may be newer than its greeting on this one.
        var held = StreamVector(greeting.presence.durable)
        held.formUnion(members[peer]?.durable ?? StreamVector())
        let isBeginner = held.counters.keys.allSatisfy { $0 == greeting.replica }
        guard isBeginner, members[peer]?.floor.isEmpty == true else { return }
        let isReplaced = former != nil && former != greeting.replica
        if isReplaced || !held.covers(onceStable) || knowsFormerReplicas { members[peer]?.floor = durable }
    }

    /// Whether operations are here of a replica that no member can be now.
    private var knowsFormerReplicas: Bool {
        var current: Set<ReplicaID> = [store.replica]
        // In a new group operations of a member may come by another before the member itself is heard of.
        var unknown = 0
        for member in members.values {
            if let replica = member.replica { current.insert(replica) } else { unknown += 1 }
        }
        return durable.counters.keys.count { !current.contains($0) } > unknown
    }

    private mutating func compareMembers(_ peer: String, _ theirs: [GroupMember]) {
        let ours = Set(group.members.map(\.name))
        let names = Set(theirs.map(\.name))
        members[peer]?.listed = names
        findStrangers()
        guard ours != names else { return }
        report(
            .membersDiffer(
                peer: peer, onlyHere: ours.subtracting(names).sorted(), onlyThere: names.subtracting(ours).sorted()))
    }

    /// Lets the store tell the group who this node is; again after a while, should the store not have been able to.
    private mutating func announceSelf() {
        guard announced[group.node] != store.replica else { return }
        if let asked = announcedOwn, asked.replica == store.replica,
            now.monotonicMilliseconds - asked.at < limits.announcementMilliseconds
        {
            return
        }
        announcedOwn = (store.replica, now.monotonicMilliseconds)
        put(.announce(MemberIdentity(name: group.node, replica: store.replica)))
    }

    /// A sign of life of a member.
    mutating func hear(_ peer: String) {
        members[peer]?.heardAt = now.monotonicMilliseconds
        guard members[peer]?.isReachable == false else { return }
        members[peer]?.isReachable = true
        report(.reachable(peer: peer))
    }

    // MARK: Members

    /// Repeats an announcement that the group's account does not show.
    mutating func repeatAnnouncement() {
        if announcedOwn != nil { announceSelf() }
    }

    mutating func setMembers(_ identities: [MemberIdentity]) {
        let former = announced
        announced = [:]
        for identity in identities { announced[identity.name] = identity.replica }
        formerLives = Set(identities.first { $0.name == group.node }?.lives ?? [])
        let others = group.members.filter { $0.name != group.node }
        for member in others {
            let name = member.name
            if members[name] == nil { members[name] = PeerMember(member) }
            members[name]?.stripe = member.stripe
            guard let replica = announced[name], replica != members[name]?.replica else { continue }
            if members[name]?.replica == nil {
                members[name]?.replica = replica
            } else if replica != former[name], members[name]?.outgoing == nil, members[name]?.incoming == nil {
                // It came back with a new store and said so through others: what the former one held is gone.
                members[name]?.replace(by: replica)
            }
        }
        let names = Set(others.map(\.name))
        for name in members.keys where !names.contains(name) { members[name] = nil }
        findStrangers()
    }

    /// Looks for nodes that announced themselves, or that a peer lists, and that are neither members here nor removed.
    ///
    /// They have, or may get, operations from others, and issue operations of their own that are concurrent with what all members hold: while there is
    /// one, nothing is stable. That ends when an operation adds or removes it.
    private mutating func findStrangers() {
        var found = Set(announced.keys)
        for member in members.values { found.formUnion(member.listed) }
        found.subtract(group.members.map(\.name))
        found.subtract(group.removed)
        found.remove(group.node)
        guard found != strangers else { return }
        strangers = found
        report(.strangers(found.sorted()))
    }

    mutating func change(_ description: GroupDescription, _ identities: [MemberIdentity]) {
        group = description
        setMembers(identities)
        let isMember = group.members.contains { $0.name == group.node }
        for link in links.values.sorted(by: { $0.id.rawValue < $1.id.rawValue })
        where members[link.peer] == nil || !isMember {
            refuse(
                link.id,
                RefusalReason(.removed, "\(isMember ? link.peer : group.node) was removed from \(group.group)"))
        }
        evaluateSubscriptions()
        updateUnreachable()
    }

    // MARK: Messages

    mutating func dispatch(_ message: PeerMessage, _ link: LinkID) {
        // Field by field: a copy of the link would share its buffers, and each change would copy them.
        guard let peer = links[link]?.peer, let direction = links[link]?.direction, let isUp = links[link]?.isUp else {
            return
        }
        links[link]?.heardAt = now.monotonicMilliseconds
        if case .refuse(let reason) = message {
            noteRefusal(peer, reason)
            report(.refusedByPeer(peer: peer, direction, reason))
            put(.close(link, reason))
            forget(link)
            return evaluateSubscriptions()
        }
        guard isUp else { return greet(message, link, direction) }
        hear(peer)
        switch direction {
        case .outgoing: handleFromReceiver(message, peer, link)
        case .incoming: handleFromSender(message, peer, link)
        }
    }

    /// The first message of each side is its greeting, and only the first.
    private mutating func greet(_ message: PeerMessage, _ link: LinkID, _ direction: LinkDirection) {
        switch (message, direction) {
        case (.hello(let greeting), .incoming), (.welcome(let greeting), .outgoing): greeted(link, greeting)
        default: violation(link, "a message came before the greeting")
        }
    }

    mutating func violation(_ link: LinkID, _ text: String) {
        refuse(link, RefusalReason(.protocolViolation, text))
    }

    /// What the receiver of this node's operations sends.
    private mutating func handleFromReceiver(_ message: PeerMessage, _ peer: String, _ link: LinkID) {
        switch message {
        case .subscribe(let positions): subscribed(link, positions)
        case .acknowledge(let consumed, let positions): acknowledged(link, peer, consumed, StreamVector(positions))
        case .want(let digest, let offset, let length): wanted(link, digest, offset, length)
        case .snapshotRequest(let transfer, let scope, let next, let credit):
            snapshotRequested(link, peer, transfer, scope, next, credit)
        case .snapshotCredit(let transfer, let next, let credit): snapshotCredited(link, transfer, next, credit)
        case .snapshotAbort(let transfer, let text): exportAborted(link, transfer, text)
        case .digestRequest(let after):
            put(.readDigests(link, after: after, limit: ReplicationLimits.maximumDigests))
        case .hello, .welcome, .refuse, .frames, .framePiece, .body, .presence, .bodyChunk, .bodyAbsent,
            .snapshotPart, .digests:
            violation(link, "the receiver of a link sent what only its sender sends")
        }
    }

    /// What the sender of operations sends.
    private mutating func handleFromSender(_ message: PeerMessage, _ peer: String, _ link: LinkID) {
        switch message {
        case .frames, .framePiece, .body: received(message, link)
        case .presence(let presence): presenceCame(link, peer, presence)
        case .bodyChunk(let digest, let size, let offset, let bytes): chunkCame(link, peer, digest, size, offset, bytes)
        case .bodyAbsent(let digest): absenceCame(peer, link, digest)
        case .snapshotPart(let transfer, let part): snapshotPartCame(link, transfer, part)
        case .snapshotAbort(let transfer, let text): importAborted(transfer, text)
        case .digests(let page): digestsCame(link, page)
        case .hello, .welcome, .refuse, .subscribe, .acknowledge, .want, .snapshotRequest, .snapshotCredit,
            .digestRequest:
            violation(link, "the sender of a link sent what only its receiver sends")
        }
    }
}

extension RefusalReason {
    /// The reason that an error of the kit gives for closing a link.
    init(_ error: CRDTError) {
        let codes: [CRDTError.Code: Code] = [
            .malformed: .malformed, .unsupportedVersion: .wrongVersion, .limitExceeded: .protocolViolation,
            .undefinedReference: .undefinedReference, .fork: .fork, .clockTooFarAhead: .clockTooFarAhead,
        ]
        self.init(codes[error.code] ?? .storeFailure, error.message)
    }
}
