// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport

@testable import CRDTKit

/// A node: a machine, its store and the answers that the store still owes.
final class ToyNode {
    let name: String
    let store: ToyStore
    var machine: ReplicationMachine
    var answers: [(inout ReplicationMachine, ReplicationTime) -> Void] = []
    var events: [PeerEvent] = []
    var unreachable: Set<ReplicaID> = []
    var stable = StreamVector()
    var retain = StreamVector()
    var ownSecured: UInt64 = 0
    var exchanged = StreamVector()
    var knowsFormerLives = true
    var announced: [MemberIdentity] = []
    var directives = 0
    var sent: [PeerMessage] = []
    var closed: [(LinkID, RefusalReason)] = []
    var exports: [TransferID] = []
    var endedExports: [TransferID] = []
    var imports: [TransferID] = []
    var abortedImports: [TransferID] = []
    var accounts: [AccountDigest] = []
    var partBytes = 200

    init(name: String, store: ToyStore, group: GroupDescription, limits: ReplicationLimits, now: ReplicationTime) {
        self.name = name
        self.store = store
        machine = ReplicationMachine(group: group, announced: [], store: store.status, limits: limits, now: now)
    }

    func count(_ matches: (PeerEvent) -> Bool) -> Int { events.count(where: matches) }

    /// Carries a directive out; what needs an answer is answered later.
    func carryOut(_ directive: ReplicationDirective) {
        switch directive {
        case .locate(let link, let positions):
            answer { [store] in $0.located(link, store.locate(positions), now: $1) }
        case .readLog(let link, let from, let maximum):
            answer { [store] in $0.logRead(link, store.read(from: from, maximumBytes: maximum), now: $1) }
        case .deliver(let link, let items):
            answer { [store] in $0.delivered(link, store.receive(items), now: $1) }
        case .readBody(let link, let digest, let offset, let length):
            answer { [store] in
                $0.bodyRead(link, digest, offset: offset, store.readBody(digest, offset, length), now: $1)
            }
        case .storeBody(let link, let digest, let size, let offset, let bytes):
            answer { [store] in $0.bodyStored(link, digest, store.storeBody(digest, size, offset, bytes), now: $1) }
        case .listMissingBodies(let limit):
            answer { [store] in $0.bodiesMissing(store.missing(limit), now: $1) }
        case .postponeBody(let digest): store.postpone(digest)
        case .advanceStability(let progress):
            stable = StreamVector(progress.stable)
            retain = StreamVector(progress.retain)
            ownSecured = progress.ownSecured
            exchanged = StreamVector(progress.exchanged)
            knowsFormerLives = progress.knowsFormerLives
        case .setUnreachable(let replicas): unreachable = replicas
        case .announce(let identity): announced.append(identity)
        case .takeNewIncarnation:
            answer { [store] machine, now in
                guard (try? store.takeNewIncarnation()) != nil else { return }
                machine.storeAdvanced(store.status, now: now)
            }
        case .report(let event): events.append(event)
        case .exportSnapshot, .readSnapshotPart, .endExport, .beginImport, .importPart, .abortImport, .readDigests:
            carryOutTransfer(directive)
        case .send, .close: break
        }
    }

    private func carryOutTransfer(_ directive: ReplicationDirective) {
        switch directive {
        case .exportSnapshot(let id, _):
            exports.append(id)
            answer { $0.snapshotReady(id, now: $1) }
        case .readSnapshotPart(let id, let index, _):
            answer { [store, partBytes] in $0.snapshotPartRead(id, store.snapshotPart(index, partBytes), now: $1) }
        case .endExport(let id): endedExports.append(id)
        case .beginImport(let id, _, _):
            imports.append(id)
            store.beginImport()
        case .importPart(let id, let part):
            answer { [store] machine, now in
                do {
                    try store.importPart(part)
                    if part.isLast { machine.storeAdvanced(store.status, now: now) }
                    machine.snapshotPartImported(id, index: part.index, .accepted, now: now)
                } catch {
                    machine.snapshotPartImported(id, index: part.index, .rejected("\(error)"), now: now)
                }
            }
        case .abortImport(let id): abortedImports.append(id)
        case .readDigests(let link, let after, let limit):
            let rest = accounts.filter { account in after.map { AccountDigest.isBefore($0, account.account) } ?? true }
            let page = DigestPage(
                vector: store.durable.positions, entries: Array(rest.prefix(limit)), isLast: rest.count <= limit)
            answer { $0.digestsRead(link, page, now: $1) }
        default: break
        }
    }

