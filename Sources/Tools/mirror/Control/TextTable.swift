// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import MirrorWire

/// Columns of text, as wide as what is in them.
enum TextTable {
    /// Lays out a table.
    ///
    /// - Parameters:
    ///   - header: the names of the columns.
    ///   - rows: the cells; texts from outside are made harmless for terminals.
    /// - Returns: lines with a line feed each.
    static func render(_ header: [String], _ rows: [[String]]) -> String {
        let all = [header] + rows.map { row in row.map(Console.plain) }
        var widths = [Int](repeating: 0, count: header.count)
        for row in all { for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.count) } }
        var text = ""
        for row in all {
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - cell.count + 2) }
            }
            while line.last == " " { line.removeLast() }
            text += line + "\n"
        }
        return text
    }
}

/// Times for people at a terminal.
enum TimeText {
    /// How long ago a time was.
    static func age(_ time: WireTime, now: WireTime = .now()) -> String {
        time.isNever ? "never" : span(now.seconds - time.seconds) + " ago"
    }

    /// When a time will be.
    static func until(_ time: WireTime, now: WireTime = .now()) -> String {
        if time.isNever { return "-" }
        let left = time.seconds - now.seconds
        return left <= 0 ? "due" : "in " + span(left)
    }

    /// A span in one or two units.
    static func span(_ seconds: Int64) -> String {
        let units: [(String, Int64)] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)]
        let seconds = max(0, seconds)
        for (index, (name, length)) in units.enumerated() where seconds >= length || name == "s" {
            let count = seconds / length
            guard index + 1 < units.count, count < 10 else { return "\(count) \(name)" }
            let (small, part) = units[index + 1]
            let rest = (seconds - count * length) / part
            return rest > 0 ? "\(count) \(name) \(rest) \(small)" : "\(count) \(name)"
        }
        return "0 s"
    }
}
