// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import Logging
internal import Synchronization

/// Keeps what is logged.
package final class LineCollector: Sendable {
    package struct Line: Sendable {
        package let level: Logger.Level
        package let text: String
    }

    private let lines = Mutex<[Line]>([])

    /// Collects nothing yet.
    package init() {}

    /// Logs here.
    package var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(collector: self) }
        logger.logLevel = .debug
        return logger
    }

    /// All lines so far.
    package var all: [Line] { lines.withLock { $0 } }

    /// Whether something of a level was logged that contains a text.
    package func has(_ level: Logger.Level, _ part: String) -> Bool {
        all.contains { $0.level == level && $0.text.contains(part) }
    }

    private struct Handler: LogHandler {
        let collector: LineCollector
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let details = metadata.merging(event.metadata ?? [:]) { $1 }.map { "\($0.key)=\($0.value)" }.sorted()
            collector.lines.withLock {
                $0.append(Line(level: event.level, text: "\(event.message) \(details.joined(separator: " "))"))
            }
        }
    }
}
