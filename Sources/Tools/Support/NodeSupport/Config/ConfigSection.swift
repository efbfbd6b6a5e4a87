// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Reads the keys of one table of a configuration file.
///
/// What a reader asks for is what the table may hold: ``finish()`` reports every other key as unknown, with the key that
/// was probably meant. A wrong type or a value out of range is reported and read as absent. A key whose letters differ
/// in case only is taken, with a warning: the original's reader took such keys.
package final class ConfigSection {
    /// The names from the root to this table; empty for the root.
    package let path: [String]
    /// The line of the table's header, from 1.
    package let line: Int
    /// The file of the table's header, as it was named; empty means the one that the report is about.
    package let file: String
    private let values: [String: ConfigValue]
    private let report: ConfigReport
    private let givenTitle: String?
    private let manual: String
    private var asked: Set<String> = []
    private var taken: Set<String> = []
    /// The spellings of the keys by their small letters.
    private lazy var spellings = Dictionary(grouping: values.keys) { $0.lowercased() }

    private init(path: [String], value: ConfigValue, title: String?, manual: String, report: ConfigReport) {
        self.path = path
        values = if case .table(let values) = value.kind { values } else { [:] }
        line = value.line
        file = value.file
        givenTitle = title
        self.manual = manual
        self.report = report
    }

    /// Begins at the root of a file.
    ///
    /// - Parameters:
    ///   - root: The root table.
    ///   - report: Told what is wrong.
    ///   - title: What messages call the table instead of `the file`.
    ///   - manual: The page that lists the keys.
    package convenience init(
        root: ConfigValue, report: ConfigReport, title: String? = nil, manual: String = "docs/configuration.md"
    ) {
        self.init(path: [], value: root, title: title, manual: manual, report: report)
    }

    /// Where the table's header is.
    package var place: ConfigPlace { ConfigPlace(file: file, line: line) }

    /// The table as it is written in a file, such as `[Workers.worker-1]`; for the root, `the file`.
    package var title: String {
        if let givenTitle { return givenTitle }
        return path.isEmpty ? "the file" : "[" + path.map(Self.quotedIfNeeded).joined(separator: ".") + "]"
    }

    // MARK: Single values

    /// Reads a text.
    ///
    /// - Parameter key: The key.
    /// - Returns: The text; `nil` when it is absent or wrong.
    package func text(_ key: String) -> Located<String>? {
        guard let value = take(key) else { return nil }
        guard case .text(let text) = value.kind else {
            let remedy = if case .table = value.kind { "" } else { "; write it in quotes" }
            wrongType(key, value, wanted: "a text", remedy: remedy)
            return nil
        }
        return Located(text, at: value.place)
    }

    /// Reads a text that must be there and not be empty.
    ///
    /// - Parameter key: The key.
    /// - Returns: The text; `nil` when it is absent, empty or wrong, which is reported.
    package func requiredText(_ key: String) -> Located<String>? {
        let isThere = has(key)
        let found = text(key)
        if !isThere {
            missing(key)
        } else if let found, found.value.isEmpty {
            report.add(.error, at: found.place, "\(title) \(key) is empty")
            return nil
        }
        return found
    }

    /// Reads a whole number.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - range: What it may be.
    /// - Returns: The number; `nil` when it is absent or wrong.
    package func integer(_ key: String, in range: ClosedRange<Int>) -> Located<Int>? {
        guard let value = take(key) else { return nil }
        guard case .integer(let number) = value.kind else {
            let remedy = if case .text = value.kind { "; write it without quotes" } else { "" }
            wrongType(key, value, wanted: "a whole number", remedy: remedy)
            return nil
        }
        guard range.contains(number) else {
            report.add(
                .error, at: value.place,
                "\(title) \(key) is \(number) and must be from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return Located(number, at: value.place)
    }

    /// Reads a whole number that must be there.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - range: What it may be.
    /// - Returns: The number; `nil` when it is absent or wrong, which is reported.
    package func requiredInteger(_ key: String, in range: ClosedRange<Int>) -> Located<Int>? {
        if !has(key) { missing(key) }
        return integer(key, in: range)
    }

    /// Reads `true` or `false`.
    ///
    /// - Parameter key: The key.
    /// - Returns: The value; `nil` when it is absent or wrong.
    package func boolean(_ key: String) -> Located<Bool>? {
        guard let value = take(key) else { return nil }
        guard case .boolean(let truth) = value.kind else {
            wrongType(key, value, wanted: "true or false", remedy: "; write it without quotes")
            return nil
        }
        return Located(truth, at: value.place)
    }

    /// Reads a list of texts.
    ///
    /// - Parameter key: The key.
    /// - Returns: The texts; `nil` when it is absent or wrong.
    package func texts(_ key: String) -> Located<[String]>? {
        guard let value = take(key) else { return nil }
        guard case .list(let items) = value.kind else {
            wrongType(key, value, wanted: "a list of texts", remedy: "; write [\"...\"]")
            return nil
        }
        var texts: [String] = []
        for item in items {
            guard case .text(let text) = item.kind else {
                report.add(.error, at: item.place, "\(title) \(key) must be a list of texts, but holds \(item.name)")
                return nil
            }
            texts.append(text)
        }
        return Located(texts, at: value.place)
    }

    // MARK: Tables

    /// Goes to a table in this one.
    ///
    /// - Parameter key: The table's name.
    /// - Returns: The table; `nil` when it is absent or no table.
    package func section(_ key: String) -> ConfigSection? {
        guard let value = take(key) else { return nil }
        return inner(key, value)
    }

    /// Goes to the tables of a table whose names are the operator's own, such as `[Workers.<name>]`.
    ///
    /// - Parameter key: The name of the table that holds them.
    /// - Returns: The tables in the order of their lines; empty when there are none.
    package func sections(_ key: String) -> [(name: String, section: ConfigSection)] {
        guard let outer = section(key) else { return [] }
        var found: [(name: String, section: ConfigSection)] = []
        for (name, value) in outer.values.sorted(by: { ($0.value.line, $0.key) < ($1.value.line, $1.key) }) {
            if let section = outer.inner(name, value) { found.append((name, section)) }
        }
        return found
    }

    /// All texts of this table, whose keys are the operator's own.
    ///
    /// - Returns: Keys and texts in the order of their lines; values of other types are reported and left out.
    package func entries() -> [(key: String, text: Located<String>)] {
        var found: [(key: String, text: Located<String>)] = []
        for key in values.keys.sorted() {
            if let text = text(key) { found.append((key, text)) }
        }
        return found.sorted { ($0.text.line, $0.key) < ($1.text.line, $1.key) }
    }

    /// All lists of texts of this table, whose keys are the operator's own.
    ///
    /// - Returns: Keys and lists in the order of their lines; values of other types are reported and left out.
    package func lists() -> [(key: String, texts: Located<[String]>)] {
        var found: [(key: String, texts: Located<[String]>)] = []
        for key in values.keys.sorted() {
            if let texts = texts(key) { found.append((key, texts)) }
        }
        return found.sorted { ($0.texts.line, $0.key) < ($1.texts.line, $1.key) }
    }

    /// The keys of this table in the order of their lines, for tables whose keys are the operator's own.
    package var keys: [String] {
        values.sorted { ($0.value.line, $0.key) < ($1.value.line, $1.key) }.map(\.key)
    }

    /// Whether a key is there, whatever its value.
    ///
    /// - Parameter key: The key.
    /// - Returns: Whether it is.
    package func has(_ key: String) -> Bool { spelling(of: key) != nil }

    /// Reports the keys that nobody asked for.
    ///
    /// - Parameters:
    ///   - severity: How bad such a key is.
    ///   - inherited: Keys that are there without being written in this table, so that they may be what was meant.
    package func finish(_ severity: ConfigProblem.Severity = .error, inherited: Set<String> = []) {
        for (key, value) in values.sorted(by: { ($0.value.line, $0.key) < ($1.value.line, $1.key) })
        where !taken.contains(key) {
            let kind = if case .table = value.kind { "table" } else { "key" }
            let meant = NearMiss.suggestion(
                for: key, among: asked.filter { !taken.contains($0) || inherited.contains($0) }
            )
            .map { "; did you mean \($0)?" }
            report.add(
                severity, at: value.place,
                "\(title) has no \(kind) \(Self.quotedIfNeeded(key))"
                    + (meant ?? "; \(manual) lists the keys"))
        }
    }

    // MARK: Reporting

    /// Reports that a key is needed.
    ///
    /// - Parameter key: The key.
    package func missing(_ key: String) {
        report.add(.error, at: place, "\(title) needs \(key)")
    }

    /// Reports an error about this table.
    ///
    /// - Parameters:
    ///   - line: Where, from 1.
    ///   - message: What is wrong with it; the table's title is put in front.
    package func error(_ line: Int, _ message: String) {
        report.add(.error, at: ConfigPlace(file: file, line: line), "\(title) \(message)")
    }

    /// Reports something doubtful about this table.
    ///
    /// - Parameters:
    ///   - line: Where, from 1.
    ///   - message: What is doubtful; the table's title is put in front.
    package func warning(_ line: Int, _ message: String) {
        report.add(.warning, at: ConfigPlace(file: file, line: line), "\(title) \(message)")
    }

    /// Reports something about this table at a place that may be in another file.
    ///
    /// - Parameters:
    ///   - severity: How bad it is.
    ///   - place: Where it is.
    ///   - message: What it is; the table's title is put in front.
    package func tell(_ severity: ConfigProblem.Severity, at place: ConfigPlace, _ message: String) {
        report.add(severity, at: place, "\(title) \(message)")
    }

    // MARK: Private

    /// Takes a value as it is, whatever its type.
    ///
    /// - Parameter key: The key.
    /// - Returns: The value; `nil` when it is absent.
    package func take(_ key: String) -> ConfigValue? {
        asked.insert(key)
        guard let spelling = spelling(of: key), let value = values[spelling] else { return nil }
        if spelling != key, !taken.contains(spelling) {
            report.add(
                .warning, at: value.place, "\(title) \(Self.quotedIfNeeded(spelling)) is taken for \(key); write \(key)"
            )
        }
        taken.insert(spelling)
        return value
    }

    /// The key as it is written: exactly, or else the only one that differs in case alone.
    private func spelling(of key: String) -> String? {
        if values[key] != nil { return key }
        guard let alike = spellings[key.lowercased()], alike.count == 1 else { return nil }
        return alike[0]
    }

    private func inner(_ key: String, _ value: ConfigValue) -> ConfigSection? {
        guard case .table = value.kind else {
            let name = (path + [key]).map(Self.quotedIfNeeded).joined(separator: ".")
            report.add(
                .error, at: value.place,
                "\(title) \(Self.quotedIfNeeded(key)) must be a table, not \(value.name); "
                    + "write [\(name)] above its keys")
            return nil
        }
        return ConfigSection(path: path + [key], value: value, title: nil, manual: manual, report: report)
    }

    func inner(item value: ConfigValue, of key: String) -> ConfigSection {
        let title = "[[" + (path + [key]).map(Self.quotedIfNeeded).joined(separator: ".") + "]]"
        return ConfigSection(path: path + [key], value: value, title: title, manual: manual, report: report)
    }

    func wrongType(_ key: String, _ value: ConfigValue, wanted: String, remedy: String) {
        report.add(
            .error, at: value.place,
            "\(title) \(Self.quotedIfNeeded(key)) must be \(wanted), not \(value.name)\(remedy)")
    }

    private static func quotedIfNeeded(_ key: String) -> String {
        let isBare =
            !key.isEmpty
            && key.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
        return isBare ? key : "\"" + key.unicodeScalars.prefix(80).map { $0.escaped(asASCII: false) }.joined() + "\""
    }
}
