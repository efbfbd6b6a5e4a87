// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// A whole group of nodes with its clients, under one seed.
final class Simulation {
    let scenario: Scenario
    let world: World
    let network: SimulatedNetwork
    let oracle: Oracle
    private(set) var nodes: [SimulatedNode] = []
    private(set) var clients: [SimulatedClient] = []
    /// What went wrong, in the words of the first violation; nil if nothing did.
    private(set) var failure: String?
    private var isPartitioned = false
    private var script = false
    private var lastStripe: UInt8 = 0
    /// The bodies that a lost disk alone held.
    private var lostBodies: Set<BodyDigest> = []

    /// How long everything may take to come to rest, in milliseconds of virtual time.
    static let restMilliseconds: UInt64 = 180_000

    init(seed: UInt64, scenario: Scenario) {
        self.scenario = scenario
        world = World(seed: seed, faults: scenario.faults, mutant: scenario.mutant)
        network = SimulatedNetwork(world: world)
        oracle = Oracle(world: world)
        let members = (0..<scenario.nodes).map { GroupMember(name: "node-\($0)", stripe: UInt8($0)) }
        for member in members { addNode(member, configured: members) }
        for number in 0..<scenario.clients {
            clients.append(
                SimulatedClient(
                    world: world, oracle: oracle, number: number, account: "user\(number % scenario.accounts)",
                    nodes: { [unowned self] in nodes }))
        }
    }

    @discardableResult
    private func addNode(_ member: GroupMember, configured: [GroupMember]) -> SimulatedNode {
        let skew =
            Int64(world.number(0...2 * scenario.faults.skewMilliseconds)) - Int64(scenario.faults.skewMilliseconds)
        let lead: Int64 = scenario.faults.hasClockFarAhead && member.stripe == 0 ? 240_000 : 0
        let node = SimulatedNode(
            world: world, network: network, oracle: oracle, name: member.name, stripe: member.stripe,
            skew: skew + lead, configured: configured)
        nodes.append(node)
        lastStripe = max(lastStripe, member.stripe)
        return node
    }

    // MARK: The run

    /// Runs to the end.
    ///
    /// - Returns: what went wrong, or nil.
    @discardableResult
    func run() -> String? {
        start()
        advance(by: scenario.milliseconds)
        finish()
        return failure
    }

    /// Starts nodes and clients, and the faults.
    func start(withClients: Bool = true, withFaults: Bool = true) {
        for node in nodes.shuffledBy(world) {
            world.after(world.number(0...500_000)) { node.start() }
        }
        if withClients { for client in clients { client.start() } }
        script = withFaults
        if withFaults { planFault() }
    }

    /// Lets virtual time pass; ends early after a violation.
    func advance(by milliseconds: UInt64) {
        let end = world.now + milliseconds * 1_000
        while !world.hasFailed && world.step(until: end) {}
    }

    /// Ends all faults, waits until everything is at rest, and checks what must hold then.
    func finish() {
        guard !world.hasFailed else { return conclude() }
        script = false
        world.isCalm = true
        for client in clients { client.isStopped = true }
        network.heal()
        for node in nodes { node.setFull(false) }
        for node in nodes where !node.isUp { node.start() }
        let limit = world.milliseconds + Simulation.restMilliseconds
        var calm = 0
        let accounts = (0..<scenario.accounts).map { "user\($0)" }
        while calm < 8 && !world.hasFailed && world.milliseconds < limit {
            advance(by: 250)
            for node in nodes where !node.isUp { node.start() }
            repeatLostMembershipChanges()
            // Somebody looks at every mailbox everywhere: what waits there for a UID gets one in the end.
            for node in present { node.store?.localInterest.formUnion(accounts) }
            calm = unrest == nil ? calm + 1 : 0
        }
        if let unrest { world.violate("nothing comes to rest: \(unrest)") }
        checkEnd()
        conclude()
    }

    private func conclude() { failure = world.violations.first }

    private var present: [SimulatedNode] { nodes.filter { !$0.isRetired } }

