// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport

@testable import CRDTKit

/// A few replicas of one mailbox under partitions, crashes and a roaming client, driven by ``UIDPolicy`` alone; checks after each step what no client may ever see.
final class UIDWorld {
    /// A deliberate mistake that the checks must find.
    enum Mutant: CaseIterable {
        /// All replicas give UIDs from one sequence.
        case noStripes
        /// A replica shows any UID that counts.
        case noHighWaterMark
        /// Nobody heals a fork.
        case noMerge
        /// A take-over says that it knew all that the former owner ever assigned.
        case settlesTheUnknown
        /// A take-over keeps whatever the former owner assigns later.
        case unboundedInheritance
    }

    /// What happened, so that a run without conflicts does not pass for a check.
    struct Counters {
        var appends = 0
        var takeOvers = 0
        var handOvers = 0
        var merges = 0
        var vanished = 0
        var hidden = 0
        var dropped = 0

        mutating func add(_ other: Counters) {
            appends += other.appends
            takeOvers += other.takeOvers
            handOvers += other.handOvers
            merges += other.merges
            vanished += other.vanished
            hidden += other.hidden
            dropped += other.dropped
        }
    }

    private(set) var nodes: [UIDNode]
    private(set) var counters = Counters()
    private let context: ApplyContext
    private let mutant: Mutant?
    private let box: MailboxID
    private var generator: SeededGenerator
    /// All operations by origin, in the order of their counters.
    private var streams: [[IssuedOperation]]
    /// The part of the network in which each replica is.
    private var side: [Int]
    private var now: UInt64 = 0
    private var client = RoamingClient()
    private var checks = 0
    /// The message that each UID means, at whatever replica.
    private var meanings: [UIDNode.Key: Dot] = [:]
    private let policy = UIDPolicy(takeOverAfterMilliseconds: 3, handOverAfterAppends: 4)

    init(seed: UInt64, mutant: Mutant? = nil) {
        var generator = SeededGenerator(seed: seed)
        let count = Int.random(in: 2...5, using: &generator)
        self.mutant = mutant
        // INBOX cannot be deleted; with the other mailbox DELETE and new creations come in.
        box = seed % 3 == 0 ? .wellKnown(.archive) : .inbox
        let ids = (0..<count).map { ReplicaID(UInt64(($0 * 7 + 3) % 11) + 1) }
        context = ApplyContext(replicas: ids)
        nodes = (0..<count).map { index in
            let stripe = mutant == .noStripes ? nil : UIDStripe(index: index, count: count, blockSize: 8)
            return UIDNode(index: index, count: count, stripe: stripe ?? .sole)
        }
        streams = Array(repeating: [], count: count)
        side = Array(repeating: 0, count: count)
        self.generator = generator
    }

    /// Runs a number of phases, then heals the network and lets everybody come to rest.
    ///
    /// - Returns: what went wrong first, or nil.
    func run(phases: Int) -> String? {
        for phase in 0..<phases {
            if let violation = step() { return "phase \(phase): \(violation)" }
        }
        return rest()
    }

    // MARK: - Events

