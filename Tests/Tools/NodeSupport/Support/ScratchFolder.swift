// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import FoundationEssentials
import Glibc

/// A directory of one test, removed with its content when the test lets go of it.
final class ScratchFolder: Sendable {
    let path: String

    init() {
        var template = Array("\(FileManager.default.temporaryDirectory.path)/node-support-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "cannot make a temporary directory")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        // What stays behind is the temporary directory's to clean.
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: file(name)))
    }

    func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: file(name))), as: UTF8.self)
    }

    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: file(name))
    }

    /// Every name with its content.
    func snapshot() throws -> [String: String] {
        var all: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path) { all[name] = try read(name) }
        return all
    }

    /// The permission bits of a file in the folder, or of the folder itself.
    static func mode(_ path: String) -> UInt32 {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }
}
