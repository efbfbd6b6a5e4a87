// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
package import Logging

/// What a ``RunSupervisor`` is made with.
package struct RunSupervisorSettings: Sendable {
    /// Where it keeps what must outlive the worker; made when it is missing.
    ///
    /// No two workers share one.
    package var stateDirectory: String
    /// Where it says what nobody asked for.
    package var logger: Logger
    /// The environment that commands inherit.
    package var environment: [String: String]
    /// How commands are ended that are to end.
    package var ending = ProcessEnding()
    /// How often running commands are asked for progress.
    package var progressInterval = Duration.seconds(1)
    /// Folders with more entries are not counted to the end.
    package var maximumCountedEntries = 20_000_000

    /// Creates settings.
    ///
    /// - Parameters:
    ///   - stateDirectory: where the supervisor keeps what must outlive the worker.
    ///   - logger: where it says what nobody asked for.
    ///   - environment: what commands inherit; the process's own environment when it is left out.
    package init(stateDirectory: String, logger: Logger, environment: [String: String]? = nil) {
        self.stateDirectory = stateDirectory
        self.logger = logger
        self.environment = environment ?? Self.ownEnvironment()
    }

    private static func ownEnvironment() -> [String: String] {
        var variables: [String: String] = [:]
        var cursor = environ
        while let entry = cursor.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "="), equals != text.startIndex {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            cursor += 1
        }
        // A worker that runs inside of a run must not give its own mark away.
        variables[RunMark.variable] = nil
        return variables
    }
}
