// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// One short history, again and again: each time a node loses power at another one of its writes.
@Suite struct CrashSweepTests {
    /// Without optimisation a run takes long: then every so many writes are tried.
    #if DEBUG
    private static let stride = 9
    #else
    private static let stride = 1
    #endif

    @Test(arguments: 0..<3) func aCrashAtAnyWriteLosesNothingThatWasAcknowledged(node: Int) {
        var write = 1 + node
        while true {
            let simulation = run("node-\(node)", write)
            if let failure = simulation.failure {
                Issue.record("node-\(node) crashes at its write \(write): \(failure)")
                return
            }
            if !simulation.world.hasCrashedAsPlanned { break }
            write += CrashSweepTests.stride
        }
        #expect(write > 40, "the history is too short")
    }

    private func run(_ node: String, _ write: Int) -> Simulation {
        var scenario = Scenario()
        (scenario.nodes, scenario.clients) = (3, 0)
        let simulation = Simulation(seed: UInt64(write), scenario: scenario)
        simulation.world.plannedCrash = (node, write)
        simulation.start(withClients: false, withFaults: false)
        simulation.advance(by: 1_500)
        simulation.attempt(at: 0) { (state, batch) throws(CRDTError) in
            try state.createMailbox(
                name: "INBOX", validity: UIDValiditySource(nowSeconds: 1_000, stripe: 0), batch: &batch)
        }
        simulation.advance(by: 300)
        for round in 0..<3 {
            arrive(simulation, round)
            part(simulation, round)
        }
        simulation.finish()
        return simulation
    }

    /// Mail comes at all nodes, is marked, moved and removed.
    private func arrive(_ simulation: Simulation, _ round: Int) {
        for node in 0..<3 {
            simulation.attemptAppends(at: (node + round) % 3, 2)
            simulation.advance(by: 60)
        }
        simulation.attempt(at: 1) { (state, batch) throws(CRDTError) in
            if state.mailbox(named: "f") != nil { return }
            try state.createMailbox(
                name: "f", validity: UIDValiditySource(nowSeconds: 1_000, stripe: 1), batch: &batch)
        }
        simulation.attempt(at: 2) { (state, batch) throws(CRDTError) in
            for message in state.presentMessages(in: .inbox).prefix(2) {
                try state.store(.add(FlagSet(.flagged)), message: message, in: .inbox, batch: &batch)
            }
        }
        simulation.advance(by: 100)
        simulation.attempt(at: 0) { (state, batch) throws(CRDTError) in
            guard let target = state.mailbox(named: "f") else { return }
            let messages = Array(state.presentMessages(in: .inbox).prefix(2))
            try state.move(messages, from: .inbox, to: target, batch: &batch)
        }
        simulation.lookEverywhere()
        simulation.advance(by: 100)
        for node in simulation.nodes { node.store?.checkpoint() }
    }

    /// Each side goes on for itself, until the owner of the INBOX is out of reach for long enough, and both meet again.
    private func part(_ simulation: Simulation, _ round: Int) {
        let alone = "node-\(round)"
        simulation.network.partition(
            Dictionary(uniqueKeysWithValues: simulation.nodes.map { ($0.name, $0.name == alone ? 0 : 1) }))
        for node in 0..<3 { simulation.attemptAppends(at: node, 1) }
        simulation.advance(by: 4_000)
        simulation.lookEverywhere()
        simulation.attempt(at: round) { (state, batch) throws(CRDTError) in
            try state.expunge(Array(state.presentMessages(in: .inbox).prefix(1)), in: .inbox, batch: &batch)
        }
        for node in 0..<3 { simulation.attemptAppends(at: node, 1) }
        simulation.advance(by: 100)
        simulation.network.heal()
        simulation.advance(by: 1_500)
    }
}
