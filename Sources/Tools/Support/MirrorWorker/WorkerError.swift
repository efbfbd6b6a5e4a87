// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Why a worker cannot start or go on.
///
/// Scope: the process.
package struct WorkerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sort of failure.
    package enum Code: Hashable, Sendable {
        /// Its state directory cannot be used, or another worker uses it.
        case state
        /// It cannot listen, or its certificates cannot be used.
        case listen
        /// A newer process with its name is registered.
        case fenced
    }

    /// The sort of failure.
    package let code: Code
    /// What happened, and what to do.
    package let message: String

    /// Describes a failure.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The exit status of the process: 75 for a worker that was replaced, so that nobody starts it again; else 1.
    package var exitStatus: Int32 { code == .fenced ? Self.fencedExitStatus : 1 }

    /// The exit status of a worker that was replaced.
    private static let fencedExitStatus: Int32 = 75

    package var description: String { message }
}
