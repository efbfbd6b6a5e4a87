// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import MirrorConfig
import SyncJobs
import Testing

@testable import MirrorRun

@Suite("The command provider", .timeLimit(.minutes(5)))
struct CommandProviderTests {
    @Test func runsACommandWithoutAShell() async throws {
        let fixture = try RunFixture()
        let mirror = try fixture.mirror(#"printf '%s\n' "$HOME" *.txt ';' "a b""#)
        #expect(await fixture.run(mirror) == .done(size: nil))
        #expect(try fixture.log(mirror) == "$HOME\n*.txt\n;\na b\n")
    }

    @Test func givesTheCommandWhatScriptsForTunasyncExpect() async throws {
        let fixture = try RunFixture(environment: ["FROM_WORKER": "yes"])
        var mirror = try fixture.mirror("sh -c 'pwd; env'")
        mirror.environment = ["OWN": "1", "TUNASYNC_UPSTREAM_URL": "overridden"]
        #expect(await fixture.run(mirror) == .done(size: nil))
        let lines = Set(try fixture.log(mirror).split(separator: "\n").map(String.init))
        let log = try #require(Files.names(in: mirror.logDirectory).first { $0 != "latest" })
        for line in [
            mirror.directory, "FROM_WORKER=yes", "OWN=1", "TUNASYNC_MIRROR_NAME=mirror",
            "TUNASYNC_WORKING_DIR=\(mirror.directory)", "TUNASYNC_UPSTREAM_URL=overridden",
            "TUNASYNC_LOG_DIR=\(mirror.logDirectory)", "TUNASYNC_LOG_FILE=\(mirror.logDirectory)/\(log)",
            "KUIPER_ATTEMPT=1",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
        #expect(TreeWalk.entry(at: mirror.directory)?.permissions == 0o755)
    }

    @Test func aChildHasNoDescriptorButItsOwnAndTheLock() async throws {
        let fixture = try RunFixture()
        let mirror = try fixture.mirror("sh -c 'for f in /proc/self/fd/*; do readlink $f || :; done'")
        #expect(await fixture.run(mirror) == .done(size: nil))
        let names = try fixture.log(mirror).split(separator: "\n").map(String.init)
        #expect(names.filter { $0 == "/dev/null" }.count == 1)
        #expect(names.filter { $0 == mirror.directory }.count == 1)
        #expect(names.count <= 4, "\(names)")
    }

    @Test(arguments: [1, 3, 127, 255])
    func failsWithTheExitStatusThatItHas(code: Int32) async throws {
        let fixture = try RunFixture()
        let mirror = try fixture.mirror("sh -c 'exit \(code)'")
        let failure: FailureClass = code == 127 ? .configuration : .transient
        #expect(await fixture.run(mirror) == .failed(failure, message: "exit status \(code)"))
        let names = Files.names(in: mirror.logDirectory)
        #expect(names.contains { $0.hasSuffix(".log.fail") } && names.count == 2)
    }

    @Test func takesTheExitCodesThatCountAsSuccess() async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror("sh -c 'exit 24'")
        mirror.successExitCodes = [24, 25]
        #expect(await fixture.run(mirror) == .done(size: nil))
    }

    @Test func saysWhichSignalEndedIt() async throws {
        let fixture = try RunFixture()
        let mirror = try fixture.mirror("sh -c 'kill -KILL $$'")
        #expect(await fixture.run(mirror) == .failed(.transient, message: "signal: killed"))
    }

    @Test(arguments: ["/no/such/program", "no-such-program-anywhere", "/etc/hostname", "/", ""])
    func whatCannotBeStartedIsAMistakeOfTheConfiguration(command: String) async throws {
        let fixture = try RunFixture()
        let mirror = try fixture.mirror(command)
        guard case .failed(.configuration, let message) = await fixture.run(mirror) else {
            Issue.record("it did not fail")
            return
        }
        #expect(message.hasPrefix("fork/exec") || command.isEmpty)
    }

    @Test func failsWhenTheLogHasWhatMustNotBeThere() async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror(#"printf 'fine\nERROR: a\nerror: b\nERROR: c\n'"#)
        mirror.failOnMatch = "ERROR: [a-z]"
        #expect(
            await fixture.run(mirror) == .failed(.transient, message: "Fail-on-match regexp found 2 matches"))
        mirror.failOnMatch = "FATAL"
        #expect(await fixture.run(mirror, number: 2) == .done(size: nil))
    }

