// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import SyncJobs

@Suite("Reloads and restarts")
struct ReloadTests {
    /// A running shell with a job `x` at its command.
    private func running() throws -> TestShell {
        var shell = TestShell(.init(slots: 2, upstreamDefault: 1))
        try shell.add(TestShell.spec("x", upstream: "u"))
        try shell.go("x", to: .execute(attempt: 1))
        _ = shell.states()
        return shell
    }

    @Test("a job that is configured as before is not disturbed")
    func anUnchangedJobIsNotDisturbed() throws {
        var shell = try running()
        try shell.take(shell.machine.replace(TestShell.spec("x", upstream: "u"), restartsRun: false, at: shell.now))
        #expect(shell.stops.isEmpty && shell.reports.isEmpty)
        try shell.finish("x")
        let (due, changes) = (shell.due("x"), shell.scheduleChanges)
        try shell.take(shell.machine.replace(TestShell.spec("x", upstream: "u"), restartsRun: true, at: shell.now))
        #expect(shell.due("x") == due && shell.scheduleChanges == changes)
        #expect(shell.step("x") == nil)
    }

    @Test("a changed job whose run must begin again is ended and runs with what is new")
    func aChangedRunBeginsAgain() throws {
        var shell = try running()
        let spec = try TestShell.spec("x", every: 2 * TestShell.hour, upstream: "v")
        try shell.take(shell.machine.replace(spec, restartsRun: true, at: shell.now))
        #expect(shell.stops.count == 1)
        try shell.end("x", .stopped)
        try shell.end("x")
        try shell.finish("x")
        #expect(shell.states("x") == [.failed, .preSyncing, .syncing, .success])
        #expect(shell.due("x") == 2 * TestShell.hour)
        #expect(shell.machine.spec(of: spec.name) == spec)
    }

