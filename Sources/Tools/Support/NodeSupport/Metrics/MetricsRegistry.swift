// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// The metrics of one process; made by whoever starts it and passed on, never global.
///
/// Register at start-up, keep the instruments, count on them from any thread. ``exposition()`` writes them all in the
/// Prometheus text format. Registering the same name with the same kind, labels and buckets again gives the same
/// instruments.
package final class MetricsRegistry: Sendable {
    /// What bounds the memory of the metrics.
    package struct Limits: Hashable, Sendable {
        /// The most metric names.
        package var maximumFamilies = 512
        /// The most label sets of one name; further ones share one instrument.
        package var maximumLabelSets = 256
        /// The most bytes of a label's value; longer ones are cut.
        package var maximumLabelValueBytes = 128
        /// The most buckets of a histogram.
        package var maximumBuckets = 64

        /// The documented defaults.
        package init() {}
    }

    /// One sample that a callback gives.
    package struct Sample: Sendable {
        /// One value per label, in the order of the labels that were registered.
        package let labelValues: [String]
        /// The number.
        package let value: Double

        /// Creates a sample.
        ///
        /// - Parameters:
        ///   - labelValues: One value per label.
        ///   - value: The number.
        package init(_ labelValues: [String] = [], _ value: Double) {
            self.labelValues = labelValues
            self.value = value
        }
    }

    /// What a callback's numbers are.
    package enum ObservedKind: Hashable, Sendable {
        /// They only grow while the process lives.
        case counter
        /// They go up and down.
        case gauge
    }

    private struct Entry {
        let help: String
        let kind: PrometheusText.Kind
        let labelNames: [String]
        let buckets: [Double]
        let source: Source
    }

    private enum Source {
        case counters(MetricFamily<Counter>)
        case gauges(MetricFamily<Gauge>)
        case histograms(MetricFamily<Histogram>)
        case observed(@Sendable () -> [Sample])
    }

    private let limits: Limits
    private let entries = Mutex<[String: Entry]>([:])

    /// Creates an empty registry.
    ///
    /// - Parameter limits: What bounds its memory.
    package init(limits: Limits = Limits()) {
        self.limits = limits
    }

    // MARK: Registering

    /// Registers a counter without labels.
    ///
    /// - Parameters:
    ///   - name: The metric's name; by convention it ends in `_total`.
    ///   - help: One line for a person.
    /// - Returns: The counter.
    /// - Throws: ``NodeError`` with `metricInvalid` for a bad or clashing name.
    package func counter(_ name: String, help: String) throws(NodeError) -> Counter {
        try counters(name, help: help, labels: []).with(values: [])
    }

    /// Registers a counter with labels.
    ///
    /// - Parameters:
    ///   - name: The metric's name; by convention it ends in `_total`.
    ///   - help: One line for a person.
    ///   - labels: The names of the labels.
    /// - Returns: The family.
    /// - Throws: ``NodeError`` with `metricInvalid` for a bad or clashing name or label.
    package func counters(_ name: String, help: String, labels: [String]) throws(NodeError) -> MetricFamily<Counter> {
        let limits = limits
        let source = try register(name, help: help, kind: .counter, labels: labels) {
            .counters(MetricFamily(name: name, labelNames: labels, limits: limits) { Counter() })
        }
        guard case .counters(let family) = source else { throw Self.clash(name) }
        return family
    }

    /// Registers a gauge without labels.
    ///
    /// - Parameters:
    ///   - name: The metric's name, with its unit.
    ///   - help: One line for a person.
    /// - Returns: The gauge.
    /// - Throws: ``NodeError`` with `metricInvalid` for a bad or clashing name.
    package func gauge(_ name: String, help: String) throws(NodeError) -> Gauge {
        try gauges(name, help: help, labels: []).with(values: [])
    }

    /// Registers a gauge with labels.
    ///
    /// - Parameters:
    ///   - name: The metric's name, with its unit.
    ///   - help: One line for a person.
    ///   - labels: The names of the labels.
    /// - Returns: The family.
    /// - Throws: ``NodeError`` with `metricInvalid` for a bad or clashing name or label.
    package func gauges(_ name: String, help: String, labels: [String]) throws(NodeError) -> MetricFamily<Gauge> {
        let limits = limits
        let source = try register(name, help: help, kind: .gauge, labels: labels) {
            .gauges(MetricFamily(name: name, labelNames: labels, limits: limits) { Gauge() })
        }
        guard case .gauges(let family) = source else { throw Self.clash(name) }
        return family
    }

    /// Registers a histogram without labels.
    ///
    /// - Parameters:
    ///   - name: The metric's name, with its unit.
    ///   - help: One line for a person.
    ///   - buckets: Finite, strictly growing upper bounds; `+Inf` is added.
    /// - Returns: The histogram.
    /// - Throws: ``NodeError`` with `metricInvalid` for a bad or clashing name or bad buckets.
    package func histogram(
        _ name: String, help: String, buckets: [Double] = Histogram.latencyBuckets
    ) throws(NodeError) -> Histogram {
        try histograms(name, help: help, labels: [], buckets: buckets).with(values: [])
    }

    /// Registers a histogram with labels.
    ///
    /// - Parameters:
    ///   - name: The metric's name, with its unit.
    ///   - help: One line for a person.
    ///   - labels: The names of the labels; `le` is taken.
    ///   - buckets: Finite, strictly growing upper bounds; `+Inf` is added.
    /// - Returns: The family.
    /// - Throws: ``NodeError`` with `metricInvalid` for a bad or clashing name or label or bad buckets.
    package func histograms(
        _ name: String, help: String, labels: [String], buckets: [Double] = Histogram.latencyBuckets
    ) throws(NodeError) -> MetricFamily<Histogram> {
        guard (1...limits.maximumBuckets).contains(buckets.count), buckets.allSatisfy(\.isFinite),
            zip(buckets, buckets.dropFirst()).allSatisfy({ $0 < $1 })
        else {
            throw NodeError(
                .metricInvalid,
                "metric \(name): give 1 to \(limits.maximumBuckets) finite, strictly growing bucket bounds")
        }
        let limits = limits
        let source = try register(name, help: help, kind: .histogram, labels: labels, buckets: buckets) {
            .histograms(
                MetricFamily(name: name, labelNames: labels, limits: limits) { Histogram(bounds: buckets) })
        }
        guard case .histograms(let family) = source else { throw Self.clash(name) }
        return family
    }

    /// Registers numbers that are asked for each time the metrics are read.
    ///
    /// - Parameters:
    ///   - kind: What the numbers are.
    ///   - name: The metric's name, with its unit.
    ///   - help: One line for a person.
    ///   - labels: The names of the labels.
    ///   - samples: Gives the samples; called on the metrics server's event loop, so it must not block. Samples with a
    ///     wrong number
    ///     of label values and samples beyond the limit are left out.
    /// - Throws: ``NodeError`` with `metricInvalid` for a bad or clashing name or label.
    package func observe(
        _ kind: ObservedKind, _ name: String, help: String, labels: [String] = [],
        samples: @escaping @Sendable () -> [Sample]
    ) throws(NodeError) {
        let kind: PrometheusText.Kind = kind == .counter ? .counter : .gauge
        var isNew = false
        _ = try register(name, help: help, kind: kind, labels: labels) {
            isNew = true
            return .observed(samples)
        }
        if !isNew { throw Self.clash(name) }
    }

    // MARK: Reading

    /// All metrics in the Prometheus text exposition format, version 0.0.4, in the order of their names.
    ///
    /// - Returns: UTF-8 text.
    package func exposition() -> [UInt8] {
        let all = entries.withLock { $0 }.sorted { $0.key < $1.key }
        var text = PrometheusText()
        for (name, entry) in all {
            text.header(name, help: entry.help, kind: entry.kind)
            switch entry.source {
            case .counters(let family): Self.write(family, to: &text)
            case .gauges(let family): Self.write(family, to: &text)
            case .histograms(let family): Self.write(family, to: &text)
            case .observed(let samples): write(samples(), of: name, labelNames: entry.labelNames, to: &text)
            }
        }
        return text.bytes
    }

    private static func write<Member>(_ family: MetricFamily<Member>, to text: inout PrometheusText) {
        for (values, member) in family.sorted {
            let labels = zip(family.labelNames, values).map { (name: $0, value: $1) }
            member.write(name: family.name, labels: labels, to: &text)
        }
    }

    private func write(_ samples: [Sample], of name: String, labelNames: [String], to text: inout PrometheusText) {
        var seen: Set<[String]> = []
        for sample in samples where sample.labelValues.count == labelNames.count {
            let values = sample.labelValues.map { Self.cut($0, to: limits.maximumLabelValueBytes) }
            guard seen.count < limits.maximumLabelSets, seen.insert(values).inserted else { continue }
            let labels = zip(labelNames, values).map { (name: $0, value: $1) }
            text.sample(name, labels: labels, literal: PrometheusText.literal(sample.value))
        }
    }

    // MARK: Checks

    private func register(
        _ name: String, help: String, kind: PrometheusText.Kind, labels: [String], buckets: [Double] = [],
        make: () -> Source
    ) throws(NodeError) -> Source {
        try Self.check(name, labels: labels, kind: kind)
        let limits = limits
        return try entries.withLock { entries throws(NodeError) in
            if let known = entries[name] {
                guard known.kind == kind, known.labelNames == labels, known.buckets == buckets else {
                    throw Self.clash(name)
                }
                return known.source
            }
            let taken = Self.sampleNames(name, kind: kind)
            for (other, entry) in entries where !taken.isDisjoint(with: Self.sampleNames(other, kind: entry.kind)) {
                throw Self.clash(name)
            }
            guard entries.count < limits.maximumFamilies else {
                throw NodeError(
                    .metricInvalid,
                    "metric \(name): there are already \(limits.maximumFamilies) metrics; raise maximumFamilies")
            }
            let source = make()
            entries[name] = Entry(help: help, kind: kind, labelNames: labels, buckets: buckets, source: source)
            return source
        }
    }

    private static func sampleNames(_ name: String, kind: PrometheusText.Kind) -> Set<String> {
        switch kind {
        case .counter, .gauge: [name]
        case .histogram: [name, "\(name)_bucket", "\(name)_sum", "\(name)_count"]
        }
    }

    private static func clash(_ name: String) -> NodeError {
        NodeError(.metricInvalid, "metric \(name): the name is taken by a metric of another kind, labels or buckets")
    }

    /// `metric = (ALPHA / "_" / ":") *(ALPHA / DIGIT / "_" / ":")`; a label has no colon and does not begin with two
    /// underscores.
    private static func check(_ name: String, labels: [String], kind: PrometheusText.Kind) throws(NodeError) {
        guard isName(name, allowsColon: true) else {
            throw NodeError(.metricInvalid, "\"\(name)\" is not a metric name; use letters, digits, _ and :")
        }
        for label in labels {
            guard isName(label, allowsColon: false), !label.hasPrefix("__"), !(kind == .histogram && label == "le")
            else {
                throw NodeError(
                    .metricInvalid, "metric \(name): \"\(label)\" is not a label name; use letters, digits and _")
            }
        }
        guard Set(labels).count == labels.count else {
            throw NodeError(.metricInvalid, "metric \(name): a label is named twice")
        }
    }

    private static func isName(_ text: String, allowsColon: Bool) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
            case 0x3A: allowsColon
            default: false
            }
        }
    }

    /// Cuts a text to at most so many bytes, between characters.
    static func cut(_ text: String, to limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var cut = ""
        for scalar in text.unicodeScalars {
            guard cut.utf8.count + UTF8.width(scalar) <= limit else { break }
            cut.unicodeScalars.append(scalar)
        }
        return cut
    }
}
