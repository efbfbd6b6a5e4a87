// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import NIOCore
internal import PeerTransport

/// The loop of one replica: feeds its machine with what happens, and carries out what the machine asks for.
///
/// One task owns it. Nothing here waits: the store works in child tasks, sockets on their event loops, and both leave word in the inbox. So a slow disk or peer
/// delays nobody else.
final class ReplicaLoop {
    /// A link that the machine knows.
    struct Link {
        var link: any PeerLink
        /// Reads for a peer that does not take what is sent: done when it does.
        var held: [ReplicationDirective] = []
    }

    /// The most reads that wait for a peer that does not take what is sent.
    static let maximumHeldReads = 256
    /// How often the store does what time makes due, in milliseconds.
    static let maintenanceMilliseconds: UInt64 = 500
    /// The bodies that are named at once when a session waits for one.
    static let urgentBodies = 64

    let store: any ReplicatedStore
    let endpoint: any PeerEndpoint
    let inbox: ReplicaInbox
    let reporter: ReplicaReporter
    let clock: ReplicaClock
    private let group: @Sendable () -> ReplicaGroup
    private let eventLoop: any EventLoop
    let threads: StoreThreads
    var machine: ReplicationMachine
    var links: [LinkID: Link] = [:]
    /// The last outgoing link to each peer, for advice on dialling it again.
    var outgoing: [String: any PeerLink] = [:]
    var lanes: [ReplicaLane: [ReplicaJob]] = [:]
    private var nextLink: UInt64 = 1
    /// Whether the members could not be read: then they are asked for again with the next maintenance.
    private var lacksMembers = false
    private var nextMaintenance: UInt64
    private var alarm: (time: UInt64, task: Scheduled<Void>)?

    init(
        group: @escaping @Sendable () -> ReplicaGroup, store: any ReplicatedStore, endpoint: any PeerEndpoint,
        inbox: ReplicaInbox, reporter: ReplicaReporter, eventLoop: any EventLoop, threads: StoreThreads,
        clock: ReplicaClock, limits: ReplicationLimits, members: [MemberRecord]
    ) {
        self.group = group
        self.store = store
        self.endpoint = endpoint
        self.inbox = inbox
        self.reporter = reporter
        self.eventLoop = eventLoop
        self.threads = threads
        self.clock = clock
        let now = clock.now()
        let resolved = group().resolved(with: members)
        machine = ReplicationMachine(
            group: resolved.description, announced: resolved.announced, store: store.status(), limits: limits,
            now: now)
        nextMaintenance = now.monotonicMilliseconds + Self.maintenanceMilliseconds
        endpoint.setPeers(resolved.peers)
    }

    /// Runs until it is told to stop; then the store's work that has begun is waited for.
    func run() async {
        await withDiscardingTaskGroup { tasks in
            drain(&tasks)
            while true {
                setAlarm()
                let batch = await inbox.next()
                if batch.isStopping { break }
                take(batch, &tasks)
                publish()
            }
            alarm?.task.cancel()
        }
    }

    /// Shows how the replica stands, not more often than somebody could want to know.
    private func publish() {
        let now = clock.now()
        guard reporter.isDue(now) else { return }
        var status = machine.status
        // The machine has only those in mind that it asks for next.
        status.missingBodies = store.missingBodyCount
        reporter.publish(status, links: links.values.map(\.link), now)
    }

    private func take(_ batch: ReplicaInbox.Batch, _ tasks: inout DiscardingTaskGroup) {
        if batch.membersChanged { askForMembers(&tasks) }
        // First: a peer may acknowledge what the machine has not been told is durable, and would seem to know operations that were lost here.
        if batch.storeAdvanced {
            machine.storeAdvanced(store.status(), now: clock.now())
            drain(&tasks)
        }
        for input in batch.inputs { take(input, &tasks) }
        if batch.bodiesWanted { listBodies(limit: Self.urgentBodies, &tasks) }
        let now = clock.now()
        if now.monotonicMilliseconds >= machine.nextDeadline {
            machine.tick(now: now)
            drain(&tasks)
        }
        if now.monotonicMilliseconds >= nextMaintenance {
            nextMaintenance = now.monotonicMilliseconds + Self.maintenanceMilliseconds
            maintain(&tasks)
            if lacksMembers { askForMembers(&tasks) }
        }
    }

    // MARK: Inputs

