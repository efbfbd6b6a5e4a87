// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing
import TestSupport

@testable import CRDTKit

/// A replica with what a shell adds to it: a log of its own frames, what was delivered in which order, and the observed
/// dots from which further operations can be made.
final class TestNode {
    /// An operation by its global name.
    struct Name: Hashable, CustomStringConvertible {
        let origin: ReplicaID
        let counter: UInt64
        var description: String { "\(origin):\(counter)" }
    }

    /// A vector by global names.
    typealias GlobalVector = [ReplicaID: UInt64]

    /// An operation as it was delivered or issued here, in terms that all nodes share.
    struct Event: Hashable {
        let name: Name
        let text: String
        let past: GlobalVector
    }

    static let partition = PartitionID(7)
    var replica: Replica
    var now: UInt64 = 1_700_000_000_000
    /// The own payloads, as a peer would stream them.
    private(set) var sent: [(first: UInt64, payload: [UInt8])] = []
    /// Everything in the order of the log: own and delivered or waiting frames.
    private(set) var log: [[UInt8]] = []
    private(set) var events: [Event] = []
    private(set) var refused: [RefusedFrame] = []
    private(set) var account = AccountIndex(0)
    private var mailboxes: [MailboxID] = [.inbox]
    private var messages: [Dot] = []

    init(_ name: UInt64, limits: ReplicaLimits = ReplicaLimits()) throws {
        replica = try Replica(partition: Self.partition, id: ReplicaID(name), limits: limits)
    }

    init(_ replica: consuming Replica) { self.replica = replica }

    var names: [Name] { events.map(\.name) }

    /// Issues operations as one batch.
    @discardableResult
    func issue(_ bodies: [OperationBody], account: AccountIndex? = nil) throws -> [[UInt8]] {
        let owner = try account ?? replica.account(named: "user")
        let point = replica.begin(nowMilliseconds: now)
        let operations = bodies.enumerated().map { position, body in
            Operation(
                dot: Dot(point.replica, point.firstCounter + UInt64(position)), timestamp: point.timestamp,
                account: owner, body: body)
        }
        let payloads = try replica.seal(operations, issuedAt: point)
        for payload in payloads {
            sent.append((try FrameHeader(decoding: payload.span.bytes).firstCounter, payload))
            log.append(payload)
        }
        note(operations, past: point.past)
        return payloads
    }

    /// Issues a batch that says nothing but its number.
    @discardableResult
    func issue(count: Int = 1) throws -> [UInt8] {
        let next = replica.nextCounter
        return try issue((0..<count).map { .subscribe(name: "box\(next + UInt64($0))") })[0]
    }

    /// Issues a batch of random operations on what was observed.
    @discardableResult
    func issueRandom(_ count: Int, using generator: inout SeededGenerator) throws -> [[UInt8]] {
        let name = "user\(UInt.random(in: 0..<5, using: &generator))"
        let account = try replica.account(named: name)
        var next = replica.nextCounter
        var known = messages
        var boxes = mailboxes
        var bodies: [OperationBody] = []
        for _ in 0..<count {
            let body = try randomBody(next, boxes, known, &generator)
            if case .append = body { known.append(Dot(replica.own, next)) }
            if case .create(let mailbox, _, _, _) = body { boxes.append(mailbox) }
            bodies.append(body)
            next += 1
        }
        return try issue(bodies, account: account)
    }

