// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTProperties
internal import Foundation

/// Writes the seeds of the binary formats: `fuzz-seeds FOLDER`, with the folder of the corpora.
@main
enum Seeds {
    static func main() throws {
        guard CommandLine.arguments.count == 2 else {
            print("usage: fuzz-seeds FOLDER")
            exit(64)
        }
        let corpus = URL(fileURLWithPath: CommandLine.arguments[1], isDirectory: true)
        for seed in try FuzzSeeds.all() {
            let folder = corpus.appendingPathComponent(seed.target, isDirectory: true)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(seed.bytes).write(to: folder.appendingPathComponent(seed.name))
        }
    }
}
