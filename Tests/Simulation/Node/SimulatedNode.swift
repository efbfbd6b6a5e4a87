// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// The machine behind a reference, so that closures can reach it.
final class MachineBox {
    var machine: ReplicationMachine
    init(_ machine: consuming ReplicationMachine) { self.machine = machine }
}

/// A node: disk, store and replication machine, and the shell that a real one has around them.
final class SimulatedNode: NetworkEnd {
    let world: World
    let network: SimulatedNetwork
    let oracle: Oracle
    let name: String
    let stripe: UInt8
    let skewMilliseconds: Int64
    /// The members that the node's configuration names.
    private(set) var configured: [GroupMember]
    private(set) var disk: SimulatedDisk
    private(set) var store: SimulatedStore?
    private(set) var box: MachineBox?
    /// Raised by each crash.
    private(set) var life: UInt64 = 0
    /// Whether the node has left the group for good.
    private(set) var isRetired = false
    /// Whether clients are sent elsewhere, because the node is about to leave.
    var isRetiring = false
    /// How often the disk was lost.
    private(set) var wipes: UInt64 = 0
    /// The sessions at this node end when this changes.
    private(set) var sessions: UInt64 = 0
    /// What the machine reported, by kind.
    private(set) var reports: [String: Int] = [:]
    private var outgoing: [String: LinkID] = [:]
    private var links: [LinkID: (peer: String, direction: LinkDirection)] = [:]
    private var dialling: Set<String> = []
    private var pauses: [String: UInt64] = [:]
    private var isPumping = false
    private var pumps = 0
    private var isSignalled = false
    private var tickAt: UInt64 = .max

    static let partition = PartitionID(7)
    static let epochMilliseconds: UInt64 = 1_700_000_000_000

    init(
        world: World, network: SimulatedNetwork, oracle: Oracle, name: String, stripe: UInt8, skew: Int64,
        configured: [GroupMember]
    ) {
        (self.world, self.network, self.oracle) = (world, network, oracle)
        (self.name, self.stripe, skewMilliseconds, self.configured) = (name, stripe, skew, configured)
        disk = SimulatedDisk(world: world)
        network.attach(name, self)
    }

    var isUp: Bool { store != nil }

    /// Whether its disk has all that a snapshot which it took in contains, as far as can be seen.
    var isComplete: Bool { store?.isReady ?? (disk.engine?.required.isEmpty ?? true) }

    /// Whether sessions can be opened here.
    var serves: Bool { !isRetiring && store?.isReady ?? false }

    var wallMilliseconds: UInt64 {
        UInt64(Int64(SimulatedNode.epochMilliseconds + world.milliseconds) + skewMilliseconds)
    }

    /// The clock that UIDVALIDITY comes from. A disk is not replaced within a second: by the time a new one serves, the clock is beyond every UIDVALIDITY that the
    /// former gave, which runs ahead of the clock by 16 for each mailbox that is made.
    var validitySource: UIDValiditySource {
        UIDValiditySource(
            nowSeconds: UInt32(truncatingIfNeeded: wallMilliseconds / 1_000 + 4_096 * wipes), stripe: stripe)
    }

    var time: ReplicationTime {
        ReplicationTime(
            monotonicMilliseconds: world.milliseconds + 1_000, wallMilliseconds: wallMilliseconds)
    }

    // MARK: Life

    /// Starts the node from its disk, or as a new one if the disk is empty.
    func start() {
        guard store == nil, !isRetired else { return }
        if disk.engine == nil {
            do throws(CRDTError) {
                try SimulatedStore.format(disk, partition: SimulatedNode.partition, id: world.replicaID())
            } catch { world.violate("\(name): \(error)") }
        }
        let index = world.mutant == .sharesTheStripe ? 0 : Int(stripe)
        guard
            let store = SimulatedStore.open(
                world: world, oracle: oracle, disk: disk, node: name, stripe: UIDStripe(index: index) ?? .sole,
                wall: { [self] in wallMilliseconds })
        else { return }
        self.store = store
        let life = life
        store.signal = { [self] in if life == self.life { signalled() } }
        store.requestCrash = { [self] in if life == self.life { crash(thenRestart: true) } }
        store.membersChanged = { [self] in world.after(0) { [self] in if life == self.life { regroup() } } }
        store.dropSessions = { [self] in sessions += 1 }
        var limits = ReplicationLimits()
        limits.windowBytes = 16 << 10
        limits.readBytes = 4 << 10
        limits.batchBytes = 2 << 10
        limits.snapshotStallMilliseconds = 10_000
        limits.snapshotLagOperations = 400
        box = MachineBox(
            ReplicationMachine(
                group: group, announced: identities, store: store.status, limits: limits, now: time))
        world.note("\(name) starts as \(store.replica.id) at \(store.durable)")
        pump()
        beat(life)
    }

