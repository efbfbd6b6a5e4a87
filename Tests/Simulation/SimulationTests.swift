// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

#if canImport(Glibc)
private import Glibc
#elseif canImport(Darwin)
private import Darwin
#elseif canImport(Musl)
private import Musl
#endif

/// Random groups under random faults. `KUIPER_SEEDS=1000` runs so many, `KUIPER_SEED=42` replays one exactly and prints what happened.
@Suite struct SimulationTests {
    static let defaultSeeds: UInt64 = 20

    private static func setting(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }

    static var seeds: [UInt64] {
        if let seed = setting("KUIPER_SEED") { return [seed] }
        return Array(0..<(setting("KUIPER_SEEDS") ?? defaultSeeds))
    }

    @Test(arguments: seeds)
    func groupsConvergeUnderFaults(seed: UInt64) {
        let simulation = Simulation(seed: seed, scenario: Scenario(seed: seed))
        let isReplay = SimulationTests.setting("KUIPER_SEED") != nil
        if isReplay { simulation.world.traceLimit = 5_000 }
        guard let failure = simulation.run() else { return }
        if isReplay { for line in simulation.world.trace { print(line) } }
        Issue.record(
            "seed \(seed): \(failure)\nreplay it with: make simulate SEED=\(seed)")
    }
}
