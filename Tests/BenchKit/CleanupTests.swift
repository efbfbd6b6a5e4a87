// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import BenchKit
import Foundation
import Synchronization
import Testing

@Suite("Clean-up of a benchmark")
struct CleanupTests {
    private final class Diary: Sendable {
        private let entries = Mutex<[String]>([])
        var all: [String] { entries.withLock { $0 } }
        func note(_ text: String) { entries.withLock { $0.append(text) } }
    }

    private struct Refusal: Error {}

    @Test func theNewestIsUndoneFirstAndOnlyOnce() {
        let (cleanup, diary) = (Cleanup(), Diary())
        let tickets = ["a", "b", "c"].map { name in cleanup.add(making: { name }, undo: { diary.note($0) }).1 }
        cleanup.undo(tickets[1])
        cleanup.undo(tickets[1])
        #expect(diary.all == ["b"])
        cleanup.run()
        #expect(diary.all == ["b", "c", "a"])
        #expect(cleanup.count == 0)
    }

    @Test func whatCouldNotBeMadeIsNotUndone() {
        let (cleanup, diary) = (Cleanup(), Diary())
        #expect(throws: Refusal.self) {
            try cleanup.add(making: { () throws -> Int in throw Refusal() }, undo: { diary.note("\($0)") })
        }
        cleanup.run()
        #expect(diary.all.isEmpty)
    }

    @Test func foldersGoWithAllThatIsInThem() throws {
        let cleanup = Cleanup()
        let folder = try TemporaryFolder("test", cleanup: cleanup)
        try "text".write(toFile: folder.file("a/b/file"))
        #expect(FileManager.default.fileExists(atPath: folder.file("a/b/file")))
        cleanup.run()
        #expect(!FileManager.default.fileExists(atPath: folder.path))
    }

    @Test func aFolderGoesWithItsLastReference() throws {
        let cleanup = Cleanup()
        var folder: TemporaryFolder? = try TemporaryFolder("test", cleanup: cleanup)
        let path = try #require(folder?.path)
        folder = nil
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(cleanup.count == 0)
    }

    @Test func childrenEndWithTheProgram() throws {
        let cleanup = Cleanup()
        let child = try BenchChild(["cat"], cleanup: cleanup)
        try child.write(Array("line\n".utf8))
        #expect(try child.readLine() == "line")
        cleanup.run()
        #expect(child.wait() == .signalled(SIGTERM))
    }

    @Test func aChildThatEndsByItselfTellsHow() throws {
        let found = try BenchChild.run(["sh", "-c", "echo first; echo second; exit 3"], cleanup: Cleanup())
        #expect(found.ending == .exited(3))
        #expect(found.output == "first\nsecond\n")
    }

    @Test func aProgramThatIsNotThereIsAFailureOfOneLine() throws {
        let failure = try #require(throws: BenchFailure.self) {
            try BenchChild(["no-such-program-anywhere"], cleanup: Cleanup())
        }
        #expect(failure.exitCode == 69)
        #expect(failure.message == "no-such-program-anywhere cannot be started: No such file or directory")
    }
}
