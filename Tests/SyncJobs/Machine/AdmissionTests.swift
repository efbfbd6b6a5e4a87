// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import SyncJobs

@Suite("Slots, limits and due times")
struct AdmissionTests {
    @Test("two jobs with equal due times both run, again and again")
    func twoJobsWithEqualDueTimesBothRun() throws {
        var shell = TestShell()
        // As after a restart of a worker with two mirrors that never succeeded.
        for name in ["bad", "bad2"] {
            try shell.add(TestShell.spec(name), JobHistory(state: .failed, lastEnded: JobTime(milliseconds: 0)))
        }
        for _ in 0..<5 {
            #expect(shell.step("bad") == .beforeJob && shell.step("bad2") == .beforeJob)
            try shell.finish("bad")
            try shell.finish("bad2")
            #expect(shell.due("bad") == shell.due("bad2"))
            #expect(shell.machine.dueTimes().count == 2)
            try shell.pass(TestShell.hour)
        }
    }

    @Test("all due jobs start at once, up to the slots, and the others as slots become free")
    func allDueJobsStartAtOnceUpToTheSlots() throws {
        var shell = TestShell(.init(slots: 50))
        let history = JobHistory(
            state: .success, lastEnded: shell.now.adding(milliseconds: -TestShell.hour), lastSuccess: shell.now)
        shell.now = shell.now.adding(milliseconds: -1)
        for number in 0..<500 { try shell.add(TestShell.spec("m\(number)"), history) }
        #expect(shell.machine.runningCount == 0)
        shell.now = shell.now.adding(milliseconds: 1)
        try shell.take(shell.machine.tick(at: shell.now))
        #expect(shell.machine.runningCount == 50 && shell.machine.waitingCount == 450)
        var ended = 0
        while let name = shell.performing.keys.min() {
            try shell.finish(name.text)
            ended += 1
            #expect(shell.machine.runningCount == min(50, 500 - ended))
        }
        #expect(ended == 500)
    }

    @Test("a job is pre-syncing only when it has a slot")
    func aJobIsReportedOnlyWhenItHasASlot() throws {
        var shell = TestShell(.init(slots: 1))
        try shell.add(TestShell.spec("a"))
        try shell.add(TestShell.spec("b"))
        #expect(shell.states("b") == [])
        #expect(shell.state("b") == JobState.none)
        try shell.finish("a")
        #expect(shell.states("b") == [.preSyncing])
    }

    @Test("slots go to the higher priority, then to the earlier due time, then by name")
    func slotsAreFair() throws {
        var shell = TestShell(.init(slots: 1))
        try shell.add(TestShell.spec("running"))
        try shell.add(TestShell.spec("z", priority: 0))
        shell.now = shell.now.adding(milliseconds: 1)
        try shell.add(TestShell.spec("y", priority: 0))
        try shell.add(TestShell.spec("x", priority: 0))
        try shell.add(TestShell.spec("low", priority: -1))
        try shell.add(TestShell.spec("high", priority: 5))
        var order: [String] = []
        while let name = shell.performing.keys.first {
            let positions = try ["z", "y", "x", "low", "high"].compactMap { waiting -> Int? in
                guard case .waitingForSlot(let position, 1) = try shell.explain(waiting).reason else { return nil }
                return position
            }
            #expect(Set(positions) == Set(1..<(positions.count + 1)))
            order.append(name.text)
            try shell.finish(name.text)
        }
        #expect(order == ["running", "high", "z", "x", "y", "low"])
    }

