// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

/// Random groups under random faults, each decided by its seed alone.
@Suite struct SimulationTests {
    @Test(arguments: SeedRun.workers) func groupsConvergeUnderFaults(worker: Int) {
        while let seed = SeedRun.next() {
            let simulation = Simulation(seed: seed, scenario: Scenario(seed: seed))
            if SeedRun.isReplay { simulation.world.traceLimit = 20_000 }
            let failure = simulation.run()
            if SeedRun.isReplay { for line in simulation.world.trace { print(line) } }
            if SeedRun.isReplay && failure != nil { for line in simulation.disagreements() { print(line) } }
            if let failure {
                Issue.record("seed \(seed): \(failure)\nreplay it with: make simulate SEED=\(seed)")
            }
            SeedRun.finished(seed, failure: failure, virtualMilliseconds: simulation.world.milliseconds)
        }
    }

    /// Or nobody could look into a failure.
    @Test func aSeedReplaysExactly() {
        let traces = (0..<2).map { _ in
            let simulation = Simulation(seed: 5, scenario: Scenario(seed: 5))
            simulation.world.traceLimit = 100_000
            _ = simulation.run()
            return simulation.world.trace
        }
        #expect(traces[0].count > 100)
        #expect(traces[0] == traces[1])
    }
}
