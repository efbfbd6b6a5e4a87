// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import MirrorConfig
import SyncJobs
import Testing

@testable import MirrorRun

@Suite("Logs of runs", .timeLimit(.minutes(5)))
struct LogTests {
    @Test(arguments: [
        "a_2026-01-02_03_04_05.log", "a_2026-01-02_03_04_05.1.log", "a_2026-01-02_03_04_05.12.log.fail",
        "a_2026-01-02_03_04_05.log.gz", "a_2026-01-02_03_04_05.log.fail.gz", "a_2026-01-02_03_04.log",
        "a_2026-01-02_03_04.log.fail",
    ])
    func namesAreReadAndWrittenAlike(file: String) throws {
        let mirror = try #require(JobName("a"))
        #expect(LogName(file: file, mirror: mirror)?.file(of: mirror) == file)
    }

    @Test(arguments: [
        "a_2026-01-02_03_04_05", "a_2026-01-02_03_04_05.log.old", "a-b_2026-01-02_03_04_05.log", "a_x.log",
        "a_2026-01-02_03_04_05.0.log", "a_2026-01-02_03_04_05.1234567.log", "a_2026-1-02_03_04_05.log",
        "a_2026-01-02_03_04.1.log", "aa_2026-01-02_03_04_05.log", "latest", "a_2026-01-02_03_04_05.log.gz.fail",
        "A_2026-01-02_03_04_05.log", "a_2026-01-02_03_04_05.log.fail.fail",
    ])
    func whatIsNoNameOfALogIsLeftAlone(file: String) throws {
        #expect(LogName(file: file, mirror: try #require(JobName("a"))) == nil)
    }

    @Test(arguments: ["../../etc/passwd", "", "latest/..", "2026-01-02_03_04_05/../x", "2026-01-02_03_04_05\0", "*"])
    func noPathIsMadeOfWhatAStrangerSends(id: String) throws {
        #expect(LogName(id: id) == nil)
        let fixture = try RunFixture()
        let mirror = try fixture.mirror("true")
        let failure = #expect(throws: RunFailure.self) { try fixture.supervisor.readLog(id, of: mirror) }
        #expect(failure?.failure == .configuration)
    }

    @Test func aLinkInTheFolderIsNotFollowed() throws {
        let fixture = try RunFixture()
        let mirror = try fixture.mirror("true")
        try Files.makeDirectory(mirror.logDirectory)
        #expect(symlink("/etc/passwd", mirror.logDirectory + "/mirror_2026-01-02_03_04_05.log") == 0)
        #expect(fixture.supervisor.logs(of: mirror).isEmpty)
        #expect(throws: RunFailure.self) { try fixture.supervisor.readLog("2026-01-02_03_04_05", of: mirror) }
    }

    @Test func namesSortByTimeAndNumber() throws {
        let ids = ["2025-12-31_23_59_59", "2026-01-01_00_00_00", "2026-01-01_00_00_00.2", "2026-01-01_00_00_00.10"]
        let names = ids.compactMap { LogName(id: $0) }
        #expect(names.count == 4 && names.shuffled().sorted() == names)
    }

    @Test func theTimeInANameIsTheTimeOfTheRun() throws {
        let now: Int64 = 1_790_000_000
        #expect(LogName(id: LogName.id(seconds: now, number: 3))?.started == now)
    }

    /// In tunasync two runs of one minute shared a file, and the later wrote over the earlier.
    @Test func twoRunsInOneSecondHaveLogsOfTheirOwn() throws {
        let folder = try TemporaryDirectory("logs")
        let mirror = try #require(JobName("a"))
        let logs = try (0..<12).map { _ in try RunLog(mirror: mirror, folder: folder.path, seconds: 1_790_000_000) }
        for (index, log) in logs.enumerated() { log.append("run \(index)") }
        #expect(Set(logs.map(\.path)).count == 12)
        for (index, log) in logs.enumerated() {
            #expect(try Files.read(log.path) == Array("run \(index)\n".utf8))
        }
        let newest = LogFolder.names(of: mirror, in: folder.path).first
        #expect(newest?.name.id == logs.last?.id)
        // A failed run's log keeps its id to itself too.
        try logs[11].set(isFailure: true)
        #expect(try RunLog(mirror: mirror, folder: folder.path, seconds: 1_790_000_000).id.hasSuffix(".12"))
    }

    @Test func latestNamesTheNewestLogAlsoAfterAFailure() async throws {
        let fixture = try RunFixture()
        #expect(await fixture.run(try fixture.mirror("echo one")) == .done(size: nil))
        #expect(try fixture.log(try fixture.mirror("")) == "one\n")
        let failing = try fixture.mirror("sh -c 'echo two; exit 1'")
        #expect(await fixture.run(failing, number: 2) == .failed(.transient, message: "exit status 1"))
        #expect(try fixture.log(failing) == "two\n")
        let logs = fixture.supervisor.logs(of: failing)
        #expect(logs.map(\.isFailure) == [true, false])
        #expect(logs.map(\.run) == [RunNumber(2), RunNumber(1)])
        #expect(logs.map(\.bytes) == [4, 4] && !logs.contains { $0.isActive || $0.isCompressed })
    }

    private static func file(_ index: Int, bytes: Int64, modified: Int64) throws -> LogFolder.File {
        let name = try #require(LogName(id: LogName.id(seconds: 1_790_000_000 - Int64(index), number: 0)))
        return LogFolder.File(name: name, bytes: bytes, modified: modified)
    }

