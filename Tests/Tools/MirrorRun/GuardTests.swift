// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import MirrorConfig
import SyncJobs
import Testing

@testable import MirrorRun

@Suite("Guards", .timeLimit(.minutes(5)))
struct GuardTests {
    private func settings(_ files: Int? = nil, shrink: Int? = nil, delete: Int? = nil) -> GuardSettings {
        var settings = GuardSettings()
        settings.minimumFiles = files
        settings.maximumShrinkPercent = shrink
        settings.maximumDeletePercent = delete
        return settings
    }

    private func isRefused(
        _ settings: GuardSettings, files: Int64, bytes: Int64 = 1000, was: (Int64, Int64)? = (100, 1000),
        deleted: Int64? = nil
    ) -> Bool {
        let evidence = ResultGuard.Evidence(
            result: TreeCount(files: files, bytes: bytes), published: was.map { TreeCount(files: $0.0, bytes: $0.1) },
            deleted: deleted)
        do throws(RunFailure) {
            try ResultGuard.check(evidence, settings)
            return false
        } catch {
            #expect(error.failure == .refused)
            return true
        }
    }

    @Test func limitsAreWhatTheySay() {
        #expect(isRefused(settings(10), files: 9) && !isRefused(settings(10), files: 10))
        #expect(isRefused(settings(shrink: 10), files: 89) && !isRefused(settings(shrink: 10), files: 90))
        #expect(isRefused(settings(shrink: 10), files: 100, bytes: 899))
        #expect(!isRefused(settings(shrink: 10), files: 200, bytes: 900))
        #expect(!isRefused(settings(shrink: 10), files: 1, was: nil))
        #expect(!isRefused(settings(shrink: 0), files: 100) && isRefused(settings(shrink: 0), files: 99))
        #expect(isRefused(settings(delete: 5), files: 100, deleted: 6))
        #expect(!isRefused(settings(delete: 5), files: 100, deleted: 5))
        #expect(!isRefused(settings(delete: 5), files: 100, deleted: nil))
        #expect(!isRefused(settings(), files: 0))
        #expect(isRefused(settings(shrink: 50), files: 1, bytes: 1, was: (Int64.max, Int64.max)))
    }

    /// tuna/tunasync#109: a wrong path of the upstream gave "success" with an empty mirror.
    @Test(arguments: MirrorSettings.Publication.allCases)
    func wrongUpstreamPathDoesNotPublishAnEmptyMirror(publication: MirrorSettings.Publication) async throws {
        let daemon = try RsyncDaemon()
        try Files.makeDirectory(daemon.content + "/empty")
        try daemon.write("right/f", "text")
        let fixture = try RunFixture()
        var mirror = try fixture.rsync(daemon.url + "right/")
        mirror.publication = publication
        // Where people read what rsync writes, only a rehearsal saves what is there.
        mirror.guards.minimumFiles = publication == .direct ? 1 : nil
        guard case .done = await fixture.run(mirror) else {
            Issue.record("it failed")
            return
        }
        mirror.upstream = daemon.url + "empty/"
        guard case .failed(.refused, let message) = await fixture.run(mirror, number: 2) else {
            Issue.record("it was published")
            return
        }
        #expect(message.contains("no files") && message.contains(mirror.upstream))
        #expect(try fixture.text(mirror.directory + "/f") == "text")
        mirror.upstream = daemon.url + "right/"
        guard case .done = await fixture.run(mirror, number: 3) else {
            Issue.record("it failed")
            return
        }
    }

    @Test func anEmptyResultOfRsyncIsNeverASuccess() async throws {
        let daemon = try RsyncDaemon()
        let fixture = try RunFixture()
        guard case .failed(.refused, _) = await fixture.run(try fixture.rsync(daemon.url)) else {
            Issue.record("it was a success")
            return
        }
    }

    @Test(arguments: MirrorSettings.Publication.allCases)
    func massDeletionIsRefusedBeforeAnybodySeesIt(publication: MirrorSettings.Publication) async throws {
        let daemon = try RsyncDaemon()
        for index in 0..<50 { try daemon.write("f\(index)", "text") }
        let fixture = try RunFixture()
        var mirror = try fixture.rsync(daemon.url)
        mirror.publication = publication
        mirror.guards = settings(delete: 20)
        guard case .done = await fixture.run(mirror) else {
            Issue.record("it failed")
            return
        }
        for index in 0..<10 { try Files.delete(daemon.content + "/f\(index)") }
        guard case .done = await fixture.run(mirror, number: 2) else {
            Issue.record("it failed")
            return
        }
        #expect(Files.names(in: mirror.directory).count == 40)
        for index in 10..<20 { try Files.delete(daemon.content + "/f\(index)") }
        guard case .failed(.refused, let message) = await fixture.run(mirror, number: 3) else {
            Issue.record("it was published")
            return
        }
        #expect(message.contains("10 of 40 files"))
        #expect(Files.names(in: mirror.directory).count == 40)
    }

    @Test func aResultThatShrankIsRefusedAndTheNextAttemptBeginsWithWhatPeopleRead() async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror("sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do echo $i > $i; done'")
        mirror.publication = .atomic
        mirror.guards = settings(2, shrink: 50)
        #expect(await fixture.run(mirror) == .done(size: "21B"))
        mirror.command = "sh -c 'rm -f [1-6]'"
        guard case .failed(.refused, let message) = await fixture.run(mirror, number: 2) else {
            Issue.record("it was published")
            return
        }
        #expect(message == "the result shrank from 10 to 4 files, by more than max_shrink_percent = 50")
        mirror.command = "sh -c 'rm -f [1-3]; ls | wc -l'"
        #expect(await fixture.run(mirror, number: 3) == .done(size: "15B"))
        #expect(try fixture.log(mirror) == "7\n")
        #expect(Files.names(in: mirror.directory).count == 7)
    }
}
