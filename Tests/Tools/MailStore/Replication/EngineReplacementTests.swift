// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import FoundationEssentials
import Storage
import Testing

/// The exchange of an engine's directory, step by step.
@Suite("Replacement of the engine", .timeLimit(.minutes(10)))
struct EngineReplacementTests {
    /// A store's directory with two engines that are files with a word in them.
    private final class Folder {
        let path: String
        let files = FaultyEngineFiles()

        init(isMarked: Bool = false) throws {
            path = FileManager.default.temporaryDirectory.path() + "/replacement-\(UInt64.random(in: 0 ... .max))"
            for (name, word) in [("engine", "old"), ("engine.import", "new")] {
                try make(name)
                for file in ["data.mdb", "lock.mdb"] { try write(word, name + "/" + file) }
            }
            if isMarked { try write("", "engine.import/complete") }
        }

        // What stays behind is the temporary directory's to clean.
        deinit { try? FileManager.default.removeItem(atPath: path) }

        var replacement: EngineReplacement { EngineReplacement(in: path, files: files) }

        func make(_ name: String) throws {
            try FileManager.default.createDirectory(atPath: path + "/" + name, withIntermediateDirectories: true)
        }

        func write(_ word: String, _ name: String) throws {
            try Data(word.utf8).write(to: URL(filePath: path + "/" + name))
        }

        func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path + "/" + name) }

        /// What the engine's file says; nil if there is none.
        var word: String? {
            FileManager.default.contents(atPath: path + "/engine/data.mdb").map { String(decoding: $0, as: UTF8.self) }
        }

        /// Whether there is nothing but a whole engine.
        var isTidy: Bool {
            let names = try? FileManager.default.contentsOfDirectory(atPath: path)
            let inside = try? FileManager.default.contentsOfDirectory(atPath: path + "/engine")
            return names == ["engine"] && inside?.sorted() == ["data.mdb", "lock.mdb"]
        }
    }

    enum Action: CaseIterable {
        case commit
        case undo
        case discard
        case clear
    }

    /// Does something until the step at which the process ends, and starts again.
    ///
    /// - Returns: whether the process ended in the middle.
    private func crash(_ action: Action, in folder: Folder, at step: Int) throws -> Bool {
        folder.files.fail(step..<Int.max)
        // What fails is the end of the process.
        switch action {
        case .commit: _ = try? folder.replacement.commit()
        case .undo: try? folder.replacement.undo()
        case .discard: try? folder.replacement.discard()
        case .clear: try? folder.replacement.clear()
        }
        let isCut = folder.files.count > step
        folder.files.heal()
        try folder.replacement.settle()
        return isCut
    }

    @Test(arguments: Action.allCases)
    func aCrashAtAnyStepLeavesAWholeEngine(action: Action) throws {
        for isMarked in [false, true] {
            var step = 0
            while true {
                let folder = try Folder(isMarked: isMarked)
                let isCut = try crash(action, in: folder, at: step)
                #expect(["old", "new"].contains(folder.word), "step \(step) of \(action)")
                #expect(folder.isTidy, "step \(step) of \(action)")
                if !isCut {
                    #expect(folder.word == (action == .commit ? "new" : "old"))
                    break
                }
                step += 1
            }
        }
    }

    /// Whatever step failed, going back may end at any of its own.
    @Test func goingBackMayEndAnywhere() throws {
        for failure in 0..<4 {
            var step = 0
            while true {
                let folder = try Folder()
                folder.files.fail(failure..<failure + 1)
                #expect(throws: StorageError.self) { _ = try folder.replacement.commit() }
                let isCut = try crash(.undo, in: folder, at: step)
                #expect(["old", "new"].contains(folder.word), "step \(step) after failure \(failure)")
                #expect(folder.isTidy, "step \(step) after failure \(failure)")
                if !isCut {
                    #expect(folder.word == "old")
                    break
                }
                step += 1
            }
        }
    }

    @Test func aMarkWithoutAnEngineIsNotPutInForce() throws {
        let folder = try Folder(isMarked: true)
        for name in ["data.mdb", "lock.mdb"] { try folder.remove("engine.import/" + name) }
        try folder.replacement.settle()
        #expect(folder.word == "old")
        #expect(folder.isTidy)
    }

    /// From the new name on nothing is a failure.
    @Test func aStepBehindTheExchangeMayFail() throws {
        var step = 4
        while true {
            let folder = try Folder()
            folder.files.fail(step..<step + 1)
            let leftover = try folder.replacement.commit()
            #expect(folder.word == "new")
            if leftover == nil { break }
            folder.files.heal()
            try folder.replacement.clear()
            #expect(folder.isTidy)
            #expect(folder.word == "new")
            step += 1
        }
        #expect(step > 7)
    }

    @Test func whatSomebodyPutIntoTheOldEngineGoesWithIt() throws {
        let folder = try Folder()
        try folder.make("engine/sub/folder")
        try folder.write("notes", "engine/sub/folder/file")
        let leftover = try folder.replacement.commit()
        #expect(leftover == nil)
        #expect(folder.isTidy)
        #expect(folder.word == "new")
    }
}