    /// The power fails.
    func crash(thenRestart: Bool) {
        guard let store else { return }
        world.note("\(name) crashes")
        store.stop()
        life += 1
        sessions += 1
        (self.store, box) = (nil, nil)
        (outgoing, links, dialling, pauses) = ([:], [:], [], [:])
        (isSignalled, tickAt) = (false, .max)
        network.nodeStopped(name)
        if thenRestart { world.after(world.number(1_000...1_500_000)) { [self] in start() } }
    }

    /// The disk is lost with everything on it.
    ///
    /// - Parameters:
    ///   - members: who is a member now: whoever sets the node up again writes a new configuration.
    ///   - held: how much of a replica's operations others hold.
    /// - Returns: whether operations are lost with it.
    @discardableResult
    func wipe(members: [GroupMember], heldByOthers held: (ReplicaID) -> UInt64) -> Bool {
        world.note("\(name) is wiped")
        let (id, had) = (replicaID, StreamVector(store?.durable ?? []))
        crash(thenRestart: false)
        disk = SimulatedDisk(world: world)
        wipes += 1
        configured = members
        return oracle.isGone(name, id, stripe: stripe, had: had, held: held)
    }

    /// The node leaves the group for good.
    func retire(heldByOthers held: (ReplicaID) -> UInt64) {
        let (id, had) = (replicaID, StreamVector(store?.durable ?? []))
        crash(thenRestart: false)
        isRetired = true
        if oracle.isGone(name, id, stripe: stripe, had: had, held: held) {
            world.note("operations are lost with \(name)")
        }
    }

    /// The replica that the disk belongs to.
    var replicaID: ReplicaID? {
        if let store { return store.replica.id }
        guard let image = disk.engine else { return nil }
        do throws(CRDTError) { return try Replica(checkpoint: image.replica).id } catch { return nil }
    }

    /// The disk fills up, or has room again.
    func setFull(_ isFull: Bool) {
        guard disk.isFull != isFull else { return }
        world.note("\(name)'s disk \(isFull ? "is full" : "has room again")")
        disk.isFull = isFull
        store?.signal()
    }

    // MARK: Group

    private var identities: [MemberIdentity] {
        (store?.members ?? []).compactMap { record in
            record.replica.map { MemberIdentity(name: record.name, replica: $0, lives: record.lives) }
        }
    }

    var group: GroupDescription {
        var members = Dictionary(uniqueKeysWithValues: configured.map { ($0.name, $0.stripe) })
        for record in store?.members ?? [] {
            switch record.standing {
            case .added: members[record.name] = record.stripe ?? 15
            case .removed: members[record.name] = nil
            case .unstated: break
            }
        }
        members[name] = stripe
        return GroupDescription(
            group: "europe", partition: SimulatedNode.partition, node: name,
            members: members.sorted { $0.key < $1.key }.map { GroupMember(name: $0.key, stripe: $0.value) },
            settings: ["separator": "/"],
            removed: Set((store?.members ?? []).filter { $0.standing == .removed }.map(\.name)))
    }

    private func regroup() {
        guard let box else { return }
        box.machine.groupChanged(group, announced: identities, now: time)
        pump()
    }

    /// Issues an operation on the membership.
    func change(_ change: MemberChange) {
        store?.issue(GroupAccount.name) { (state, batch) throws(CRDTError) in
            try state.changeMember(change, batch: &batch)
        } done: { [world, name] result in
            if case .failure(let error) = result { world.note("\(name): \(change) failed: \(error)") }
        }
    }

    // MARK: Links

    func connected(_ link: LinkID, peer: String, direction: LinkDirection) {
        guard let box else { return }
        links[link] = (peer, direction)
        if direction == .outgoing {
            outgoing[peer] = link
            dialling.remove(peer)
            pauses[peer] = nil
        }
        box.machine.linkOpened(link, peer: peer, direction: direction, now: time)
        pump()
    }