    private func randomBody(
        _ counter: UInt64, _ boxes: [MailboxID], _ known: [Dot], _ generator: inout SeededGenerator
    ) throws -> OperationBody {
        let box = boxes.randomElement(using: &generator)!
        let message = known.randomElement(using: &generator)
        let name = "folder \(UInt8.random(in: 0...255, using: &generator)) ü"
        switch (Int.random(in: 0..<13, using: &generator), message) {
        case (0, _):
            let isNew = Bool.random(using: &generator)
            let mailbox = isNew ? MailboxID(Dot(replica.own, counter)) : box
            let use = MailboxUse.allCases.randomElement(using: &generator)!
            return .create(mailbox: mailbox, name: name, uidValidity: UInt32(generator.next() >> 32), use: use)
        case (1, _): return .delete(mailbox: box)
        case (2, _): return .rename(mailbox: box, name: name)
        case (10, _):
            let bound = UInt32(truncatingIfNeeded: generator.next())
            let (epoch, parent) = (assignment(&generator).epoch, assignment(&generator).epoch)
            let branches = (0..<Int.random(in: 0...3, using: &generator)).map { _ in assignment(&generator) }
            var settled: [UIDAssignment] = []
            for branch in branches.sorted(by: { $0.epoch < $1.epoch })
            where branch.epoch < epoch && settled.last?.epoch != branch.epoch {
                settled.append(branch)
            }
            let opening = EpochOpening(epoch: epoch, parent: parent, inheritedUpTo: bound, settled: settled)
            return .epoch(mailbox: box, opening: opening)
        case (11, _): return .member(memberChange(name, &generator))
        case (12, _): return .mark(stripe: UInt8.random(in: 0..<16, using: &generator))
        case (3, _):
            return Bool.random(using: &generator) ? .subscribe(name: name) : .unsubscribe(name: name)
        case (4, .some(let message)): return .expunge(mailbox: box, message: message)
        case (5, .some(let message)):
            return .assign(mailbox: box, message: message, assignment: assignment(&generator))
        case (6, .some(let message)), (7, .some(let message)):
            return .store(
                mailbox: box, message: message, adding: try flags(&generator), removing: try flags(&generator))
        default:
            let facts = MessageFacts(
                body: BodyDigest(words: (generator.next(), generator.next(), generator.next(), generator.next())),
                size: generator.next() >> UInt64.random(in: 0..<64, using: &generator),
                internalDateSeconds: Int64(truncatingIfNeeded: generator.next()) >> 20,
                internalDateZoneMinutes: Int16.random(in: -720...840, using: &generator))
            let assignment = Bool.random(using: &generator) ? assignment(&generator) : nil
            return .append(mailbox: box, facts: facts, flags: try flags(&generator), assignment: assignment)
        }
    }

