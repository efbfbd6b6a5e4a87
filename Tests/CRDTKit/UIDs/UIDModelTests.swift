// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

/// The model check of the scheme of UIDs, on the production state: thousands of random runs (hundreds without optimisation) of two to five replicas in a hostile network.
@Suite("UIDs in a hostile network")
struct UIDModelTests {
    static let runsPerPart = UInt64(Effort.runs(400))
    static let phases = 60

    @Test(
        "No UID changes its meaning, what is shown ascends, all agree in the end, a roaming client misses nothing",
        arguments: 0..<8)
    func nothingIsEverWrong(part: UInt64) {
        var counters = UIDWorld.Counters()
        for seed in part * UIDModelTests.runsPerPart..<(part + 1) * UIDModelTests.runsPerPart {
            let world = UIDWorld(seed: seed)
            if let violation = world.run(phases: UIDModelTests.phases) {
                Issue.record("seed \(seed): \(violation)")
                return
            }
            counters.add(world.counters)
        }
        // A check of nothing would pass too.
        let least = Effort.runs(100)
        #expect(counters.takeOvers > least && counters.handOvers > least && counters.merges > least, "\(counters)")
        #expect(counters.vanished > 10 * least && counters.hidden > 10 * least, "\(counters)")
        #expect(counters.dropped > least, "\(counters)")
    }

    @Test("Each mutant is caught", arguments: UIDWorld.Mutant.allCases)
    func everyMutantIsCaught(mutant: UIDWorld.Mutant) {
        for seed in UInt64(0)..<2_000 {
            if UIDWorld(seed: seed, mutant: mutant).run(phases: UIDModelTests.phases) != nil { return }
        }
        Issue.record("\(mutant) was not caught in 2,000 runs")
    }
}
