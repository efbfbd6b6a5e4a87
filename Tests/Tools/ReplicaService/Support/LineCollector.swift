// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Logging
import Synchronization

/// Keeps what is logged.
final class LineCollector: Sendable {
    struct Line: Sendable {
        let level: Logger.Level
        let text: String
    }

    private let lines = Mutex<[Line]>([])

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(collector: self) }
        logger.logLevel = .debug
        return logger
    }

    var all: [Line] { lines.withLock { $0 } }

    func has(_ level: Logger.Level, _ part: String) -> Bool {
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