    @Test func onlyTheAttemptsOwnPartOfTheLogIsLookedAt() async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror("sh -c 'test $KUIPER_ATTEMPT = 2 || { echo BAD; exit 1; }'")
        mirror.failOnMatch = "BAD"
        let run = RunNumber(1)
        for attempt in 1...2 {
            #expect(await fixture.supervisor.perform(.beforeAttempt(attempt), of: mirror, run: run) == .done(size: nil))
            let result = await fixture.supervisor.perform(.execute(attempt: attempt), of: mirror, run: run)
            #expect(result == (attempt == 2 ? .done(size: nil) : .failed(.transient, message: "exit status 1")))
            if attempt == 1 { _ = await fixture.supervisor.perform(.afterFailure(attempt: 1), of: mirror, run: run) }
        }
        fixture.supervisor.finish(mirror.name, run: run)
        #expect(try fixture.log(mirror) == "BAD\n")
        #expect(!Files.names(in: mirror.logDirectory).contains { $0.hasSuffix(".fail") })
    }

    @Test func theSizeIsWhatTheFirstGroupOfTheLastMatchSays() async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror(#"printf 'Total size is 1.5G\nTotal size is 2.25G bytes\n'"#)
        mirror.sizePattern = #"size is ([0-9.]+[KMGTP]?)"#
        #expect(await fixture.run(mirror, finishes: false) == .done(size: "2.25G"))
        let facts = fixture.supervisor.facts(of: mirror.name, run: RunNumber(1))
        #expect(facts?.bytes == 2_250_000_000 && facts?.exitCode == 0 && facts?.attempt == 1)
        fixture.supervisor.finish(mirror.name, run: RunNumber(1))
    }

    /// tunasync's whole worker died of such a pattern.
    @Test func aSizePatternWithoutAGroupDoesNotEndTheWorker() async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror("echo Total size is 5G")
        mirror.sizePattern = "size is [0-9]+G"
        #expect(await fixture.run(mirror) == .done(size: nil))
        #expect(try fixture.log(mirror).contains("size_pattern has no group"))
    }

    @Test(arguments: ["(", "a**", "[b-a]", "(?=x)", "\\p{Greek}"])
    func aPatternThatIsNoneIsAMistakeOfTheConfiguration(pattern: String) async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror("true")
        mirror.failOnMatch = pattern
        guard case .failed(.configuration, _) = await fixture.run(mirror) else {
            Issue.record("it did not fail")
            return
        }
    }

    @Test func theSizeCanBeThatOfTheFiles() async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror(
            "sh -c 'head -c 1500 /dev/zero > a; mkdir b; ln a b/c; head -c 500 /dev/zero > b/d'")
        mirror.sizeSource = .files
        #expect(await fixture.run(mirror, finishes: false) == .done(size: "2.00K"))
        #expect(fixture.supervisor.facts(of: mirror.name, run: RunNumber(1))?.files == 3)
        fixture.supervisor.finish(mirror.name, run: RunNumber(1))
    }

    @Test func aTimeOutEndsTheAttemptInTunasyncsWords() async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror("sh -c 'echo $$ > pid; sleep 1000'")
        mirror.timeoutSeconds = 1
        #expect(await fixture.run(mirror) == .failed(.transient, message: "mirror timeout after 1s"))
        #expect(!isAlive(try await pid(in: mirror.directory + "/pid")))
    }
}
