// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import SyncJobs

@Suite("Commands")
struct CommandTests {
    /// What a job is doing when a command comes.
    enum Situation: String, CaseIterable {
        case idle, waiting, running, backingOff, paused, disabled
    }

    /// A shell of one slot with a job `x` in a situation.
    private func shell(_ situation: Situation) throws -> TestShell {
        let again = RetryPolicy.Backoff(firstMilliseconds: 5_000, maximumMilliseconds: 5_000)
        var shell = TestShell(.init(slots: 1))
        switch situation {
        case .waiting: try shell.add(TestShell.spec("other"))
        case .idle, .running, .backingOff, .paused, .disabled: break
        }
        try shell.add(TestShell.spec("x", retry: RetryPolicy(attempts: 2, backoff: again)))
        switch situation {
        case .idle:
            try shell.finish("x")
        case .waiting:
            break
        case .running:
            try shell.go("x", to: .execute(attempt: 1))
        case .backingOff:
            try shell.go("x", to: .execute(attempt: 1))
            try shell.end("x", .failed(.transient, message: "no"))
            try shell.finish("x")
        case .paused:
            try shell.finish("x")
            try shell.command(.stop, "x")
        case .disabled:
            try shell.finish("x")
            try shell.command(.disable, "x")
        }
        _ = shell.states()
        return shell
    }

    /// What is reported of `x`, and what it does in the end, after each command in each situation; stopped steps end as stopped.
    static let table: [(Situation, JobCommand, [JobState], String)] = [
        (.idle, .start(force: false), [.preSyncing], "running"),
        (.idle, .start(force: true), [.preSyncing], "running"),
        (.idle, .restart, [.preSyncing], "running"),
        (.idle, .stop, [.paused], "paused"),
        (.idle, .disable, [.disabled], "disabled"),
        (.idle, .enable, [], "due"),
        (.idle, .ping, [], "due"),
        (.waiting, .start(force: false), [], "waiting-for-slot"),
        (.waiting, .start(force: true), [.preSyncing], "running"),
        (.waiting, .restart, [], "waiting-for-slot"),
        (.waiting, .stop, [.paused], "paused"),
        (.waiting, .disable, [.disabled], "disabled"),
        (.waiting, .enable, [], "waiting-for-slot"),
        (.waiting, .ping, [], "waiting-for-slot"),
        (.running, .start(force: false), [], "running"),
        (.running, .start(force: true), [], "running"),
        (.running, .restart, [.failed, .preSyncing], "running"),
        (.running, .stop, [.paused], "paused"),
        (.running, .disable, [.disabled], "disabled"),
        (.running, .enable, [], "running"),
        (.running, .ping, [], "running"),
        (.backingOff, .start(force: false), [], "running"),
        (.backingOff, .start(force: true), [], "running"),
        (.backingOff, .restart, [.failed, .preSyncing], "running"),
        (.backingOff, .stop, [.paused], "paused"),
        (.backingOff, .disable, [.disabled], "disabled"),
        (.backingOff, .enable, [], "backoff"),
        (.backingOff, .ping, [], "backoff"),
        (.paused, .start(force: false), [.preSyncing], "running"),
        (.paused, .start(force: true), [.preSyncing], "running"),
        (.paused, .restart, [.preSyncing], "running"),
        (.paused, .stop, [], "paused"),
        (.paused, .disable, [.disabled], "disabled"),
        (.paused, .enable, [.none], "due"),
        (.paused, .ping, [], "paused"),
        (.disabled, .start(force: false), [.preSyncing], "running"),
        (.disabled, .start(force: true), [.preSyncing], "running"),
        (.disabled, .restart, [.preSyncing], "running"),
        (.disabled, .stop, [], "disabled"),
        (.disabled, .disable, [], "disabled"),
        (.disabled, .enable, [.none], "due"),
        (.disabled, .ping, [], "disabled"),
    ]

    @Test("each command does what the table says", arguments: table.indices)
    func eachCommandDoesWhatTheTableSays(row: Int) throws {
        let (situation, command, states, code) = Self.table[row]
        var shell = try shell(situation)
        try shell.command(command, "x")
        if shell.stops.contains(TestShell.name("x")) {
            #expect(try shell.explain("x").code == "ending")
            try shell.end("x", .stopped)
            #expect(shell.step("x") == .afterAttempt(1))
            try shell.end("x")
        }
        #expect(shell.states("x") == states, "\(situation) \(command)")
        #expect(try shell.explain("x").code == code, "\(situation) \(command)")
    }

    @Test("ping changes nothing, the schedule least of all")
    func pingChangesNothing() throws {
        for situation in Situation.allCases {
            var shell = try shell(situation)
            let before = (shell.due("x"), shell.scheduleChanges, try shell.explain("x"))
            try shell.command(.ping, "x")
            #expect(shell.due("x") == before.0)
            #expect(shell.scheduleChanges == before.1)
            #expect(try shell.explain("x") == before.2)
            #expect(shell.reports.isEmpty)
        }
        var shell = try shell(.idle)
        try shell.command(.ping, "x")
        try shell.pass(TestShell.hour)
        #expect(shell.step("x") == .beforeJob)
    }

