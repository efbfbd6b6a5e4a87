// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport
internal import SyncJobs

/// Reads a worker's configuration: tunasync's `worker.conf` as it is, and our own keys.
///
/// Everything that is wrong or doubtful is told at once. What tunasync took and what worked there is at most warned of.
/// A configuration with an error gives no settings at all.
package enum WorkerConfigReader {
    /// Reads a file and what it includes.
    ///
    /// - Parameter path: The file.
    /// - Returns: The configuration, nil when there is an error; and all errors, warnings and notes, in the order of files and lines.
    package static func read(
        path: String
    ) -> (configuration: WorkerConfiguration?, problems: [ConfigProblem]) {
        let report = ConfigReport(file: path)
        let loader = ConfigLoader(report: report)
        guard let root = loader.load() else { return (nil, report.problems) }
        var reader = WorkerReader(report: report)
        let section = ConfigSection(root: root, report: report, manual: MirrorManual.page)
        let configuration = reader.read(section, mirrors: loader.mirrors, files: loader.files)
        return (report.hasErrors ? nil : configuration, report.problems)
    }

    /// Reads a file that must be right.
    ///
    /// - Parameter path: The file.
    /// - Returns: The configuration, and warnings and notes for the log.
    /// - Throws: ``NodeError`` with `configurationInvalid`, whose message has a line for each error.
    package static func load(
        path: String
    ) throws(NodeError) -> (configuration: WorkerConfiguration, problems: [ConfigProblem]) {
        let (configuration, problems) = read(path: path)
        guard let configuration else { throw .configuration(problems.filter { $0.severity == .error }) }
        return (configuration, problems)
    }
}
