// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What every scenario gets.
public struct BenchContext: Sendable {
    /// The rounds of each figure.
    public let rounds: Int
    /// What is tidied when the program ends, also by an interrupt.
    public let cleanup: Cleanup
    /// The values of the program's own options.
    public let options: [String: String]
    /// Why each peer that is absent is absent.
    private let absences: [String: String]

    /// A context.
    ///
    /// - Parameters:
    ///   - rounds: the rounds of each figure.
    ///   - cleanup: what is tidied when the program ends.
    ///   - options: the values of the program's own options by their names.
    ///   - absences: why each absent peer is absent, by the peers' names.
    public init(rounds: Int, cleanup: Cleanup, options: [String: String] = [:], absences: [String: String] = [:]) {
        (self.rounds, self.cleanup, self.options, self.absences) = (rounds, cleanup, options, absences)
    }

    /// Why a peer cannot be used; nil when it can.
    ///
    /// - Parameter peer: its name.
    /// - Returns: the reason in one line.
    public func absence(of peer: String) -> String? { absences[peer] }

    /// A folder that goes with the program.
    ///
    /// - Parameter label: what it is for; part of its name.
    /// - Returns: a new folder in the temporary folder (`TMPDIR`).
    /// - Throws: ``BenchFailure`` when it cannot be made.
    public func temporaryFolder(_ label: String) throws -> TemporaryFolder {
        try TemporaryFolder(label, cleanup: cleanup)
    }
}