    @Test("a changed interval holds for the next run, from the end of the last one")
    func aChangedIntervalHoldsForTheNextRun() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("x"))
        try shell.finish("x")
        try shell.pass(10 * TestShell.minute)
        try shell.take(
            shell.machine.replace(TestShell.spec("x", every: 30 * TestShell.minute), restartsRun: false, at: shell.now))
        #expect(shell.due("x") == 20 * TestShell.minute)
        try shell.take(
            shell.machine.replace(TestShell.spec("x", every: 5 * TestShell.minute), restartsRun: false, at: shell.now))
        #expect(shell.step("x") == .beforeJob)
    }

    @Test("a job whose last run failed is due at once when its run is configured anew")
    func aFailedJobIsDueWhenConfiguredAnew() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("x"))
        try shell.go("x", to: .execute(attempt: 1))
        try shell.end("x", .failed(.configuration, message: "no such program"))
        try shell.finish("x")
        try shell.take(shell.machine.replace(TestShell.spec("x", upstream: "u"), restartsRun: true, at: shell.now))
        #expect(shell.step("x") == .beforeJob)
    }

    @Test("a waiting job whose priority or upstream changes waits where it belongs")
    func aWaitingJobMovesInTheQueue() throws {
        var shell = TestShell(.init(slots: 1, upstreamDefault: 1))
        for name in ["a", "b", "c"] { try shell.add(TestShell.spec(name, upstream: name)) }
        try shell.take(
            shell.machine.replace(TestShell.spec("c", priority: 1, upstream: "b"), restartsRun: false, at: shell.now))
        #expect(try shell.explain("c").reason == .waitingForSlot(position: 1, slots: 1))
        try shell.finish("a")
        #expect(shell.step("c") == .beforeJob)
    }

    @Test("held jobs stay held when they change")
    func heldJobsStayHeld() throws {
        var shell = TestShell()
        for (name, command) in [("p", JobCommand.stop), ("d", .disable)] {
            try shell.add(TestShell.spec(name))
            try shell.finish(name)
            try shell.command(command, name)
            try shell.take(shell.machine.replace(TestShell.spec(name, every: 1), restartsRun: true, at: shell.now))
        }
        try shell.pass(TestShell.hour)
        #expect(shell.state("p") == .paused && shell.state("d") == .disabled)
    }

    @Test("a removed job is told as disabled, and is gone")
    func aRemovedJobIsToldAsDisabled() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("idle"))
        try shell.finish("idle")
        try shell.add(TestShell.spec("off"))
        try shell.finish("off")
        try shell.command(.disable, "off")
        _ = shell.states()
        for name in ["idle", "off"] { try shell.take(shell.machine.remove(TestShell.name(name), at: shell.now)) }
        #expect(shell.reports.map(\.name.text) == ["idle"] && shell.reports.map(\.state) == [.disabled])
        #expect(shell.removed.map(\.text) == ["idle", "off"])
        #expect(shell.machine.jobCount == 0 && shell.machine.nextWake == nil)
        #expect(throws: JobError.self) { try shell.command(.start(force: false), "idle") }
    }

    @Test("a removed job that runs is stopped first, takes no command meanwhile, and ends as disabled")
    func aRemovedJobThatRunsIsStoppedFirst() throws {
        var shell = try running()
        try shell.take(shell.machine.remove(TestShell.name("x"), at: shell.now))
        #expect(shell.removed.isEmpty && shell.stops.count == 1)
        #expect(try shell.explain("x").code == "removing")
        let refused = #expect(throws: JobError.self) { try shell.command(.start(force: true), "x") }
        #expect(refused?.code == .removing)
        try shell.end("x", .stopped)
        try shell.end("x")
        #expect(shell.reports.map(\.state) == [.disabled] && shell.reports.map(\.isFinal) == [true])
        #expect(shell.removed.map(\.text) == ["x"])
        #expect(shell.machine.jobCount == 0)
    }

    @Test("a job that is removed and configured again while its run ends stays and runs again")
    func aRemovedJobMayComeBack() throws {
        var shell = try running()
        try shell.take(shell.machine.remove(TestShell.name("x"), at: shell.now))
        try shell.add(TestShell.spec("x", upstream: "v"))
        try shell.end("x", .stopped)
        try shell.end("x")
        try shell.finish("x")
        #expect(shell.states("x") == [.failed, .preSyncing, .syncing, .success])
        #expect(shell.removed.isEmpty)
    }

    @Test(
        "a job is taken over from what is remembered of it",
        arguments: [
            (JobHistory(state: .success, lastEnded: ago(20), lastSuccess: ago(20)), 40, "due"),
            (JobHistory(state: .success, lastEnded: ago(90), lastSuccess: ago(90)), nil, "running"),
            (JobHistory(state: .none), nil, "running"),
            (JobHistory(state: .failed, lastEnded: ago(1)), nil, "running"),
            // tunasync's manager does not know how it failed: an interval after the last success, as its worker does.
            (JobHistory(state: .failed, lastEnded: ago(1), lastSuccess: ago(70)), nil, "running"),
            (JobHistory(state: .failed, lastEnded: ago(1), lastSuccess: ago(50)), 10, "due"),
            (JobHistory(state: .failed, lastEnded: ago(1), lastSuccess: ago(70), failure: .permanent), 59, "due"),
            (JobHistory(state: .failed, lastEnded: ago(1), lastSuccess: ago(2), failure: .interrupted), nil, "running"),
            (JobHistory(state: .syncing, lastEnded: ago(5), lastSuccess: ago(5)), nil, "running"),
            (JobHistory(state: .preSyncing, lastEnded: ago(5), lastSuccess: ago(5)), nil, "running"),
            (JobHistory(state: .paused, heldBy: "ann", heldSince: ago(5)), nil, "paused"),
            (JobHistory(state: .disabled), nil, "disabled"),
            // A clock that was ahead.
            (JobHistory(state: .success, lastEnded: ago(-900), lastSuccess: ago(-900)), 60, "due"),
        ])
    func jobsAreTakenOver(history: JobHistory, due: Int64?, code: String) throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("x"), history)
        #expect(shell.due("x") == due.map { $0 * TestShell.minute })
        #expect(try shell.explain("x").code == code)
        let interrupted = [.syncing, .preSyncing].contains(history.state)
        #expect(shell.states("x") == (interrupted ? [.failed] : []) + (code == "running" ? [.preSyncing] : []))
    }

    private static func ago(_ minutes: Int64) -> JobTime {
        JobTime(milliseconds: 1_800_000_000_000 - minutes * TestShell.minute)
    }

    @Test("a run that a dead worker left is told as interrupted, with its number")
    func anInterruptedRunIsTold() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("x"), JobHistory(state: .syncing, interruptedRun: RunNumber(41)))
        let report = try #require(shell.reports.first)
        #expect(report.state == .failed && report.failure == .interrupted && report.isFinal)
        #expect(report.run == RunNumber(41))
    }

    @Test("a paused job keeps who paused it over a restart")
    func aPausedJobKeepsWhoPausedIt() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("x"), JobHistory(state: .paused, heldBy: "ann", heldSince: Self.ago(5)))
        #expect(try shell.explain("x").by == "ann")
        #expect(shell.reports.isEmpty && shell.due("x") == nil)
    }

    @Test("a new job with cron times waits for the next, one that missed a time is due at once")
    func cronJobsAreTakenOver() throws {
        var shell = TestShell()
        shell.now = ZoneFiles.utc(2_026, 1, 5, 12)
        var spec = try TestShell.spec("x")
        spec.timing.trigger = .cron(try CronExpression("0 3 * * *"))
        try shell.add(spec)
        #expect(shell.machine.dueTime(of: spec.name) == ZoneFiles.utc(2_026, 1, 6, 3))
        spec.name = TestShell.name("missed")
        let last = ZoneFiles.utc(2_026, 1, 4, 3, 10)
        try shell.add(spec, JobHistory(state: .success, lastEnded: last, lastSuccess: last))
        #expect(shell.step("missed") == .beforeJob)
        spec.name = TestShell.name("kept")
        let kept = ZoneFiles.utc(2_026, 1, 5, 3, 10)
        try shell.add(spec, JobHistory(state: .failed, lastEnded: kept))
        #expect(shell.machine.dueTime(of: spec.name) == ZoneFiles.utc(2_026, 1, 6, 3))
    }
}