    /// What is still to be done, or nil.
    var unrest: String? {
        guard let first = present.first?.store else { return "no node is up" }
        let vector = StreamVector(first.durable)
        for node in present {
            guard let store = node.store else { return "\(node.name) is down" }
            if !store.isReady { return "\(node.name) lacks what its snapshot contains: \(store.required)" }
            if !store.isSettled { return "\(node.name) writes" }
            if StreamVector(store.durable) != vector {
                return "\(node.name) holds \(store.durable), \(present[0].name) \(first.durable)"
            }
            // Nodes that hold the same hold everything that exists: what a frame still waits for was lost with disks.
            if store.replica.deferredFrames > 0 {
                return "\(store.replica.deferredFrames) frames wait at \(node.name) to be admitted"
            }
            let missing = store.missingBodies(limit: 1_000).filter { !lostBodies.contains($0.digest) }
            if let body = missing.first {
                let holders = present.filter { $0.disk.heldBodies.contains(body.digest) }.map(\.name)
                return "\(node.name) lacks \(missing.count) bodies, \(body), which \(holders) hold"
            }
            for (index, box) in store.accounts {
                for (name, mailbox) in box.state.mailboxes {
                    let summary = box.state.summary(of: mailbox)
                    if summary?.waiting ?? 0 > 0 {
                        let account = store.replica.symbols.name(of: index) ?? "?"
                        return "messages wait at \(node.name): \(diagnosis(account, name))"
                    }
                }
            }
        }
        return nil
    }

    private func checkEnd() {
        guard !world.hasFailed else { return }
        let accounts = (0..<scenario.accounts).map { "user\($0)" }
        for client in clients { for node in present { client.look(node) } }
        advance(by: 1_000)
        for node in present {
            if let violation = node.store?.violation() { world.violate("\(node.name): \(violation)") }
        }
        guard let first = present.first?.store else { return }
        let views = Dictionary(uniqueKeysWithValues: accounts.map { ($0, first.view($0)) })
        for node in present {
            guard let store = node.store else { continue }
            for account in accounts {
                if let difference = difference(store.view(account).agreement, views[account]?.agreement ?? []) {
                    world.violate("\(node.name) and \(present[0].name) differ in \(account): \(difference)")
                }
            }
            if store.status.digest != first.status.digest {
                world.violate(
                    "\(node.name) has digest \(String(describing: store.status.digest)), \(present[0].name) \(String(describing: first.status.digest))"
                )
            }
            for (digest, bytes) in store.bodies where SimulatedBody.digest(bytes) != digest {
                world.violate("\(node.name) holds a body with another hash")
            }
        }
        oracle.checkFinal(views, vector: StreamVector(first.durable))
        for client in clients {
            if let view = views[client.account] { client.checkComplete(view) }
        }
    }

    private func difference(_ left: [String], _ right: [String]) -> String? {
        if left == right { return nil }
        let extra = left.filter { !right.contains($0) }
        let lacking = right.filter { !left.contains($0) }
        return "only the first has \(extra.prefix(4)), only the second \(lacking.prefix(4))"
    }

    // MARK: Faults

    private func planFault() {
        world.after(world.number(50_000...400_000)) { [self] in
            guard script else { return }
            planFault()
            let faults = scenario.faults
            if world.fault(faults.partition) { partition() }
            if world.fault(faults.crash) { world.pick(nodes.filter(\.isUp))?.crash(thenRestart: true) }
            if world.fault(faults.wipe) { wipe() }
            if world.fault(faults.absence) { absence() }
            if world.fault(faults.membership) { changeMembership() }
            if world.fault(faults.full) { fillDisk() }
        }
    }

    private func partition() {
        if isPartitioned {
            isPartitioned = false
            world.note("the partition heals")
            return network.heal()
        }
        isPartitioned = true
        let count = world.once(in: 4) ? 3 : 2
        let sides = Dictionary(uniqueKeysWithValues: nodes.map { ($0.name, world.index(count)) })
        world.note("partition \(sides.sorted { $0.key < $1.key })")
        network.partition(sides)
    }

    /// Who is a member now, as far as whoever runs the group knows.
    var members: [GroupMember] { present.map { GroupMember(name: $0.name, stripe: $0.stripe) } }

