// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc

/// What a live test could not do: start a program, reach a server, hear an answer in time.
package struct LiveFailure: Error, CustomStringConvertible {
    /// What went wrong, for a person.
    package let description: String

    /// Makes a failure.
    package init(_ description: String) { self.description = description }

    /// The failure of a system call that was just made.
    package static func system(_ call: String) -> LiveFailure {
        LiveFailure("\(call): \(String(cString: strerror(errno)))")
    }
}

/// The programs that the tests run.
package enum Tool {
    /// Finds a program on PATH.
    ///
    /// - Parameters:
    ///   - name: the program.
    ///   - package: the Debian package that brings it.
    /// - Returns: its path.
    /// - Throws: ``LiveFailure`` that says how to install it.
    package static func path(_ name: String, package: String) throws -> String {
        let folders = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        for folder in folders.split(separator: ":") where access("\(folder)/\(name)", X_OK) == 0 {
            return "\(folder)/\(name)"
        }
        throw LiveFailure("\(name) is not installed; `make test` installs it (Debian package \(package))")
    }
}
