// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import MirrorConfig
import SyncJobs
import Synchronization
import Testing

@testable import MirrorRun

@Suite("The rsync providers", .timeLimit(.minutes(5)))
struct RsyncProviderTests {
    @Test func bringsWhatIsThereAndTakesAwayWhatIsNot() async throws {
        let daemon = try RsyncDaemon()
        for index in 0..<200 { try daemon.write("d\(index % 7)/f\(index)", String(repeating: "x", count: index)) }
        let fixture = try RunFixture()
        let mirror = try fixture.rsync(daemon.url)
        #expect(await fixture.run(mirror, finishes: false) == .done(size: "19.90K"))
        let facts = fixture.supervisor.facts(of: mirror.name, run: RunNumber(1))
        #expect(facts?.files == 200 && facts?.bytes == 19_900)
        try daemon.write("d0/f0", "changed")
        try Files.delete(daemon.content + "/d1/f1")
        let second = await fixture.run(mirror, number: 2)
        #expect(second == .done(size: "19.91K"))
        #expect(try fixture.text(mirror.directory + "/d0/f0") == "changed")
        #expect(access(mirror.directory + "/d1/f1", F_OK) != 0)
    }

    @Test func aSizeWithCommasIsASizeToo() async throws {
        let daemon = try RsyncDaemon()
        try daemon.write("f", String(repeating: "x", count: 1_234_567))
        let fixture = try RunFixture()
        var mirror = try fixture.rsync(daemon.url)
        mirror.rsync.override = ["-a", "--stats"]
        #expect(await fixture.run(mirror, finishes: false) == .done(size: "1.23M"))
        #expect(fixture.supervisor.facts(of: mirror.name, run: RunNumber(1))?.bytes == 1_234_567)
        fixture.supervisor.finish(mirror.name, run: RunNumber(1))
    }

    /// tunasync's message was `exit status 5` alone; what it means stood in the log only.
    @Test func anUnknownModuleSaysSo() async throws {
        let daemon = try RsyncDaemon()
        let fixture = try RunFixture()
        let mirror = try fixture.rsync("rsync://127.0.0.1:\(daemon.port)/nothing/")
        guard case .failed(.permanent, let message) = await fixture.run(mirror) else {
            Issue.record("it did not fail")
            return
        }
        #expect(message.hasPrefix("exit status 5: ") && message.contains("Unknown module"))
    }

    @Test func aRefusedConnectionIsTransient() async throws {
        let fixture = try RunFixture()
        let mirror = try fixture.rsync("rsync://127.0.0.1:\(try RsyncDaemon.freePort())/tree/")
        guard case .failed(.transient, let message) = await fixture.run(mirror) else {
            Issue.record("it did not fail")
            return
        }
        #expect(message.hasPrefix("exit status 10: "))
    }

    @Test func anOptionThatRsyncDoesNotHaveIsAMistakeOfTheConfiguration() async throws {
        let daemon = try RsyncDaemon()
        let fixture = try RunFixture()
        var mirror = try fixture.rsync(daemon.url)
        mirror.rsync.options = ["--no-such-option"]
        guard case .failed(.configuration, let message) = await fixture.run(mirror) else {
            Issue.record("it did not fail")
            return
        }
        #expect(message.hasPrefix("exit status 1: "))
    }

    @Test func aPartialTransferMayCountAsSuccess() async throws {
        let daemon = try RsyncDaemon()
        try daemon.write("f", "text")
        let fixture = try RunFixture()
        var mirror = try fixture.rsync(daemon.url)
        mirror.rsync.options = ["\(daemon.url)missing"]
        guard case .failed(_, let message) = await fixture.run(mirror) else {
            Issue.record("it did not fail")
            return
        }
        #expect(message.hasPrefix("exit status 23: "))
        mirror.successExitCodes = [23]
        guard case .done = await fixture.run(mirror, number: 2) else {
            Issue.record("it failed")
            return
        }
    }

    @Test func thePasswordIsInTheEnvironmentAndNowhereElse() async throws {
        let daemon = try RsyncDaemon(secrets: "mirror:s3cret-word\n")
        try daemon.write("f", "text")
        let fixture = try RunFixture()
        var mirror = try fixture.rsync(daemon.url)
        mirror.rsync.username = "mirror"
        mirror.rsync.password = Secret("s3cret-word")
        guard case .done = await fixture.run(mirror) else {
            Issue.record("it failed")
            return
        }
        #expect(!(try fixture.log(mirror)).contains("s3cret-word"))
        mirror.rsync.password = Secret("wrong")
        guard case .failed(.permanent, let message) = await fixture.run(mirror, number: 2) else {
            Issue.record("it did not fail")
            return
        }
        #expect(message.hasPrefix("exit status 5: ") && message.contains("auth failed") && !message.contains("wrong"))
    }

