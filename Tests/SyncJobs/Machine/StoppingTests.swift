// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import SyncJobs

@Suite("The end of a worker")
struct StoppingTests {
    @Test("many running jobs are all stopped, and all are reported")
    func manyRunningJobsAllStop() throws {
        var shell = TestShell(.init(slots: 80))
        for number in 0..<100 { try shell.add(TestShell.spec("m\(number)")) }
        for number in 0..<80 where number % 2 == 0 { try shell.go("m\(number)", to: .execute(attempt: 1)) }
        _ = shell.states()
        let running = Set(shell.performing.keys)
        #expect(running.count == 80)
        try shell.take(shell.machine.beginStopping(at: shell.now))
        #expect(Set(shell.stops) == running && shell.stops.count == 80)
        while let name = shell.performing.keys.first { try shell.end(name.text, .stopped) }
        #expect(shell.machine.isIdle && shell.machine.isStopping)
        #expect(Set(shell.reports.map(\.name)) == running && shell.reports.count == 80)
        #expect(shell.reports.allSatisfy { $0.state == .failed && $0.failure == .interrupted && $0.isFinal })
        #expect(shell.machine.nextWake == nil)
    }

    @Test("a worker that stops starts nothing, whatever becomes due and whatever is asked")
    func nothingStarts() throws {
        var shell = TestShell(.init(slots: 1))
        try shell.add(TestShell.spec("a"))
        try shell.add(TestShell.spec("b"))
        try shell.take(shell.machine.beginStopping(at: shell.now))
        #expect(try shell.explain("b").code == "worker-stopping")
        for command: JobCommand in [.start(force: false), .start(force: true), .restart] {
            let error = #expect(throws: JobError.self) { try shell.command(command, "b") }
            #expect(error?.code == .stopping)
        }
        try shell.end("a", .stopped)
        try shell.pass(100 * TestShell.hour)
        try shell.command(.disable, "b")
        #expect(shell.state("b") == .disabled)
        #expect(shell.performing.isEmpty && shell.machine.isIdle)
    }

    @Test("runs that wait for an attempt end at once")
    func runsThatWaitEndAtOnce() throws {
        let again = RetryPolicy.Backoff(firstMilliseconds: 5_000, maximumMilliseconds: 5_000)
        var shell = TestShell()
        try shell.add(TestShell.spec("x", retry: RetryPolicy(attempts: 2, backoff: again)))
        try shell.go("x", to: .execute(attempt: 1))
        try shell.end("x", .failed(.transient, message: "no"))
        try shell.finish("x")
        _ = shell.states()
        try shell.take(shell.machine.beginStopping(at: shell.now))
        #expect(shell.reports.map(\.isFinal) == [true])
        #expect(shell.machine.isIdle)
    }

    @Test("what somebody stopped or disabled before ends as that; a restart ends as interrupted")
    func formerCommandsKeepTheirMeaning() throws {
        var shell = TestShell()
        for name in ["p", "d", "r", "gone"] {
            try shell.add(TestShell.spec(name))
            try shell.go(name, to: .execute(attempt: 1))
        }
        try shell.command(.stop, "p")
        try shell.command(.disable, "d")
        try shell.command(.restart, "r")
        try shell.take(shell.machine.remove(TestShell.name("gone"), at: shell.now))
        try shell.take(shell.machine.beginStopping(at: shell.now))
        for name in ["p", "d", "r", "gone"] {
            _ = shell.states()
            try shell.end(name, .stopped)
            try shell.end(name)
            #expect(shell.states(name) == [name == "p" ? .paused : name == "r" ? .failed : .disabled])
        }
        #expect(shell.removed.map(\.text) == ["gone"])
        #expect(shell.machine.isIdle)
    }

    @Test("when it is asked again, clean-ups are stopped too")
    func askedAgainItStopsCleanUps() throws {
        var shell = TestShell()
        try shell.add(TestShell.spec("x"))
        try shell.go("x", to: .execute(attempt: 1))
        try shell.take(shell.machine.beginStopping(at: shell.now))
        try shell.end("x", .stopped)
        #expect(shell.step("x") == .afterAttempt(1))
        try shell.take(shell.machine.beginStopping(at: shell.now))
        #expect(shell.stops.count == 2)
        try shell.end("x", .stopped)
        #expect(shell.machine.isIdle)
    }
}
