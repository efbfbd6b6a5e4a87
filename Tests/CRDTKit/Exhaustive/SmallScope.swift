// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// All interleavings of issuing and delivering the five operations by a few replicas on a few folders, on the production state.
///
/// Histories branch, but few operations and few replica states occur in them: both are interned, applying an operation to a state is remembered, and
/// what remains of a global state is numbers. The reference is asked once for each pair of a replica state and a set of delivered operations.
final class SmallScope {
    /// A deliberate mistake that the check must find.
    enum Mutant: CaseIterable {
        /// Operations of an origin come in order, but without what they depend on.
        case deliveryIsNotCausal
        /// DELETE takes everything, not what its source had seen.
        case deleteClearsEverything
        /// DELETE drops the liveness counters without comparing them with its causal past.
        case livenessIgnoresTheContext
    }

    struct Result {
        var states = 0
        var transitions = 0
        var violations = 0
        /// The number of states looked at when the first violation was found.
        var firstViolation: Int?
        var example = ""
    }

    private final class Held {
        let state: AccountState
        init(_ state: consuming AccountState) { self.state = state }
    }

    private struct StateKey: Hashable {
        var account: AbstractAccount
        var inner: [String]
    }

    /// A global state in six words: for each replica the number of its state and the delivered counters, then the numbers of all operations in the
    /// order of origins and counters.
    private struct Global: Hashable {
        private var first: UInt64 = 0
        private var second: UInt64 = 0
        private var third: UInt64 = 0
        private var operations: UInt64 = 0
        private var moreOperations: UInt64 = 0
        /// The origins in the order in which they issued: kept so that the number of states can be compared with that of an independent check.
        private var order: UInt64 = 0

        private subscript(replica: Int) -> UInt64 {
            get { replica == 0 ? first : replica == 1 ? second : third }
            set {
                switch replica {
                case 0: first = newValue
                case 1: second = newValue
                default: third = newValue
                }
            }
        }

        func state(_ replica: Int) -> UInt32 { UInt32(truncatingIfNeeded: self[replica] >> 32) }

        mutating func setState(_ replica: Int, _ state: UInt32) {
            self[replica] = self[replica] & 0xffff_ffff | UInt64(state) << 32
        }

        func delivered(_ replica: Int, _ origin: Int) -> Int { Int(self[replica] >> UInt64(origin * 8) & 0xff) }

        mutating func deliver(_ replica: Int, _ origin: Int) { self[replica] += 1 << UInt64(origin * 8) }

        mutating func noteIssue(_ replica: Int) { order = order * 4 + UInt64(replica + 1) }

        func operation(_ index: Int) -> UInt32 {
            UInt32(truncatingIfNeeded: (index < 2 ? operations : moreOperations) >> (UInt64(index & 1) * 32))
        }

        mutating func insert(_ operation: UInt32, at index: Int) {
            var all = (0..<4).map { self.operation($0) }
            all.insert(operation, at: index)
            operations = UInt64(all[0]) | UInt64(all[1]) << 32
            moreOperations = UInt64(all[2]) | UInt64(all[3]) << 32
        }
    }

    private let replicas: Int
    private let limit: Int
    private let folders: [MailboxID]
    private let mutant: Mutant?
    private let context: ApplyContext
    private var operations: [IssuedOperation] = []
    private var operationNumbers: [IssuedOperation: UInt32] = [:]
    private var states: [Held] = []
    private var accounts: [AbstractAccount] = []
    private var stateNumbers: [StateKey: UInt32] = [:]
    private var successors: [UInt64: UInt32] = [:]
    private var verdicts: [[UInt32]: Bool] = [:]
    private var models: [[UInt32]: ModelTranslation.Model] = [:]
    private(set) var result = Result()

    init(replicas: Int, operations: Int, folders: Int, mutant: Mutant? = nil) {
        self.replicas = replicas
        self.limit = operations
        self.folders = [MailboxID.wellKnown(.archive), .wellKnown(.trash)].prefix(folders).map { $0 }
        self.mutant = mutant
        context = ApplyContext(replicas: (0..<replicas).map { ReplicaID(UInt64(9 - $0)) })
    }

    /// Explores everything, or until so many states were looked at.
    func explore(atMost most: Int = .max) -> Result {
        let start = Global()
        _ = number(of: AccountState())
        var seen: Set<Global> = [start]
        var stack = [start]
        while let global = stack.popLast(), result.states < most {
            result.states += 1
            check(global)
            for next in successors(of: global) {
                result.transitions += 1
                if seen.insert(next).inserted { stack.append(next) }
            }
        }
        return result
    }

