// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// Finds the pluto to measure, and builds it in release mode when none was named.
enum PlutoBuild {
    static let option = BenchOption(
        "--pluto", "PATH", "the pluto to measure (default: builds this package's in release mode)",
        namesProgram: true)

    /// The path of the executable.
    static func executable(_ context: BenchContext) throws -> String {
        if let path = context.options[option.name] {
            guard FileManager.default.isExecutableFile(atPath: path) else {
                throw BenchFailure("--pluto: \(path) is no executable file", exitCode: 66)
            }
            return path
        }
        // This file stands five folders below the package.
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<5 { root.deleteLastPathComponent() }
        Console.say("==> building pluto in release mode (the first time takes minutes)")
        var arguments = ["env", "-u", "KITS_ONLY", "swift", "build", "-c", "release", "--product", "pluto"]
        arguments += ["--package-path", root.path]
        // The compilers that it starts end with it.
        let build = try BenchChild.run(arguments, cleanup: context.cleanup, withDescendants: true)
        guard build.ending == .exited(0) else {
            throw BenchFailure("pluto cannot be built")
        }
        return root.appendingPathComponent(".build/release/pluto").path
    }
}
