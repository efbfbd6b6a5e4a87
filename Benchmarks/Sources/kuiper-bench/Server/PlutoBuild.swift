// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// Finds the pluto to measure, and builds it in release mode when none was named.
enum PlutoBuild {
    /// The path of the executable.
    static func executable(_ context: BenchContext) throws -> String {
        if let path = context.pluto {
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
        let build = Process()
        build.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        build.arguments = ["swift", "build", "-c", "release", "--product", "pluto", "--package-path", root.path]
        build.standardOutput = FileHandle.standardError
        var environment = ProcessInfo.processInfo.environment
        environment["KITS_ONLY"] = nil
        build.environment = environment
        try build.run()
        build.waitUntilExit()
        guard build.terminationStatus == 0 else { throw BenchFailure("pluto cannot be built") }
        return path
    }
}
