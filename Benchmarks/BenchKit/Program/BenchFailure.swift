// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Why nothing can be measured, in one line for a person.
public struct BenchFailure: Error, Equatable, CustomStringConvertible {
    /// What is wrong, and what helps.
    public let message: String
    /// How the program ends: 64 for wrong arguments, 66 for a missing file, 69 for a missing peer, 73 for a file that
    /// cannot be written, 1 otherwise (sysexits.h).
    public let exitCode: Int32

    /// A failure.
    ///
    /// - Parameters:
    ///   - message: what is wrong, in one line.
    ///   - exitCode: how the program ends.
    public init(_ message: String, exitCode: Int32 = 1) { (self.message, self.exitCode) = (message, exitCode) }

    /// The message.
    public var description: String { message }
}