    @Test("a full upstream lets others pass")
    func aFullUpstreamLetsOthersPass() throws {
        var shell = TestShell(.init(slots: 3, upstreamLimits: ["a.example": 1], upstreamDefault: 2))
        for name in ["a1", "a2", "a3"] { try shell.add(TestShell.spec(name, priority: 9, upstream: "a.example")) }
        for name in ["b1", "b2", "b3"] { try shell.add(TestShell.spec(name, upstream: "b.example")) }
        for name in ["c1", "c2"] { try shell.add(TestShell.spec(name)) }
        #expect(Set(shell.performing.keys.map(\.text)) == ["a1", "b1", "b2"])
        let explanation = try shell.explain("a2")
        #expect(explanation.reason == .upstreamLimit(upstream: "a.example", limit: 1))
        #expect(explanation.code == "upstream-limit")
        try shell.finish("b1")
        #expect(shell.step("b3") == .beforeJob && shell.step("c1") == nil)
        try shell.finish("b2")
        #expect(shell.step("c1") == .beforeJob)
        try shell.finish("a1")
        #expect(shell.step("a2") == .beforeJob && shell.step("c2") == nil)
    }

    @Test("a forced run passes slots, windows and upstreams; it takes no slot and counts for its upstream")
    func aForcedRunPassesEverything() throws {
        var shell = TestShell(.init(slots: 1, upstreamDefault: 1))
        shell.now = ZoneFiles.utc(2_026, 1, 5, 12)
        try shell.add(TestShell.spec("a", upstream: "u"))
        try shell.add(TestShell.spec("b", upstream: "u"))
        try shell.add(TestShell.spec("night", windows: ["22:00-06:00"]))
        #expect(try shell.explain("night").code == "window")
        #expect(try shell.explain("night").until == ZoneFiles.utc(2_026, 1, 5, 22))
        try shell.command(.start(force: true), "b")
        try shell.command(.start(force: true), "night")
        #expect(shell.step("b") == .beforeJob && shell.step("night") == .beforeJob)
        try shell.finish("a")
        try shell.add(TestShell.spec("c", upstream: "u"))
        #expect(try shell.explain("c").code == "upstream-limit")
        try shell.finish("b")
        #expect(shell.step("c") == .beforeJob)
    }

    @Test("with no slots nothing runs but what is forced, and it is said why")
    func withoutSlotsNothingRunsAndItIsSaidWhy() throws {
        var shell = TestShell(.init(slots: 0))
        try shell.add(TestShell.spec("debian"))
        #expect(shell.step("debian") == nil)
        #expect(try shell.explain("debian").reason == .waitingForSlot(position: 1, slots: 0))
        #expect(try shell.explain("debian").text.contains("0 slots"))
        try shell.command(.start(force: true), "debian")
        #expect(shell.step("debian") == .beforeJob)
    }

    @Test("changed limits hold at once and end no run")
    func changedLimitsHoldAtOnce() throws {
        var shell = TestShell(.init(slots: 1, upstreamDefault: 1))
        for name in ["a", "b", "c", "d"] { try shell.add(TestShell.spec(name, upstream: "u")) }
        try shell.take(shell.machine.setLimits(.init(slots: 3, upstreamLimits: ["u": 2]), at: shell.now))
        #expect(shell.performing.count == 2)
        try shell.take(shell.machine.setLimits(.init(slots: 3), at: shell.now))
        #expect(shell.performing.count == 3)
        try shell.take(shell.machine.setLimits(.init(slots: 1), at: shell.now))
        #expect(shell.performing.count == 3)
        try shell.finish("a")
        try shell.finish("b")
        #expect(shell.performing.count == 1)
        try shell.finish("c")
        #expect(shell.step("d") == .beforeJob)
    }

    @Test("a window that closes while a job waits for a slot sends it back to the next window")
    func aClosingWindowHoldsBack() throws {
        var shell = TestShell(.init(slots: 1))
        shell.now = ZoneFiles.utc(2_026, 1, 5, 22)
        try shell.add(TestShell.spec("long"))
        try shell.add(TestShell.spec("night", windows: ["22:00-23:00"]))
        #expect(try shell.explain("night").code == "waiting-for-slot")
        shell.now = ZoneFiles.utc(2_026, 1, 5, 23)
        try shell.finish("long")
        #expect(shell.step("night") == nil)
        #expect(try shell.explain("night").until == ZoneFiles.utc(2_026, 1, 6, 22))
        #expect(shell.machine.dueTime(of: TestShell.name("night")) == ZoneFiles.utc(2_026, 1, 6, 22))
        try shell.command(.stop, "long")
        try shell.pass(23 * TestShell.hour)
        #expect(shell.step("night") == .beforeJob)
    }

