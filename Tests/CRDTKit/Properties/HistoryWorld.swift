// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// Replicas that issue and deliver as a script says, each with its production state and the model's state.
struct HistoryWorld: ~Copyable {
    /// One replica; a class only because an array cannot hold a noncopyable state.
    final class Replica {
        var state = AccountState()
        /// The state as the changes alone tell it.
        var shadow = ShadowEngine()
        var changes: StateChanges = []
        var model = ModelTranslation.Model()
        var delivered = VersionVector()
        var log: [IssuedOperation] = []
        /// The causal past of the last operation delivered from each replica: what that replica is known to have delivered.
        var known: [VersionVector]
        var clock: UInt64 = 1 << 20

        init(count: Int) { known = Array(repeating: VersionVector(), count: count) }
    }

    let replicas: [Replica]
    let context: ApplyContext
    /// Whether the verified model runs along and is compared.
    let withModel: Bool
    /// All operations by origin, in the order of their counters.
    private(set) var streams: [[IssuedOperation]]
    /// What each operation is in the verified model.
    private(set) var translations: [Dot: [ModelTranslation.Model.Operation]] = [:]
    private(set) var actor = 0

    static let names = ["a", "b", "a/x", "a/y", "Archive", "c"]
    static let uses: [MailboxUse] = [.archive, .trash]
    static let seconds: UInt32 = 1_600

    init(replicaCount: Int, withModel: Bool = true) {
        replicas = (0..<replicaCount).map { _ in Replica(count: replicaCount) }
        // The order of the names is not that of the indexes, so that a tie broken by local index would be found out.
        let ids = (0..<replicaCount).map { ReplicaID(UInt64(($0 * 7 + 3) % 11) + 1, incarnation: 1) }
        context = ApplyContext(replicas: ids, keywords: ["$Forwarded", "work"])
        streams = Array(repeating: [], count: replicaCount)
        self.withModel = withModel
    }

    /// Takes one step and checks the replica that took it.
    ///
    /// - Returns: what is wrong, or nil.
    mutating func take(_ step: HistoryScript.Step) -> String? {
        actor = step.replica
        let replica = replicas[step.replica]
        switch step.action {
        case .deliver: deliverNext(to: step.replica, startingAt: step.first)
        case .prune:
            replica.state.prune(stable: stable(at: step.replica), changes: &replica.changes)
        case .restart: if let violation = restart(replica) { return violation }
        default: issue(step)
        }
        return violation(at: step.replica)
    }

    /// Delivers everything everywhere.
    mutating func quiesce() {
        for receiver in replicas.indices { while deliverNext(to: receiver, startingAt: 0) {} }
    }

    /// The first disagreement of a replica with the reference, the model or its own rules.
    func violation(at index: Int) -> String? {
        let replica = replicas[index]
        if let violation = replica.state.checkInvariants() { return violation }
        if replica.state.recomputedDigest(context: context) != replica.state.digest {
            return "the digest is not that of the state"
        }
        if let violation = replica.shadow.note(replica.changes, replica.state) { return violation }
        replica.changes = []
        if let violation = replica.shadow.violation(replica.state) { return violation }
        let actual = AbstractAccount(replica.state)
        let expected = HistoryReference(delivered: replica.log, context: context).account()
        if actual != expected { return "replica \(index) is \(actual), should be \(expected)" }
        return withModel ? modelViolation(replica, actual) : nil
    }

    private func modelViolation(_ replica: Replica, _ actual: AbstractAccount) -> String? {
        let expunged = Set(
            replica.log.compactMap { issued -> Dot? in
                if case .expunge(_, let message) = issued.operation.body { return message } else { return nil }
            })
        let modelled = ModelTranslation.outline(replica.model)
        let outline = actual.outline
        if Set(modelled.keys) != Set(outline.keys) {
            return "the model has the folders \(modelled.keys), not \(outline.keys)"
        }
        for (mailbox, messages) in modelled {
            // Deviation 1: the model may have a message more than once. Deviation 2: a message that was expunged may have come back there.
            if Set(messages).subtracting(expunged) != outline[mailbox] {
                return "the model has \(messages) in \(mailbox)"
            }
            if !hasDeviation(replica.log)
                && (messages.count != Set(messages).count || Set(messages) != outline[mailbox])
            {
                return "without a conflict the model has \(messages) in \(mailbox)"
            }
        }
        return nil
    }