    private func step() -> String? {
        now += 1
        let actor = Int.random(in: nodes.indices, using: &generator)
        switch Int.random(in: 0..<20, using: &generator) {
        case 0, 1: side = nodes.map { _ in Int.random(in: 0..<3, using: &generator) }
        case 2: side = nodes.map { _ in 0 }
        case 3: nodes[actor].isUp = false
        case 4, 5:
            for node in nodes where !node.isUp {
                if let violation = restart(node) { return violation }
            }
        case 6: if let violation = visit(actor) { return violation }
        case 7: if let violation = change(nodes[actor]) { return violation }
        case 8, 9, 10, 11, 12, 13:
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                if let violation = append(nodes[actor]) { return violation }
            }
        default:
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                let receiver = Int.random(in: nodes.indices, using: &generator)
                if let violation = deliver(to: nodes[receiver]) { return violation }
            }
        }
        noteReachability()
        for node in nodes {
            if let violation = decide(node) { return violation }
        }
        return nil
    }

    private func isConnected(_ left: UIDNode, _ right: UIDNode) -> Bool {
        left.isUp && right.isUp && side[left.index] == side[right.index]
    }

    private func noteReachability() {
        for node in nodes {
            for other in nodes where other !== node {
                if isConnected(node, other) {
                    node.unreachableSince[other.index] = nil
                } else if node.unreachableSince[other.index] == nil {
                    node.unreachableSince[other.index] = now
                }
            }
        }
    }

    /// Delivers the next operation of some origin that some connected replica has.
    private func deliver(to receiver: UIDNode) -> String? {
        let start = Int.random(in: streams.indices, using: &generator)
        for offset in streams.indices {
            let origin = (start + offset) % streams.count
            let index = Int(receiver.delivered[ReplicaIndex(UInt16(origin + 1))])
            guard origin != receiver.index, index < streams[origin].count else { continue }
            let issued = streams[origin][index]
            let hasSource = nodes.contains { isConnected($0, receiver) && $0.delivered.contains(issued.dot) }
            if hasSource && receiver.delivered.covers(issued.past) {
                var context = context
                context.past = issued.past
                prepare(receiver)
                var changes: StateChanges = []
                receiver.state.apply(issued.operation, context: context, changes: &changes)
                receiver.delivered[issued.dot.replica] = issued.dot.counter
                receiver.clock = max(receiver.clock, issued.operation.timestamp.rawValue)
                return check(receiver, changes)
            }
        }
        return nil
    }

    private func issue(
        _ node: UIDNode, _ command: (inout AccountState, inout OperationBatch) throws(CRDTError) -> Void
    ) -> String? {
        node.clock += 1
        var context = context
        context.past = node.delivered
        let index = ReplicaIndex(UInt16(node.index + 1))
        var batch = OperationBatch(
            replica: index, firstCounter: node.delivered[index] + 1,
            timestamp: HybridTimestamp(rawValue: node.clock), account: AccountIndex(0), context: context,
            stripe: node.stripe)
        prepare(node)
        do throws(CRDTError) { try command(&node.state, &batch) } catch { return "a command failed: \(error)" }
        for operation in batch.operations {
            streams[node.index].append(IssuedOperation(operation: operation, past: node.delivered))
            node.delivered[index] = operation.dot.counter
        }
        return check(node, batch.changes)
    }

    private func prepare(_ node: UIDNode) {
        guard mutant == .noHighWaterMark, let slot = node.state.slot(of: box) else { return }
        node.state.slots[slot].exposedUID = 0
    }

    private func append(_ node: UIDNode) -> String? {
        guard node.isUp else { return nil }
        let number = counters.appends
        let box = box
        counters.appends += 1
        let seconds = UInt32(truncatingIfNeeded: 1_000 + now)
        return issue(node) { (state, batch) throws(CRDTError) in
            if !state.isAlive(box) {
                let validity = UIDValiditySource(nowSeconds: seconds, stripe: UInt8(node.index))
                try state.createMailbox(
                    name: box == .inbox ? "INBOX" : "Archive", use: box == .inbox ? .none : .archive,
                    validity: validity, batch: &batch)
            }
            let placed = try state.append(TestReplica.facts(UInt64(number)), to: box, batch: &batch)
            let view = state.message(in: box, id: placed.id)
            if let uid = placed.uid, view?.uid != uid { throw CRDTError(.fork, "APPENDUID \(uid) is not shown") }
        }
    }

    /// A flag change, an expunge or a delete of the mailbox.
    private func change(_ node: UIDNode) -> String? {
        guard node.isUp, node.state.isAlive(box) else { return nil }
        let box = box
        let message = node.state.presentMessages(in: box).randomElement(using: &generator)
        let kind = Int.random(in: 0..<(box == .inbox ? 3 : 4), using: &generator)
        return issue(node) { (state, batch) throws(CRDTError) in
            switch (kind, message) {
            case (3, _): try state.deleteMailbox(box, batch: &batch)
            case (0, .some(let message)): try state.expunge([message], in: box, batch: &batch)
            case (_, .some(let message)):
                try state.store(.add(FlagSet(kind == 1 ? .seen : .flagged)), message: message, in: box, batch: &batch)
            case (_, nil): break
            }
        }
    }

    private func restart(_ node: UIDNode) -> String? {
        do throws(CRDTError) {
            node.state = try SnapshotCopy.copy(node.state, context: context)
        } catch { return "the records cannot be read: \(error)" }
        node.isUp = true
        return check(node, [])
    }

    private func visit(_ index: Int) -> String? {
        guard nodes[index].isUp, let slot = nodes[index].state.slot(of: box) else { return nil }
        let mailbox = nodes[index].state.slots[slot]
        let validity = mailbox.birth?.uidValidity ?? 0
        let messages = nodes[index].state.messages(in: box)
        var knowledge: UIDKnowledge = [:]
        for entry in mailbox.epochs.entries where entry.isRelated { knowledge[entry.epoch] = entry.greatestUID }
        var epochs: [UInt32: UIDEpoch] = [:]
        for record in mailbox.messages.ordered where !record.isHole {
            epochs[record.uid] = mailbox.epochs.entries[Int(record.epoch)].epoch
        }
        let debts = client.debtCount
        client.drop(unknownTo: knowledge, validity, messages, epochs: epochs)
        counters.dropped += max(0, client.debtCount - debts)
        return client.visit(messages, validity)
    }

    // MARK: - The driver

    /// Does what the policy says until it says nothing more.
    private func decide(_ node: UIDNode) -> String? {
        guard node.isUp else { return nil }
        let own = context.replica(ReplicaIndex(UInt16(node.index + 1)))
        let box = box
        for _ in 0..<12 {
            guard let facts = node.state.uidFacts(of: box, context: context) else { return nil }
            let owner = nodes.first { context.replica(ReplicaIndex(UInt16($0.index + 1))) == facts.owner }
            let silence = owner.flatMap { node.unreachableSince[$0.index] }.map { now - $0 }
            let appender = nodes.first { context.replica(ReplicaIndex(UInt16($0.index + 1))) == facts.lastAppender }
            let situation = UIDPolicy.Situation(
                ownerUnreachableMilliseconds: silence, hasLocalInterest: true,
                canReachLastAppender: appender.map { node.unreachableSince[$0.index] == nil } ?? false)
            var violation: String?
            switch policy.action(facts, situation, own: own) {
            case .none: return nil
            case .assign, .merge:
                if mutant == .noMerge && facts.isForked { return nil }
                if facts.isForked { counters.merges += 1 }
                violation = issue(node) { (state, batch) throws(CRDTError) in
                    try state.assignWaiting(in: box, batch: &batch)
                }
            case .takeOver:
                counters.takeOvers += 1
                violation = takeOver(node, own, facts)
            case .handOver(let successor):
                counters.handOvers += 1
                violation = issue(node) { (state, batch) throws(CRDTError) in
                    try state.handOver(box, to: successor, batch: &batch)
                }
            }
            if let violation { return violation }
        }
        return "the policy of replica \(node.index) comes to no end"
    }

    private func takeOver(_ node: UIDNode, _ own: ReplicaID, _ facts: UIDFacts) -> String? {
        let (box, mutant) = (box, mutant)
        return issue(node) { (state, batch) throws(CRDTError) in
            guard let slot = state.slot(of: box), let parent = facts.epoch,
                var opening = state.slots[slot].epochs.opening(by: own, above: state.uidValidityFloor)
            else { return }
            switch mutant {
            case .unboundedInheritance: (opening.parent, opening.inheritedUpTo) = (parent, .max)
            case .settlesTheUnknown: opening.settled = [UIDAssignment(uid: .max, epoch: opening.parent)]
            default:
                try state.takeOver(box, batch: &batch)
                return
            }
            batch.issue(.epoch(mailbox: box, opening: opening), to: &state)
        }
    }

    /// Heals the network, delivers everything, and checks that all agree.
    private func rest() -> String? {
        side = nodes.map { _ in 0 }
        for node in nodes where !node.isUp {
            if let violation = restart(node) { return violation }
        }
        for _ in 0..<40 {
            now += 10
            noteReachability()
            let before = streams.reduce(0) { $0 + $1.count }
            for node in nodes {
                while !streams.indices.allSatisfy({
                    Int(node.delivered[ReplicaIndex(UInt16($0 + 1))]) == streams[$0].count
                }) {
                    if let violation = deliver(to: node) { return violation }
                }
            }
            for node in nodes {
                if let violation = decide(node) { return violation }
            }
            if streams.reduce(0, { $0 + $1.count }) == before { return agreement() }
        }
        return "the replicas do not come to rest"
    }

    private func agreement() -> String? {
        for node in nodes {
            if node.state.digest != nodes[0].state.digest { return "the digests of 0 and \(node.index) differ" }
            if node.state.uids(in: box) != nodes[0].state.uids(in: box) {
                return "replica \(node.index) shows \(node.state.uids(in: box)), 0 \(nodes[0].state.uids(in: box))"
            }
            if let summary = node.state.summary(of: box), summary.waiting > 0 {
                return "at replica \(node.index) \(summary.waiting) messages wait for ever"
            }
            if let violation = fullViolation(node) { return violation }
        }
        for index in nodes.indices {
            if let violation = visit(index) { return violation }
            if let violation = client.missed(nodes[index].state.messages(in: box)) { return violation }
            if let violation = client.lost(nodes[index].state.messages(in: box)) { return violation }
        }
        return nil
    }

    // MARK: - Checks

    private func check(_ node: UIDNode, _ changes: StateChanges) -> String? {
        guard let slot = node.state.slot(of: box) else {
            node.forget()
            return nil
        }
        let validity = node.state.slots[slot].birth?.uidValidity ?? 0
        for change in changes {
            switch change {
            case .messageAppeared(_, let message, let uid, _):
                let key = UIDNode.Key(validity: validity, uid: uid)
                if let other = meanings.updateValue(message, forKey: key), other != message {
                    return "UID \(uid) of UIDVALIDITY \(validity) meant \(other), now \(message)"
                }
                if let violation = node.noteAppearance(key) { return violation }
            case .messageVanished: counters.vanished += 1
            default: break
            }
        }
        counters.hidden += Int(node.state.slots[slot].counts.waiting)
        if let violation = node.noteNext(validity, node.state.summary(of: box)?.uidNext) { return violation }
        // The whole state is looked at now and then and in the end: that costs more than all the rest.
        checks += 1
        return checks % 32 == 0 ? node.state.checkInvariants() : nil
    }

    private func fullViolation(_ node: UIDNode) -> String? {
        if let violation = node.state.checkInvariants() { return violation }
        return node.state.recomputedDigest(context: context) == node.state.digest ? nil : "a wrong digest"
    }
}
