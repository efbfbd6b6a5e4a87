// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// Everything that one run found.
public struct BenchReport: Codable, Equatable, Sendable {
    /// One scenario of the run.
    public struct Section: Codable, Equatable, Sendable {
        /// The scenario's name.
        public let name: String
        /// What it measures.
        public let summary: String
        /// How long it took altogether, with what it had to prepare, in seconds.
        public let seconds: Double?
    }

    /// The program that ran.
    public let program: String
    /// The command that made the figures.
    public let command: String
    /// The machine, with its load before and after.
    public var machine: MachineDescription
    /// The rounds that were asked for; each row says how many it has.
    public let rounds: Int
    /// The scenarios in the order in which they ran.
    public private(set) var scenarios: [Section] = []
    /// The lines of their tables.
    public private(set) var rows: [ResultRow] = []

    /// A report with nothing in it yet.
    ///
    /// - Parameters:
    ///   - program: the program that runs.
    ///   - command: the command that makes the figures.
    ///   - machine: the machine.
    ///   - rounds: the rounds that were asked for.
    public init(program: String, command: String, machine: MachineDescription, rounds: Int) {
        (self.program, self.command, self.machine, self.rounds) = (program, command, machine, rounds)
    }

    /// Adds what a scenario found.
    ///
    /// - Parameters:
    ///   - scenario: the scenario.
    ///   - rows: its lines.
    ///   - seconds: how long it took altogether.
    public mutating func add(_ scenario: Scenario, _ rows: [ResultRow], seconds: Double? = nil) {
        scenarios.append(Section(name: scenario.name, summary: scenario.summary, seconds: seconds))
        self.rows += rows
    }

    /// The report for other programs.
    ///
    /// - Returns: JSON with sorted keys.
    /// - Throws: when a figure is no number.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }

    /// Reads a report.
    ///
    /// - Parameter json: what ``json()`` wrote.
    /// - Throws: when it is none.
    public init(json: String) throws {
        self = try JSONDecoder().decode(BenchReport.self, from: Data(json.utf8))
    }

    /// Tables for the documentation, one for each scenario.
    ///
    /// - Parameter level: how many `#` stand before the name of a scenario.
    /// - Returns: Markdown.
    public func markdown(level: Int = 3) -> String {
        var text = "Command: `\(command)`.\n\nMachine: \(machine.text).\n"
        for scenario in scenarios {
            let found = rows.filter { $0.scenario == scenario.name }
            text += "\n\(String(repeating: "#", count: level)) \(scenario.name): \(scenario.summary)\n\n"
            text += TextTable.markdown(of: found)
        }
        return text
    }
}
