// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// Rows as text for a person.
enum TextTable {
    static let titles = [
        "what", "figure", "unit", "wall/step", "cpu/step", "ratio", "min", "reference", "spread", "note",
    ]

    /// The cells of a row, as text and Markdown show them.
    static func cells(of row: ResultRow) -> [String] {
        let spread = row.referenceSpread.map { "\(number($0 * 100)) %" + (row.hasVerdict ? "" : ", no verdict") }
        return [
            row.subject, number(row.value), row.unit, row.wallNanoseconds.map(time) ?? "",
            row.cpuNanoseconds.map(time) ?? "", row.ratioMedian.map(number) ?? "", row.ratioMinimum.map(number) ?? "",
            row.reference ?? "", spread ?? "", row.note ?? "",
        ]
    }

    static func text(of rows: [ResultRow]) -> String {
        let table = [titles] + rows.map(cells)
        let widths = titles.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        let lines = table.map { cells in
            zip(cells, widths).map { $0.padded(to: $1) }.joined(separator: "  ")
        }
        return lines.map { "  " + $0 }.joined(separator: "\n") + "\n"
    }

    /// Three digits that count.
    static func number(_ value: Double) -> String {
        switch abs(value) {
        case 0: "0"
        case ..<0.01: String(format: "%.4f", value)
        case ..<1: String(format: "%.3f", value)
        case ..<10: String(format: "%.2f", value)
        case ..<100: String(format: "%.1f", value)
        default: String(format: "%.0f", value)
        }
    }

    private static func time(_ nanoseconds: Double) -> String {
        switch nanoseconds {
        case ..<1e3: number(nanoseconds) + " ns"
        case ..<1e6: number(nanoseconds / 1e3) + " us"
        case ..<1e9: number(nanoseconds / 1e6) + " ms"
        default: number(nanoseconds / 1e9) + " s"
        }
    }
}

extension String {
    /// Spaces at the end up to a width.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

    /// Writes the text to a file.
    func write(toFile path: String) throws {
        do {
            try Data(utf8).write(to: URL(fileURLWithPath: path))
        } catch {
            throw BenchFailure("\(path) cannot be written: \(error.localizedDescription)", exitCode: 73)
        }
    }
}
