// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// What a test that tells a story step by step needs.
extension Simulation {
    static func body(_ number: UInt64, size: Int = 40) -> [UInt8] {
        (0..<UInt64(size)).map { UInt8(truncatingIfNeeded: StableHash.mix(number &* 1_000 &+ $0)) }
    }

    static func facts(_ number: UInt64, size: Int = 40) -> MessageFacts {
        let bytes = body(number, size: size)
        return MessageFacts(
            body: SimulatedBody.digest(bytes), size: UInt64(size), internalDateSeconds: 1_000,
            internalDateZoneMinutes: 0)
    }

    /// Carries out a command at a node and waits until it is acknowledged.
    func perform(
        at node: Int, bodies: [[UInt8]] = [],
        _ command: (inout AccountState, inout OperationBatch) throws(CRDTError) -> Void
    ) {
        var isDone = false
        issue(at: node, bodies: bodies, command) { isDone = true }
        wait("node-\(node) to answer") { _ in isDone }
    }

    private func issue(
        at node: Int, bodies: [[UInt8]],
        _ command: (inout AccountState, inout OperationBatch) throws(CRDTError) -> Void, done: @escaping () -> Void
    ) {
        guard let store = nodes[node].store else { return world.violate("node-\(node) is down") }
        store.localInterest.insert("user0")
        store.issueWithBodies("user0") { (state, batch) throws(CRDTError) -> [[UInt8]] in
            try command(&state, &batch)
            return bodies
        } done: { [world, oracle] result in
            switch result {
            case .success(let operations): oracle.acknowledged(operations)
            case .failure(let error): world.violate("node-\(node): \(error)")
            }
            done()
        }
    }

    /// Carries out a command at a node if it serves; nobody waits for the answer, which may never come.
    func attempt(
        at node: Int, bodies: [[UInt8]] = [],
        _ command: (inout AccountState, inout OperationBatch) throws(CRDTError) -> Void
    ) {
        let node = nodes[node]
        guard node.serves, let store = node.store else { return }
        store.localInterest.insert("user0")
        let sessions = node.sessions
        store.issueWithBodies("user0") { (state, batch) throws(CRDTError) -> [[UInt8]] in
            try command(&state, &batch)
            return bodies
        } done: { [oracle] result in
            if case .success(let operations) = result, sessions == node.sessions { oracle.acknowledged(operations) }
        }
    }

    /// Appends messages to the INBOX of a node that serves.
    func attemptAppends(at node: Int, _ count: Int) {
        for _ in 0..<count {
            let number = world.number(0...UInt64.max)
            attempt(at: node, bodies: [Simulation.body(number)]) { (state, batch) throws(CRDTError) in
                try state.append(Simulation.facts(number), to: .inbox, batch: &batch)
            }
        }
    }

    /// Appends messages to the INBOX and waits until all are acknowledged.
    func append(at node: Int, _ count: Int, size: Int = 40) {
        var left = count
        for _ in 0..<count { appendWithoutWaiting(at: node, size: size) { left -= 1 } }
        wait("node-\(node) to answer") { _ in left == 0 }
    }

    func appendWithoutWaiting(at node: Int, size: Int = 40, done: @escaping () -> Void = {}) {
        let number = world.number(0...UInt64.max)
        let facts = Simulation.facts(number, size: size)
        issue(at: node, bodies: [Simulation.body(number, size: size)]) { (state, batch) throws(CRDTError) in
            try state.append(facts, to: .inbox, batch: &batch)
        } done: {
            done()
        }
    }

    /// Sets a flag on the first message of the INBOX.
    func store(at node: Int, _ flag: SystemFlags) {
        perform(at: node) { (state, batch) throws(CRDTError) in
            guard let message = state.presentMessages(in: .inbox).first else { return }
            try state.store(.add(FlagSet(flag)), message: message, in: .inbox, batch: &batch)
        }
    }

    /// What a node shows of a mailbox.
    func messages(at node: Int, in name: String = "INBOX") -> [MailboxView.Message] {
        nodes[node].store?.view("user0").mailboxes.first { $0.name == name }?.messages ?? []
    }

    /// Sessions look at all nodes.
    func lookEverywhere() {
        for node in nodes {
            guard let store = node.store else { continue }
            let view = store.view("user0")
            let sessions = node.sessions
            store.whenDurable { [oracle] in
                if sessions == node.sessions { oracle.observed(node.name, "user0", view) }
            }
        }
    }

    /// Whether all nodes hold the same, durably.
    var isEqual: Bool {
        guard let first = nodes[0].store else { return false }
        return nodes.allSatisfy { node in
            guard let store = node.store, store.isSettled else { return false }
            return StreamVector(store.durable) == StreamVector(first.durable)
                && store.view("user0").agreement == first.view("user0").agreement
        }
    }

    /// Lets time pass until something holds; a violation if it never does.
    func wait(
        _ what: String, within milliseconds: UInt64 = 30_000, _ condition: (Simulation) -> Bool
    ) {
        let limit = world.milliseconds + milliseconds
        while !condition(self) && !world.hasFailed {
            if world.milliseconds >= limit { return world.violate("waited for \(what) in vain; \(unrest ?? "")") }
            advance(by: 10)
        }
    }
}
