// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// Looks whether files can be read.
enum FileLook {
    /// Why a file cannot be read.
    ///
    /// - Parameter path: The file.
    /// - Returns: The reason and a remedy; nil when it can be read.
    static func unreadable(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            return "\(path) cannot be read: \(String(cString: strerror(errno))); check path and permissions"
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return "\(path) is not a regular file; give the path of a file"
        }
        return nil
    }
}
