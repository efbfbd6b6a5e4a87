// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import BenchKit
import Foundation
import LiveTestSupport
import Testing

/// What a person sees of a benchmark program, with a real process. The tests are a debug build, and so is the probe.
@Suite("Benchmark programs as processes")
struct BenchProgramTests {
    private static let measuring = ["PROBE_MEASURES": "1"]

    /// The built program, beside the tests.
    private static let probe: String = {
        let bundles = ["/proc/self/exe"] + CommandLine.arguments.filter { $0.contains(".xctest") }
        for bundle in bundles {
            let folder = URL(fileURLWithPath: bundle).resolvingSymlinksInPath().deletingLastPathComponent()
            let path = folder.appendingPathComponent("bench-probe").path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        return "bench-probe"
    }()

    private static func run(
        _ words: [String], environment: [String: String] = measuring
    ) throws -> (ending: ChildProcess.Ending, output: String) {
        try ChildProcess.run([probe] + words, environment: environment)
    }

    @Test func aDebugBuildRefusesToMeasureInOneLine() throws {
        let (ending, output) = try Self.run(["row"], environment: [:])
        #expect(ending == .exited(64))
        #expect(output == "bench-probe: this is a debug build, whose figures mean nothing: build with -c release\n")
    }

    @Test func anUnknownScenarioIsRefusedInOneLine() throws {
        let (ending, output) = try Self.run(["nonsense"])
        #expect(ending == .exited(64))
        #expect(output == "bench-probe: no scenario or option nonsense; the scenarios are wait, row, fail, refuse\n")
    }

    @Test func aRequiredPeerThatIsAbsentIsAnErrorBeforeAnythingIsMeasured() throws {
        let (ending, output) = try Self.run(["row", "--require-peer", "ghost"])
        #expect(ending == .exited(69))
        #expect(output == "bench-probe: the peer ghost is required: there is no ghost on this machine\n")
    }

    @Test func anAbsentPeerIsALineOtherwiseAndTheFigureIsWritten() throws {
        let folder = try TemporaryDirectory()
        let (ending, output) = try Self.run(["row", "--json", folder.path])
        #expect(ending == .exited(0))
        #expect(output.contains("there is no ghost on this machine"))
        let json = String(decoding: try Files.read(folder.file("row.json")), as: UTF8.self)
        let report = try BenchReport(json: json)
        #expect(report.rows.map(\.value) == [42, nil])
        #expect(report.scenarios.first?.seconds != nil)
        #expect(output.contains("\n==> row took "))
        #expect(report.machine.loadBefore.count == 3)
        #expect(report.machine.loadAfter.count == 3)
    }

    @Test func whereNothingCanBeWrittenNothingIsMeasured() throws {
        let (ending, output) = try Self.run(["row", "--json", "/proc/nowhere/x.json"])
        #expect(ending == .exited(73))
        #expect(output.hasPrefix("bench-probe: /proc/nowhere/x.json cannot be written: "))
        #expect(output.split(separator: "\n").count == 1)
    }

    @Test func aScenarioThatFailsDoesNotKeepTheOthersFromBeingMeasured() throws {
        let folder = try TemporaryDirectory()
        let (ending, output) = try Self.run(["fail", "row", "--json", folder.path])
        #expect(ending == .exited(69))
        #expect(output.contains("bench-probe: fail: this cannot be measured\n"))
        #expect(
            try BenchReport(json: String(decoding: Files.read(folder.file("row.json")), as: UTF8.self)).rows.count == 2)
        #expect(!FileManager.default.fileExists(atPath: folder.file("fail.json")))
    }

    @Test func whenTooMuchWasRefusedTheRunFailsInTheEnd() throws {
        let (ending, output) = try Self.run(["refuse"])
        #expect(ending == .exited(1))
        #expect(output.contains("no verdict (3 refused)"))
        #expect(output.hasSuffix("bench-probe: refuse: some commands: 3 refused of 100, which is too many\n"))
    }

    @Test func aFailureTidiesUp() throws {
        let child = try ChildProcess([Self.probe, "fail"], environment: Self.measuring)
        var folder: Substring?
        while let line = try child.readLine() {
            if line.hasPrefix("folder ") { folder = line.dropFirst(7) }
        }
        #expect(try child.wait() == .exited(69))
        #expect(!FileManager.default.fileExists(atPath: String(try #require(folder))))
    }

    @Test(
        "an interrupt removes the temporary folder and the child",
        arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143)), (SIGHUP, Int32(129))])
    func anInterruptTidiesUp(signal: Int32, code: Int32) throws {
        let errors = try TemporaryDirectory()
        let process = try ChildProcess(
            [Self.probe, "wait"], environment: Self.measuring, errors: errors.file("errors"))
        var words: [Substring] = []
        while words.isEmpty, let line = try process.readLine() {
            if line.hasPrefix("waiting ") { words = line.split(separator: " ") }
        }
        try #require(words.count == 3)
        let (folder, child) = (String(words[1]), try #require(Int32(words[2])))
        #expect(FileManager.default.fileExists(atPath: folder + "/deep/file"))
        #expect(kill(child, 0) == 0)
        process.signal(signal)
        #expect(try process.wait() == .exited(code))
        #expect(!FileManager.default.fileExists(atPath: folder))
        // The probe has reaped it, so that its number is free before the probe itself ends.
        #expect(kill(child, 0) == -1 && errno == ESRCH)
        #expect(try Files.read(errors.file("errors")).isEmpty)
    }
}