    func disconnected(_ link: LinkID) {
        guard let box, links[link] != nil else { return }
        forget(link)
        box.machine.linkClosed(link, now: time)
        pump()
    }

    func received(_ bytes: [UInt8], on link: LinkID) {
        guard let box, links[link] != nil else { return }
        do throws(CRDTError) {
            let span = bytes.span
            let message = try PeerMessage(decoding: span.bytes.extracting(4..<bytes.count))
            box.machine.handle(message, on: link, now: time)
        } catch {
            world.violate("\(name): a message of a good peer cannot be read: \(error)")
            box.machine.handleGarbage(error, on: link, now: time)
        }
        pump()
    }

    private func forget(_ link: LinkID) {
        guard let (peer, direction) = links.removeValue(forKey: link) else { return }
        if direction == .outgoing && outgoing[peer] == link { outgoing[peer] = nil }
    }

    /// Keeps a connection to every member, with growing pauses between attempts.
    private func dial() {
        for member in group.members where member.name != name {
            let peer = member.name
            if outgoing[peer] != nil || dialling.contains(peer) { continue }
            dialling.insert(peer)
            let pause = pauses[peer] ?? 10_000
            pauses[peer] = min(pause * 2, 5_000_000)
            let life = life
            world.after(pause / 2 + world.number(0...pause / 2)) { [self] in
                guard life == self.life else { return }
                network.dial(from: name, to: peer) { [self] in if life == self.life { dialling.remove(peer) } }
            }
        }
    }

    // MARK: Time

    /// What a shell does now and then.
    private func beat(_ life: UInt64) {
        guard life == self.life, let store else { return }
        dial()
        store.maintainUIDs()
        store.markModSeqs()
        world.after(world.number(50_000...100_000)) { [self] in beat(life) }
    }

    private func signalled() {
        if isSignalled { return }
        isSignalled = true
        let life = life
        world.after(world.number(0...300)) { [self] in
            guard life == self.life, let store, let box else { return }
            isSignalled = false
            box.machine.storeAdvanced(store.status, now: time)
            pump()
        }
    }

    // MARK: Directives

    /// Carries out what the machine wants, until it wants nothing.
    func pump() {
        if isPumping { return }
        isPumping = true
        defer { isPumping = false }
        let life = life
        while life == self.life, let box, let directive = box.machine.nextDirective() { execute(directive) }
        guard life == self.life, let box else { return }
        pumps += 1
        if world.checksEveryStep || pumps % 16 == 0 {
            do throws(CRDTError) { try box.machine.checkInvariants() } catch {
                world.violate("\(name): the machine's rules are broken: \(error)")
            }
        }
        planTick(box.machine.nextDeadline)
    }

    private func planTick(_ deadline: UInt64) {
        let moment = max(deadline, 1_000) - 1_000
        if moment >= tickAt { return }
        tickAt = moment
        let life = life
        let now = world.milliseconds
        world.after((moment > now ? moment - now : 0) * 1_000 + 1) { [self] in
            guard life == self.life, let box, tickAt == moment else { return }
            tickAt = .max
            box.machine.tick(now: time)
            pump()
        }
    }

    /// Answers the machine after the store has taken its time.
    private func answer(_ work: @escaping (SimulatedStore, MachineBox) -> Void) {
        let life = life
        world.after(world.number(world.faults.store)) { [self] in
            guard life == self.life, let store, let box else { return }
            work(store, box)
            pump()
        }
    }

    private func execute(_ directive: ReplicationDirective) {
        guard let store else { return }
        switch directive {
        case .send(let link, let message):
            var bytes: [UInt8] = []
            message.encode(into: &bytes)
            network.send(bytes, on: link)
        case .close(let link, let reason):
            world.note("\(name) closes its link with \(links[link]?.peer ?? "?"): \(reason)")
            if let peer = links[link]?.peer, !reason.isTransient { pauses[peer] = 5_000_000 }
            forget(link)
            network.close(link)
        case .locate(let link, let wanted):
            answer { [self] store, box in box.machine.located(link, store.marks.locate(wanted), now: time) }
        case .readLog(let link, let position, let maximumBytes):
            answer { [self] store, box in
                box.machine.logRead(link, store.disk.read(from: position, maximumBytes: maximumBytes), now: time)
            }
        case .deliver(let link, let items):
            answer { [self] store, box in
                let outcome = store.receive(items)
                if outcome.deliveredOperations > 0 { store.maintainUIDs() }
                box.machine.delivered(link, outcome, now: time)
            }
        case .advanceStability(let progress): store.advanceStability(progress)
        case .setUnreachable(let replicas): store.setUnreachable(replicas)
        case .announce(let identity): change(.announce(name: identity.name, replica: identity.replica))
        case .takeNewIncarnation(let seen): reincarnate(store, seen)
        case .readDigests(let link, let name, let limit):
            answer { [self] store, box in
                box.machine.digestsRead(link, store.digests(after: name, limit: limit), now: time)
            }
        case .report(let event): note(event)
        case .readBody, .storeBody, .listMissingBodies, .postponeBody: executeOnBodies(directive)
        case .exportSnapshot, .readSnapshotPart, .endExport, .beginImport, .importPart, .abortImport:
            executeOnSnapshots(directive, store)
        }
    }

