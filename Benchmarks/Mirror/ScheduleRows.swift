// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import SyncJobs

/// The scheduler alone, on a virtual clock: what a day of runs costs, and what it costs to have many jobs of which none is due.
enum ScheduleRows {
    static let name = "mirror.schedule"

    private static let counts = [1_000, 10_000, 100_000]
    private static let day: Int64 = 86_400_000
    /// A share of one core when idle.
    private static let targetPercent = 2.0

    static func run(_ context: BenchContext) throws -> [ResultRow] {
        var rows: [ResultRow] = []
        var series = [Series](repeating: Series(), count: counts.count)
        var idle = [Series](repeating: Series(), count: counts.count)
        var comparisons = [Comparison](repeating: Comparison(subject: [], reference: []), count: counts.count)
        for round in 0...context.rounds {
            var least = Cost.zero
            for (index, count) in counts.enumerated() {
                let (cost, runs, idleShare) = try day(of: count)
                let each = cost.divided(by: runs)
                if index == 0 { least = each }
                if round == 0 { continue }
                comparisons[index].add(each, least)
                series[index].add(each.cpu)
                idle[index].add(idleShare * 100)
            }
        }
        for (index, count) in counts.enumerated() {
            rows.append(
                ResultRow(
                    name, "a run from due to done, \(count) jobs", comparisons[index], .cpu,
                    reference: "\(counts[0]) jobs", unit: "ns/run"
                ).at("jobs", Double(count), "a run"))
            let row = ResultRow(
                name, "processor time of a day's waking up, none due, \(count) jobs", idle[index], "% of a core")
            rows.append(count == counts[counts.count - 1] ? row.target(.figure, .atMost, targetPercent) : row)
        }
        return rows
    }

    /// A day in which each job runs four times, and then one in which nothing is due but the machine is asked each second.
    private static func day(of count: Int) throws -> (cost: Cost, runs: Int, idleShare: Double) {
        let start = JobTime(milliseconds: 1_780_000_000_000)
        var machine = JobMachine(limits: JobMachine.Limits(slots: 50), seed: 7, nextRun: RunNumber(1))
        var pending: [JobDirective] = []
        for number in 0..<count {
            guard let job = JobName("job-\(number)") else { throw BenchFailure("a job without a name") }
            let spec = JobSpec(name: job, timing: JobTiming(trigger: .interval(milliseconds: day / 4)))
            let ended = JobTime(milliseconds: start.milliseconds - Int64(number) * (day / 4) / Int64(count))
            pending += machine.add(
                spec, history: JobHistory(state: .success, lastEnded: ended, lastSuccess: ended), at: start)
        }
        var now = start
        let end = JobTime(milliseconds: start.milliseconds + day)
        var runs = 0
        let cost = Stopwatch.measure {
            while now < end {
                pending += machine.tick(at: now)
                while let directive = pending.popLast() {
                    if case .perform(let job, let run, let step) = directive {
                        if case .execute = step { runs += 1 }
                        pending += machine.stepEnded(job, run: run, .done(size: nil), at: now)
                    }
                }
                now = max(machine.nextWake ?? end, JobTime(milliseconds: now.milliseconds + 1))
            }
        }
        guard runs >= count else { throw BenchFailure("\(runs) runs of \(count) jobs in a day") }
        // Nothing is due for a while: what it costs to look each second.
        let looks = 10_000
        var directives = 0
        let idle = Stopwatch.measure {
            for _ in 0..<looks { directives += machine.tick(at: now).count }
        }
        blackHole(directives)
        return (cost, runs, idle.cpu / Double(looks) / 1e9)
    }
}
