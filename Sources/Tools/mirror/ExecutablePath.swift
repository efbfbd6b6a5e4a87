// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import NodeSupport

/// Where this program is.
enum ExecutablePath {
    /// The path of the running program's file.
    static func own() throws(NodeError) -> String {
        guard let resolved = realpath("/proc/self/exe", nil) else {
            throw NodeError.system(
                .fileMissing, "cannot find this program's own file", errno: errno, remedy: "is /proc mounted?")
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
