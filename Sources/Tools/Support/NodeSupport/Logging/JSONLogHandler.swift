// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import Logging

/// Writes each log event as one JSON object on one line.
///
/// The keys are `ts` (RFC 3339, UTC, milliseconds), `level`, `logger`, `node`, `msg`, then the metadata in the order of
/// their keys. Nested metadata are flattened with dots. A metadata key that is one of ours gets the prefix `meta.`. A
/// value under a key that names a secret is always `<redacted>` (``LogScrubber``). Integers, truth values and finite
/// numbers stay what they are; all else is a string.
///
/// There is no global: whoever starts the process makes loggers with ``logger(label:node:level:output:)`` and passes
/// them on.
package struct JSONLogHandler: LogHandler {
    private static let ownKeys: Set<String> = ["ts", "level", "logger", "node", "msg"]
    /// How deep nested metadata are followed; what is deeper is printed as text.
    static let maximumDepth = 8

    /// The lowest level that is written.
    package var logLevel: Logger.Level
    /// The metadata of every event of this logger.
    package var metadata: Logger.Metadata = [:]
    /// Adds metadata at the time of each event.
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let node: String
    private let output: LogOutput
    private let clock: @Sendable () -> LogTime

    /// Creates a handler.
    ///
    /// - Parameters:
    ///   - label: The logger's name.
    ///   - node: The node's name, the same on every line of a process.
    ///   - level: The lowest level that is written.
    ///   - output: Where lines go; share one output between all loggers of a descriptor.
    ///   - clock: Gives the time of an event.
    package init(
        label: String, node: String, level: Logger.Level, output: LogOutput,
        clock: @escaping @Sendable () -> LogTime = { .now() }
    ) {
        self.label = label
        self.node = node
        self.logLevel = level
        self.output = output
        self.clock = clock
    }

    /// Makes a logger that writes JSON lines.
    ///
    /// - Parameters:
    ///   - label: The logger's name, such as `imap`.
    ///   - node: The node's name, the same on every line of a process.
    ///   - level: The lowest level that is written.
    ///   - output: Where lines go; share one output between all loggers of a descriptor.
    /// - Returns: The logger.
    package static func logger(label: String, node: String, level: Logger.Level, output: LogOutput) -> Logger {
        Logger(label: label) { label in JSONLogHandler(label: label, node: node, level: level, output: output) }
    }

    /// Gets or sets one metadata value.
    ///
    /// - Parameter key: The metadata key.
    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes an event.
    ///
    /// - Parameter event: What happened.
    package func log(event: LogEvent) {
        var merged = metadata
        if let provided = metadataProvider?.get() { merged.merge(provided) { _, new in new } }
        if let own = event.metadata { merged.merge(own) { _, new in new } }
        if let error = event.error { merged["error"] = "\(error)" }

        var line = JSONLine()
        line.add("ts", clock().description)
        line.add("level", event.level.rawValue)
        line.add("logger", label)
        line.add("node", node)
        line.add("msg", event.message.description)
        var used = Self.ownKeys
        for (key, value) in merged.sorted(by: { $0.key < $1.key }) {
            Self.add(key, value, redacted: LogScrubber.isSensitive(key), depth: 0, used: &used, to: &line)
        }
        output.write(line.finish())
    }

    private static func add(
        _ key: String, _ value: Logger.MetadataValue, redacted: Bool, depth: Int, used: inout Set<String>,
        to line: inout JSONLine
    ) {
        if case .dictionary(let members) = value, depth < maximumDepth, !members.isEmpty {
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                add(
                    "\(key).\(name)", member, redacted: redacted || LogScrubber.isSensitive(name), depth: depth + 1,
                    used: &used, to: &line)
            }
            return
        }
        var name = key
        while !used.insert(name).inserted { name = "meta.\(name)" }
        if redacted {
            line.add(name, Redacted<Never>.placeholder)
            return
        }
        switch value {
        case .string(let text): line.add(name, text)
        case .stringConvertible(let convertible):
            if let literal = literal(of: convertible) {
                line.add(name, literal: literal)
            } else {
                line.add(name, convertible.description)
            }
        case .array(let values): line.add(name, list: values.map { scrubbed($0, depth: depth + 1) })
        case .dictionary: line.add(name, scrubbed(value, depth: depth + 1))
        }
    }

    /// The text of a value inside an array, where dictionaries cannot be flattened into keys.
    private static func scrubbed(_ value: Logger.MetadataValue, depth: Int) -> String {
        guard depth <= maximumDepth else { return "…" }
        switch value {
        case .string, .stringConvertible: return value.description
        case .array(let values): return "[\(values.map { scrubbed($0, depth: depth + 1) }.joined(separator: ", "))]"
        case .dictionary(let members):
            let texts = members.sorted { $0.key < $1.key }.map { name, member in
                let text =
                    LogScrubber.isSensitive(name)
                    ? Redacted<Never>.placeholder : scrubbed(member, depth: depth + 1)
                return "\(name): \(text)"
            }
            return "{\(texts.joined(separator: ", "))}"
        }
    }

    private static func literal(of value: any CustomStringConvertible) -> String? {
        switch value {
        case let integer as any BinaryInteger: return integer.description
        case let truth as Bool: return truth ? "true" : "false"
        case let number as Double where number.isFinite: return number.description
        default: return nil
        }
    }
}
