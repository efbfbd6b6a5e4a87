// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import SyncJobs

@Suite("The life of a worker")
struct WorkerLifeTests {
    private func simulate(_ seed: UInt64, events: Int, _ zone: TimeZoneRules) throws -> WorkerSimulation {
        var simulation = WorkerSimulation(seed: seed, zone: zone)
        try simulation.live(events: events)
        return simulation
    }

    @Test("no job is lost, doubled or misreported, whatever fails, hangs, is asked, stops, dies and comes back")
    func aWorkerLives() throws {
        let zone = try ZoneFiles.zone("Europe/Berlin")
        var runs = 0
        for seed in 0..<UInt64(Effort.runs(200)) {
            do {
                let simulation = try simulate(seed, events: 250, zone)
                runs += simulation.runs
                if let complaint = simulation.complaint {
                    Issue.record("seed \(seed): \(complaint)")
                    return
                }
            } catch {
                Issue.record("seed \(seed): \(error)")
                return
            }
        }
        #expect(runs > 50 * Effort.runs(200))
    }

    @Test("the same seed gives the same life")
    func livesCanBeRepeated() throws {
        let zone = try ZoneFiles.zone("Europe/Berlin")
        let first = try simulate(7, events: 250, zone)
        let second = try simulate(7, events: 250, zone)
        #expect(first.transcript == second.transcript && first.runs == second.runs)
        #expect(try simulate(8, events: 250, zone).transcript != first.transcript)
    }
}
