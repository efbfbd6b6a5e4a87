// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import SyncJobs

/// Work is counted in comparisons of keys, so these checks are the same on every computer.
@Suite("The cost of many jobs")
struct CostTests {
    /// A machine whose jobs are due at moments of their own within an hour.
    private func machine(jobs: Int, at now: JobTime) throws -> JobMachine {
        var machine = JobMachine(
            limits: .init(slots: 50, upstreamDefault: 10), seed: 1, nextRun: RunNumber(1))
        for number in 0..<jobs {
            let ended = now.adding(milliseconds: -Int64(number * 7_919 % jobs) * TestShell.hour / Int64(jobs))
            let spec = try TestShell.spec("m\(number)", upstream: "u\(number % 100)")
            _ = machine.add(
                spec, history: JobHistory(state: .success, lastEnded: ended, lastSuccess: ended), at: now)
        }
        return machine
    }

    /// The mean number of comparisons that a whole run costs, from its due time to the next one.
    private func comparisonsPerRun(jobs: Int) throws -> Double {
        var now = JobTime(milliseconds: 1_800_000_000_000)
        var machine = try machine(jobs: jobs, at: now)
        let before = machine.work
        var runs = 0
        while runs < 500 {
            now = max(now, try #require(machine.nextWake))
            var directives = machine.tick(at: now)
            while let directive = directives.popLast() {
                guard case .perform(let name, let run, let step) = directive else { continue }
                if case .afterSuccess = step { runs += 1 }
                directives += machine.stepEnded(name, run: run, .done(size: nil), at: now)
            }
        }
        try machine.checkInvariants()
        return Double(machine.work - before) / Double(runs)
    }

    @Test("a run costs comparisons like the logarithm of the number of jobs")
    func aRunCostsLikeTheLogarithm() throws {
        let sizes = Effort.isFull ? [1_000, 10_000, 100_000] : [1_000, 10_000, 30_000]
        var costs: [Double] = []
        for jobs in sizes {
            let cost = try comparisonsPerRun(jobs: jobs)
            var logarithm = 0.0
            while Double(1 << Int(logarithm)) < Double(jobs) { logarithm += 1 }
            #expect(cost < 6 * logarithm, "\(cost) comparisons a run with \(jobs) jobs")
            costs.append(cost)
        }
        let (least, most) = (try #require(costs.first), try #require(costs.last))
        #expect(most < 2 * least, "\(costs) comparisons a run with \(sizes) jobs")
    }

    @Test("a tick at which nothing is due costs nothing, with 100,000 jobs")
    func anIdleTickCostsNothing() throws {
        let now = JobTime(milliseconds: 1_800_000_000_000)
        var machine = try machine(jobs: 100_000, at: now)
        _ = machine.tick(at: now)
        #expect(machine.jobCount == 100_000)
        let wake = try #require(machine.nextWake)
        let before = machine.work
        var told = 0
        for step in 0..<1_000 {
            let idle = JobTime(
                milliseconds: now.milliseconds + (wake.milliseconds - now.milliseconds - 1) * Int64(step) / 1_000)
            told += machine.tick(at: idle).count
        }
        #expect(machine.work == before && told == 0)
    }

    @Test("100,000 jobs that are due at one moment all run, each once")
    func manyJobsOfOneMomentAllRun() throws {
        let jobs = Effort.isFull ? 100_000 : 10_000
        let now = JobTime(milliseconds: 1_800_000_000_000)
        var machine = JobMachine(limits: .init(slots: 50), seed: 1, nextRun: RunNumber(1))
        let ended = now.adding(milliseconds: -TestShell.hour)
        for number in 0..<jobs {
            let history = JobHistory(state: .success, lastEnded: ended, lastSuccess: ended)
            _ = machine.add(try TestShell.spec("m\(number)"), history: history, at: ended)
        }
        var directives = machine.tick(at: now)
        #expect(machine.runningCount == 50)
        var finished: Set<JobName> = []
        while let directive = directives.popLast() {
            switch directive {
            case .perform(let name, let run, _):
                directives += machine.stepEnded(name, run: run, .done(size: nil), at: now)
            case .report(let report) where report.isFinal:
                #expect(finished.insert(report.name).inserted)
            case .report, .stop, .schedulesChanged, .removed: break
            }
        }
        #expect(finished.count == jobs)
        #expect(machine.dueTimes().count == jobs)
        try machine.checkInvariants()
    }

    @Test("machines of many jobs are small")
    func recordsAreSmall() {
        #expect(MemoryLayout<JobRecord>.stride <= 640, "\(MemoryLayout<JobRecord>.stride) bytes a job")
    }
}
