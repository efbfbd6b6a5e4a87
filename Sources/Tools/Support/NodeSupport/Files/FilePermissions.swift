// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// Who may use a file.
package enum FilePermissions {
    /// Whether everybody on the machine has some right to a file.
    ///
    /// - Parameter path: The file; a symbolic link is followed.
    /// - Returns: `false` also when there is no such file.
    package static func isOpenToEverybody(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & 0o007 != 0
    }
}
