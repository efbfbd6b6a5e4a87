// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import Logging
internal import MirrorConfig
internal import NodeSupport

/// Writes log lines as tunasync does.
///
/// A line is `[yy-mm-dd HH:MM:SS][LEVEL] text`, or `[LEVEL] text` for systemd, whose journal knows the
/// time. Metadata follow as `key=value`; a value under a key that names a secret is not shown.
struct TextLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    private let showsTime: Bool
    private let output: LogOutput

    init(level: Logger.Level, showsTime: Bool, output: LogOutput) {
        logLevel = level
        self.showsTime = showsTime
        self.output = output
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var merged = metadata
        if let provided = metadataProvider?.get() { merged.merge(provided) { _, new in new } }
        if let own = event.metadata { merged.merge(own) { _, new in new } }
        if let error = event.error { merged["error"] = "\(error)" }
        var line = showsTime ? "[\(Self.localTime())]" : ""
        line += "[\(Self.name(event.level))]"
        if logLevel <= .debug { line += "[\(event.file.split(separator: "/").last ?? ""):\(event.line)]" }
        line += " \(event.message)"
        for (key, value) in merged.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(LogScrubber.isSensitive(key) ? "<redacted>" : Self.quoted("\(value)"))"
        }
        output.write(Array((Console.plain(line) + "\n").utf8))
    }

    /// The level as tunasync calls it.
    private static func name(_ level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "DEBUG"
        case .info: "INFO"
        case .notice: "NOTICE"
        case .warning: "WARN"
        case .error, .critical: "ERROR"
        }
    }

    private static func quoted(_ text: String) -> String {
        text.isEmpty || text.contains(where: \.isWhitespace) ? "\"\(text)\"" : text
    }

    private static func localTime() -> String {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = [parts.tm_year % 100, parts.tm_mon + 1, parts.tm_mday].map(two).joined(separator: "-")
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(two).joined(separator: ":")
        return "\(date) \(clock)"
    }
}

/// Makes the logger of a manager or worker.
enum ServerLogger {
    /// Makes a logger on standard output, where tunasync's programs log.
    ///
    /// - Parameters:
    ///   - label: what the process is.
    ///   - settings: what the configuration says.
    /// - Returns: the logger.
    static func make(_ label: String, _ settings: MirrorLogSettings) -> Logger {
        let output = LogOutput(descriptor: STDOUT_FILENO)
        let level: Logger.Level =
            switch settings.level {
            case .debug: .debug
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            }
        switch settings.format {
        case .json: return JSONLogHandler.logger(label: label, node: label, level: level, output: output)
        case .text, .systemd:
            let showsTime = settings.format == .text
            return Logger(label: label) { _ in TextLogHandler(level: level, showsTime: showsTime, output: output) }
        }
    }
}
