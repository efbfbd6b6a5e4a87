// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Glibc
@testable import NodeSupport
import Testing

@Suite struct FileTests {
    @Test(arguments: [UInt32(0o600), 0o644, 0o400])
    func writesContentAndExactMode(mode: UInt32) throws {
        let folder = ScratchFolder()
        try AtomicFile.write(path: folder.file("a"), bytes: Array("first".utf8), mode: mode)
        try AtomicFile.write(path: folder.file("a"), bytes: Array("second".utf8), mode: mode)
        #expect(try folder.snapshot() == ["a": "second"])
        #expect(ScratchFolder.mode(folder.file("a")) == mode)
    }

    @Test func writesEmptyAndLargeFiles() throws {
        let folder = ScratchFolder()
        let large = [UInt8](repeating: 0x61, count: 3_000_000)
        try AtomicFile.write(path: folder.file("empty"), bytes: [])
        try AtomicFile.write(path: folder.file("large"), bytes: large)
        #expect(try BoundedFile.read(path: folder.file("empty"), limit: 0).isEmpty)
        #expect(try BoundedFile.read(path: folder.file("large"), limit: 3_000_000) == large)
    }

    @Test func leavesNothingBehindWhenItCannotWrite() throws {
        let folder = ScratchFolder()
        try DataDirectory.create(folder.file("taken"))
        let error = #expect(throws: NodeError.self) { try AtomicFile.write(path: folder.file("taken"), bytes: [1]) }
        #expect(error?.code == .fileUnwritable)
        #expect(error?.message.contains(folder.file("taken")) == true)
        #expect(DataDirectory.entries(of: folder.path) == ["taken"])
        #expect(throws: NodeError.self) { try AtomicFile.write(path: folder.file("no/where"), bytes: [1]) }
    }

    @Test func removesOnlyLeftoversOfTheNamedFiles() throws {
        let folder = ScratchFolder()
        for name in [".ca.pem.tmp-1x", ".ca.pem", "ca.pem", ".other.tmp-1", "ca.pem.tmp-1"] {
            try folder.write(name, "")
        }
        AtomicFile.removeLeftovers(directory: folder.path, names: ["ca.pem"])
        #expect(Set(DataDirectory.entries(of: folder.path)) == [".ca.pem", "ca.pem", ".other.tmp-1", "ca.pem.tmp-1"])
    }

    @Test func readsWithinTheLimitOnly() throws {
        let folder = ScratchFolder()
        try folder.write("a", "12345")
        #expect(try BoundedFile.read(path: folder.file("a"), limit: 5) == Array("12345".utf8))
        let tooLarge = #expect(throws: NodeError.self) { try BoundedFile.read(path: folder.file("a"), limit: 4) }
        #expect(tooLarge?.code == .fileTooLarge)
        let missing = #expect(throws: NodeError.self) { try BoundedFile.read(path: folder.file("b"), limit: 4) }
        #expect(missing?.code == .fileMissing)
        #expect(try BoundedFile.readIfPresent(path: folder.file("b"), limit: 4) == nil)
    }

    @Test func refusesWhatIsNotAFileWithoutWaiting() throws {
        let folder = ScratchFolder()
        #expect(mkfifo(folder.file("fifo"), 0o600) == 0)
        for path in [folder.path, folder.file("fifo"), "/dev/zero"] {
            let error = #expect(throws: NodeError.self) { try BoundedFile.read(path: path, limit: 10) }
            #expect(error?.code == .fileUnreadable)
        }
    }

    @Test func makesPrivateDirectoriesAndKeepsExistingOnes() throws {
        let folder = ScratchFolder()
        try DataDirectory.create(folder.file("a/b//c/"))
        for name in ["a", "a/b", "a/b/c"] { #expect(ScratchFolder.mode(folder.file(name)) == 0o700) }
        #expect(chmod(folder.file("a"), 0o755) == 0)
        try DataDirectory.create(folder.file("a/b"))
        #expect(ScratchFolder.mode(folder.file("a")) == 0o755)
    }

    @Test func namesTheComponentThatIsInTheWay() throws {
        let folder = ScratchFolder()
        try folder.write("file", "")
        let error = #expect(throws: NodeError.self) { try DataDirectory.create(folder.file("file/below")) }
        #expect(error?.code == .directoryUnusable)
        #expect(error?.message.contains(folder.file("file")) == true)
        for path in ["", "a\u{0}b"] { #expect(throws: NodeError.self) { try DataDirectory.create(path) } }
    }

    @Test func errorsShowCauseAndLocation() {
        let inner = NodeError(.fileMissing, "inner")
        let outer = NodeError(.fileUnreadable, "outer", cause: inner)
        #expect(outer.description == "outer (cause: inner)")
        #expect(outer.location.fileID.hasSuffix("FileTests.swift"))
        #expect(outer.location.line > 0)
        #expect(outer.code.description == "fileUnreadable")
    }
}