    private func answer(_ body: @escaping (inout ReplicationMachine, ReplicationTime) -> Void) { answers.append(body) }

    /// Gives the machine the oldest owed answer.
    func giveAnswer(_ now: ReplicationTime) {
        guard !answers.isEmpty else { return }
        answers.removeFirst()(&machine, now)
    }
}

/// Nodes on a network whose links the test cuts and mends; messages travel as bytes.
final class ToyCluster {
    /// One open connection.
    final class Wire {
        let from: Int
        let to: Int
        let outgoing: LinkID
        let incoming: LinkID
        /// Bytes under way, in both directions; and closings, as empty messages.
        var forth: [[UInt8]] = []
        var back: [[UInt8]] = []

        init(from: Int, to: Int, outgoing: LinkID, incoming: LinkID) {
            self.from = from
            self.to = to
            self.outgoing = outgoing
            self.incoming = incoming
        }
    }

    var nodes: [ToyNode] = []
    var wires: [Wire] = []
    var generator: SeededGenerator
    var now = ReplicationTime(monotonicMilliseconds: 1_000, wallMilliseconds: 1_700_000_000_000)
    /// Pairs that cannot connect: "from to".
    var cuts: Set<[Int]> = []
    /// When a pair may dial again.
    private var dialAt: [[Int]: UInt64] = [:]
    private var nextLink: UInt64 = 0
    let limits: ReplicationLimits
    /// Whether a node's process runs.
    var isRunning: [Bool]
    /// Whether a node's answers and disk stand still.
    var isFrozen: [Bool]
    var steps = 0

    init(
        _ count: Int, seed: UInt64, limits: ReplicationLimits = ReplicationLimits(),
        replicaLimits: ReplicaLimits = ReplicaLimits(), configure: (inout GroupDescription, Int) -> Void = { _, _ in }
    ) throws {
        generator = SeededGenerator(seed: seed)
        self.limits = limits
        isRunning = Array(repeating: true, count: count)
        isFrozen = Array(repeating: false, count: count)
        for index in 0..<count {
            var group = Self.group(count, index)
            configure(&group, index)
            let store = try ToyStore(UInt64(100 + index), limits: replicaLimits)
            nodes.append(ToyNode(name: "node-\(index)", store: store, group: group, limits: limits, now: now))
        }
    }

    static func group(_ count: Int, _ index: Int) -> GroupDescription {
        GroupDescription(
            group: "users 1-40", partition: PartitionID(7), node: "node-\(index)",
            members: (0..<count).map { GroupMember(name: "node-\($0)", stripe: UInt8($0)) },
            settings: ["separator": "."])
    }

    // MARK: Faults

    func cut(_ left: Int, _ right: Int) {
        cuts.insert([left, right])
        cuts.insert([right, left])
        for wire in wires where [wire.from, wire.to].sorted() == [left, right].sorted() { drop(wire) }
    }

    func mend(_ left: Int, _ right: Int) {
        cuts.remove([left, right])
        cuts.remove([right, left])
    }

    func isolate(_ index: Int) { for other in nodes.indices where other != index { cut(index, other) } }
    func join(_ index: Int) { for other in nodes.indices where other != index { mend(index, other) } }

    /// Breaks a connection: everything under way is lost.
    func drop(_ wire: Wire) {
        guard let index = wires.firstIndex(where: { $0 === wire }) else { return }
        wires.remove(at: index)
        if isRunning[wire.from] { nodes[wire.from].machine.linkClosed(wire.outgoing, now: now) }
        if isRunning[wire.to] { nodes[wire.to].machine.linkClosed(wire.incoming, now: now) }
        drain(wire.from)
        drain(wire.to)
        dialAt[[wire.from, wire.to]] = now.monotonicMilliseconds + 50
    }

    // MARK: Running

    /// Runs until nothing but signs of life happens, or for a bounded time.
    func settle(milliseconds: UInt64 = 3_000) throws { try run(milliseconds: milliseconds) }

    func run(milliseconds: UInt64) throws {
        let end = now.monotonicMilliseconds + milliseconds
        while now.monotonicMilliseconds < end { try step() }
    }

    func run(atMost milliseconds: UInt64, until isDone: () -> Bool) throws -> Bool {
        let end = now.monotonicMilliseconds + milliseconds
        while now.monotonicMilliseconds < end {
            if isDone() { return true }
            try step()
        }
        return isDone()
    }

