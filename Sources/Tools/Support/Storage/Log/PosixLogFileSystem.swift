// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// The operating system's files, as a log uses them.
package struct PosixLogFileSystem: LogFileSystem {
    /// Makes the file system's view.
    package init() {}

    package func makeDirectory(_ path: String) throws(StorageError) {
        try FileOperations.makeDirectories(path)
    }

    package func names(in directory: String) throws(StorageError) -> [String] {
        try FileOperations.names(in: directory)
    }

    package func open(_ path: String) throws(StorageError) -> any LogFile {
        try FileDescriptor.open(path, FileDescriptor.readWrite)
    }

    package func create(_ path: String) throws(StorageError) -> any LogFile {
        try FileDescriptor.open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC)
    }

    package func remove(_ path: String) throws(StorageError) {
        try FileOperations.remove(path)
    }

    package func synchronizeDirectory(_ path: String) throws(StorageError) {
        try FileOperations.synchronizeDirectory(path)
    }
}

extension FileDescriptor: LogFile {}
