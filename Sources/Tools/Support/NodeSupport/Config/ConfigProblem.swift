// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Something wrong, or doubtful, in a configuration file.
package struct ConfigProblem: Hashable, Sendable, Encodable, CustomStringConvertible {
    /// How bad it is.
    package enum Severity: String, Hashable, Sendable, Encodable {
        /// The file cannot be used.
        case error
        /// The file can be used, but perhaps does not do what was meant.
        case warning
        /// The file is right; something about it is good to know.
        case note
    }

    /// The file, as it was named.
    package let file: String
    /// The line, from 1.
    package let line: Int
    /// How bad it is.
    package let severity: Severity
    /// What is wrong and what to write instead, on one line; no secret is repeated.
    package let message: String

    /// Describes a problem.
    ///
    /// - Parameters:
    ///   - file: The file, as it was named.
    ///   - line: The line, from 1.
    ///   - severity: How bad it is.
    ///   - message: What is wrong and what to write instead.
    package init(file: String, line: Int, severity: Severity, message: String) {
        self.file = file
        self.line = line
        self.severity = severity
        self.message = message
    }

    /// `FILE:LINE: error: MESSAGE`, as compilers write it, so that editors jump there.
    package var description: String { "\(file):\(line): \(severity.rawValue): \(message)" }
}

/// A line of a configuration file.
package struct ConfigPlace: Hashable, Sendable, Encodable, CustomStringConvertible {
    /// The file, as it was named; empty means the one that the report is about.
    package let file: String
    /// The line, from 1.
    package let line: Int

    /// Names a line.
    ///
    /// - Parameters:
    ///   - file: The file, as it was named.
    ///   - line: The line, from 1.
    package init(file: String, line: Int) {
        self.file = file
        self.line = line
    }

    /// `FILE:LINE`.
    package var description: String { "\(file):\(line)" }
}

/// Collects the problems of a file, and of the files that it includes, so that all are told at once.
package final class ConfigReport {
    /// The file, as it was named.
    package let file: String
    private var found: [ConfigProblem] = []
    private var known: Set<ConfigProblem> = []
    /// The files in the order in which they were first mentioned.
    private var ranks: [String: Int] = [:]

    /// Begins a report.
    ///
    /// - Parameter file: The file, as it was named.
    package init(file: String) {
        self.file = file
        ranks[file] = 0
    }

    /// All problems: this file's first, then those of other files as they came up, each in the order of their lines.
    package var problems: [ConfigProblem] {
        let numbered = found.enumerated().sorted {
            (ranks[$0.element.file] ?? 0, $0.element.line, $0.offset)
                < (ranks[$1.element.file] ?? 0, $1.element.line, $1.offset)
        }
        return numbered.map(\.element)
    }

    /// Whether the file cannot be used.
    package var hasErrors: Bool { found.contains { $0.severity == .error } }

    /// Adds an error.
    ///
    /// - Parameters:
    ///   - line: Where it is, from 1.
    ///   - message: What is wrong and what to write instead.
    package func error(_ line: Int, _ message: String) {
        add(ConfigProblem(file: file, line: line, severity: .error, message: message))
    }

    /// Adds a warning.
    ///
    /// - Parameters:
    ///   - line: Where it is, from 1.
    ///   - message: What is doubtful and what to do about it.
    package func warning(_ line: Int, _ message: String) {
        add(ConfigProblem(file: file, line: line, severity: .warning, message: message))
    }

    /// Adds a problem at a place that may be in another file.
    ///
    /// - Parameters:
    ///   - severity: How bad it is.
    ///   - place: Where it is.
    ///   - message: What is wrong and what to write instead.
    package func add(_ severity: ConfigProblem.Severity, at place: ConfigPlace, _ message: String) {
        let file = place.file.isEmpty ? file : place.file
        add(ConfigProblem(file: file, line: place.line, severity: severity, message: message))
    }

    private func add(_ problem: ConfigProblem) {
        guard known.insert(problem).inserted else { return }
        if ranks[problem.file] == nil { ranks[problem.file] = ranks.count }
        found.append(problem)
    }
}

extension NodeError.Code {
    /// A configuration file has errors; the message has a line for each.
    package static let configurationInvalid = NodeError.Code("configurationInvalid")
}

extension NodeError {
    /// An error that tells all problems of a configuration file, a line for each.
    ///
    /// - Parameter problems: The problems.
    /// - Returns: The error.
    package static func configuration(_ problems: [ConfigProblem]) -> NodeError {
        NodeError(
            .configurationInvalid,
            (["the configuration cannot be used:"] + problems.map(\.description)).joined(separator: "\n"))
    }
}