    /// A millisecond: each node and each wire does a random part of what it has to do.
    func step() throws {
        steps += 1
        now.monotonicMilliseconds += 1
        now.wallMilliseconds += 1
        connect()
        for index in nodes.indices where isRunning[index] {
            let node = nodes[index]
            node.store.wall = now.wallMilliseconds
            if !isFrozen[index] {
                for _ in 0..<Int.random(in: 0...4, using: &generator) { node.giveAnswer(now); drain(index) }
                if node.store.durableEnd != node.store.end && Int.random(in: 0..<3, using: &generator) == 0 {
                    node.store.sync()
                    node.machine.storeAdvanced(node.store.status, now: now)
                    drain(index)
                }
            }
            if now.monotonicMilliseconds >= node.machine.nextDeadline {
                node.machine.tick(now: now)
                drain(index)
            }
            try node.machine.checkInvariants()
        }
        for wire in wires { try carry(wire) }
    }

    private func connect() {
        for from in nodes.indices where isRunning[from] {
            for to in nodes.indices where to != from && isRunning[to] && !cuts.contains([from, to]) {
                guard !wires.contains(where: { $0.from == from && $0.to == to }),
                    now.monotonicMilliseconds >= dialAt[[from, to]] ?? 0
                else { continue }
                nextLink += 2
                let wire = Wire(from: from, to: to, outgoing: LinkID(nextLink), incoming: LinkID(nextLink + 1))
                wires.append(wire)
                nodes[from].machine.linkOpened(
                    wire.outgoing, peer: nodes[to].name, direction: .outgoing, now: now)
                nodes[to].machine.linkOpened(wire.incoming, peer: nodes[from].name, direction: .incoming, now: now)
                drain(from)
                drain(to)
            }
        }
    }

    private func carry(_ wire: Wire) throws {
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
            if !wire.forth.isEmpty { try arrive(wire.forth.removeFirst(), wire.to, wire.incoming, wire) }
            if !wire.back.isEmpty { try arrive(wire.back.removeFirst(), wire.from, wire.outgoing, wire) }
        }
    }

    private func arrive(_ bytes: [UInt8], _ index: Int, _ link: LinkID, _ wire: Wire) throws {
        guard isRunning[index], wires.contains(where: { $0 === wire }) else { return }
        if bytes.isEmpty { return drop(wire) }
        let body = Array(bytes[PeerMessage.lengthBytes...])
        do throws(CRDTError) {
            let message = try PeerMessage(decoding: body.span.bytes)
            nodes[index].machine.handle(message, on: link, now: now)
        } catch {
            nodes[index].machine.handleGarbage(error, on: link, now: now)
        }
        drain(index)
    }

    /// Carries out what a machine asks for.
    func drain(_ index: Int) {
        let node = nodes[index]
        while let directive = node.machine.nextDirective() {
            node.directives += 1
            switch directive {
            case .send(let link, let message):
                node.sent.append(message)
                var bytes: [UInt8] = []
                message.encode(into: &bytes)
                put(bytes, on: link)
            case .close(let link, let reason):
                node.closed.append((link, reason))
                put([], on: link)
                if let wire = wires.first(where: { $0.outgoing == link }) {
                    dialAt[[wire.from, wire.to]] = now.monotonicMilliseconds + (reason.isTransient ? 50 : 1_000)
                }
            default: node.carryOut(directive)
            }
        }
    }

    private func put(_ bytes: [UInt8], on link: LinkID) {
        guard let wire = wires.first(where: { $0.outgoing == link || $0.incoming == link }) else { return }
        if wire.outgoing == link { wire.forth.append(bytes) } else { wire.back.append(bytes) }
    }

    // MARK: Judging

    /// Whether all running nodes hold the same operations durably.
    var isConverged: Bool {
        let running = nodes.indices.filter { isRunning[$0] }
        guard let first = running.first.map({ nodes[$0].store.vector }) else { return true }
        return running.allSatisfy { index in
            let store = nodes[index].store
            return store.vector == first && store.durable == first && store.missing(1).isEmpty
        }
    }

    /// Whether a node has delivered every operation exactly once.
    func isExactlyOnce(_ index: Int) -> Bool {
        let names = nodes[index].store.names
        return Set(names).count == names.count
            && names.count == Int(nodes[index].store.vector.count(beyond: StreamVector()))
    }
}
