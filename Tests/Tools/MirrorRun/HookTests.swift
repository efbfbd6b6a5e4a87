// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import MirrorConfig
import SyncJobs
import Testing

@testable import MirrorRun

@Suite("Hooks", .timeLimit(.minutes(5)))
struct HookTests {
    /// tunasync ran the hooks after a run in reverse, the last configured first.
    @Test func hooksRunInTheOrderInWhichTheyAreConfigured() async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror("echo the command")
        mirror.hooks.beforeJob = ["echo job 1", "echo job 2"]
        mirror.hooks.beforeAttempt = ["echo before 1", "echo before 2"]
        mirror.hooks.afterAttempt = ["echo after 1", "echo after 2"]
        mirror.hooks.onSuccess = ["echo success 1", "echo success 2", "echo success 3"]
        mirror.hooks.onFailure = ["echo failure 1", "echo failure 2"]
        #expect(await fixture.run(mirror) == .done(size: nil))
        #expect(
            try fixture.log(mirror).split(separator: "\n") == [
                "job 1", "job 2", "before 1", "before 2", "the command", "after 1", "after 2", "success 1",
                "success 2", "success 3",
            ])
        mirror.command = "false"
        #expect(await fixture.run(mirror, number: 2) == .failed(.transient, message: "exit status 1"))
        #expect(try fixture.log(mirror).hasSuffix("after 2\nfailure 1\nfailure 2\n"))
    }

    @Test func hooksKnowWhatBecameOfTheRun() async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror("sh -c 'echo size 5M; exit $CODE'")
        mirror.sizePattern = "size (\\S+)"
        mirror.environment = ["CODE": "0", "OWN": "not for hooks"]
        let show =
            "sh -c 'echo $TUNASYNC_JOB_EXIT_STATUS,$KUIPER_ATTEMPT,$KUIPER_EXIT_CODE,$KUIPER_SIZE,$KUIPER_ERROR,$OWN,$TUNASYNC_MIRROR_NAME'"
        mirror.hooks.afterAttempt = [show]
        #expect(await fixture.run(mirror) == .done(size: "5M"))
        #expect(try fixture.log(mirror).hasSuffix("\nsuccess,1,0,5M,,,mirror\n"))
        mirror.environment = ["CODE": "9"]
        mirror.hooks.onFailure = [show]
        #expect(await fixture.run(mirror, number: 2) == .failed(.transient, message: "exit status 9"))
        #expect(
            try fixture.log(mirror).hasSuffix(
                "\nfailure,1,9,,exit status 9,,mirror\nfailure,1,9,,exit status 9,,mirror\n"))
    }

    @Test func aHookThatFailsEndsItsPhase() async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror("echo never")
        mirror.hooks.beforeJob = ["echo first", "sh -c 'exit 3'", "echo never"]
        #expect(await fixture.run(mirror) == .failed(.hook, message: "sh -c 'exit 3': exit status 3"))
        #expect(try fixture.log(mirror) == "first\n")
        // The run is over without a step after the failure, and its log says that it failed.
        #expect(fixture.supervisor.logs(of: mirror).first?.isFailure == true)
    }

    @Test(arguments: ["/no/such/hook", "'", ""])
    func aHookThatCannotBeStartedFails(hook: String) async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror("echo never")
        mirror.hooks.beforeAttempt = [hook]
        guard case .failed(.hook, _) = await fixture.run(mirror) else {
            Issue.record("it did not fail")
            return
        }
    }

    @Test func aHookThatTakesTooLongIsEndedWithAllThatItStarted() async throws {
        let fixture = try RunFixture { $0.ending.grace = .milliseconds(100) }
        var mirror = try fixture.mirror("echo never")
        let hook = "sh -c 'setsid sleep 1000 & echo $! > pid; wait'"
        mirror.hooks.beforeJob = [hook]
        mirror.hooks.timeoutSeconds = 1
        #expect(await fixture.run(mirror) == .failed(.hook, message: "\(hook): timeout after 1s"))
        #expect(!isAlive(try await pid(in: mirror.directory + "/pid")))
    }

    @Test func aHookIsStopped() async throws {
        let fixture = try RunFixture { $0.ending.grace = .milliseconds(100) }
        var mirror = try fixture.mirror("echo never")
        mirror.hooks.beforeJob = ["sh -c 'echo $$ > pid; sleep 1000; true'", "echo never"]
        async let result = fixture.run(mirror)
        let hook = try await pid(in: mirror.directory + "/pid")
        await fixture.supervisor.stop(mirror.name, run: RunNumber(1))
        #expect(await result == .stopped)
        #expect(!isAlive(hook))
    }
}
