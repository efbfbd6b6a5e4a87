// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
import LiveTestSupport
import MirrorConfig
import SyncJobs
import Synchronization
import Testing

@testable import MirrorRun

@Suite("Atomic publication", .timeLimit(.minutes(5)))
struct PublicationTests {
    private func tree(_ folder: TemporaryDirectory) throws -> String {
        let place = folder.file("m")
        try Files.makeDirectory(place + "/d/e")
        try Files.write(place + "/a", Array("one".utf8), mode: 0o640)
        try Files.write(place + "/d/b", Array("two".utf8))
        try Files.write(place + "/d/e/empty", [])
        #expect(link(place + "/a", place + "/d/same") == 0)
        #expect(symlink("../a", place + "/d/link") == 0)
        #expect(symlink("/nowhere", place + "/broken") == 0)
        // A name that is no UTF-8.
        let odd = (place + "/").utf8CString.dropLast() + [CChar(bitPattern: 0xFF), 0]
        let descriptor = open(Array(odd), O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)
        #expect(descriptor >= 0)
        close(descriptor)
        #expect(
            utimensat(
                AT_FDCWD, place + "/a", [timespec(tv_sec: 1000, tv_nsec: 5), timespec(tv_sec: 2000, tv_nsec: 7)], 0)
                == 0)
        #expect(
            utimensat(
                AT_FDCWD, place + "/d", [timespec(tv_sec: 1000, tv_nsec: 5), timespec(tv_sec: 3000, tv_nsec: 7)], 0)
                == 0)
        return place
    }

    /// What rsync and readers see of a tree.
    private func listing(_ folder: String) throws -> [String] {
        var lines: [String] = []
        try TreeWalk.walk(folder) { entry throws(RunFailure) in
            let names = entry.isFolder ? 0 : min(entry.names, 2)
            let kind = entry.isFile ? "file" : entry.isLink ? "link" : "folder"
            lines.append(
                "\(entry.path.dropLast()) \(kind) \(entry.permissions) \(entry.bytes) \(names) \(entry.isLink ? 0 : entry.modified)"
            )
            return .go
        }
        return lines.sorted()
    }

    @Test(arguments: [TreeCopy.Method.share, .separate])
    func aCopyIsLikeItsOriginal(method: TreeCopy.Method) throws {
        let folder = try TemporaryDirectory("copy")
        let source = try tree(folder)
        #expect(try TreeCopy.copy(source, to: folder.file("copy"), method) { false })
        let original = try listing(source)
        let copy = try listing(folder.file("copy"))
        #expect(original.count == 9)
        if method == .separate { #expect(copy == original) }
        #expect(copy.count == original.count)
        let first = try #require(TreeWalk.entry(at: folder.file("copy/a")))
        let second = try #require(TreeWalk.entry(at: folder.file("copy/d/same")))
        #expect(first.identity == second.identity && first.modified == 2_000_000_000_007 && first.permissions == 0o640)
        let before = try #require(TreeWalk.entry(at: source + "/a"))
        if method == .separate { #expect(first.identity != before.identity) }
        try TreeRemoval.remove(folder.file("copy"))
        #expect(access(folder.file("copy"), F_OK) != 0)
        #expect(try listing(source).count == 9)
        try TreeRemoval.remove(folder.file("copy"))
    }

    @Test func aCopyIsGivenUpWhenItIsStopped() throws {
        let folder = try TemporaryDirectory("copy")
        try Files.makeDirectory(folder.file("m"))
        for index in 0..<1000 { try Files.write(folder.file("m/\(index)"), []) }
        #expect(try !TreeCopy.copy(folder.file("m"), to: folder.file("copy"), .separate) { true })
    }

    @Test(arguments: [AtomicPublication.Switch.automatic, .links])
    func theTreesChangePlaces(way: AtomicPublication.Switch) throws {
        let folder = try TemporaryDirectory("publish")
        let place = try tree(folder)
        for round in 1...3 {
            let publication = try AtomicPublication(place, way: way)
            #expect(try publication.prepare(.separate) { false })
            try Files.write(publication.next + "/a", Array("round \(round)".utf8))
            #expect(try Files.read(place + "/a") == Array((round == 1 ? "one" : "round \(round - 1)").utf8))
            try publication.publish()
            #expect(try Files.read(place + "/a") == Array("round \(round)".utf8))
            #expect(try Files.read(place + "/d/b") == Array("two".utf8))
        }
        #expect(TreeWalk.entry(at: place)?.isLink == (way == .links))
        // The tree before stays until the next run begins, for those who read in it; then nothing is left but a copy.
        #expect(Files.names(in: folder.path) == [".kuiper-m", "m"])
        let publication = try AtomicPublication(place, way: way)
        #expect(try publication.prepare(.separate) { false })
        try publication.discard()
        #expect(Files.names(in: publication.area).count == (way == .links ? 1 : 0))
    }

    private final class Flag: Sendable {
        let isOver = Atomic(false)
        let looks = Atomic(0)
    }

    @Test(arguments: [AtomicPublication.Switch.automatic, .links])
    func readersNeverMissTheTree(way: AtomicPublication.Switch) async throws {
        let folder = try TemporaryDirectory("publish")
        let place = try tree(folder)
        // The first switch to a link is the only one with a moment in between.
        if way == .links {
            let publication = try AtomicPublication(place, way: way)
            _ = try publication.prepare(.share) { false }
            try publication.publish()
        }
        let flag = Flag()
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                try await OwnThread.run { () throws(RunFailure) in
                    var missed = 0
                    while !flag.isOver.load(ordering: .relaxed) {
                        if access(place + "/d/b", F_OK) != 0 { missed += 1 }
                        flag.looks.add(1, ordering: .sequentiallyConsistent)
                    }
                    return missed
                }
            }
            group.addTask {
                defer { flag.isOver.store(true, ordering: .relaxed) }
                for _ in 0..<100 {
                    let publication = try AtomicPublication(place, way: way)
                    _ = try publication.prepare(.share) { false }
                    try publication.publish()
                    // The tree before stays until the next run begins, so whoever was on the way to a file has got there.
                    let looks = flag.looks.load(ordering: .sequentiallyConsistent)
                    try await wait("the reader") { flag.looks.load(ordering: .sequentiallyConsistent) >= looks + 2 }
                }
                return 0
            }
            for try await missed in group { #expect(missed == 0) }
        }
    }

    @Test func aTreeThatWasNotPublishedIsGoneOnWith() throws {
        let folder = try TemporaryDirectory("publish")
        let place = try tree(folder)
        let publication = try AtomicPublication(place)
        #expect(try publication.prepare(.separate) { false })
        try Files.write(publication.next + "/new", [1])
        #expect(try AtomicPublication(place).prepare(.separate) { false })
        #expect(access(publication.next + "/new", F_OK) == 0)
        try publication.discard()
        #expect(throws: RunFailure.self) { try publication.publish() }
        #expect(try publication.prepare(.separate) { false })
        #expect(access(publication.next + "/new", F_OK) != 0)
    }

    @Test func aCopyThatWasBrokenOffIsBegunAnew() throws {
        let folder = try TemporaryDirectory("publish")
        let place = try tree(folder)
        let publication = try AtomicPublication(place)
        // What a worker leaves that dies while it copies.
        try Files.makeDirectory(publication.next)
        try Files.write(publication.next + "/half", [1])
        #expect(try publication.prepare(.separate) { false })
        #expect(access(publication.next + "/half", F_OK) != 0 && access(publication.next + "/a", F_OK) == 0)
    }

    @Test func theEndOfTheWorkerInTheMiddleOfASwitchIsMadeGood() throws {
        let folder = try TemporaryDirectory("publish")
        let place = try tree(folder)
        let publication = try AtomicPublication(place, way: .links)
        #expect(try publication.prepare(.separate) { false })
        // It died after it took the folder away, before the link was in its place.
        #expect(rename(place, publication.area + "/old-1") == 0)
        #expect(rename(publication.next, publication.area + "/tree-1") == 0)
        #expect(try AtomicPublication(place, way: .links).prepare(.separate) { false })
        #expect(try Files.read(place + "/a") == Array("one".utf8))
        #expect(try Files.read(publication.next + "/a") == Array("one".utf8))
    }

    @Test func aLinkOfTheAdministratorStaysOne() throws {
        let folder = try TemporaryDirectory("publish")
        let place = try tree(folder)
        try Files.makeDirectory(folder.file("www"))
        #expect(symlink("../m", folder.file("www/public")) == 0)
        let publication = try AtomicPublication(folder.file("www/public"))
        #expect(publication.folder.hasSuffix("/m") && publication.area.hasSuffix("/.kuiper-m"))
        #expect(try publication.prepare(.separate) { false })
        try publication.publish()
        #expect(TreeWalk.entry(at: folder.file("www/public"))?.isLink == true)
        #expect(try Files.read(place + "/a") == Array("one".utf8))
    }

    @Test func aMountPointIsRefused() {
        let failure = #expect(throws: RunFailure.self) { try AtomicPublication("/proc") }
        #expect(failure?.failure == .configuration)
    }

    @Test func aRunIsSeenAllAtOnceOrNotAtAll() async throws {
        let fixture = try RunFixture()
        var mirror = try fixture.mirror(
            "sh -c 'echo 1 > a; ls ../../m2/mirror >/dev/null 2>&1; echo 2 > b; test -e ../seen && exit 5; exit 0'")
        mirror.publication = .atomic
        mirror.hooks.onSuccess = ["sh -c 'cat a b'"]
        #expect(await fixture.run(mirror) == .done(size: nil))
        #expect(try fixture.log(mirror) == "1\n2\n")
        #expect(Files.names(in: mirror.directory) == ["a", "b"])
        // A failure is not published, but gone on with.
        mirror.command = "sh -c 'echo 3 > c; exit 1'"
        #expect(await fixture.run(mirror, number: 2) == .failed(.transient, message: "exit status 1"))
        #expect(Files.names(in: mirror.directory) == ["a", "b"])
        mirror.command = "test -e c"
        #expect(Files.names(in: fixture.folder.file("mirrors/.kuiper-mirror/next")) == ["a", "b", "c"])
        #expect(await fixture.run(mirror, number: 3) == .done(size: nil))
        #expect(Files.names(in: mirror.directory) == ["a", "b", "c"])
    }

    @Test func rsyncWritesIntoACopyThatCostsNothing() async throws {
        let daemon = try RsyncDaemon()
        try daemon.write("same", "same")
        try daemon.write("other", "one")
        let fixture = try RunFixture()
        var mirror = try fixture.rsync(daemon.url)
        mirror.publication = .atomic
        guard case .done = await fixture.run(mirror) else {
            Issue.record("it failed")
            return
        }
        let held = open(mirror.directory + "/other", O_RDONLY | O_CLOEXEC)
        defer { close(held) }
        try daemon.write("other", "another")
        guard case .done = await fixture.run(mirror, number: 2) else {
            Issue.record("it failed")
            return
        }
        // Who had the old file open still reads the old one.
        var bytes = [UInt8](repeating: 0, count: 16)
        #expect(read(held, &bytes, 16) == 3)
        #expect(try fixture.text(mirror.directory + "/other") == "another")
        #expect(try fixture.text(mirror.directory + "/same") == "same")
    }
}
