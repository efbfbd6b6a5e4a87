// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// Rows as text for a person.
public enum TextTable {
    private static let titles = [
        "what", "figure", "unit", "rounds", "spread", "cpu/op", "wall/op", "op/s", "B/op", "clock", "ratio", "min",
        "max", "reference",
        "its spread", "target", "note",
    ]

    /// The titles and the cells of some rows, without the columns that are empty in all of them.
    ///
    /// - Parameter rows: the rows.
    /// - Returns: the titles first, then a line for each row.
    public static func lines(of rows: [ResultRow]) -> [[String]] {
        let table = rows.map(cells)
        let used = titles.indices.filter { column in column < 2 || table.contains { !$0[column].isEmpty } }
        return ([titles] + table).map { line in used.map { line[$0] } }
    }

    /// Rows as a table in a terminal.
    ///
    /// - Parameter rows: the rows.
    /// - Returns: lines of equal widths.
    public static func text(of rows: [ResultRow]) -> String {
        let table = lines(of: rows)
        let widths = (table.first ?? []).indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        return table.map { cells in
            var line = "  " + zip(cells, widths).map { $0.padded(to: $1) }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }

    /// Rows as a table in Markdown.
    ///
    /// - Parameter rows: the rows.
    /// - Returns: the table.
    public static func markdown(of rows: [ResultRow]) -> String {
        let table = lines(of: rows)
        let rule = "|" + (table.first ?? []).map { _ in " --- |" }.joined() + "\n"
        let text = table.map { line in
            "| " + line.map { $0.replacingOccurrences(of: "|", with: "\\|") }.joined(separator: " | ") + " |\n"
        }
        return (text.first ?? "") + rule + text.dropFirst().joined()
    }

    private static func cells(of row: ResultRow) -> [String] {
        if let reason = row.absent {
            return titles.map { $0 == "what" ? row.subject : $0 == "figure" ? "absent" : $0 == "note" ? reason : "" }
        }
        var bytes = row.bytesPerOperation.map { number($0) } ?? ""
        if let rest = row.bytesWithoutDigests { bytes += " (\(number(rest)))" }
        return [
            row.subject, row.value.map { number($0) } ?? "none", row.unit, row.rounds.map { "\($0)" } ?? "",
            spread(row.spread), row.cpuNanoseconds.map { time($0) } ?? "", row.wallNanoseconds.map { time($0) } ?? "",
            row.operationsPerSecond.map { count($0) } ?? "", bytes,
            row.ratioMedian == nil ? "" : row.clock?.rawValue ?? "", row.ratioMedian.map { number($0) } ?? "",
            row.ratioMinimum.map { number($0) } ?? "", row.ratioMaximum.map { number($0) } ?? "", row.reference ?? "",
            spread(row.referenceSpread), verdicts(row),
            row.note ?? "",
        ]
    }

    private static func spread(_ spread: Double?) -> String {
        guard let spread else { return "" }
        return "\(number(spread * 100)) %" + (spread > Comparison.trustedSpread ? ", no verdict" : "")
    }

    /// The targets with their verdicts, and why there is none.
    private static func verdicts(_ row: ResultRow) -> String {
        let found = row.targets.map { ($0, $0.verdict(on: row)) }
        let texts = found.map { describe($0, $1, row) }
        let reason = found.contains { $0.1 == .none } ? row.objection.map { " (\($0))" } ?? "" : ""
        // What failed is said also where nothing is to be reached.
        if texts.isEmpty { return row.countObjection.map { "no verdict (\($0))" } ?? "" }
        return texts.joined(separator: "; ") + reason
    }

    private static func describe(_ target: Target, _ verdict: Target.Verdict, _ row: ResultRow) -> String {
        let what =
            switch target.measure {
            case .figure: row.unit
            case .ratio: "times"
            case .bytesPerOperation: "B/op"
            }
        return "\(target.side == .atMost ? "<=" : ">=") \(number(target.bound)) \(what): \(verdict.rawValue)"
    }

    /// Three digits that count.
    ///
    /// - Parameter value: a number.
    /// - Returns: its text.
    public static func number(_ value: Double) -> String {
        switch abs(value) {
        case 0: "0"
        case ..<0.01: String(format: "%.4f", value)
        case ..<1: String(format: "%.3f", value)
        case ..<10: String(format: "%.2f", value)
        case ..<100: String(format: "%.1f", value)
        default: String(format: "%.0f", value)
        }
    }

    /// Three digits that count, or "none".
    ///
    /// - Parameter value: a number, if there is one.
    /// - Returns: its text.
    public static func number(_ value: Double?) -> String { value.map { number($0) } ?? "none" }

    /// A number of things, with its thousands and millions written out.
    ///
    /// - Parameter value: how many.
    /// - Returns: its text, as in "3.14 M".
    public static func count(_ value: Double) -> String {
        switch value {
        case ..<1e3: number(value)
        case ..<1e6: number(value / 1e3) + " k"
        case ..<1e9: number(value / 1e6) + " M"
        default: number(value / 1e9) + " G"
        }
    }

    /// A time in the unit that suits it.
    ///
    /// - Parameter nanoseconds: the time.
    /// - Returns: its text, as in "12.5 us".
    public static func time(_ nanoseconds: Double) -> String {
        switch nanoseconds {
        case ..<1e3: number(nanoseconds) + " ns"
        case ..<1e6: number(nanoseconds / 1e3) + " us"
        case ..<1e9: number(nanoseconds / 1e6) + " ms"
        default: number(nanoseconds / 1e9) + " s"
        }
    }

    /// A time in the unit that suits it, or "none".
    ///
    /// - Parameter nanoseconds: the time, if there is one.
    /// - Returns: its text.
    public static func time(_ nanoseconds: Double?) -> String { nanoseconds.map { time($0) } ?? "none" }
}

extension String {
    /// Spaces at the end up to a width.
    ///
    /// - Parameter width: how many characters the text is to have at least.
    /// - Returns: the text with spaces behind it.
    public func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

    /// Writes the text to a file; its folder is made when there is none.
    ///
    /// - Parameter path: the file.
    /// - Throws: ``BenchFailure`` with exit code 73.
    public func write(toFile path: String) throws {
        let file = URL(fileURLWithPath: path)
        do {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(utf8).write(to: file, options: .atomic)
        } catch {
            throw BenchFailure("\(path) cannot be written: \(error.localizedDescription)", exitCode: 73)
        }
    }
}
