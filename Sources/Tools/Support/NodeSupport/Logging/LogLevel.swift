// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import Logging

/// Reads the names of log levels.
package enum LogLevel {
    /// Parses what a person gave as `--log-level`.
    ///
    /// - Parameter text: One of trace, debug, info, notice, warning, error, critical.
    /// - Returns: The level.
    /// - Throws: ``NodeError`` with `logLevelUnknown`, listing the names.
    package static func parse(_ text: String) throws(NodeError) -> Logger.Level {
        if let level = Logger.Level(rawValue: text) { return level }
        let names = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        let shown = text.unicodeScalars.prefix(40).map { $0.escaped(asASCII: false) }.joined()
        throw NodeError(.logLevelUnknown, "\"\(shown)\" is not a log level; give one of \(names)")
    }
}
