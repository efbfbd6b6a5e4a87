// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Glibc
internal import NodeSupport

/// Reads a configuration file and the files that it includes into one table.
///
/// Whole files (`include = "conf.d/*.conf"`, or `files` in `[include]`) may hold every section; what a later one writes
/// wins. Files of mirrors (`include_mirrors` in `[include]`, tunasync's key) add to `[[mirrors]]`.
final class ConfigLoader {
    /// The most bytes of one file.
    static let maximumBytes = 16 << 20
    /// The most files of one configuration.
    static let maximumFiles = 20_000
    /// How deep files may include files.
    static let maximumDepth = 8

    /// All files that were read, in their order, absolute.
    private(set) var files: [String] = []
    /// The mirrors of all files, in their order.
    private(set) var mirrors: [ConfigValue] = []
    private let report: ConfigReport

    init(report: ConfigReport) { self.report = report }

    /// Reads the file that the report is about, and what it includes.
    ///
    /// - Returns: The root table without `include` and `mirrors`; nil when a file cannot be read, which is reported.
    func load() -> ConfigValue? {
        load(report.file, depth: 0, named: nil)
    }

    private func load(_ file: String, depth: Int, named place: ConfigPlace?) -> ConfigValue? {
        guard let root = read(file, named: place), case .table(var values) = root.kind else { return nil }
        let include = Self.remove("include", from: &values)
        if let list = Self.remove("mirrors", from: &values) { add(mirrors: list) }
        var merged = ConfigValue(kind: .table(values), line: root.line, file: root.file)
        guard let include else { return merged }
        let patterns = IncludePatterns(include, report: report)
        var isWhole = true
        for pattern in patterns.files {
            for path in matches(of: pattern) {
                guard depth < Self.maximumDepth else {
                    report.add(.error, at: pattern.place, "files include each other more than \(depth) deep")
                    return nil
                }
                guard !files.contains(ConfigPaths.absolute(path)) else {
                    report.add(.warning, at: pattern.place, "include names \(path), which is read already")
                    continue
                }
                guard let other = load(path, depth: depth + 1, named: pattern.place) else {
                    isWhole = false
                    continue
                }
                merged = merge(other, over: merged, path: [])
            }
        }
        for pattern in patterns.mirrors {
            for path in matches(of: pattern) where !loadMirrors(path, named: pattern.place) { isWhole = false }
        }
        return isWhole ? merged : nil
    }

    private func loadMirrors(_ file: String, named place: ConfigPlace) -> Bool {
        guard !files.contains(ConfigPaths.absolute(file)) else {
            report.add(.warning, at: place, "include_mirrors names \(file), which is read already")
            return true
        }
        guard let root = read(file, named: place), case .table(var values) = root.kind else { return false }
        if let list = Self.remove("mirrors", from: &values) {
            add(mirrors: list)
        } else {
            report.add(.warning, at: root.place, "there is no [[mirrors]] in this file of mirrors")
        }
        for (key, value) in values {
            report.add(
                .warning, at: value.place,
                "\(key) is not read here: files of include_mirrors hold [[mirrors]] only; include the file with "
                    + "include = [...] instead")
        }
        return true
    }

    private func read(_ file: String, named place: ConfigPlace?) -> ConfigValue? {
        let start = place ?? ConfigPlace(file: file, line: 1)
        guard files.count < Self.maximumFiles else {
            report.add(.error, at: start, "more than \(Self.maximumFiles) files are included")
            return nil
        }
        files.append(ConfigPaths.absolute(file))
        do {
            let bytes = try BoundedFile.read(path: file, limit: Self.maximumBytes)
            return TOMLDocument.parse(bytes, report: report, file: file)
        } catch {
            report.add(.error, at: start, error.message)
            return nil
        }
    }

    private func add(mirrors list: ConfigValue) {
        guard case .list(let items) = list.kind else {
            report.add(.error, at: list.place, "mirrors must be a list of tables; write [[mirrors]] above each")
            return
        }
        mirrors += items
    }

