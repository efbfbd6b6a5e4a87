// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// One question that a program can answer.
public struct Scenario {
    /// Its name on the command line, as in "crdt.gen".
    public let name: String
    /// What is measured, in one line.
    public let summary: String
    /// Measures.
    public let run: (BenchContext) async throws -> [ResultRow]

    /// A question whose scenario waits for something.
    ///
    /// - Parameters:
    ///   - name: its name on the command line.
    ///   - summary: what is measured, in one line.
    ///   - measuring: measures and returns the lines of the table.
    public init(
        _ name: String, _ summary: String, awaiting measuring: @escaping (BenchContext) async throws -> [ResultRow]
    ) {
        (self.name, self.summary, run) = (name, summary, measuring)
    }

    /// A question whose scenario stays on its thread.
    ///
    /// - Parameters:
    ///   - name: its name on the command line.
    ///   - summary: what is measured, in one line.
    ///   - measuring: measures and returns the lines of the table.
    public init(_ name: String, _ summary: String, run measuring: @escaping (BenchContext) throws -> [ResultRow]) {
        // Two labels instead of an overload: the compiler crashes on a synchronous function where either fits.
        self.init(name, summary, awaiting: { context in try measuring(context) })
    }
}

/// An option that only one program has: a name and a value.
public struct BenchOption: Sendable {
    /// The option with its dashes, as in "--pluto".
    public let name: String
    /// What its value is called in the help, as in "PATH".
    public let value: String
    /// What it does, in one line.
    public let help: String
    /// Whether it names a program to measure, of which nobody knows what it was built from.
    public let namesProgram: Bool

    /// An option.
    ///
    /// - Parameters:
    ///   - name: the option with its dashes.
    ///   - value: what its value is called in the help.
    ///   - help: what it does, in one line.
    ///   - namesProgram: whether it names a program to measure.
    public init(_ name: String, _ value: String, _ help: String, namesProgram: Bool = false) {
        (self.name, self.value, self.help, self.namesProgram) = (name, value, help, namesProgram)
    }
}

/// Other software that a program measures beside ours if the machine has it.
public struct BenchPeer: Sendable {
    /// Its name for `--require-peer`.
    public let name: String
    /// Why it cannot be used on this machine, in one line; nil when it can.
    ///
    /// What is started for a look ends with the program.
    public let absence: @Sendable (Cleanup) -> String?

    /// A peer that is looked for without starting anything.
    ///
    /// - Parameters:
    ///   - name: its name for `--require-peer`.
    ///   - absence: looks for it: why it cannot be used, as in "there is no redis-server on PATH (Debian: redis-server)",
    ///     or nil.
    public init(_ name: String, absence: @escaping @Sendable () -> String?) {
        (self.name, self.absence) = (name, { _ in absence() })
    }

    /// A peer that is looked for by running something.
    ///
    /// - Parameters:
    ///   - name: its name for `--require-peer`.
    ///   - absence: looks for it with children that the given registry knows: why it cannot be used, or nil.
    public init(_ name: String, starting absence: @escaping @Sendable (Cleanup) -> String?) {
        (self.name, self.absence) = (name, absence)
    }
}
