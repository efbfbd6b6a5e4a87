// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import MirrorConfig
import SyncJobs
import Testing

@testable import MirrorRun

@Suite("Grandchildren", .timeLimit(.minutes(5)))
struct GrandchildrenTests {
    /// Ways of a grandchild to get out of sight; each writes its id to the file `pid`.
    static let ways: [String] = [
        "sleep 1000 & echo $! > pid; wait",
        "setsid sleep 1000 & echo $! > pid; wait",
        // An orphan in a session of its own.
        "(setsid sh -c \"sleep 1000 & echo \\$! > pid; exit\" &); sleep 1000",
        // A daemon: two forks, a session of its own, all descriptors closed.
        "setsid sh -c \"(exec 0<&- 1>&- 2>&- 3>&-; sleep 1000 & echo \\$! > pid)\"; sleep 1000",
        // One that does not listen.
        "sh -c \"trap : TERM HUP INT; echo \\$\\$ > pid; while :; do sleep 1000 || :; done\" & wait",
        // One without the mark; its session and group tell.
        "env -i /bin/sleep 1000 & echo $! > pid; wait",
        // One without mark and session; its parent tells.
        "env -i setsid -f sh -c \"echo \\$\\$ > pid; sleep 1000; :\" ; sleep 1000",
    ]

    /// tunasync ended only the program itself; both `sleep`s of a shell script lived on.
    @Test("do not survive a stop", arguments: ways.dropLast())
    func grandchildrenDoNotSurviveAStop(way: String) async throws {
        let fixture = try RunFixture { $0.ending.grace = .milliseconds(200) }
        let mirror = try fixture.mirror("sh -c '\(way)'")
        async let result = fixture.run(mirror, finishes: false)
        let grandchild = try await pid(in: mirror.directory + "/pid")
        #expect(isAlive(grandchild))
        await fixture.supervisor.stop(mirror.name, run: RunNumber(1))
        #expect(!isAlive(grandchild))
        #expect(await result == .stopped)
        fixture.supervisor.finish(mirror.name, run: RunNumber(1))
    }

    @Test(
        "do not survive the end of the command",
        arguments: [ways[0], ways[1]].map { $0.replacing("wait", with: "true") })
    func grandchildrenDoNotSurviveTheEndOfTheCommand(way: String) async throws {
        let fixture = try RunFixture { $0.ending.grace = .milliseconds(200) }
        let mirror = try fixture.mirror("sh -c '\(way)'")
        #expect(await fixture.run(mirror) == .done(size: nil))
        #expect(!isAlive(try await pid(in: mirror.directory + "/pid")))
    }

    @Test func grandchildrenDoNotSurviveATimeOut() async throws {
        let fixture = try RunFixture { $0.ending.grace = .milliseconds(200) }
        var mirror = try fixture.mirror("sh -c '\(Self.ways[1])'")
        mirror.timeoutSeconds = 1
        #expect(await fixture.run(mirror) == .failed(.transient, message: "mirror timeout after 1s"))
        #expect(!isAlive(try await pid(in: mirror.directory + "/pid")))
    }

    @Test func aProgramThatEndsKindlyIsNotEndedByForce() async throws {
        let fixture = try RunFixture { $0.ending.grace = .seconds(60) }
        let mirror = try fixture.mirror(
            "sh -c 'trap \"echo bye; exit 0\" TERM; echo $$ > pid; while :; do sleep 0.02; done'")
        async let result = fixture.supervisor.perform(.execute(attempt: 1), of: mirror, run: RunNumber(1))
        _ = try await pid(in: mirror.directory + "/pid")
        await fixture.supervisor.stop(mirror.name, run: RunNumber(1))
        // It ended with success before it could be ended by force, so it did.
        #expect(await result == .done(size: nil))
        #expect(try fixture.log(mirror).hasSuffix("bye\n"))
        fixture.supervisor.finish(mirror.name, run: RunNumber(1))
    }