    /// Whether two operations meet of which production and model make different things.
    private func hasDeviation(_ log: [IssuedOperation]) -> Bool {
        let stores = log.filter { if case .store = $0.operation.body { true } else { false } }
        let others = log.filter {
            switch $0.operation.body {
            case .store, .expunge: true
            default: false
            }
        }
        return stores.contains { store in
            others.contains { store.message == $0.message && store.isConcurrent(with: $0) }
        }
    }

    /// Delivers the next operation of some origin that is ready, if there is one.
    @discardableResult
    mutating func deliverNext(to receiver: Int, startingAt start: Int) -> Bool {
        let replica = replicas[receiver]
        for offset in streams.indices {
            let origin = (start + offset) % streams.count
            let index = Int(replica.delivered[ReplicaIndex(UInt16(origin + 1))])
            if origin == receiver || index >= streams[origin].count { continue }
            let issued = streams[origin][index]
            if !replica.delivered.covers(issued.past) { continue }
            var context = context
            context.past = issued.past
            replica.state.apply(issued.operation, context: context, changes: &replica.changes)
            for operation in translations[issued.dot] ?? [] { replica.model.interpret(operation) }
            replica.delivered[issued.dot.replica] = issued.dot.counter
            replica.known[origin] = issued.past
            replica.clock = max(replica.clock, issued.operation.timestamp.rawValue)
            replica.log.append(issued)
            return true
        }
        return false
    }

    /// What every replica has delivered as far as this one knows from their operations.
    private func stable(at index: Int) -> VersionVector {
        var result = replicas[index].delivered
        for other in replicas.indices where other != index { result.formIntersection(replicas[index].known[other]) }
        return result
    }

    /// Makes the state again from its records.
    private func restart(_ replica: Replica) -> String? {
        let before = replica.state.digest
        let abstraction = AbstractAccount(replica.state)
        do throws(CRDTError) {
            _ = replica.shadow.note(replica.changes, replica.state)
            replica.changes = []
            replica.state = try replica.shadow.restored(context: context)
        } catch { return "the snapshot cannot be read: \(error)" }
        if replica.state.digest != before { return "the digest changed over a restart" }
        if AbstractAccount(replica.state) != abstraction { return "the state changed over a restart" }
        return nil
    }

    private mutating func record(_ batch: OperationBatch, _ index: Int) {
        let replica = replicas[index]
        var past = replica.delivered
        for operation in batch.operations {
            let issued = IssuedOperation(operation: operation, past: past)
            if withModel {
                let parts = ModelTranslation.translate(issued, at: replica.model)
                translations[issued.dot] = parts
                for part in parts { replica.model.interpret(part) }
            }
            streams[index].append(issued)
            replica.log.append(issued)
            past[operation.dot.replica] = operation.dot.counter
        }
        replica.delivered = past
    }

    private mutating func issue(_ step: HistoryScript.Step) {
        let replica = replicas[step.replica]
        replica.clock += 1
        var context = context
        context.past = replica.delivered
        let index = ReplicaIndex(UInt16(step.replica + 1))
        var batch = OperationBatch(
            replica: index, firstCounter: replica.delivered[index] + 1,
            timestamp: HybridTimestamp(rawValue: replica.clock), account: AccountIndex(0), context: context,
            stripe: UIDStripe(index: step.replica, count: replicas.count, blockSize: 4) ?? .sole)
        do throws(CRDTError) {
            try HistoryCommand.run(step, on: &replica.state, batch: &batch)
        } catch {
            // A command that is refused is part of the history: it must have changed nothing, which the checks after the step see.
            if !batch.operations.isEmpty { fatalError("a refused command issued \(batch.operations)") }
        }
        replica.changes.append(contentsOf: batch.changes)
        record(batch, step.replica)
    }
}
