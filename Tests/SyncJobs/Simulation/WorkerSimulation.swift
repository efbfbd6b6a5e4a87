// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport

@testable import SyncJobs

/// A worker and its faults: steps that fail, hang and are stopped, commands and reloads at any moment, crashes, stops and restarts with what the manager remembers, clocks that jump.
struct WorkerSimulation {
    /// A step that is being performed.
    struct Step {
        var run: RunNumber
        var step: JobStep
        /// When it ends by itself; nothing when it hangs.
        var ends: JobTime?
        var result: StepResult
    }

    /// What a run takes up.
    struct Place {
        var upstream: String
        var isForced: Bool
    }

    static let minute: Int64 = 60_000

    var generator: SeededGenerator
    var machine: JobMachine
    var now = JobTime(milliseconds: 1_790_000_000_000)
    var specs: [JobName: JobSpec] = [:]
    var steps: [JobName: Step] = [:]
    var ledger = ReportLedger()
    /// The runs that perform steps.
    var occupied: [JobName: Place] = [:]
    /// Jobs that somebody started by force since their last run ended.
    var forced: Set<JobName> = []
    /// Those that were started by force while a run was being ended: the next run is the forced one.
    var forcedAfter: Set<JobName> = []
    /// All that was told and done, for comparing two runs.
    var transcript = 0
    var runs = 0
    private(set) var complaint: String?
    let zone: TimeZoneRules

    init(seed: UInt64, zone: TimeZoneRules) {
        self.generator = SeededGenerator(seed: seed)
        self.zone = zone
        self.machine = JobMachine(
            limits: Self.limits(&generator), seed: seed, nextRun: RunNumber(1))
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }

    mutating func complain(_ text: String) { complaint = complaint ?? text }

    static func limits(_ generator: inout SeededGenerator) -> JobMachine.Limits {
        JobMachine.Limits(
            slots: Int.random(in: 0...4, using: &generator),
            upstreamLimits: ["a": Int.random(in: 0...2, using: &generator)],
            upstreamDefault: Bool.random(using: &generator) ? 2 : nil)
    }

    mutating func spec(_ name: JobName) throws(JobError) -> JobSpec {
        var timing = JobTiming(
            trigger: .interval(milliseconds: Int64.random(in: 0...180, using: &generator) * Self.minute), zone: zone)
        if chance(15) { timing.trigger = .cron(try CronExpression(chance(50) ? "*/20 * * * *" : "30 2,14 * * *")) }
        if chance(5) { timing.trigger = .manual }
        if chance(20) { timing.windows = [try TimeWindow(chance(50) ? "22:00-06:00" : "Mon-Fri 08:00-18:00")] }
        if chance(30) { timing.jitterMilliseconds = 10 * Self.minute }
        let backoff = RetryPolicy.Backoff(firstMilliseconds: Self.minute, maximumMilliseconds: 8 * Self.minute)
        let retry = RetryPolicy(
            attempts: Int.random(in: 1...3, using: &generator), backoff: chance(50) ? backoff : .none,
            afterFailedRun: chance(30) ? backoff : nil)
        let upstream = ["", "a", "b", "c"].randomElement(using: &generator) ?? ""
        return JobSpec(
            name: name, timing: timing, retry: retry, priority: Int.random(in: -1...1, using: &generator),
            upstream: upstream)
    }

    // MARK: What the machine asks for

    mutating func take(_ directives: [JobDirective]) {
        for directive in directives {
            switch directive {
            case .perform(let name, let run, let step): perform(name, run, step)
            case .stop(let name, let run): stop(name, run)
            case .report(let report):
                transcript = transcript &* 31 &+ report.name.text.utf8.count &+ (report.run.map { Int($0.number) } ?? 0)
                transcript = transcript &* 31 &+ Int(now.milliseconds) &+ report.message.utf8.count
                ledger.take(report, at: now)
                if let text = ledger.complaint { complain(text) }
                if report.isFinal, forcedAfter.remove(report.name) == nil { forced.remove(report.name) }
                let isWaiting = report.state == .failed && machine.run(of: report.name).map { $0.step == nil } ?? true
                if report.run != nil, report.isFinal || isWaiting { occupied[report.name] = nil }
            case .schedulesChanged: break
            case .removed(let name):
                ledger.forget(name)
                specs[name] = nil
            }
        }
    }

    private mutating func perform(_ name: JobName, _ run: RunNumber, _ step: JobStep) {
        if steps[name] != nil { complain("\(name) performs two steps at once") }
        let isForced = machine.run(of: name)?.isForced ?? false
        if isForced, !forced.contains(name) { complain("\(name) is forced by nobody") }
        if step == .beforeJob { runs += 1 }
        if step == .beforeJob, !isForced, let spec = specs[name], !spec.timing.isOpen(at: now) {
            complain("\(name) began outside of its windows")
        }
        if occupied[name] == nil { admit(name, isForced: isForced) }
        var result = StepResult.done(size: chance(20) ? "1.23G" : nil)
        var lasts = Int64.random(in: 0...2_000, using: &generator)
        if case .execute = step {
            lasts = Int64.random(in: 0...90, using: &generator) * Self.minute
            if chance(40) { result = failure() }
        } else if chance(4) {
            result = failure()
        }
        let ends = chance(2) ? nil : now.adding(milliseconds: lasts)
        steps[name] = Step(run: run, step: step, ends: ends, result: result)
    }

    /// A run takes its place: unless it is forced there must be a slot, and room at its upstream.
    private mutating func admit(_ name: JobName, isForced: Bool) {
        let upstream = specs[name]?.upstream ?? ""
        if !isForced {
            let holders = occupied.values.filter { !$0.isForced }.count
            if holders >= machine.limits.slots { complain("\(name) has the slot number \(holders + 1)") }
            let limit = machine.limits.upstreamLimits[upstream] ?? machine.limits.upstreamDefault
            let usage = occupied.values.filter { $0.upstream == upstream }.count
            if let limit, !upstream.isEmpty, usage >= limit { complain("\(upstream) has \(usage + 1) runs") }
        }
        occupied[name] = Place(upstream: upstream, isForced: isForced)
    }

    private mutating func failure() -> StepResult {
        if chance(5) { return .stopped }
        return .failed(FailureClass.allCases.randomElement(using: &generator) ?? .transient, message: "no")
    }

    private mutating func stop(_ name: JobName, _ run: RunNumber) {
        guard var step = steps[name], step.run == run else { return complain("nothing of \(name) can be stopped") }
        let end = now.adding(milliseconds: Int64.random(in: 0...3_000, using: &generator))
        step.ends = step.ends.map { min($0, end) } ?? end
        if chance(80) { step.result = .stopped }
        steps[name] = step
    }
}
