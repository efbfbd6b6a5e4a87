// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// A CRDT library for Python that inserts keys when it is told to.
final class PythonPeer {
    /// What one round came to, for each key.
    struct Result {
        let insert: Cost
        let apply: Cost
        let bytes: Double
    }

    /// The library's version.
    let version: String
    private let process: BenchChild

    /// The root of the sources: where they were when this was built, or the folder that this runs in.
    private static let root: URL = {
        var built = URL(fileURLWithPath: #filePath)
        for _ in 0..<5 { built.deleteLastPathComponent() }
        let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
        return [built, here].first { FileManager.default.fileExists(atPath: script(in: $0)) } ?? built
    }()

    private static func script(in root: URL) -> String {
        root.appendingPathComponent("Benchmarks/Peers/peers.py").path
    }

    /// The interpreter of the virtual environment that `.ci/setup bench` makes, or that of PATH.
    private static var interpreter: String {
        let own = root.appendingPathComponent(".build-peers/venv/bin/python").path
        return FileManager.default.isExecutableFile(atPath: own) ? own : "python3"
    }

    /// A library that is looked for by importing it.
    static func peer(_ name: String) -> BenchPeer {
        BenchPeer(
            name,
            starting: { cleanup in
                guard FileManager.default.fileExists(atPath: script(in: root)) else {
                    return "there is no Benchmarks/Peers/peers.py: run this in the folder of the sources"
                }
                let remedy = "(PyPI: \(name); .ci/setup bench installs it into .build-peers)"
                do {
                    let (ending, _) = try BenchChild.run(
                        [interpreter, "-c", "import \(name)"], cleanup: cleanup, errors: "/dev/null")
                    return ending == .exited(0) ? nil : "Python cannot import \(name) \(remedy)"
                } catch {
                    return "there is no Python \(remedy)"
                }
            })
    }

    init(_ name: String, _ context: BenchContext) throws {
        process = try BenchChild([Self.interpreter, Self.script(in: Self.root), name], cleanup: context.cleanup)
        guard let line = try process.readLine(), line.hasPrefix("ready ") else {
            throw BenchFailure("\(name) did not start")
        }
        version = String(line.dropFirst(6))
    }

    /// Inserts keys into an empty document, then applies what that made to another one.
    ///
    /// - Parameters:
    ///   - mode: "single" for a transaction and an update for each key, "bulk" for one.
    ///   - count: how many keys.
    /// - Returns: the costs of both, and the bytes in between.
    /// - Throws: `BenchFailure` when the peer fails.
    func run(_ mode: String, _ count: Int) throws -> Result {
        try process.write(Array("\(mode) \(count)\n".utf8))
        let numbers = (try process.readLine() ?? "").split(separator: " ").compactMap { Double($0) }
        guard numbers.count == 5 else { throw BenchFailure("a peer in Python has failed; its error is above") }
        return Result(
            insert: Cost(wall: numbers[0], cpu: numbers[1]), apply: Cost(wall: numbers[2], cpu: numbers[3]),
            bytes: numbers[4])
    }
}
