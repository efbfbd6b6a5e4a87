// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import LiveTestSupport

/// Another program's opinion of a gzip file.
enum Gunzip {
    static func run(_ bytes: [UInt8]) throws -> [UInt8] {
        let folder = try TemporaryDirectory("gunzip")
        let path = try folder.write("file.gz", bytes)
        let result = try ChildProcess.run(["gzip", "--decompress", "--keep", path])
        guard result.ending == .exited(0) else { throw LiveFailure("gzip: \(result.output)") }
        return try Files.read(folder.file("file"))
    }
}