    @Test func aTimeOutEndsRsync() async throws {
        let daemon = try RsyncDaemon()
        try daemon.write("f", String(repeating: "x", count: 1_000_000))
        let fixture = try RunFixture()
        var mirror = try fixture.rsync(daemon.url)
        mirror.rsync.options = ["--bwlimit=1"]
        mirror.timeoutSeconds = 1
        #expect(await fixture.run(mirror) == .failed(.transient, message: "mirror timeout after 1s"))
        #expect(access(mirror.directory + "/f", F_OK) != 0)
    }

    @Test func aStopEndsRsyncAndTheNextRunGoesOn() async throws {
        let daemon = try RsyncDaemon()
        try daemon.write("a", "small")
        try daemon.write("b", String(repeating: "x", count: 2_000_000))
        let fixture = try RunFixture()
        var mirror = try fixture.rsync(daemon.url)
        mirror.rsync.override = ["-a", "--stats", "--bwlimit=50"]
        let slow = mirror
        async let result = fixture.run(slow)
        try await wait("the first file") { access(slow.directory + "/a", F_OK) == 0 }
        await fixture.supervisor.stop(slow.name, run: RunNumber(1))
        #expect(await result == .stopped)
        mirror.rsync.override = ["-a", "--stats"]
        guard case .done = await fixture.run(mirror, number: 2) else {
            Issue.record("it failed")
            return
        }
        #expect(try Files.read(mirror.directory + "/b").count == 2_000_000)
    }

    @Test func progressIsToldWhenRsyncTellsIt() async throws {
        let daemon = try RsyncDaemon()
        try daemon.write("f", String(repeating: "x", count: 300_000))
        let fixture = try RunFixture { $0.progressInterval = .milliseconds(20) }
        var mirror = try fixture.rsync(daemon.url)
        mirror.rsync.options = ["--info=progress2", "--outbuf=L", "--bwlimit=200", "--no-h"]
        let seen = Seen()
        let result = await fixture.supervisor.perform(.execute(attempt: 1), of: mirror, run: RunNumber(1)) { progress in
            seen.values.withLock { $0.append(progress) }
        }
        fixture.supervisor.finish(mirror.name, run: RunNumber(1))
        guard case .done = result else {
            Issue.record("it failed: \(result)")
            return
        }
        let values = seen.values.withLock { $0 }
        #expect(values.last?.percent == 100 && values.last?.bytes == 300_000)
    }

    private final class Seen: Sendable { let values = Mutex<[RsyncProgress]>([]) }

    @Test func anIndexNeverRefersToAFileThatIsNotThereYet() async throws {
        let daemon = try RsyncDaemon()
        try daemon.write("pool/a_1", "one")
        try daemon.write("dists/Packages", "pool/a_1")
        let fixture = try RunFixture()
        var mirror = try fixture.rsync(daemon.url)
        mirror.provider = .twoStageRsync
        mirror.rsync.stage1 = StageProfile(name: "own", includes: [], excludes: ["Packages*"])
        // What readers see between the stages.
        try fixture.folder.write(
            "rsync",
            "#!/bin/sh\nrsync \"$@\" || exit\ncp dists/Packages ../seen.$(ls .. | grep -c seen) 2>/dev/null\nls pool > ../pool.$(ls .. | grep -c pool)\nexit 0\n",
            mode: 0o755)
        mirror.command = fixture.folder.file("rsync")
        guard case .done(let size) = await fixture.run(mirror) else {
            Issue.record("it failed")
            return
        }
        #expect(size == "11B" || size == "11")
        try Files.delete(daemon.content + "/pool/a_1")
        try daemon.write("pool/a_2", "two")
        try daemon.write("dists/Packages", "pool/a_2")
        guard case .done = await fixture.run(mirror, number: 2) else {
            Issue.record("it failed")
            return
        }
        let above = fixture.folder.file("mirrors")
        // After the first stage of the second run: the old index, both files; after the second: the new index and file.
        #expect(try fixture.text(above + "/pool.2") == "a_1\na_2\n")
        #expect(try fixture.text(above + "/seen.1") == "pool/a_1")
        #expect(try fixture.text(above + "/pool.3") == "a_2\n")
        #expect(try fixture.text(above + "/seen.2") == "pool/a_2")
    }
}