    @Test("commands for jobs that do not exist are refused")
    func refusesUnknownJobs() throws {
        var shell = TestShell()
        let error = #expect(throws: JobError.self) { try shell.command(.ping, "nobody") }
        #expect(error?.code == .unknownJob)
        #expect(throws: JobError.self) { try shell.explain("nobody") }
    }

    @Test("a stop that is under way takes the last command for what comes after it")
    func theLastCommandCounts() throws {
        let rows: [([JobCommand], [JobState], String)] = [
            ([.stop, .start(force: false)], [.failed, .preSyncing], "running"),
            ([.stop, .enable], [.failed], "due"),
            ([.stop, .disable], [.disabled], "disabled"),
            ([.disable, .stop], [.disabled], "disabled"),
            ([.disable, .start(force: true)], [.failed, .preSyncing], "running"),
            ([.restart, .stop], [.paused], "paused"),
            ([.restart, .disable, .enable], [.failed], "due"),
            ([.restart, .restart], [.failed, .preSyncing], "running"),
        ]
        for (commands, states, code) in rows {
            var shell = try shell(.running)
            for command in commands { try shell.command(command, "x") }
            try shell.end("x", .stopped)
            try shell.end("x")
            #expect(shell.states("x") == states, "\(commands)")
            #expect(try shell.explain("x").code == code, "\(commands)")
        }
    }

    @Test("a run always ends when it was stopped, however its step ends")
    func aStoppedRunEndsHoweverItsStepEnds() throws {
        for result: StepResult in [.stopped, .done(size: "1G"), .failed(.transient, message: "cannot be ended")] {
            var shell = try shell(.running)
            try shell.command(.stop, "x")
            try shell.end("x", result)
            try shell.end("x", result)
            #expect(shell.states("x") == [.paused])
            #expect(shell.machine.isIdle)
        }
    }

    @Test("a run that was faster than its stop is a success, and the job is paused then")
    func aRunThatWasFasterIsASuccess() throws {
        var shell = try shell(.running)
        try shell.go("x", to: .afterSuccess(attempt: 1))
        try shell.command(.stop, "x")
        try shell.end("x")
        #expect(shell.reports.map(\.state) == [.success, .paused])
        #expect(shell.reports.map(\.isFinal) == [true, false])
    }

    @Test("a second stop is harmless and ends the clean-up too")
    func aSecondStopEndsTheCleanUp() throws {
        var shell = try shell(.running)
        try shell.command(.stop, "x")
        try shell.command(.stop, "x")
        #expect(shell.stops.count == 2)
        try shell.end("x", .stopped)
        #expect(shell.step("x") == .afterAttempt(1))
        try shell.command(.stop, "x")
        #expect(shell.stops.count == 3)
        try shell.end("x", .stopped)
        #expect(shell.states("x") == [.paused])
        try shell.command(.stop, "x")
        #expect(shell.stops.count == 3)
    }

    @Test("a held job that must wait for a slot is told as held no more")
    func aReleasedJobThatWaitsIsTold() throws {
        var shell = try shell(.paused)
        try shell.add(TestShell.spec("other"))
        #expect(shell.step("other") == .beforeJob)
        try shell.command(.start(force: false), "x")
        #expect(shell.states("x") == [.none])
        try shell.finish("other")
        #expect(shell.states("x") == [.preSyncing])
    }

    @Test("explanations name who and when")
    func explanationsNameWhoAndWhen() throws {
        var shell = try shell(.idle)
        try shell.command(.stop, "x", by: "mallory")
        let paused = try shell.explain("x")
        #expect(paused.by == "mallory" && paused.since == shell.now && paused.state == .paused)
        #expect(paused.text == "x is paused by mallory since 2027-01-15 08:00:00 +0000.")
        try shell.command(.disable, "x", by: "")
        #expect(try shell.explain("x").text == "x is disabled since 2027-01-15 08:00:00 +0000.")
        try shell.command(.start(force: false), "x", by: "ann")
        #expect(try shell.explain("x").text == "x is running: run 2 is at the pre-job hooks before its first attempt.")
        try shell.add(TestShell.spec("y"))
        try shell.command(.start(force: false), "y", by: "eve")
        #expect(
            try shell.explain("y").text == "y is due and waits for one of 1 slots; it is number 1 in the queue.")
    }

    @Test("a job without a timing runs only when somebody starts it")
    func aManualJobRunsOnlyWhenStarted() throws {
        var shell = TestShell()
        var spec = try TestShell.spec("x")
        spec.timing.trigger = .manual
        try shell.add(spec)
        #expect(try shell.explain("x").code == "manual-only")
        #expect(shell.machine.nextWake == nil)
        try shell.command(.start(force: false), "x")
        try shell.finish("x")
        #expect(try shell.explain("x").code == "manual-only")
    }
}
