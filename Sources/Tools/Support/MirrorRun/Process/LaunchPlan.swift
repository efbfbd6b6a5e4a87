// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// A program that is to be started.
package struct LaunchPlan: Hashable, Sendable {
    /// The program, a name for PATH or a path, and its arguments.
    package var arguments: [String]
    /// The whole environment.
    package var environment: [String: String]
    /// Where it starts.
    package var folder: String

    /// Creates a plan.
    ///
    /// - Parameters:
    ///   - arguments: the program and its arguments.
    ///   - environment: the whole environment.
    ///   - folder: where it starts.
    package init(arguments: [String], environment: [String: String], folder: String) {
        self.arguments = arguments
        self.environment = environment
        self.folder = folder
    }
}
