// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import SyncJobs

@Suite("Runs")
struct RunTests {
    @Test("a run performs its steps in their order and reports pre-syncing, syncing and success")
    func performsItsStepsInOrder() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("debian"))
        var steps: [JobStep] = []
        while let step = shell.step("debian") {
            steps.append(step)
            let size: String? = if case .execute = step { "1.23G" } else { nil }
            try shell.end("debian", .done(size: size))
        }
        #expect(
            steps == [
                .beforeJob, .beforeAttempt(1), .execute(attempt: 1), .afterAttempt(1), .publish(attempt: 1),
                .afterSuccess(attempt: 1),
            ])
        let last = try #require(shell.reports.last)
        #expect(last.size == "1.23G" && last.isFinal && last.attempt == 1 && last.run == RunNumber(1))
        #expect(shell.reports.dropLast().allSatisfy { !$0.isFinal })
        #expect(shell.states() == [.preSyncing, .syncing, .success])
        #expect(shell.machine.isIdle)
    }

    @Test("the next interval begins at the end of a run, whatever became of it")
    func intervalsBeginAtTheEndOfRuns() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("debian", retry: RetryPolicy(attempts: 1)))
        try shell.pass(20 * TestShell.minute)
        try shell.finish("debian")
        #expect(shell.due("debian") == TestShell.hour)
        try shell.pass(TestShell.hour)
        try shell.go("debian", to: .execute(attempt: 1))
        try shell.pass(5 * TestShell.minute)
        try shell.end("debian", .failed(.transient, message: "no"))
        try shell.finish("debian")
        #expect(shell.due("debian") == TestShell.hour)
        #expect(shell.state("debian") == .failed)
    }

    @Test("`retry` is the number of attempts in all; each that fails is reported, only the last ends the run")
    func retryIsTheNumberOfAttempts() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("debian", retry: RetryPolicy(attempts: 3)))
        for attempt in 1...3 {
            try shell.go("debian", to: .execute(attempt: attempt))
            try shell.end("debian", .failed(.transient, message: "exit status 10"))
            try shell.go("debian", to: .afterFailure(attempt: attempt))
            #expect(shell.due("debian") == nil)
            try shell.end("debian")
        }
        let failures = shell.reports.filter { $0.state == .failed }
        #expect(failures.map(\.attempt) == [1, 2, 3])
        #expect(failures.map(\.isFinal) == [false, false, true])
        #expect(failures.allSatisfy { $0.message == "exit status 10" && $0.failure == .transient })
        #expect(shell.states() == [.preSyncing, .syncing, .failed, .syncing, .failed, .syncing, .failed])
        #expect(shell.due("debian") == TestShell.hour)
    }

    @Test("an attempt after a failed one may succeed")
    func aLaterAttemptMaySucceed() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("debian"))
        try shell.go("debian", to: .execute(attempt: 1))
        try shell.end("debian", .failed(.transient, message: "no"))
        try shell.finish("debian")
        #expect(shell.states() == [.preSyncing, .syncing, .failed, .syncing, .success])
    }

    @Test("kinds of failure have their own number of attempts", arguments: FailureClass.allCases)
    func kindsOfFailureHaveTheirOwnAttempts(failure: FailureClass) throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("debian", retry: RetryPolicy(attempts: 3)))
        try shell.go("debian", to: .execute(attempt: 1))
        try shell.end("debian", .failed(failure, message: "no"))
        try shell.end("debian")
        try shell.end("debian")
        let isOver = [.configuration, .refused, .hook].contains(failure)
        #expect(shell.machine.isIdle == isOver)
        #expect(shell.step("debian") == (isOver ? nil : .beforeAttempt(2)))
    }

    @Test("a result that is not published is a failed attempt")
    func aRefusedResultIsAFailedAttempt() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("debian"))
        try shell.go("debian", to: .publish(attempt: 1))
        try shell.end("debian", .failed(.refused, message: "the mirror would lose 90 % of its files"))
        #expect(shell.step("debian") == .afterFailure(attempt: 1))
        try shell.end("debian")
        #expect(shell.reports.last?.message == "the mirror would lose 90 % of its files")
        #expect(shell.reports.last?.isFinal == true)
    }

    @Test(
        "a hook that fails ends the run at once",
        arguments: [
            (JobStep.beforeJob, "pre-job"), (.beforeAttempt(1), "pre-exec"), (.afterAttempt(1), "post-exec"),
            (.afterSuccess(attempt: 1), "post-success"),
        ])
    func aFailedHookEndsTheRun(step: JobStep, phase: String) throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("debian", retry: RetryPolicy(attempts: 5, attemptsByClass: [.hook: 5])))
        try shell.go("debian", to: step)
        try shell.end("debian", .failed(.transient, message: "exit status 3"))
        let report = try #require(shell.reports.last)
        #expect(report.state == .failed && report.isFinal && report.failure == .hook)
        #expect(report.message == "error exec hook \(phase): exit status 3")
        #expect(shell.step("debian") == nil)
        #expect(shell.due("debian") == TestShell.hour)
    }

    @Test("a hook that fails after a failed attempt tells both")
    func aFailedHookAfterAFailureTellsBoth() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("debian"))
        try shell.go("debian", to: .execute(attempt: 1))
        try shell.end("debian", .failed(.transient, message: "exit status 10"))
        try shell.go("debian", to: .afterFailure(attempt: 1))
        try shell.end("debian", .failed(.hook, message: "exit status 1"))
        #expect(
            shell.reports.last?.message
                == "error exec hook post-fail: exit status 1; the attempt had failed: exit status 10")
        #expect(shell.machine.isIdle)
    }

    @Test("waits between attempts grow up to the longest and hold no slot")
    func waitsBetweenAttemptsHoldNoSlot() throws {
        let backoff = RetryPolicy.Backoff(firstMilliseconds: 1_000, maximumMilliseconds: 3_000)
        var shell = TestShell(.init(slots: 1))
        try shell.add(TestShell.spec("debian", retry: RetryPolicy(attempts: 5, backoff: backoff)))
        try shell.add(TestShell.spec("ubuntu"))
        for (attempt, wait): (Int, Int64) in [(1, 1_000), (2, 2_000), (3, 3_000), (4, 3_000)] {
            try shell.go("debian", to: .execute(attempt: attempt))
            try shell.end("debian", .failed(.transient, message: "no"))
            try shell.end("debian")
            try shell.end("debian")
            #expect(shell.state("debian") == .failed)
            #expect(shell.machine.runningCount == (attempt == 1 ? 1 : 0))
            #expect(!shell.machine.isIdle)
            let explanation = try shell.explain("debian")
            #expect(explanation.code == "backoff")
            #expect(explanation.until == shell.now.adding(milliseconds: wait))
            if attempt == 1 { try shell.finish("ubuntu") }
            try shell.pass(wait - 1)
            #expect(shell.step("debian") == nil)
            try shell.pass(1)
            #expect(shell.step("debian") == .beforeAttempt(attempt + 1))
        }
        try shell.finish("debian")
        #expect(shell.state("debian") == .success)
    }

    @Test("an attempt after a wait waits for a slot like every job")
    func anAttemptAfterAWaitWaitsForASlot() throws {
        let backoff = RetryPolicy.Backoff(firstMilliseconds: 1_000, maximumMilliseconds: 1_000)
        var shell = TestShell(.init(slots: 1))
        try shell.add(TestShell.spec("debian", retry: RetryPolicy(attempts: 2, backoff: backoff)))
        try shell.go("debian", to: .execute(attempt: 1))
        try shell.end("debian", .failed(.transient, message: "no"))
        try shell.end("debian")
        try shell.end("debian")
        try shell.add(TestShell.spec("ubuntu"))
        #expect(shell.step("ubuntu") == .beforeJob)
        try shell.pass(1_000)
        #expect(shell.step("debian") == nil)
        #expect(try shell.explain("debian").code == "waiting-for-slot")
        try shell.finish("ubuntu")
        #expect(shell.step("debian") == .beforeAttempt(2))
    }

    @Test("no further attempt is made whose wait would end outside of the windows")
    func noAttemptBeginsOutsideOfWindows() throws {
        let backoff = RetryPolicy.Backoff(
            firstMilliseconds: 2 * TestShell.hour, maximumMilliseconds: 2 * TestShell.hour)
        var shell = TestShell()
        shell.now = ZoneFiles.utc(2_026, 1, 5, 22)
        try shell.add(
            TestShell.spec("debian", retry: RetryPolicy(attempts: 2, backoff: backoff), windows: ["22:00-23:00"]))
        try shell.go("debian", to: .execute(attempt: 1))
        try shell.end("debian", .failed(.transient, message: "no"))
        try shell.finish("debian")
        #expect(shell.reports.last?.isFinal == true)
        #expect(shell.machine.isIdle)
    }

    @Test("after failed runs the next one may be sooner than the timing says, later with each failure")
    func failedRunsAreTriedAgainSooner() throws {
        let again = RetryPolicy.Backoff(firstMilliseconds: TestShell.minute, maximumMilliseconds: 2 * TestShell.hour)
        var shell = TestShell()
        try shell.add(TestShell.spec("debian", retry: RetryPolicy(attempts: 1, afterFailedRun: again)))
        for wait: Int64 in [1, 2, 4, 8, 16, 32, 60, 60] {
            try shell.go("debian", to: .execute(attempt: 1))
            try shell.end("debian", .failed(.transient, message: "no"))
            try shell.finish("debian")
            #expect(shell.due("debian") == wait * TestShell.minute)
            let explanation = try shell.explain("debian")
            #expect(explanation.code == (wait == 60 ? "due" : "backoff"))
            #expect(explanation.until == shell.machine.dueTime(of: TestShell.name("debian")))
            try shell.pass(wait * TestShell.minute)
        }
        try shell.finish("debian")
        #expect(shell.due("debian") == TestShell.hour)
        try shell.pass(TestShell.hour)
        try shell.go("debian", to: .execute(attempt: 1))
        try shell.end("debian", .failed(.permanent, message: "no space"))
        try shell.finish("debian")
        #expect(shell.due("debian") == TestShell.hour)
    }

    @Test("results that come late or for another run change nothing")
    func lateResultsChangeNothing() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("debian"))
        let name = TestShell.name("debian")
        #expect(shell.machine.stepEnded(name, run: RunNumber(7), .done(size: nil), at: shell.now).isEmpty)
        let other = TestShell.name("ubuntu")
        #expect(shell.machine.stepEnded(other, run: RunNumber(1), .done(size: nil), at: shell.now).isEmpty)
        try shell.finish("debian")
        #expect(shell.machine.stepEnded(name, run: RunNumber(1), .done(size: nil), at: shell.now).isEmpty)
        try shell.machine.checkInvariants()
    }

    @Test("a step that something else stopped is a failed attempt")
    func aStepThatSomethingElseStoppedFails() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("debian", retry: RetryPolicy(attempts: 1)))
        try shell.go("debian", to: .execute(attempt: 1))
        try shell.end("debian", .stopped)
        try shell.finish("debian")
        #expect(shell.reports.last?.failure == .interrupted)
    }

    @Test("an interval of 0 runs again after a short pause")
    func anIntervalOfZeroRunsAgainSoon() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("debian", every: 0))
        try shell.finish("debian")
        #expect(shell.due("debian") == 1_000)
        try shell.pass(1_000)
        #expect(shell.step("debian") == .beforeJob)
    }

    @Test("run numbers ascend and are never used again")
    func runNumbersAscend() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("debian"))
        try shell.add(TestShell.spec("ubuntu"))
        #expect(shell.machine.nextRun == RunNumber(3))
        #expect(shell.machine.runs().map(\.run) == [RunNumber(1), RunNumber(2)])
    }

    @Test("the example of the documentation does what it says")
    func theExampleDoesWhatItSays() throws {
        let minute: Int64 = 60_000
        let name = try #require(JobName("debian"))
        var machine = JobMachine(limits: .init(slots: 2), seed: 1, nextRun: RunNumber(1))
        var now = JobTime(milliseconds: 0)
        let spec = JobSpec(name: name, timing: JobTiming(trigger: .interval(milliseconds: 60 * minute)))
        var directives = machine.add(spec, history: nil, at: now)
        var states: [JobState] = []
        while states.count < 6 {
            while let directive = directives.first {
                directives.removeFirst()
                switch directive {
                case .perform(let name, let run, _):
                    directives += machine.stepEnded(name, run: run, .done(size: nil), at: now)
                case .report(let report):
                    states.append(report.state)
                case .stop, .schedulesChanged, .removed:
                    break
                }
            }
            if let wake = machine.nextWake { now = max(now, wake) }
            directives = machine.tick(at: now)
        }
        #expect(states == [.preSyncing, .syncing, .success, .preSyncing, .syncing, .success])
        #expect(now.milliseconds == 120 * minute)
    }
}
