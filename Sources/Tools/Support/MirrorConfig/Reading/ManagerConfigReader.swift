// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport

/// Reads a manager's configuration: tunasync's `manager.conf` as it is, and our own keys.
package enum ManagerConfigReader {
    /// Reads a file and what it includes.
    ///
    /// - Parameter path: The file.
    /// - Returns: The configuration, nil when there is an error; and all errors, warnings and notes, in the order of files and lines.
    package static func read(
        path: String
    ) -> (configuration: ManagerConfiguration?, problems: [ConfigProblem]) {
        let report = ConfigReport(file: path)
        let loader = ConfigLoader(report: report)
        guard let root = loader.load() else { return (nil, report.problems) }
        var reader = ManagerReader(report: report)
        let section = ConfigSection(root: root, report: report, manual: MirrorManual.page)
        let settings = reader.read(section, mirrors: loader.mirrors)
        guard let settings, !report.hasErrors else { return (nil, report.problems) }
        return (
            ManagerConfiguration(settings: settings, files: loader.files, origins: reader.origins), report.problems
        )
    }

    /// Reads a file that must be right.
    ///
    /// - Parameter path: The file.
    /// - Returns: The configuration, and warnings and notes for the log.
    /// - Throws: ``NodeError`` with `configurationInvalid`, whose message has a line for each error.
    package static func load(
        path: String
    ) throws(NodeError) -> (configuration: ManagerConfiguration, problems: [ConfigProblem]) {
        let (configuration, problems) = read(path: path)
        guard let configuration else { throw .configuration(problems.filter { $0.severity == .error }) }
        return (configuration, problems)
    }
}
