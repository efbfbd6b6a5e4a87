// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import BenchKit
import Foundation

/// A benchmark program without figures, for tests to start, to refuse and to interrupt.
///
/// It refuses a debug build as any other does, unless PROBE_MEASURES=1 is in the environment.
@main
enum BenchProbe {
    static func main() async {
        await BenchProgram(
            name: "bench-probe",
            scenarios: [
                Scenario("wait", "makes a folder and starts a child, says so, and waits for ever", run: wait),
                Scenario("row", "one line", run: row),
                Scenario("fail", "fails after it made a folder", run: fail),
                Scenario("refuse", "a figure of which too much was refused", run: refuse),
            ],
            peers: [BenchPeer("ghost") { "there is no ghost on this machine" }],
            refusesDebugBuild: ProcessInfo.processInfo.environment["PROBE_MEASURES"] == nil
        ).main()
    }

    private static func wait(_ context: BenchContext) throws -> [ResultRow] {
        let folder = try context.temporaryFolder("probe")
        try "text".write(toFile: folder.file("deep/file"))
        let child = try BenchChild(["sleep", "100000"], cleanup: context.cleanup)
        Console.say("waiting \(folder.path) \(child.pid)")
        child.wait()
        // Only an interrupt ends the child; then this must not be reported as an error.
        throw BenchFailure("the child has ended")
    }

    private static func row(_ context: BenchContext) throws -> [ResultRow] {
        var rows = [ResultRow("row", "an answer", 42, "things")]
        if let reason = context.absence(of: "ghost") { rows.append(.absent("row", "a ghost", reason)) }
        return rows
    }

    private static func fail(_ context: BenchContext) throws -> [ResultRow] {
        let folder = try context.temporaryFolder("probe")
        Console.say("folder \(folder.path)")
        throw BenchFailure("this cannot be measured", exitCode: 69)
    }

    private static func refuse(_ context: BenchContext) throws -> [ResultRow] {
        [
            ResultRow("refuse", "some commands", Series([1, 1, 1, 1, 1]), "ms").target(.figure, .atMost, 2)
                .failures(refused: 3, of: 100)
        ]
    }
}
