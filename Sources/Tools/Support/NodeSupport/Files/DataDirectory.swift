// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// Makes the directories that hold a node's data, readable by their owner only.
package enum DataDirectory {
    /// Makes a directory with mode 0700, and the directories above it that are missing; keeps what is there.
    ///
    /// An existing directory keeps its permissions, but it must be one that we can list and write in.
    ///
    /// - Parameter path: The directory, absolute or relative.
    /// - Throws: ``NodeError`` with `directoryUnusable`, naming the component that cannot be used.
    package static func create(_ path: String) throws(NodeError) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw NodeError(.directoryUnusable, "the directory's path is empty or holds a NUL; give a path")
        }
        var prefix = path.hasPrefix("/") ? "/" : ""
        for component in path.split(separator: "/") {
            let parent = prefix.isEmpty ? "." : prefix
            prefix += (prefix.isEmpty || prefix == "/" ? "" : "/") + component
            try createOne(prefix, parent: parent)
        }
        if access(path, R_OK | W_OK | X_OK) != 0 {
            throw NodeError.system(
                .directoryUnusable, "cannot use the directory \(path)", errno: errno,
                remedy: "give a directory that this user can read and write")
        }
    }

    /// Lists a directory without `.` and `..`.
    ///
    /// - Parameter path: The directory.
    /// - Returns: The names, in no order; empty when it cannot be read.
    package static func entries(of path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func createOne(_ path: String, parent: String) throws(NodeError) {
        if mkdir(path, 0o700) == 0 {
            try AtomicFile.syncDirectory(parent)
            return
        }
        let code = errno
        var status = stat()
        if stat(path, &status) == 0 {
            if status.st_mode & S_IFMT == S_IFDIR { return }
            throw NodeError(
                .directoryUnusable,
                "cannot make the directory \(path): something else has this name; move it or give another path")
        }
        throw NodeError.system(
            .directoryUnusable, "cannot make the directory \(path)", errno: code,
            remedy: "check the permissions of \(parent)")
    }
}
