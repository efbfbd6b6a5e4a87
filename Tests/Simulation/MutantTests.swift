// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// A checker that cannot fail proves nothing: each deliberate mistake must be found within a few seeds.
@Suite struct MutantTests {
    /// A group with an INBOX that belongs to node-0.
    private func group(_ mutant: Mutant, seed: UInt64 = 1) -> Simulation {
        var scenario = Scenario()
        (scenario.nodes, scenario.clients, scenario.mutant) = (3, 0, mutant)
        let simulation = Simulation(seed: seed, scenario: scenario)
        simulation.start(withClients: false, withFaults: false)
        simulation.advance(by: 2_000)
        simulation.perform(at: 0) { (state, batch) throws(CRDTError) in
            try state.createMailbox(
                name: "INBOX", validity: UIDValiditySource(nowSeconds: 1_000, stripe: 0), batch: &batch)
        }
        simulation.append(at: 0, 3)
        simulation.wait("the messages to be everywhere") { $0.isEqual && $0.messages(at: 1).count == 3 }
        return simulation
    }

    /// Two owners at once who give UIDs out of the same blocks.
    @Test func ownersThatShareAStripeAreFound() {
        let simulation = group(.sharesTheStripe)
        simulation.nodes[0].crash(thenRestart: false)
        simulation.network.partition(["node-0": 0, "node-1": 1, "node-2": 2])
        for node in 1...2 { simulation.append(at: node, 3) }
        simulation.advance(by: 8_000)
        simulation.lookEverywhere()
        simulation.advance(by: 1_000)
        #expect(simulation.world.hasFailed)
    }

    /// A split brain after which nobody repeats the assignments that do not count.
    @Test func forksThatAreNeverMergedAreFound() {
        // Which of the two owners counts in the end, and so whether that alone settles it, is chance.
        let isFound = (1...10 as ClosedRange<UInt64>).contains { seed in
            let simulation = group(.neverMerges, seed: seed)
            simulation.nodes[0].crash(thenRestart: false)
            simulation.network.partition(["node-0": 0, "node-1": 1, "node-2": 2])
            for node in 1...2 { simulation.append(at: node, 3) }
            simulation.advance(by: 8_000)
            simulation.finish()
            return simulation.failure != nil
        }
        #expect(isFound)
    }

    @Test(arguments: Mutant.allCases.filter { $0 != .sharesTheStripe && $0 != .neverMerges })
    func aDeliberateMistakeIsFound(mutant: Mutant) {
        for seed in 0..<UInt64(12) {
            var scenario = Scenario()
            (scenario.nodes, scenario.clients, scenario.accounts) = (3, 4, 1)
            scenario.milliseconds = 12_000
            scenario.mutant = mutant
            scenario.faults.latency = 1_000...30_000
            scenario.faults.disk = 1_000...30_000
            scenario.faults.partition = 5
            scenario.faults.crash = 5
            scenario.faults.breakPerMessage = 200
            scenario.faults.crashAtWrite = 60
            if mutant == .skipsOneMoreThanTheSnapshotHad { scenario.faults.wipe = 15 }
            if Simulation(seed: seed, scenario: scenario).run() != nil { return }
        }
        Issue.record("\(mutant) was not found")
    }
}
