// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// Finds the pluto to measure, and builds it in release mode when none was named.
enum PlutoBuild {
    /// The path of the executable.
    static func executable(_ context: BenchContext) throws -> String {
        if let path = context.options["--pluto"] {
            guard FileManager.default.isExecutableFile(atPath: path) else {
                throw BenchFailure("--pluto: \(path) is no executable file", exitCode: 66)
            }
            return path
        }
        // This file stands five folders below the package.
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<5 { root.deleteLastPathComponent() }
        let path = root.appendingPathComponent(".build/release/pluto").path
        Console.say("==> building pluto in release mode (the first time takes minutes)")
        let words = ["swift", "build", "-c", "release", "--product", "pluto", "--package-path", root.path]
        let (ending, _) = try BenchChild.run(["env", "-u", "KITS_ONLY"] + words, cleanup: context.cleanup)
        guard ending == .exited(0) else { throw BenchFailure("pluto cannot be built") }
        return path
    }
}
