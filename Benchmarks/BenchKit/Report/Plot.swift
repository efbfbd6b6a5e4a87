// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Foundation

/// How some figures of a scenario grow with one thing: a plot with curves.
public struct Plot: Equatable, Sendable {
    /// Some figures of one thing.
    public struct Curve: Equatable, Sendable {
        /// What it is.
        public let name: String
        /// Positions and figures, by position.
        public var points: [Point]
    }

    /// One figure.
    public struct Point: Equatable, Sendable {
        /// How much there was of what grows.
        public let position: Double
        /// The figure.
        public let value: Double
    }

    /// The name of its file, without an ending.
    public let name: String
    /// The scenario.
    public let title: String
    /// What grows.
    public let variable: String
    /// The unit of the figures.
    public let unit: String
    /// The curves: subjects first, then their references.
    public private(set) var curves: [Curve] = []

    /// The plots that the rows of one scenario make: one for each variable and unit that has at least two positions.
    ///
    /// The figures of references belong to the same plot when they are times of the same steps; bytes of an operation get one of their own.
    ///
    /// - Parameters:
    ///   - scenario: the scenario.
    ///   - rows: its rows.
    /// - Returns: the plots, in the order of the rows.
    public static func plots(of scenario: String, _ rows: [ResultRow]) -> [Plot] {
        var plots: [Plot] = []
        for row in rows where row.absent == nil {
            guard let point = row.point else { continue }
            if let value = row.value {
                add(
                    &plots, scenario, point.variable, row.unit, point.curve,
                    Point(position: point.position, value: value))
            }
            if let bytes = row.bytesPerOperation {
                add(
                    &plots, scenario, point.variable, "B/op", point.curve, Point(position: point.position, value: bytes)
                )
            }
            if let bytes = row.bytesWithoutDigests {
                let curve = "\(point.curve), without digests of bodies"
                add(&plots, scenario, point.variable, "B/op", curve, Point(position: point.position, value: bytes))
            }
        }
        for row in rows where row.absent == nil {
            guard let point = row.point, let reference = row.reference, let cost = row.referenceNanoseconds,
                row.unit.hasPrefix("ns/")
            else { continue }
            add(&plots, scenario, point.variable, row.unit, reference, Point(position: point.position, value: cost))
        }
        return plots.filter { plot in plot.curves.contains { $0.points.count > 1 } }
    }

    /// Adds a figure, unless the curve has one there already: a subject is the same beside each of its references.
    private static func add(
        _ plots: inout [Plot], _ scenario: String, _ variable: String, _ unit: String, _ curve: String, _ point: Point
    ) {
        // There is no place for what is not positive on a logarithmic axis.
        guard point.position > 0, point.value > 0 else { return }
        let index: Int
        if let known = plots.firstIndex(where: { $0.variable == variable && $0.unit == unit }) {
            index = known
        } else {
            index = plots.count
            let words = "\(scenario) \(variable) \(unit)".map { $0.isLetter || $0.isNumber || $0 == "." ? $0 : "-" }
            plots.append(Plot(name: String(words), title: scenario, variable: variable, unit: unit))
        }
        if let known = plots[index].curves.firstIndex(where: { $0.name == curve }) {
            if plots[index].curves[known].points.contains(where: { $0.position == point.position }) { return }
            plots[index].curves[known].points.append(point)
            plots[index].curves[known].points.sort { $0.position < $1.position }
        } else {
            plots[index].curves.append(Curve(name: curve, points: [point]))
        }
    }

    private init(name: String, title: String, variable: String, unit: String) {
        (self.name, self.title, self.variable, self.unit) = (name, title, variable, unit)
    }

    /// Colours that differ from one another, in light and dark and for the colour-blind (Okabe and Ito).
    private static let colours = ["0072b2", "d55e00", "009e73", "cc79a7", "56b4e9", "e69f00", "7f7f7f", "000000"]

    /// What gnuplot has to do.
    ///
    /// - Parameter path: the SVG file that it writes.
    /// - Returns: a script for its standard input.
    public func script(writing path: String) -> String {
        let positions = Set(curves.flatMap { $0.points.map(\.position) }).sorted()
        let ticks = positions.map { "'\(Self.label($0))' \($0)" }.joined(separator: ", ")
        let (first, last) = (positions.first ?? 1, positions.last ?? 1)
        var lines = [
            "set terminal svg size 760,460 font 'Helvetica,13' background '#ffffff'",
            "set output '\(Self.quoted(path))'", "set title '\(Self.quoted(title))' noenhanced",
            "set xlabel '\(Self.quoted(variable))' noenhanced", "set ylabel '\(Self.quoted(unit))' noenhanced",
            isOfBytes ? "set logscale x; set yrange [0:*]" : "set logscale xy",
            // Room for the marks at both ends.
            "set xrange [\(first * 0.8):\(last * 1.25)]", "set xtics (\(ticks))", "set format y '%.10g'",
            "set grid ytics linecolor rgb '#d8d8d8'", "set border 3", "set tics nomirror",
            "set key below height 1 noenhanced",
        ]
        for (index, curve) in curves.enumerated() {
            lines.append("$curve\(index) << END")
            lines += curve.points.map { "\($0.position) \($0.value)" }
            lines.append("END")
        }
        let plots = curves.enumerated().map { index, curve in
            let colour = Self.colours[index % Self.colours.count]
            return "$curve\(index) with linespoints linewidth 2 pointtype \(index % 7 + 4) linecolor rgb '#\(colour)' "
                + "title '\(Self.quoted(curve.name))'"
        }
        lines.append("plot \(plots.joined(separator: ", \\\n    "))")
        return lines.joined(separator: "\n") + "\n"
    }

    /// Bytes are compared by their lengths; times, which differ by orders of magnitude, by their ratios.
    private var isOfBytes: Bool { unit.hasPrefix("B/") }

    /// A position on the axis: a round number in short.
    private static func label(_ position: Double) -> String {
        guard position == position.rounded(), abs(position) < 1e15 else { return TextTable.number(position) }
        let number = Int(position)
        if number >= 1_000_000 && number % 1_000_000 == 0 { return "\(number / 1_000_000) M" }
        return number >= 1_000 && number % 1_000 == 0 ? "\(number / 1_000) k" : "\(number)"
    }

    /// Two quotes stand for one.
    private static func quoted(_ text: String) -> String { text.replacingOccurrences(of: "'", with: "''") }
}
