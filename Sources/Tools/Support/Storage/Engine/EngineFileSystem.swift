// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// The file operations that the replacement of an engine needs; a test stands its own behind it to let any of them fail.
package protocol EngineFileSystem: Sendable {
    /// Whether there is something of this name.
    func exists(_ path: String) -> Bool
    /// Whether this is the name of a directory, and not of a link to one.
    func isDirectory(_ path: String) -> Bool
    /// The names in a directory, in no order.
    func names(in directory: String) throws(StorageError) -> [String]
    /// Makes an empty file, unless it is there, and makes it durable; its name is not durable by that.
    func mark(_ path: String) throws(StorageError)
    /// Gives a directory another name in the same file system.
    func rename(_ path: String, to other: String) throws(StorageError)
    /// Removes a file's name.
    func remove(_ path: String) throws(StorageError)
    /// Removes the name of an empty directory.
    func removeDirectory(_ path: String) throws(StorageError)
    /// Makes the names in a directory durable.
    func synchronizeDirectory(_ path: String) throws(StorageError)
}

/// The system's files.
package struct PosixEngineFileSystem: EngineFileSystem {
    /// The system's files.
    package init() {}

    package func exists(_ path: String) -> Bool { FileOperations.exists(path) }

    package func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    package func names(in directory: String) throws(StorageError) -> [String] {
        try FileOperations.names(in: directory)
    }

    package func mark(_ path: String) throws(StorageError) {
        let marker = try FileDescriptor.open(path, O_RDWR | O_CREAT | O_CLOEXEC)
        defer { marker.close() }
        try marker.synchronize()
    }

    package func rename(_ path: String, to other: String) throws(StorageError) {
        try FileOperations.rename(path, to: other)
    }

    package func remove(_ path: String) throws(StorageError) { try FileOperations.remove(path) }

    package func removeDirectory(_ path: String) throws(StorageError) { try FileOperations.removeDirectory(path) }

    package func synchronizeDirectory(_ path: String) throws(StorageError) {
        try FileOperations.synchronizeDirectory(path)
    }
}
