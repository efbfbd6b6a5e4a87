// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import Logging

/// What the command line says to a node, beside the configuration.
package struct RoleOptions: Sendable {
    /// What is logged, when the command line says so; it wins over the configuration.
    package var logLevel: Logger.Level?
    /// Whether the end of standard input ends the node: it was started by a process that supervises it.
    package var isSupervised: Bool
    /// The version of the program, for IMAP's ID and the status.
    package var version: String
    /// Takes lines for standard output; the last one begins with `ready` and is for programs.
    package var announce: @Sendable (String) -> Void

    /// Gathers options.
    ///
    /// - Parameters:
    ///   - logLevel: What is logged.
    ///   - isSupervised: Whether the end of standard input ends the node.
    ///   - version: The version of the program.
    ///   - announce: Takes lines for standard output.
    package init(
        logLevel: Logger.Level? = nil, isSupervised: Bool = false, version: String,
        announce: @escaping @Sendable (String) -> Void
    ) {
        self.logLevel = logLevel
        self.isSupervised = isSupervised
        self.version = version
        self.announce = announce
    }
}