    /// Where an origin's operation is in the order of all.
    private func position(_ global: Global, _ origin: Int, _ index: Int) -> Int {
        (0..<origin).reduce(index) { $0 + global.delivered($1, $1) }
    }

    private func successors(of global: Global) -> [Global] {
        var result: [Global] = []
        var issued = 0
        for origin in 0..<replicas { issued += global.delivered(origin, origin) }
        for replica in 0..<replicas {
            for origin in 0..<replicas where origin != replica {
                if let next = deliver(global, to: replica, from: origin) { result.append(next) }
            }
            if issued < limit {
                for body in choices(global.state(replica)) {
                    result.append(issue(global, replica, body))
                }
            }
        }
        return result
    }

    private func index(_ replica: Int) -> ReplicaIndex { ReplicaIndex(UInt16(replica + 1)) }

    private func past(_ global: Global, _ replica: Int) -> VersionVector {
        var past = VersionVector()
        for origin in 0..<replicas { past[index(origin)] = UInt64(global.delivered(replica, origin)) }
        return past
    }

    /// What a replica can issue: create, delete and append on every folder, expunge and store on every message that it sees.
    private func choices(_ state: UInt32) -> [OperationBody] {
        var result: [OperationBody] = []
        let account = accounts[Int(state)]
        for folder in folders {
            result.append(.create(mailbox: folder, name: folder.description, uidValidity: 16, use: .none))
            result.append(.delete(mailbox: folder))
            result.append(
                .append(mailbox: folder, facts: HistoryCommand.facts(1), flags: FlagSet(), assignment: nil))
            for (message, held) in account.folders[folder]?.messages ?? [:] {
                result.append(.expunge(mailbox: folder, message: message))
                let isFlagged = held.flags.system.contains(.flagged)
                let flag = FlagSet(.flagged)
                result.append(
                    .store(
                        mailbox: folder, message: message, adding: isFlagged ? FlagSet() : flag,
                        removing: isFlagged ? flag : FlagSet()))
            }
        }
        return result
    }

    private func issue(_ global: Global, _ replica: Int, _ body: OperationBody) -> Global {
        let counter = UInt64(global.delivered(replica, replica) + 1)
        let past = past(global, replica)
        // Later than everything in its past, as a hybrid clock makes it.
        let operation = Operation(
            dot: Dot(index(replica), counter), timestamp: HybridTimestamp(rawValue: past.counters.reduce(1, +)),
            account: AccountIndex(0), body: body)
        let number = number(of: IssuedOperation(operation: operation, past: past))
        var next = global
        next.insert(number, at: position(global, replica, Int(counter) - 1))
        next.setState(replica, apply(number, to: global.state(replica)))
        next.deliver(replica, replica)
        next.noteIssue(replica)
        return next
    }

    private func deliver(_ global: Global, to replica: Int, from origin: Int) -> Global? {
        let have = global.delivered(replica, origin)
        if have >= global.delivered(origin, origin) { return nil }
        let number = global.operation(position(global, origin, have))
        if mutant != .deliveryIsNotCausal && !past(global, replica).covers(operations[Int(number)].past) { return nil }
        var next = global
        next.setState(replica, apply(number, to: global.state(replica)))
        next.deliver(replica, origin)
        return next
    }

    private func number(of operation: IssuedOperation) -> UInt32 {
        if let known = operationNumbers[operation] { return known }
        let number = UInt32(operations.count)
        operations.append(operation)
        operationNumbers[operation] = number
        return number
    }

    private func apply(_ operation: UInt32, to state: UInt32) -> UInt32 {
        let edge = UInt64(state) << 32 | UInt64(operation)
        if let known = successors[edge] { return known }
        let issued = operations[Int(operation)]
        var next = states[Int(state)].state.copy()
        var context = context
        context.past = issued.past
        let isDelete = if case .delete = issued.operation.body { true } else { false }
        if mutant == .deleteClearsEverything && isDelete {
            for replica in 0..<replicas { context.past[index(replica)] = Dot.maximumCounter }
        }
        var changes: StateChanges = []
        next.apply(issued.operation, context: context, changes: &changes)
        if mutant == .livenessIgnoresTheContext, isDelete, let mailbox = issued.mailbox,
            let slot = next.slot(of: mailbox)
        {
            next.slots[slot].liveness = VersionVector()
            next.refreshName(slot, context: context, changes: &changes)
        }
        let number = number(of: next)
        successors[edge] = number
        return number
    }