    /// Takes a key out, whatever the case of its letters, as tunasync's reader does.
    private static func remove(_ key: String, from values: inout [String: ConfigValue]) -> ConfigValue? {
        if let value = values.removeValue(forKey: key) { return value }
        guard let alike = values.keys.first(where: { $0.lowercased() == key }) else { return nil }
        return values.removeValue(forKey: alike)
    }

    // MARK: Merging

    /// Lays a table over another: tables are merged, lists of tables joined, other values replaced.
    private func merge(_ upper: ConfigValue, over lower: ConfigValue, path: [String]) -> ConfigValue {
        switch (upper.kind, lower.kind) {
        case (.table(let new), .table(var values)):
            for (key, value) in new {
                values[key] = values[key].map { merge(value, over: $0, path: path + [key]) } ?? value
            }
            return ConfigValue(kind: .table(values), line: lower.line, file: lower.file)
        case (.list(let new), .list(let old)) where Self.isTables(new) && Self.isTables(old):
            return ConfigValue(kind: .list(old + new), line: lower.line, file: lower.file)
        default:
            report.add(
                .note, at: upper.place, "\(path.joined(separator: ".")) takes the place of the one in \(lower.place)")
            return upper
        }
    }

    private static func isTables(_ items: [ConfigValue]) -> Bool {
        !items.isEmpty && items.allSatisfy { if case .table = $0.kind { true } else { false } }
    }

    // MARK: Patterns

    /// The files that a pattern names, in the order of their names.
    private func matches(of pattern: Located<String>) -> [String] {
        let paths = ConfigPaths(file: pattern.file.isEmpty ? report.file : pattern.file)
        let absolute = paths.resolve(pattern.value)
        var found = Self.expand(absolute)
        if found.isEmpty, !pattern.value.hasPrefix("/") {
            let elsewhere = ConfigPaths.absolute(pattern.value)
            found = Self.expand(elsewhere)
            if !found.isEmpty {
                report.add(
                    .warning, at: pattern.place,
                    "\"\(pattern.value)\" is found from the working directory only, as tunasync looked for it; "
                        + "write \(elsewhere)")
            }
        }
        if found.isEmpty { report.add(.warning, at: pattern.place, "no file is named by \(absolute)") }
        return found
    }

    private static func expand(_ pattern: String) -> [String] {
        var result = glob_t()
        defer { globfree(&result) }
        guard glob(pattern, 0, nil, &result) == 0, let names = result.gl_pathv else { return [] }
        return (0..<Int(result.gl_pathc)).compactMap { names[$0].map { String(cString: $0) } }
    }
}

/// The patterns of `include`: a text or a list for whole files, or tunasync's table.
private struct IncludePatterns {
    var files: [Located<String>] = []
    var mirrors: [Located<String>] = []

    init(_ value: ConfigValue, report: ConfigReport) {
        guard case .table = value.kind else {
            files = Self.patterns(value, report: report)
            return
        }
        let section = ConfigSection(root: value, report: report, title: "[include]", manual: MirrorManual.page)
        if let mirrors = section.take("include_mirrors") {
            self.mirrors = Self.patterns(mirrors, report: report)
        }
        if let files = section.take("files") { self.files = Self.patterns(files, report: report) }
        section.finish(.warning)
    }

    private static func patterns(_ value: ConfigValue, report: ConfigReport) -> [Located<String>] {
        switch value.kind {
        case .text(let text): return text.isEmpty ? [] : [Located(text, at: value.place)]
        case .list(let items):
            return items.flatMap { item in
                if case .text(let text) = item.kind { return [Located(text, at: item.place)] }
                report.add(.error, at: item.place, "include must be texts, but holds \(item.name)")
                return []
            }
        case .integer, .boolean, .table, .fraction, .other:
            report.add(.error, at: value.place, "include must be a text or a list of texts, not \(value.name)")
            return []
        }
    }
}

/// Where the keys are described.
enum MirrorManual {
    static let page = "docs/mirror-configuration.md"
}
