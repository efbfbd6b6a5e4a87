// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// Operations on directories and names.
enum FileOperations {
    /// Makes a directory and those above it, as far as they are not there; each new name is made durable.
    static func makeDirectories(_ path: String) throws(StorageError) {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw StorageError(.io, "\(path) is not a directory; give another path or remove it", path: path)
            }
            return
        }
        let parent = parentDirectory(path)
        if parent != path { try makeDirectories(parent) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .system(errno, "make the directory", path: path) }
        try synchronizeDirectory(parent)
    }

    /// Makes the names in a directory durable.
    static func synchronizeDirectory(_ path: String) throws(StorageError) {
        let directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try directory.synchronize()
        directory.close()
    }

    /// The names in a directory, in no order.
    static func names(in path: String) throws(StorageError) -> [String] {
        guard let directory = opendir(path) else { throw .system(errno, "list", path: path) }
        defer { closedir(directory) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
                    String(cString: $0)
                }
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw .system(errno, "list", path: path) }
        return names
    }

    /// Removes a file's name.
    static func remove(_ path: String) throws(StorageError) {
        guard unlink(path) == 0 else { throw .system(errno, "remove", path: path) }
    }

    /// Removes the name of an empty directory.
    static func removeDirectory(_ path: String) throws(StorageError) {
        guard rmdir(path) == 0 else { throw .system(errno, "remove the directory", path: path) }
    }

    /// Gives a file or directory another name in the same file system.
    static func rename(_ path: String, to other: String) throws(StorageError) {
        guard Glibc.rename(path, other) == 0 else { throw .system(errno, "rename", path: path) }
    }

    /// Whether there is something of this name.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0
    }

    /// The directory that holds a path's last component.
    private static func parentDirectory(_ path: String) -> String {
        var trimmed = Substring(path)
        while trimmed.count > 1 && trimmed.hasSuffix("/") { trimmed.removeLast() }
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }
}