    private func executeOnBodies(_ directive: ReplicationDirective) {
        answer { [self] store, box in
            switch directive {
            case .readBody(let link, let digest, let offset, let length):
                let read = store.readBody(digest, offset: offset, length: length)
                box.machine.bodyRead(link, digest, offset: offset, read, now: time)
            case .storeBody(let link, let digest, let size, let offset, let bytes):
                let outcome = store.storeBody(digest, size: size, offset: offset, bytes)
                box.machine.bodyStored(link, digest, outcome, now: time)
            case .listMissingBodies(let limit):
                box.machine.bodiesMissing(store.missingBodies(limit: limit), now: time)
            case .postponeBody(let digest): store.postponeBody(digest)
            default: break
            }
        }
    }

    private func executeOnSnapshots(_ directive: ReplicationDirective, _ store: SimulatedStore) {
        switch directive {
        case .exportSnapshot(let transfer, let scope):
            answer { [self] store, box in
                guard store.beginExport(transfer, scope) else {
                    return box.machine.snapshotFailed(transfer, reason: "the store is catching up", now: time)
                }
                whenDurable(store) { [self] in box.machine.snapshotReady(transfer, now: time) }
            }
        case .readSnapshotPart(let transfer, let index, _):
            answer { [self] store, box in
                guard let part = store.exportPart(transfer, index) else {
                    return box.machine.snapshotFailed(transfer, reason: "there is no such part", now: time)
                }
                // What a part holds may not be durable yet: it must not be known elsewhere before it is.
                whenDurable(store) { [self] in box.machine.snapshotPartRead(transfer, part, now: time) }
            }
        case .endExport(let transfer): store.exports[transfer] = nil
        case .beginImport(let transfer, let scope, _): store.beginImport(transfer, scope)
        case .importPart(let transfer, let part): importPart(transfer, part)
        case .abortImport(let transfer): if store.arriving?.transfer == transfer { store.arriving = nil }
        default: break
        }
    }

    private func importPart(_ transfer: TransferID, _ part: SnapshotPart) {
        answer { [self] store, box in
            if part.isLast && !store.isSettled {
                return whenDurable(store) { [self] in importPart(transfer, part) }
            }
            let outcome = store.importPart(transfer, part)
            if case .rejected(let reason) = outcome { world.note("\(name) rejects \(transfer): \(reason)") }
            box.machine.storeAdvanced(store.status, now: time)
            box.machine.snapshotPartImported(transfer, index: part.index, outcome, now: time)
        }
    }

    private func whenDurable(_ store: SimulatedStore, _ work: @escaping () -> Void) {
        let life = life
        store.whenDurable { [self] in
            guard life == self.life else { return }
            work()
            pump()
        }
    }

    private func reincarnate(_ store: SimulatedStore, _ seen: StreamPosition) {
        world.violate("\(name) is told to take a new incarnation: others know \(seen)")
        do throws(CRDTError) { try store.replica.reincarnate() } catch { world.violate("\(name): \(error)") }
        store.checkpoint()
        signalled()
    }

    private func note(_ event: PeerEvent) {
        let text = "\(event)"
        let kind = String(text.prefix { $0 != "(" })
        reports[kind, default: 0] += 1
        world.note("\(name) reports \(text)")
        switch event {
        case .divergence where world.expectsDivergence: break
        // Only a full disk refuses with this.
        case .deliveryFailed(_, _, let error, _) where error.code == .unavailable: break
        case .deliveryFailed, .bodyMismatch, .divergence: world.violate("\(name) reports \(text)")
        default: break
        }
    }
}
