// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport

/// Mirrors in mirrors: each inherits what is written above it, and only the innermost are mirrors.
///
/// What is written wins, also `false`, `0`, an empty text and `provider = "rsync"`. (tunasync took such values for unset, so that
/// a child could not go back to them.) Tables such as `env` are merged key by key.
struct MirrorTree {
    /// A mirror with all that it inherits.
    struct Leaf {
        /// Its keys, inherited ones too; each knows its own place.
        let table: ConfigValue
        /// The keys that it has itself.
        let own: Set<String>

        /// The keys that it has from above only.
        var inherited: Set<String> {
            guard case .table(let values) = table.kind else { return [] }
            return Set(values.keys).subtracting(own)
        }
    }

    /// How deep mirrors may be nested.
    static let maximumDepth = 64

    /// Keys that say the same in two ways: who writes one of them gives up what is inherited of the others.
    private static let alternatives: [Set<String>] = [
        ["interval", "schedule"], ["password", "password_file"],
    ]

    private let report: ConfigReport
    private(set) var leaves: [Leaf] = []

    /// Unfolds mirrors.
    ///
    /// - Parameters:
    ///   - mirrors: The outermost ones.
    ///   - base: What all inherit.
    ///   - report: Told what is wrong.
    init(_ mirrors: [ConfigValue], base: [String: ConfigValue], report: ConfigReport) {
        self.report = report
        for mirror in mirrors { unfold(mirror, over: base, depth: 1) }
    }

    private mutating func unfold(_ mirror: ConfigValue, over inherited: [String: ConfigValue], depth: Int) {
        guard case .table(var written) = mirror.kind else {
            report.add(
                .error, at: mirror.place, "mirrors must hold tables, not \(mirror.name); write [[mirrors]] above")
            return
        }
        guard depth <= Self.maximumDepth else {
            report.add(.error, at: mirror.place, "mirrors are nested more than \(Self.maximumDepth) deep")
            return
        }
        let inner = written.keys.first { $0.lowercased() == "mirrors" }.flatMap { written.removeValue(forKey: $0) }
        let effective = Self.overlay(written, over: inherited)
        guard let inner else {
            leaves.append(
                Leaf(
                    table: ConfigValue(kind: .table(effective), line: mirror.line, file: mirror.file),
                    own: Set(written.keys.map { $0.lowercased() })))
            return
        }
        guard case .list(let children) = inner.kind else {
            report.add(
                .error, at: inner.place, "mirrors must be a list of tables; write [[mirrors.mirrors]] above each")
            return
        }
        if children.isEmpty {
            report.add(.warning, at: inner.place, "mirrors is empty, so nothing here becomes a mirror; remove it")
        }
        for child in children { unfold(child, over: effective, depth: depth + 1) }
    }

    /// What is written, over what is inherited.
    static func overlay(
        _ written: [String: ConfigValue], over inherited: [String: ConfigValue]
    ) -> [String: ConfigValue] {
        var result = inherited
        let names = Set(written.keys.map { $0.lowercased() })
        for group in alternatives where !group.isDisjoint(with: names) {
            for key in result.keys where group.contains(key.lowercased()) { result[key] = nil }
        }
        // The address family is one choice made with two keys.
        for (key, other) in [("use_ipv4", "use_ipv6"), ("use_ipv6", "use_ipv4")] where names.contains(key) {
            if case .boolean(true)? = written[key]?.kind, !names.contains(other) { result[other] = nil }
        }
        for (key, value) in written {
            if result[key] == nil, let alike = result.keys.first(where: { $0.lowercased() == key.lowercased() }) {
                result[alike] = nil
            }
            if case .table(let new) = value.kind, case .table(let old)? = result[key]?.kind {
                let merged = old.merging(new) { _, new in new }
                result[key] = ConfigValue(kind: .table(merged), line: value.line, file: value.file)
            } else {
                result[key] = value
            }
        }
        return result
    }
}
