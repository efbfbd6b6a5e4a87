// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// The exclusive use of a directory by one process, held by the kernel until it is closed or the process ends in any way.
package final class DirectoryLock: Sendable {
    /// The name of the lock file inside the directory; the file stays there, only the lock on it counts.
    package static let fileName = "lock"

    /// The locked directory.
    package let directory: String
    private let descriptor: FileDescriptor

    private init(directory: String, descriptor: FileDescriptor) {
        self.directory = directory
        self.descriptor = descriptor
    }

    /// Takes the lock, and makes the directory when it is not there.
    ///
    /// - Parameter directory: the directory to lock.
    /// - Returns: the lock; it is held until ``close()`` or until the last reference goes.
    /// - Throws: `locked` with the other process's number when somebody holds it, `io` or `diskFull` when the file cannot be made.
    package static func acquire(directory: String) throws(StorageError) -> DirectoryLock {
        try FileOperations.makeDirectories(directory)
        let path = directory + "/" + fileName
        let descriptor = try FileDescriptor.open(path, O_RDWR | O_CREAT | O_CLOEXEC)
        while flock(descriptor.number, LOCK_EX | LOCK_NB) != 0 {
            let number = errno
            if number == EINTR { continue }
            guard number == EWOULDBLOCK else { throw .system(number, "lock", path: path) }
            let holder = holderText(descriptor)
            throw StorageError(
                .locked,
                "the directory \(directory) is in use by \(holder); stop that process first, or give this one another directory",
                path: directory)
        }
        // The number only serves the message above, so a full disk must not keep anybody from starting.
        _ = try? descriptor.truncate(to: 0)
        _ = try? descriptor.write(Array("\(getpid())\n".utf8), at: 0)
        return DirectoryLock(directory: directory, descriptor: descriptor)
    }

    /// Gives the directory free; further calls do nothing.
    package func close() { descriptor.unlockAndClose() }

    deinit { close() }

    /// Names the process that holds the lock, as far as the file tells.
    private static func holderText(_ descriptor: FileDescriptor) -> String {
        // An unreadable number only makes the message vaguer.
        guard let bytes = try? descriptor.read(count: 20, at: 0) else { return "another process" }
        let digits = bytes.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return digits.isEmpty ? "another process" : "process \(String(decoding: digits, as: UTF8.self))"
    }
}