    @Test func oldLogsGoByCountAgeAndSize() throws {
        let day: Int64 = 86_400
        let now: Int64 = 1_790_000_000
        let files = try (0..<6).map { try Self.file($0, bytes: 100, modified: now - Int64($0) * day) }
        var retention = LogRetention()
        retention.plainCount = 2
        retention.maximumCount = 4
        var plan = LogRotation.plan(files, retention, now: now)
        #expect(plan.removed == Array(files[4...]) && plan.compressed == Array(files[2..<4]))
        retention.maximumAgeDays = 2
        plan = LogRotation.plan(files, retention, now: now)
        #expect(plan.removed == Array(files[3...]) && plan.compressed == [files[2]])
        retention.maximumTotalBytes = 150
        plan = LogRotation.plan(files, retention, now: now)
        #expect(plan.removed == Array(files[1...]))
        // The newest stays whatever happens.
        retention.maximumTotalBytes = 1
        #expect(LogRotation.plan(files, retention, now: now).removed == Array(files[1...]))
    }

    /// tunasync pruned by the beginning of the name: runs of `debian` removed logs of `debian-cd` from a shared folder.
    @Test func logsOfAMirrorWhoseNameBeginsLikeAnotherStay() async throws {
        let fixture = try RunFixture()
        var debian = try fixture.mirror("true", name: "debian")
        debian.logs.maximumCount = 1
        let others = [
            "debian-cd_2020-01-01_00_00_00.log", "debian_ports_2020-01-01_00_00_00.log", "debian.txt", "debian_",
        ]
        for other in others {
            try Files.makeDirectory(debian.logDirectory); try Files.write(debian.logDirectory + "/" + other, [1])
        }
        for number in 1...3 { #expect(await fixture.run(debian, number: UInt64(number)) == .done(size: nil)) }
        let names = Files.names(in: debian.logDirectory)
        #expect(Set(others).isSubset(of: names))
        #expect(fixture.supervisor.logs(of: debian).count == 1)
        #expect(names.count == others.count + 2)
    }

    @Test func oldLogsAreCompressedAndReadAllTheSame() async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror("seq 1 100000")
        mirror.logs.plainCount = 1
        for number in 1...3 { #expect(await fixture.run(mirror, number: UInt64(number)) == .done(size: nil)) }
        let logs = fixture.supervisor.logs(of: mirror)
        #expect(logs.map(\.isCompressed) == [false, true, true])
        #expect(logs[2].bytes < logs[0].bytes / 2)
        let plain = try Files.read(mirror.logDirectory + "/latest")
        #expect(try await Self.read(fixture, logs[2].id, mirror) == plain)
        #expect(try await Self.read(fixture, logs[2].id, mirror, offset: 300_000) == Array(plain[300_000...]))
        let packed = try #require(Files.names(in: mirror.logDirectory).first { $0.hasSuffix(".gz") })
        let other = try ChildProcess.run(["gzip", "-dc", mirror.logDirectory + "/" + packed])
        #expect(Array(other.output.utf8) == plain)
    }

    static func read(
        _ fixture: RunFixture, _ id: String, _ mirror: MirrorSettings, offset: Int64 = 0, follow: Bool = false
    ) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await piece in try fixture.supervisor.readLog(id, of: mirror, offset: offset, follow: follow) {
            bytes += piece
        }
        return bytes
    }

    @Test func aBrokenCompressedLogIsAnErrorAndNoText() async throws {
        let fixture = try RunFixture()
        let mirror = try fixture.mirror("true")
        try Files.makeDirectory(mirror.logDirectory)
        try Files.write(mirror.logDirectory + "/mirror_2026-01-02_03_04_05.log.gz", Array("no gzip".utf8))
        try Files.write(mirror.logDirectory + "/mirror_2026-01-02_03_04_06.log.gz", [])
        for id in ["2026-01-02_03_04_05", "2026-01-02_03_04_06"] {
            await #expect(throws: RunFailure.self) { try await Self.read(fixture, id, mirror) }
        }
    }

    @Test func aLogIsFollowedUntilItsRunEnds() async throws {
        let fixture = try RunFixture()
        let mirror = try fixture.mirror(
            "sh -c 'echo begun; while ! test -e go; do sleep 0.02; done; echo ended; test -e fail && exit 1; exit 0'")
        async let result = fixture.run(mirror)
        try await wait("the log") {
            fixture.supervisor.activeLog(of: mirror.name) != nil && (try? fixture.log(mirror)) == "begun\n"
        }
        #expect(fixture.supervisor.logs(of: mirror).first?.isActive == true)
        var text = ""
        for try await piece in try fixture.supervisor.readLog("latest", of: mirror, follow: true) {
            text += String(decoding: piece, as: UTF8.self)
            if text == "begun\n" { try Files.write(mirror.directory + "/go", []) }
        }
        #expect(text == "begun\nended\n")
        #expect(await result == .done(size: nil))
    }

    @Test func aReaderThatDoesNotFollowIsNotHeldUp() async throws {
        let fixture = try RunFixture()
        let mirror = try fixture.mirror("sh -c 'echo begun; sleep 1000'")
        async let result = fixture.run(mirror)
        try await wait("the log") { (try? fixture.log(mirror)) == "begun\n" }
        #expect(try await Self.read(fixture, "latest", mirror) == Array("begun\n".utf8))
        #expect(try await Self.read(fixture, "latest", mirror, offset: 4) == Array("n\n".utf8))
        await fixture.supervisor.stop(mirror.name, run: RunNumber(1))
        #expect(await result == .stopped)
    }
}
