// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Reads the Prometheus text format 0.0.4 by its grammar, independently of the code that writes it.
///
///     line    = help / type / sample
///     help    = "# HELP " name " " *escaped
///     type    = "# TYPE " name " " kind
///     sample  = name [ "{" label *("," label) "}" ] " " number
///     label   = name "=" DQUOTE *escaped DQUOTE
struct ExpositionGrammar {
    struct Sample: Equatable {
        var name: String
        var labels: [String: String]
        var value: Double
    }

    struct Fault: Error {
        let line: String
        let reason: String
    }

    private(set) var types: [String: String] = [:]
    private(set) var helps: [String: String] = [:]
    private(set) var samples: [Sample] = []

    init(_ text: String) throws {
        guard text.isEmpty || text.hasSuffix("\n") else { throw Fault(line: text, reason: "no line feed at the end") }
        var family = ""
        for line in text.unicodeScalars.split(separator: "\n") {
            let line = String(line)
            if line.hasPrefix("# HELP ") {
                let parts = line.dropFirst(7).split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, Self.isName(parts[0]) else { throw Fault(line: line, reason: "help") }
                family = String(parts[0])
                guard helps.updateValue(try Self.unescape(parts[1], in: line), forKey: family) == nil else {
                    throw Fault(line: line, reason: "second help")
                }
            } else if line.hasPrefix("# TYPE ") {
                let parts = line.dropFirst(7).split(separator: " ", omittingEmptySubsequences: false)
                guard parts.count == 2, parts[0] == family, ["counter", "gauge", "histogram"].contains(parts[1]),
                    types.updateValue(String(parts[1]), forKey: family) == nil
                else { throw Fault(line: line, reason: "type") }
            } else {
                let sample = try Self.sample(line)
                let kind = types[family]
                let suffixes = kind == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
                guard suffixes.contains(where: { sample.name == family + $0 }) else {
                    throw Fault(line: line, reason: "not of the family \(family)")
                }
                if samples.contains(where: { $0.name == sample.name && $0.labels == sample.labels }) {
                    throw Fault(line: line, reason: "appears twice")
                }
                samples.append(sample)
            }
        }
        try checkHistograms()
    }

    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        samples.first { $0.name == name && $0.labels == labels }?.value
    }

    /// Buckets grow, end in `+Inf`, and `+Inf` equals the count.
    private func checkHistograms() throws {
        for (family, kind) in types where kind == "histogram" {
            for count in samples where count.name == "\(family)_count" {
                let buckets = samples.filter { sample in
                    var rest = sample.labels
                    return sample.name == "\(family)_bucket" && rest.removeValue(forKey: "le") != nil
                        && rest == count.labels
                }
                let bounds = buckets.compactMap { $0.labels["le"].flatMap(Self.number) }
                guard bounds.count == buckets.count, bounds == bounds.sorted(), bounds.last == .infinity,
                    buckets.map(\.value) == buckets.map(\.value).sorted(), buckets.last?.value == count.value,
                    value("\(family)_sum", count.labels) != nil
                else { throw Fault(line: family, reason: "histogram") }
            }
        }
    }

    private static func sample(_ line: String) throws -> Sample {
        var rest = Substring(line)
        let name = rest.prefix { $0 != "{" && $0 != " " }
        guard isName(name) else { throw Fault(line: line, reason: "name") }
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.hasPrefix("{") {
            repeat {
                rest = rest.dropFirst()
                let label = rest.prefix { $0 != "=" }
                guard isName(label), !label.contains(":") else { throw Fault(line: line, reason: "label") }
                rest = rest.dropFirst(label.count)
                guard rest.hasPrefix("=\"") else { throw Fault(line: line, reason: "label's value") }
                rest = rest.dropFirst(2)
                var raw = ""
                while let scalar = rest.unicodeScalars.first, scalar != "\"" {
                    raw.unicodeScalars.append(scalar)
                    rest = Substring(rest.unicodeScalars.dropFirst())
                    if scalar == "\\", let next = rest.unicodeScalars.first {
                        raw.unicodeScalars.append(next)
                        rest = Substring(rest.unicodeScalars.dropFirst())
                    }
                }
                guard rest.unicodeScalars.first == "\"" else { throw Fault(line: line, reason: "open quote") }
                rest = Substring(rest.unicodeScalars.dropFirst())
                guard labels.updateValue(try unescape(Substring(raw), in: line), forKey: String(label)) == nil else {
                    throw Fault(line: line, reason: "label twice")
                }
            } while rest.hasPrefix(",")
            guard rest.hasPrefix("}") else { throw Fault(line: line, reason: "brace") }
            rest = rest.dropFirst()
        }
        guard rest.hasPrefix(" "), let value = number(String(rest.dropFirst())) else {
            throw Fault(line: line, reason: "number")
        }
        return Sample(name: String(name), labels: labels, value: value)
    }

    private static func number(_ text: String) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        default: text.first.map { $0.isNumber || $0 == "-" } == true ? Double(text) : nil
        }
    }

    private static func unescape(_ text: Substring, in line: String) throws -> String {
        var result = ""
        var scalars = text.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            guard scalar == "\\" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            switch scalars.next() {
            case "n": result.append("\n")
            case "\\": result.append("\\")
            case "\"": result.append("\"")
            default: throw Fault(line: line, reason: "escape")
            }
        }
        return result
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.unicodeScalars.first, !("0"..."9").contains(first) else { return false }
        return text.unicodeScalars.allSatisfy {
            ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0) || $0 == "_" || $0 == ":"
        }
    }
}
