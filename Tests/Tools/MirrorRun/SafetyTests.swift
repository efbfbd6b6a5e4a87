// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import MirrorConfig
import SyncJobs
import Testing

@testable import MirrorRun

@Suite("Locks and recovery", .timeLimit(.minutes(5)))
struct SafetyTests {
    @Test func twoWorkersNeverRunOneMirrorAtOnce() async throws {
        let fixture = try RunFixture { $0.ending.grace = .milliseconds(100) }
        let other = try RunFixture.supervisor(fixture.folder.file("other"))
        let mirror = try fixture.mirror("sh -c 'echo $$ > pid; sleep 1000'")
        async let result = fixture.run(mirror)
        _ = try await pid(in: mirror.directory + "/pid")
        // Without hooks the step of the command tells, with its own class.
        #expect(await other.perform(.beforeJob, of: mirror, run: RunNumber(1)) == .done(size: nil))
        guard
            case .failed(.transient, let message) = await other.perform(
                .execute(attempt: 1), of: mirror, run: RunNumber(1))
        else {
            Issue.record("it ran")
            return
        }
        #expect(message == "\(mirror.directory) is in use by process \(getpid()); it is not synced twice")
        var hooked = mirror
        hooked.hooks.beforeJob = ["true"]
        guard case .failed = await other.perform(.beforeJob, of: hooked, run: RunNumber(2)) else {
            Issue.record("the hook ran")
            return
        }
        await fixture.supervisor.stop(mirror.name, run: RunNumber(1))
        #expect(await result == .stopped)
        #expect(await other.perform(.beforeJob, of: hooked, run: RunNumber(3)) == .done(size: nil))
        other.finish(mirror.name, run: RunNumber(3))
    }

    @Test func aChildThatOutlivesItsWorkerKeepsTheLock() async throws {
        let fixture = try RunFixture()
        let mirror = try fixture.mirror("true")
        try Files.makeDirectory(mirror.directory)
        let holder = try ChildProcess([
            "flock", "--no-fork", mirror.directory, "sh", "-c", "echo held; exec sleep 1000",
        ])
        #expect(try holder.readLine() == "held")
        guard case .failed(.transient, let message) = await fixture.run(mirror) else {
            Issue.record("it ran")
            return
        }
        #expect(message.contains("is in use by process "))
        holder.signal(SIGKILL)
    }

    @Test func aRunThatItsWorkerDidNotLiveToEndIsEnded() async throws {
        let fixture = try RunFixture()
        let directory = try StateDirectory(fixture.folder.file("state"))
        let mark = RunMark()
        let (child, strangers) = (fixture.folder.file("child"), fixture.folder.file("stranger"))
        let output = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer { close(output) }
        func start(_ script: String, _ environment: [String: String]) throws -> pid_t {
            let plan = LaunchPlan(
                arguments: ["sh", "-c", script], environment: ["PATH": "/usr/bin:/bin"].merging(environment) { $1 },
                folder: "/")
            return try Spawn.start(plan, output: output)
        }
        let leader = try start(
            "setsid sleep 1000 & echo $! > \(child); sleep 1000", [RunMark.variable: mark.text])
        let stranger = try start("echo $$ > \(strangers); sleep 1000; :", [:])
        let grandchild = try await pid(in: child)
        _ = try await pid(in: strangers)
        let ticks = try #require(ProcessTable.entry(leader)?.startTicks)
        let journal = RunJournal(directory)
        try journal.write(
            RunJournal.Entry(
                run: RunNumber(7), name: try #require(JobName("a")), mark: mark, boot: ProcessTable.bootID(),
                processes: [RunJournal.Process(pid: leader, startTicks: ticks)], log: "2026-01-02_03_04_05"))
        // The id was given to somebody else since: the start does not fit.
        try journal.write(
            RunJournal.Entry(
                run: RunNumber(8), name: try #require(JobName("b")), mark: RunMark(), boot: ProcessTable.bootID(),
                processes: [RunJournal.Process(pid: stranger, startTicks: 1)]))
        // Before the machine's last start nothing can be left.
        try journal.write(
            RunJournal.Entry(
                run: RunNumber(9), name: try #require(JobName("c")), mark: RunMark(), boot: "another",
                processes: [
                    RunJournal.Process(pid: stranger, startTicks: ProcessTable.entry(stranger)?.startTicks ?? 0)
                ]))
        try directory.write("10", in: "runs", "what nobody can read")
        let recovered = await fixture.supervisor.recover()
        #expect(recovered.map(\.run) == [RunNumber(7), RunNumber(8), RunNumber(9)])
        #expect(recovered.map(\.name.text) == ["a", "b", "c"])
        #expect(recovered.map(\.log) == ["2026-01-02_03_04_05", nil, nil])
        #expect(recovered.map { $0.ended > 0 } == [true, false, false])
        #expect(!isAlive(leader) && !isAlive(grandchild) && isAlive(stranger))
        #expect(await fixture.supervisor.recover().isEmpty)
        kill(-stranger, SIGKILL)
        var status: Int32 = 0
        for pid in [leader, stranger] { waitpid(pid, &status, 0) }
    }

    @Test func aRunIsWrittenDownUntilItIsFinished() async throws {
        let fixture = try RunFixture()
        let mirror = try fixture.mirror("true")
        let journal = fixture.supervisor.journal
        await fixture.run(mirror, number: 5, finishes: false)
        #expect(journal.entries().map(\.run) == [RunNumber(5)])
        fixture.supervisor.finish(mirror.name, run: RunNumber(4))
        #expect(journal.entries().count == 1)
        fixture.supervisor.finish(mirror.name, run: RunNumber(5))
        #expect(journal.entries().isEmpty)
        fixture.supervisor.finish(mirror.name, run: RunNumber(5))
    }

    @Test func theNextRunFinishesOneThatNobodyFinished() async throws {
        let fixture = try RunFixture()
        let mirror = try fixture.mirror("true")
        #expect(await fixture.run(mirror, number: 1, finishes: false) == .done(size: nil))
        #expect(await fixture.run(mirror, number: 2) == .done(size: nil))
        #expect(fixture.supervisor.journal.entries().isEmpty)
        #expect(fixture.supervisor.logs(of: mirror).count == 2)
    }

    @Test func aStateDirectoryThatCannotBeUsedIsAnError() throws {
        let folder = try TemporaryDirectory("state")
        let file = try folder.write("file", "")
        #expect(throws: RunFailure.self) { try RunFixture.supervisor(file) }
    }
}
