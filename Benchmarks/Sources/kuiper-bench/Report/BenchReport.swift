// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// Everything that one run found.
struct BenchReport: Codable {
    let machine: MachineDescription
    let rounds: Int
    let rows: [ResultRow]

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }

    /// Tables for the documentation, one for each scenario.
    func markdown() -> String {
        var text = "Machine: \(machine.text). \(rounds) rounds for each figure.\n"
        for scenario in Catalog.all {
            let found = rows.filter { $0.scenario == scenario.name }
            guard !found.isEmpty else { continue }
            text += "\n### \(scenario.name): \(scenario.summary)\n\n"
            text += "| " + TextTable.titles.joined(separator: " | ") + " |\n"
            text += "|" + TextTable.titles.map { _ in " --- |" }.joined() + "\n"
            for row in found { text += "| " + TextTable.cells(of: row).joined(separator: " | ") + " |\n" }
        }
        return text
    }

    /// Writes the tables to a file; in a page that has the marks of ``figures``, only between them.
    func writeMarkdown(toFile path: String) throws {
        let (begin, end) = Self.figures
        let page = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard let head = page.range(of: begin), let tail = page.range(of: end, range: head.upperBound..<page.endIndex)
        else {
            try markdown().write(toFile: path)
            return
        }
        let text = page[..<head.upperBound] + "\n\n" + markdown() + "\n" + page[tail.lowerBound...]
        try String(text).write(toFile: path)
    }

    /// What stands before and behind the tables in the documentation.
    private static let figures = ("<!-- figures of one run, written by kuiper-bench -->", "<!-- end of figures -->")
}
