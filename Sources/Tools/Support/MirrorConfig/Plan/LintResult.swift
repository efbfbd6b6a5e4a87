// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport

/// What `mirror lint` says.
package struct LintResult: Sendable, Encodable {
    /// All errors, warnings and notes, in the order of files and lines.
    package let problems: [ConfigProblem]
    package let errorCount: Int
    package let warningCount: Int

    /// Counts problems.
    ///
    /// - Parameter problems: What a reader told.
    package init(_ problems: [ConfigProblem]) {
        self.problems = problems
        errorCount = problems.count { $0.severity == .error }
        warningCount = problems.count { $0.severity == .warning }
    }

    /// Whether the configuration can be used.
    package var isUsable: Bool { errorCount == 0 }

    /// A line for each problem (`file:line: error: ...`), and one that counts them.
    package var text: String {
        func count(_ number: Int, _ one: String) -> String { "\(number) \(one)\(number == 1 ? "" : "s")" }
        let summary =
            (isUsable ? "the configuration can be used: " : "the configuration cannot be used: ")
            + count(errorCount, "error") + ", " + count(warningCount, "warning")
        return (problems.map(\.description) + [summary]).joined(separator: "\n") + "\n"
    }
}
