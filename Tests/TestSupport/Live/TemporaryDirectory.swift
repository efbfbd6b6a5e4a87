// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import Glibc

/// A fresh directory that goes with the value.
package final class TemporaryDirectory: Sendable {
    /// Its path.
    package let path: String

    /// Makes a directory under TMPDIR, or in another one.
    package init(_ label: String = "kuiper", in parent: String? = nil) throws {
        let base = parent ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/\(label)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw LiveFailure.system("mkdtemp in \(base)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// With KUIPER_KEEP=1 in the environment the directory stays, for a look at what a failed test has left.
    deinit { if getenv("KUIPER_KEEP") == nil { Files.deleteTree(path) } }

    /// A path inside.
    package func file(_ name: String) -> String { path + "/" + name }

    /// Writes a file inside and returns its path.
    @discardableResult
    package func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws -> String {
        try write(name, Array(text.utf8), mode: mode)
    }

    /// Writes a file inside and returns its path.
    @discardableResult
    package func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o600) throws -> String {
        let path = file(name)
        try Files.write(path, bytes, mode: mode)
        return path
    }
}

/// Plain file access for tests.
package enum Files {
    /// Writes a whole file.
    package static func write(_ path: String, _ bytes: [UInt8], mode: mode_t = 0o600) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw LiveFailure.system("open \(path)") }
        defer { close(descriptor) }
        try bytes.withUnsafeBytes { source in
            var rest = source[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                guard count > 0 else { throw LiveFailure.system("write \(path)") }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// Reads a whole file, of the disk or of /proc.
    package static func read(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LiveFailure.system("open \(path)") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw LiveFailure.system("read \(path)") }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    /// Makes a directory and those above it.
    package static func makeDirectory(_ path: String) throws {
        var prefix = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            prefix += "/" + part
            guard mkdir(prefix, 0o700) == 0 || errno == EEXIST else { throw LiveFailure.system("mkdir \(prefix)") }
        }
    }

    /// The names in a directory, sorted, without `.` and `..`; none when there is no such directory.
    package static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Renames a file.
    package static func move(_ from: String, to: String) throws {
        guard rename(from, to) == 0 else { throw LiveFailure.system("rename \(from)") }
    }

    /// Removes a file.
    package static func delete(_ path: String) throws {
        guard unlink(path) == 0 else { throw LiveFailure.system("unlink \(path)") }
    }

    /// Removes a directory and all that is in it, as far as that is possible.
    static func deleteTree(_ path: String) {
        for name in names(in: path) {
            let entry = path + "/" + name
            if unlink(entry) != 0 { deleteTree(entry) }
        }
        rmdir(path)
    }
}