    private func memberChange(_ name: String, _ generator: inout SeededGenerator) -> MemberChange {
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: return .remove(name: name)
        case 1:
            return .announce(name: name, replica: replica.replicas.ids.dropFirst().randomElement(using: &generator)!)
        default:
            let addresses = (0..<Int.random(in: 0...3, using: &generator)).map { "node-\($0).example:993" }
            return .add(name: name, stripe: UInt8.random(in: 0...255, using: &generator), addresses: addresses)
        }
    }

    private func flags(_ generator: inout SeededGenerator) throws -> FlagSet {
        var keywords: [KeywordIndex] = []
        if Int.random(in: 0..<4, using: &generator) == 0 {
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let number = Int.random(in: 0..<12, using: &generator)
                keywords.append(
                    try replica.keyword(named: Bool.random(using: &generator) ? "$K\(number)" : "$k\(number)"))
            }
        }
        return FlagSet(SystemFlags(rawValue: UInt8.random(in: 0..<32, using: &generator)), keywords: keywords)
    }

    private func assignment(_ generator: inout SeededGenerator) -> UIDAssignment {
        let owners = replica.replicas.ids.dropFirst()
        let epoch = UIDEpoch(
            number: UInt32.random(in: 1...9, using: &generator), owner: owners.randomElement(using: &generator)!)
        return UIDAssignment(uid: UInt32.random(in: 1...UInt32.max, using: &generator), epoch: epoch)
    }

    /// Receives a frame, notes what it delivers and checks the invariants.
    @discardableResult
    func receive(_ payload: [UInt8]) throws -> ReceiveResult {
        let result = try replica.receive(payload, nowMilliseconds: now)
        if case .duplicate = result {} else { log.append(payload) }
        take(result)
        try replica.checkInvariants()
        return result
    }

    /// Replays a frame from a log.
    @discardableResult
    func recover(_ payload: [UInt8]) throws -> ReceiveResult {
        let result = try replica.recover(payload)
        take(result)
        try replica.checkInvariants()
        return result
    }

    private func take(_ result: ReceiveResult) {
        guard case .delivered(let frames, let refused) = result else { return }
        for frame in frames { note(frame.operations, past: frame.past) }
        self.refused += refused
    }

    private func note(_ operations: [Operation], past: VersionVector) {
        var past = past
        for operation in operations {
            events.append(Event(name: name(operation.dot), text: global(operation), past: global(past)))
            past[operation.dot.replica] = operation.dot.counter
            if case .append = operation.body { messages.append(operation.dot) }
            if case .create(let mailbox, _, _, _) = operation.body { mailboxes.append(mailbox) }
        }
    }

    func name(_ dot: Dot) -> Name {
        Name(origin: replica.replicas.ids[Int(dot.replica.rawValue)], counter: dot.counter)
    }

    func global(_ vector: VersionVector) -> GlobalVector {
        var result: GlobalVector = [:]
        for (position, counter) in vector.counters.enumerated() where counter > 0 {
            result[replica.replicas.ids[position]] = counter
        }
        return result
    }

    /// All contexts by global names, those without operations left out.
    var contexts: [ReplicaID: GlobalVector] {
        var result: [ReplicaID: GlobalVector] = [:]
        for (position, id) in replica.replicas.ids.enumerated().dropFirst() {
            let index = ReplicaIndex(UInt16(position))
            if replica.delivered[index] > 0 { result[id] = global(replica.context(of: index)) }
        }
        return result
    }

    private func global(_ flags: FlagSet) -> String {
        let names = flags.keywords.map { replica.symbols.name(of: $0)!.lowercased() }.sorted()
        return "\(flags.system.rawValue)\(names)"
    }

    private func global(_ operation: Operation) -> String {
        let account = replica.symbols.name(of: operation.account) ?? "?"
        let body: String
        switch operation.body {
        case .create(let mailbox, let name, let validity, let use):
            body = "create \(self.name(mailbox.dot)) \(name) \(validity) \(use)"
        case .delete(let mailbox): body = "delete \(name(mailbox.dot))"
        case .rename(let mailbox, let name): body = "rename \(self.name(mailbox.dot)) \(name)"
        case .append(let mailbox, let facts, let flags, let assignment):
            body = "append \(name(mailbox.dot)) \(facts) \(global(flags)) \(String(describing: assignment))"
        case .expunge(let mailbox, let message): body = "expunge \(name(mailbox.dot)) \(name(message))"
        case .store(let mailbox, let message, let adding, let removing):
            body = "store \(name(mailbox.dot)) \(name(message)) +\(global(adding)) -\(global(removing))"
        case .assign(let mailbox, let message, let assignment):
            body = "assign \(name(mailbox.dot)) \(name(message)) \(assignment)"
        case .subscribe(let name): body = "subscribe \(name)"
        case .unsubscribe(let name): body = "unsubscribe \(name)"
        case .epoch(let mailbox, let opening):
            body = "epoch \(name(mailbox.dot)) \(opening)"
        case .member(let change): body = "member \(change)"
        case .mark(let stripe): body = "mark \(stripe)"
        }
        return "\(account) @\(operation.timestamp.rawValue) \(body)"
    }
}

/// What a receive came to, without its contents.
enum Verdict: Equatable {
    case delivered(Int)
    case waiting
    case duplicate
    case overflow
    case deferred

    init(_ result: ReceiveResult) {
        switch result {
        case .delivered(let frames, _): self = .delivered(frames.reduce(0) { $0 + $1.operations.count })
        case .waiting: self = .waiting
        case .duplicate: self = .duplicate
        case .overflow: self = .overflow
        case .deferred: self = .deferred
        }
    }
}

/// The code of the error that the body throws, or nil.
func code(of body: () throws -> Void) -> CRDTError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? CRDTError)?.code
    }
}
