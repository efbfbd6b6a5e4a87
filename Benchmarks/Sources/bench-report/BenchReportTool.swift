// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import Foundation

/// Writes the tables and plots of the documentation from the files that the benchmark programs have written, and from nothing else.
///
/// Each scenario has a place in one page, between `<!-- begin NAME -->` and `<!-- end NAME -->`.
@main
enum BenchReportTool {
    private static let usage = """
        usage: bench-report FOLDER

        Reads FOLDER/data/*.json, which the benchmark programs write with --json, and FOLDER/data/*.md, which Benchmarks/profile
        writes; renders the tables between the marks of the pages FOLDER/*.md and the plots FOLDER/plots/*.svg (with gnuplot).
        Where there are no figures yet, the page says so.
        """

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        let words = CommandLine.arguments.dropFirst()
        let cleanup = Cleanup()
        do {
            try cleanup.runOnInterrupt()
            guard words.count == 1, let folder = words.first, !folder.hasPrefix("-") else {
                if words == ["--help"] { return Console.say(usage) }
                throw BenchFailure("it takes one folder, as in: bench-report docs/benchmarks", exitCode: 64)
            }
            try render(URL(fileURLWithPath: folder), cleanup)
            cleanup.run()
        } catch {
            Console.complain("bench-report: \((error as? BenchFailure)?.message ?? "\(error)")")
            cleanup.run()
            exit((error as? BenchFailure)?.exitCode ?? 1)
        }
    }

    private static func render(_ folder: URL, _ cleanup: Cleanup) throws {
        var pages = try files(in: folder, ending: "md").map { (url: $0, text: try text(of: $0)) }
        let reports = try files(in: folder.appendingPathComponent("data"), ending: "json").map { url in
            do { return try BenchReport(json: text(of: url)) } catch {
                throw BenchFailure("\(url.lastPathComponent) is no report of a benchmark: \(error)", exitCode: 65)
            }
        }
        let finished = try files(in: folder.appendingPathComponent("data"), ending: "md")
        guard !reports.isEmpty || !finished.isEmpty else {
            throw BenchFailure("there are no figures in \(folder.path)/data: run make bench first", exitCode: 66)
        }
        var rendered: Set<String> = []
        for file in finished {
            let name = file.deletingPathExtension().lastPathComponent
            try place(try text(of: file).trimmingCharacters(in: .whitespacesAndNewlines) + "\n", name, &pages)
            rendered.insert(name)
        }
        var plots: [Plot] = []
        for report in reports {
            for scenario in report.scenarios {
                let rows = report.rows.filter { $0.scenario == scenario.name }
                let found = Plot.plots(of: scenario.name, rows)
                plots += found
                try place(section(report, scenario, rows, found), scenario.name, &pages)
                rendered.insert(scenario.name)
            }
        }
        let missing = markMissing(rendered, &pages)
        try draw(plots, folder.appendingPathComponent("plots"), cleanup)
        for page in pages { try page.text.write(toFile: page.url.path) }
        Console.say("\(reports.count) reports, \(plots.count) plots")
        if !missing.isEmpty { Console.say("no figures yet: \(missing.joined(separator: ", "))") }
    }

    /// Puts a text between the marks of its name, which must be in one page.
    private static func place(_ section: String, _ name: String, _ pages: inout [(url: URL, text: String)]) throws {
        let places = pages.indices.filter { index in
            guard let text = MarkedPage.replace(in: pages[index].text, between: name, with: section) else {
                return false
            }
            pages[index].text = text
            return true
        }
        guard places.count == 1 else {
            let count = places.isEmpty ? "no page has" : "\(places.count) pages have"
            throw BenchFailure(
                "\(count) the marks <!-- begin \(name) --> and <!-- end \(name) -->", exitCode: 65)
        }
    }

    /// Says between all other marks that there are no figures: what stands there is of a run whose files are gone.
    private static func markMissing(_ rendered: Set<String>, _ pages: inout [(url: URL, text: String)]) -> [String] {
        var missing: [String] = []
        for index in pages.indices {
            for name in MarkedPage.names(in: pages[index].text) where !rendered.contains(name) {
                missing.append(name)
                let text = "No figures yet: there is no `data/\(name).json`.\n"
                pages[index].text =
                    MarkedPage.replace(in: pages[index].text, between: name, with: text) ?? pages[index].text
            }
        }
        return missing
    }

    /// What stands between the marks of a scenario.
    private static func section(
        _ report: BenchReport, _ scenario: BenchReport.Section, _ rows: [ResultRow], _ plots: [Plot]
    ) -> String {
        let time = scenario.seconds.map { ", \(TextTable.number($0)) s altogether" } ?? ""
        var text = "`\(report.command)`\(time). \(report.machine.text).\n\n"
        text += TextTable.markdown(of: rows)
        for plot in plots { text += "\n![\(plot.title): \(plot.unit) by \(plot.variable)](plots/\(plot.name).svg)\n" }
        return text
    }

    private static func draw(_ plots: [Plot], _ folder: URL, _ cleanup: Cleanup) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for plot in plots {
            let gnuplot: BenchChild
            do { gnuplot = try BenchChild(["gnuplot"], cleanup: cleanup) } catch {
                throw BenchFailure("there is no gnuplot on PATH (Debian: gnuplot-nox)", exitCode: 69)
            }
            let path = folder.appendingPathComponent("\(plot.name).svg").path
            try gnuplot.write(Array(plot.script(writing: path).utf8))
            gnuplot.closeInput()
            _ = try gnuplot.readToEnd()
            guard gnuplot.wait() == .exited(0) else { throw BenchFailure("gnuplot could not draw \(plot.name)") }
        }
        // What no figure makes any more would stay for ever.
        let names = Set(plots.map { "\($0.name).svg" })
        for old in try files(in: folder, ending: "svg") where !names.contains(old.lastPathComponent) {
            try FileManager.default.removeItem(at: old)
        }
    }

    private static func files(in folder: URL, ending: String) throws -> [URL] {
        guard FileManager.default.fileExists(atPath: folder.path) else {
            throw BenchFailure("there is no folder \(folder.path)", exitCode: 66)
        }
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == ending }.sorted { $0.lastPathComponent < $1.lastPathComponent }
    }

    private static func text(of file: URL) throws -> String { try String(contentsOf: file, encoding: .utf8) }
}