    @Test("jitter puts due times off by less than its size, each job by its own part, the same for the same seed")
    func jitterIsBoundedAndRepeatable() throws {
        func dues(_ seed: UInt64) throws -> [Int64] {
            var shell = TestShell(.init(slots: 100), seed: seed)
            for number in 0..<30 {
                try shell.add(TestShell.spec("m\(number)", jitter: 10 * TestShell.minute))
                try shell.finish("m\(number)")
            }
            return try (0..<30).map { try #require(shell.due("m\($0)")) }
        }
        let first = try dues(1)
        #expect(first.allSatisfy { (TestShell.hour...TestShell.hour + 10 * TestShell.minute).contains($0) })
        #expect(Set(first).count > 25)
        #expect(try dues(1) == first)
        #expect(try dues(2) != first)
    }

    @Test("cron times that pass while a job runs are passed over")
    func cronTimesThatPassArePassedOver() throws {
        var shell = TestShell()
        shell.now = ZoneFiles.utc(2_026, 1, 5, 12)
        var spec = try TestShell.spec("debian")
        spec.timing.trigger = .cron(try CronExpression("0 * * * *"))
        try shell.add(spec)
        #expect(shell.step("debian") == nil)
        try shell.pass(TestShell.hour)
        #expect(shell.step("debian") == .beforeJob)
        try shell.pass(3 * TestShell.hour + 1)
        try shell.finish("debian")
        #expect(shell.machine.dueTime(of: spec.name) == ZoneFiles.utc(2_026, 1, 5, 17))
    }

    @Test("due times are told in order, without what runs or is held back")
    func dueTimesAreInOrder() throws {
        var shell = TestShell(.init(slots: 1))
        let names = ["d", "b", "a", "c"]
        for name in names {
            let ended = shell.now.adding(milliseconds: name == "d" ? -1 : 0)
            try shell.add(TestShell.spec(name), JobHistory(state: .success, lastEnded: ended, lastSuccess: ended))
        }
        #expect(shell.machine.dueTimes().map(\.name.text) == ["d", "a", "b", "c"])
        try shell.command(.stop, "b")
        try shell.command(.disable, "c")
        #expect(shell.machine.dueTimes().map(\.name.text) == ["d", "a"])
        try shell.pass(2 * TestShell.hour)
        #expect(shell.step("d") == .beforeJob)
        #expect(shell.machine.dueTimes().map(\.name.text) == ["a"])
    }

    @Test("a clock that is set back brings due times nearer")
    func aClockThatIsSetBackBringsDueTimesNearer() throws {
        let again = RetryPolicy.Backoff(firstMilliseconds: 5_000, maximumMilliseconds: 5_000)
        var shell = TestShell()
        try shell.add(TestShell.spec("debian"))
        try shell.finish("debian")
        try shell.add(TestShell.spec("ubuntu", retry: RetryPolicy(attempts: 3, backoff: again)))
        try shell.go("ubuntu", to: .execute(attempt: 1))
        try shell.end("ubuntu", .failed(.transient, message: "no"))
        try shell.finish("ubuntu")
        shell.now = shell.now.adding(milliseconds: -1_000 * TestShell.hour)
        try shell.take(shell.machine.tick(at: shell.now))
        #expect(shell.due("debian") == TestShell.hour)
        try shell.pass(5_000)
        #expect(shell.step("ubuntu") == .beforeAttempt(2))
        try shell.pass(TestShell.hour)
        #expect(shell.step("debian") == .beforeJob)
    }
}