    private func take(_ input: ReplicaInput, _ tasks: inout DiscardingTaskGroup) {
        let now = clock.now()
        switch input {
        case .endpoint(let event): take(event, now)
        case .link(let id, let event):
            take(event, on: id, now, &tasks)
            return
        case .located(let link, let position): machine.located(link, position, now: now)
        case .logRead(let link, let read): machine.logRead(link, read, now: now)
        case .delivered(let link, let outcome): machine.delivered(link, outcome, now: now)
        case .bodyRead(let link, let digest, let offset, let read):
            machine.bodyRead(link, digest, offset: offset, read, now: now)
        case .bodyStored(let link, let digest, let outcome): machine.bodyStored(link, digest, outcome, now: now)
        case .bodiesMissing(let bodies): machine.bodiesMissing(bodies, now: now)
        case .snapshotReady(let transfer): machine.snapshotReady(transfer, now: now)
        case .snapshotPart(let transfer, let part): machine.snapshotPartRead(transfer, part, now: now)
        case .snapshotFailed(let transfer, let reason): machine.snapshotFailed(transfer, reason: reason, now: now)
        case .snapshotPartImported(let transfer, let index, let outcome):
            machine.snapshotPartImported(transfer, index: index, outcome, now: now)
        case .digests(let link, let page): machine.digestsRead(link, page, now: now)
        case .members(let records):
            lacksMembers = false
            takeMembers(records, now)
        case .membersUnknown(let reason):
            lacksMembers = true
            reporter.storeTrouble(reason)
        case .storeFailed(let link, let reason): abandon(link, reason, now)
        case .storeTrouble(let reason): reporter.storeTrouble(reason)
        case .storeWaits(let reason): reporter.storeWaits(reason)
        case .laneFree(let lane): laneFree(lane, &tasks)
        }
        drain(&tasks)
    }

    private func take(_ event: PeerEndpointEvent, _ now: ReplicationTime) {
        switch event {
        case .opened(let link):
            let id = LinkID(nextLink)
            nextLink += 1
            links[id] = Link(link: link)
            reporter.opened(link)
            if link.direction == .outgoing { outgoing[link.peer.name] = link }
            machine.linkOpened(id, peer: link.peer.name, direction: link.direction, now: now)
            link.start { [inbox] event in inbox.post(.link(id, event)) }
            // Whoever reaches this node can be reached.
            if link.direction == .incoming { endpoint.nudge(link.peer.name) }
        case .dialFailed(let name, let fault): reporter.dialFailed(name, fault)
        case .refused(let address, let fault): reporter.rejected(address, fault)
        }
    }

    private func take(
        _ event: PeerLinkEvent, on id: LinkID, _ now: ReplicationTime, _ tasks: inout DiscardingTaskGroup
    ) {
        switch event {
        case .messages(let messages, let bytes):
            for message in messages {
                guard links[id] != nil else { break }
                machine.handle(message, on: id, now: now)
                drain(&tasks)
            }
            links[id]?.link.consumed(bytes: bytes)
        case .garbage(let error):
            guard links[id] != nil else { return }
            machine.handleGarbage(error, on: id, now: now)
            drain(&tasks)
        case .writable:
            guard let held = links[id]?.held, !held.isEmpty else { return }
            links[id]?.held = []
            for directive in held { carryOut(directive, &tasks) }
        case .closed(let fault):
            guard let link = links.removeValue(forKey: id) else { return }
            reporter.closed(link.link, fault)
            machine.linkClosed(id, now: now)
            drain(&tasks)
        }
    }

    private func takeMembers(_ records: [MemberRecord], _ now: ReplicationTime) {
        let resolved = group().resolved(with: records)
        for text in resolved.unreadable { reporter.unreadableAddress(text) }
        endpoint.setPeers(resolved.peers)
        machine.groupChanged(resolved.description, announced: resolved.announced, now: now)
    }

    /// Gives a link up because the store cannot serve it.
    private func abandon(_ id: LinkID, _ reason: String, _ now: ReplicationTime) {
        reporter.storeTrouble(reason)
        guard let link = links.removeValue(forKey: id) else { return }
        let fault = LinkFault(.closed, "the store cannot serve the link: \(reason)")
        link.link.send(.refuse(RefusalReason(.storeFailure, "the store cannot serve the link")))
        link.link.close(fault)
        reporter.closed(link.link, fault)
        machine.linkClosed(id, now: now)
    }

    // MARK: Outputs

    /// Carries out all that the machine asks for.
    func drain(_ tasks: inout DiscardingTaskGroup) {
        while let directive = machine.nextDirective() { carryOut(directive, &tasks) }
    }

    private func setAlarm() {
        let due = min(machine.nextDeadline, nextMaintenance)
        if let alarm, alarm.time <= due, alarm.time > clock.now().monotonicMilliseconds { return }
        alarm?.task.cancel()
        let time = NIODeadline.uptimeNanoseconds(due.multipliedReportingOverflow(by: 1_000_000).partialValue)
        alarm = (due, eventLoop.scheduleTask(deadline: time) { [inbox] in inbox.ring() })
    }
}