    @Test func aStoppedProgramIsEndedToo() async throws {
        let fixture = try RunFixture { $0.ending.grace = .seconds(60) }
        let mirror = try fixture.mirror("sh -c 'echo $$ > pid; kill -STOP $$; sleep 1000'")
        async let result = fixture.run(mirror)
        let child = try await pid(in: mirror.directory + "/pid")
        await fixture.supervisor.stop(mirror.name, run: RunNumber(1))
        #expect(!isAlive(child))
        #expect(await result == .stopped)
    }

    @Test func cancellingTheTaskStopsTheStep() async throws {
        let fixture = try RunFixture { $0.ending.grace = .milliseconds(200) }
        let mirror = try fixture.mirror("sh -c '\(Self.ways[0])'")
        let task = Task { await fixture.run(mirror) }
        let grandchild = try await pid(in: mirror.directory + "/pid")
        task.cancel()
        #expect(await task.value == .stopped)
        #expect(!isAlive(grandchild))
    }

    @Test func aStopThatComesBeforeTheStepIsHeeded() async throws {
        let fixture = try RunFixture()
        let mirror = try fixture.mirror("sleep 1000")
        let run = RunNumber(1)
        #expect(await fixture.supervisor.perform(.beforeJob, of: mirror, run: run) == .done(size: nil))
        await fixture.supervisor.stop(mirror.name, run: run)
        #expect(await fixture.supervisor.perform(.execute(attempt: 1), of: mirror, run: run) == .stopped)
        #expect(await fixture.supervisor.perform(.afterAttempt(1), of: mirror, run: run) == .done(size: nil))
        fixture.supervisor.finish(mirror.name, run: run)
    }

    @Test func aStopOfAnotherRunChangesNothing() async throws {
        let fixture = try RunFixture()
        let mirror = try fixture.mirror("true")
        #expect(await fixture.supervisor.perform(.beforeJob, of: mirror, run: RunNumber(2)) == .done(size: nil))
        await fixture.supervisor.stop(mirror.name, run: RunNumber(1))
        #expect(
            await fixture.supervisor.perform(.execute(attempt: 1), of: mirror, run: RunNumber(2)) == .done(size: nil))
        fixture.supervisor.finish(mirror.name, run: RunNumber(2))
    }

    /// In tunasync a job whose end could not be brought about told nothing any more and never ran again.
    @Test func aTerminateErrorDoesNotLeaveTheJobStuck() async throws {
        // A kernel that does not listen.
        let fixture = try RunFixture {
            $0.ending = ProcessEnding(grace: .milliseconds(1), patience: .milliseconds(100)) { _, _ in -1 }
        }
        var mirror = try fixture.mirror("sh -c 'echo $$ > pid; sleep 1000'")
        mirror.timeoutSeconds = 1
        guard case .failed(.transient, let message) = await fixture.run(mirror) else {
            Issue.record("it did not fail")
            return
        }
        let child = try await pid(in: mirror.directory + "/pid")
        #expect(message.contains("process \(child), hangs"))
        // It still holds the lock, so no second copy of the sync starts beside it.
        guard case .failed(.transient, let second) = await fixture.run(mirror, number: 2) else {
            Issue.record("it did not fail")
            return
        }
        #expect(second.contains("is in use by"))
        kill(-child, SIGKILL)
        try await wait("the end of \(child)") { !isAlive(child) }
    }

    @Test func manyRunsAtOnceAreAllEnded() async throws {
        let fixture = try RunFixture { $0.ending.grace = .milliseconds(200) }
        let mirrors = try (0..<20).map { try fixture.mirror("sh -c '\(Self.ways[0])'", name: "m\($0)") }
        await withTaskGroup(of: StepResult.self) { group in
            for mirror in mirrors { group.addTask { await fixture.run(mirror) } }
            for mirror in mirrors { _ = try? await pid(in: mirror.directory + "/pid") }
            group.addTask {
                await withTaskGroup(of: Void.self) { stops in
                    for mirror in mirrors {
                        stops.addTask { await fixture.supervisor.stop(mirror.name, run: RunNumber(1)) }
                    }
                }
                return .stopped
            }
            for await result in group { #expect(result == .stopped) }
        }
        for mirror in mirrors { #expect(!isAlive(try await pid(in: mirror.directory + "/pid"))) }
    }
}
