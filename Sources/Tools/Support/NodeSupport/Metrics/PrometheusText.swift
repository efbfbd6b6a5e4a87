// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Writes the Prometheus text exposition format, version 0.0.4.
///
/// Per metric a `# HELP` and a `# TYPE` line, then its samples; every line ends in a line feed.
package struct PrometheusText {
    /// The media type of the format.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// What a metric is.
    enum Kind: String {
        case counter
        case gauge
        case histogram
    }

    /// The text so far.
    private(set) var bytes: [UInt8] = []

    /// Writes the two lines that introduce a metric.
    mutating func header(_ name: String, help: String, kind: Kind) {
        add("# HELP \(name) ")
        for byte in help.utf8 {
            switch byte {
            case 0x5C: add("\\\\")
            case 0x0A: add("\\n")
            default: bytes.append(byte)
            }
        }
        add("\n# TYPE \(name) \(kind.rawValue)\n")
    }

    /// Writes one sample.
    mutating func sample(_ name: String, labels: [(name: String, value: String)], literal: String) {
        add(name)
        if !labels.isEmpty {
            for (index, label) in labels.enumerated() {
                add(index == 0 ? "{" : ",")
                add(label.name)
                add("=\"")
                addEscaped(label.value)
                add("\"")
            }
            add("}")
        }
        add(" ")
        add(literal)
        add("\n")
    }

    /// A number as the format wants it: `+Inf`, `-Inf`, `NaN`, whole numbers without a fraction.
    static func literal(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value), abs(value) <= 9_007_199_254_740_992 { return String(whole) }
        return value.description
    }

    private mutating func add(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func addEscaped(_ value: String) {
        for byte in value.utf8 {
            switch byte {
            case 0x5C: add("\\\\")
            case 0x22: add("\\\"")
            case 0x0A: add("\\n")
            default: bytes.append(byte)
            }
        }
    }
}