    private func wipe() {
        let up = nodes.filter(\.isUp)
        guard up.count > 1, let victim = world.pick(up) else { return }
        // Whoever is catching up has lost its own copy a moment ago, and may need what the victim alone holds: no group of two survives both.
        guard nodes.allSatisfy({ $0 === victim || $0.isComplete }) else { return }
        noteLostBodies(victim)
        if victim.wipe(members: members, heldByOthers: { held(of: $0, besides: victim) }) {
            for client in clients { client.beginAnew() }
        }
        world.after(world.number(10_000...3_000_000)) { victim.start() }
    }

    /// A body that no other node holds for sure is lost with the disk, even if others know of the message.
    private func noteLostBodies(_ victim: SimulatedNode) {
        guard let store = victim.store else { return }
        var lost = Set(store.bodies.keys)
        for node in present where node !== victim { lost.subtract(node.disk.heldBodies) }
        lostBodies.formUnion(lost)
    }

    /// How much of a replica's stream any other node holds for sure.
    func held(of replica: ReplicaID, besides victim: SimulatedNode) -> UInt64 {
        nodes.filter { $0 !== victim }.compactMap { $0.store }.map { StreamVector($0.durable)[replica] }.max() ?? 0
    }

    private func absence() {
        guard nodes.filter(\.isUp).count > 1, let victim = world.pick(nodes.filter(\.isUp)) else { return }
        world.note("\(victim.name) is away")
        victim.crash(thenRestart: false)
        world.after(world.number(4_000_000...12_000_000)) { victim.start() }
    }

    /// A disk fills up, and has room again after a while that is mostly long enough for others to act.
    private func fillDisk() {
        guard let victim = world.pick(nodes.filter(\.serves)) else { return }
        victim.setFull(true)
        world.after(world.number(200_000...10_000_000)) { victim.setFull(false) }
    }

    private func changeMembership() {
        let up = nodes.filter { $0.serves }
        guard up.count > 1 else { return }
        if lastStripe < 14 && (world.once(in: 2) || present.count < 3) { return addMember(up) }
        guard present.count > 2, !nodes.contains(where: \.isRetiring), let leaver = world.pick(up) else { return }
        world.note("\(leaver.name) is to leave")
        leaver.isRetiring = true
        removeWhenDrained(leaver)
    }

    /// A change that was lost with the disk of the node that issued it is issued again by whoever runs the group.
    private func repeatLostMembershipChanges() {
        let names = Set(present.map(\.name))
        for node in present where node.serves && node.store?.isSettled ?? false {
            let known = Set(node.group.members.map(\.name))
            if let missing = present.first(where: { !known.contains($0.name) }) {
                world.note("\(node.name) is told of \(missing.name)")
                return node.change(.add(name: missing.name, stripe: missing.stripe, addresses: []))
            }
            if let gone = known.sorted().first(where: { !names.contains($0) }) {
                world.note("\(node.name) is told that \(gone) has left")
                return node.change(.remove(name: gone))
            }
        }
    }

    private func addMember(_ up: [SimulatedNode]) {
        guard let sponsor = world.pick(up) else { return }
        let member = GroupMember(name: "node-\(lastStripe + 1)", stripe: lastStripe + 1)
        world.note("\(member.name) joins")
        let node = addNode(member, configured: sponsor.group.members + [member])
        sponsor.change(.add(name: member.name, stripe: member.stripe, addresses: []))
        world.after(world.number(0...2_000_000)) { node.start() }
    }

    /// A node leaves when another one holds all that it issued.
    private func removeWhenDrained(_ leaver: SimulatedNode) {
        world.after(500_000) { [self] in
            guard !leaver.isRetired, script, let store = leaver.store, store.isSettled else {
                if script { removeWhenDrained(leaver) } else { leaver.isRetiring = false }
                return
            }
            let own = StreamVector(store.durable)[store.replica.id]
            guard
                let witness = nodes.first(where: { node in
                    node !== leaver && node.serves
                        && node.store.map { StreamVector($0.durable)[store.replica.id] >= own } ?? false
                        && node.store?.missingBodies(limit: 1).isEmpty ?? false
                })
            else { return removeWhenDrained(leaver) }
            world.note("\(leaver.name) leaves")
            witness.change(.remove(name: leaver.name))
            leaver.retire { replica in held(of: replica, besides: leaver) }
        }
    }
}

extension Array {
    func shuffledBy(_ world: World) -> [Element] {
        var result = self
        for index in indices.reversed() { result.swapAt(index, world.index(index + 1)) }
        return result
    }
}
