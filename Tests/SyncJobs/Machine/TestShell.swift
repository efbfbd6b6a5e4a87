// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import SyncJobs

/// A shell whose steps end when a test says so. It checks the machine after each input.
struct TestShell {
    /// A step that is being performed.
    struct Performed: Equatable {
        var run: RunNumber
        var step: JobStep
    }

    static let minute: Int64 = 60_000
    static let hour: Int64 = 3_600_000

    var machine: JobMachine
    var now = JobTime(milliseconds: 1_800_000_000_000)
    private(set) var performing: [JobName: Performed] = [:]
    private(set) var reports: [JobReport] = []
    private(set) var stops: [JobName] = []
    private(set) var removed: [JobName] = []
    private(set) var scheduleChanges = 0
    private var inputs = 0

    init(_ limits: JobMachine.Limits = .init(slots: 10), seed: UInt64 = 1) {
        machine = JobMachine(limits: limits, seed: seed, nextRun: RunNumber(1))
    }

    static func name(_ text: String) -> JobName {
        guard let name = JobName(text) else { preconditionFailure("\(text) is no name of a job") }
        return name
    }

    static func spec(
        _ name: String, every milliseconds: Int64 = hour, retry: RetryPolicy = RetryPolicy(), priority: Int = 0,
        upstream: String = "", windows: [String] = [], jitter: Int64 = 0
    ) throws -> JobSpec {
        let timing = JobTiming(
            trigger: .interval(milliseconds: milliseconds), windows: try windows.map { try TimeWindow($0) },
            jitterMilliseconds: jitter)
        return JobSpec(name: Self.name(name), timing: timing, retry: retry, priority: priority, upstream: upstream)
    }

    mutating func take(_ directives: [JobDirective], _ location: SourceLocation = #_sourceLocation) throws {
        for directive in directives {
            switch directive {
            case .perform(let name, let run, let step):
                #expect(performing[name] == nil, "\(name) performs two steps at once", sourceLocation: location)
                performing[name] = Performed(run: run, step: step)
            case .stop(let name, let run):
                #expect(performing[name]?.run == run, "nothing of \(name) can be stopped", sourceLocation: location)
                stops.append(name)
            case .report(let report): reports.append(report)
            case .schedulesChanged: scheduleChanges += 1
            case .removed(let name): removed.append(name)
            }
        }
        inputs += 1
        // With many jobs now and then: it looks at all of them.
        if machine.jobCount < 50 || inputs % 64 == 0 { try machine.checkInvariants() }
    }

    mutating func add(_ spec: JobSpec, _ history: JobHistory? = nil) throws {
        try take(machine.add(spec, history: history, at: now))
    }

    mutating func command(_ command: JobCommand, _ name: String, by: String = "ann") throws {
        try take(machine.handle(command, for: Self.name(name), by: by, at: now))
    }

    /// Ends the step that a job is performing.
    mutating func end(_ name: String, _ result: StepResult = .done(size: nil)) throws {
        let job = Self.name(name)
        let removed = performing.removeValue(forKey: job)
        let performed = try #require(removed, "\(name) performs nothing")
        try take(machine.stepEnded(job, run: performed.run, result, at: now))
    }

    /// Ends steps well until a step is reached.
    mutating func go(_ name: String, to step: JobStep) throws {
        while let performed = performing[Self.name(name)], performed.step != step { try end(name) }
        #expect(performing[Self.name(name)]?.step == step)
    }

    /// Ends all steps of a run well.
    mutating func finish(_ name: String) throws {
        let run = performing[Self.name(name)]?.run
        while let performed = performing[Self.name(name)], performed.run == run { try end(name) }
    }

    /// Lets time pass, with a tick at each moment that the machine asks for.
    mutating func pass(_ milliseconds: Int64) throws {
        let goal = now.adding(milliseconds: milliseconds)
        while let wake = machine.nextWake, wake <= goal {
            now = max(now, wake)
            try take(machine.tick(at: now))
        }
        now = goal
        try take(machine.tick(at: now))
    }

    /// What was reported since the last look, of one job or of all.
    mutating func states(_ name: String? = nil) -> [JobState] {
        let seen = reports.filter { name == nil || $0.name.text == name }
        reports.removeAll { name == nil || $0.name.text == name }
        return seen.map(\.state)
    }

    func step(_ name: String) -> JobStep? { performing[Self.name(name)]?.step }

    func state(_ name: String) -> JobState? { machine.state(of: Self.name(name)) }

    /// How long it is until a job is due, in milliseconds.
    func due(_ name: String) -> Int64? {
        machine.dueTime(of: Self.name(name)).map { $0.milliseconds - now.milliseconds }
    }

    func explain(_ name: String) throws -> Explanation { try machine.explain(Self.name(name), at: now) }
}