    private func number(of state: consuming AccountState) -> UInt32 {
        let account = AbstractAccount(state)
        let key = StateKey(account: account, inner: SmallScope.inner(state))
        if let known = stateNumbers[key] { return known }
        let number = UInt32(states.count)
        states.append(Held(state))
        accounts.append(account)
        stateNumbers[key] = number
        return number
    }

    /// What the abstraction leaves out and later operations depend on.
    private static func inner(_ state: borrowing AccountState) -> [String] {
        var result: [String] = []
        for index in state.slots.indices {
            let box = state.slots[index]
            result.append("\(box.id) \(box.liveness.counters) \(String(describing: box.nameStamp))")
            for record in box.messages.ordered + box.messages.apart where !record.isHole {
                let dots = box.messages.dots(of: record)
                let presence = dots.presence.map(\.packed).sorted()
                let enablers = dots.enablers.sorted { $0.dot.packed < $1.dot.packed }.map {
                    "\($0.dot)\($0.flags.rawValue)"
                }
                result.append("\(box.id) \(record.id) \(record.place) \(presence) \(enablers)")
            }
        }
        return result.sorted()
    }

    private func check(_ global: Global) {
        for replica in 0..<replicas {
            var delivered: [UInt32] = []
            for origin in 0..<replicas {
                for index in 0..<global.delivered(replica, origin) {
                    delivered.append(global.operation(position(global, origin, index)))
                }
            }
            let state = global.state(replica)
            if !isRight(state, delivered.sorted()) {
                fail("a replica is \(accounts[Int(state)].outline) after \(delivered.map { operations[Int($0)] })")
                return
            }
            for other in 0..<replica where state != global.state(other) {
                if (0..<replicas).allSatisfy({ global.delivered(replica, $0) == global.delivered(other, $0) }) {
                    fail("two replicas differ after \(delivered.map { operations[Int($0)] })")
                    return
                }
            }
        }
    }

    private func fail(_ what: String) {
        result.violations += 1
        if result.firstViolation == nil {
            result.firstViolation = result.states
            result.example = what
        }
    }

    private func isRight(_ state: UInt32, _ delivered: [UInt32]) -> Bool {
        let key = [state] + delivered
        if let known = verdicts[key] { return known }
        let log = delivered.map { operations[Int($0)] }
        var verdict = accounts[Int(state)] == HistoryReference(delivered: log, context: context).account()
        if verdict && mutant == nil {
            // The mutants break the model's own assumptions, so it is asked only about the right state.
            verdict = modelAgrees(state, delivered, log)
            if let violation = states[Int(state)].state.checkInvariants() {
                fail(violation)
                verdict = false
            }
            if states[Int(state)].state.recomputedDigest(context: context) != states[Int(state)].state.digest {
                verdict = false
            }
        }
        verdicts[key] = verdict
        return verdict
    }

    private func modelAgrees(_ state: UInt32, _ delivered: [UInt32], _ log: [IssuedOperation]) -> Bool {
        let modelled = ModelTranslation.outline(model(of: delivered))
        let expunged = Set(
            log.compactMap { issued -> Dot? in
                if case .expunge(_, let message) = issued.operation.body { return message } else { return nil }
            })
        let outline = accounts[Int(state)].outline
        return modelled.mapValues { Set($0).subtracting(expunged) } == outline
    }

    /// The model's state after a causally closed set of operations.
    private func model(of delivered: [UInt32]) -> ModelTranslation.Model {
        if let known = models[delivered] { return known }
        var model = ModelTranslation.Model()
        let order = delivered.sorted { before($0, $1) }
        for number in order {
            let issued = operations[Int(number)]
            let source = order.filter { issued.past.contains(operations[Int($0)].dot) }
            // What an operation means in the model depends on its source's state, which this very set of operations determines.
            let parts = ModelTranslation.translate(issued, at: self.model(of: source.sorted()))
            for part in parts { model.interpret(part) }
        }
        models[delivered] = model
        return model
    }

    /// An order of numbers that respects causality.
    private func before(_ left: UInt32, _ right: UInt32) -> Bool {
        let first = operations[Int(left)]
        let second = operations[Int(right)]
        return (first.past.counters.reduce(0, +), first.dot.packed) < (
            second.past.counters.reduce(0, +), second.dot.packed
        )
    }
}
