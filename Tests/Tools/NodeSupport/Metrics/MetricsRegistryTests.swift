// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import NodeSupport
import Testing

@Suite struct MetricsRegistryTests {
    private func read(_ registry: MetricsRegistry) throws -> ExpositionGrammar {
        try ExpositionGrammar(String(decoding: registry.exposition(), as: UTF8.self))
    }

    @Test func writesTheDocumentedText() throws {
        let registry = MetricsRegistry()
        try registry.counters("b_total", help: "Bees.", labels: ["kind", "place"]).with("worker", "hive").increment(
            by: 3)
        try registry.gauge("a_bytes", help: "A.").set(1.5)
        let histogram = try registry.histogram("c_seconds", help: "C.", buckets: [0.1, 1])
        for value in [0.05, 0.1, 0.5, 7] { histogram.observe(value) }
        #expect(
            String(decoding: registry.exposition(), as: UTF8.self) == """
                # HELP a_bytes A.
                # TYPE a_bytes gauge
                a_bytes 1.5
                # HELP b_total Bees.
                # TYPE b_total counter
                b_total{kind="worker",place="hive"} 3
                # HELP c_seconds C.
                # TYPE c_seconds histogram
                c_seconds_bucket{le="0.1"} 2
                c_seconds_bucket{le="1"} 3
                c_seconds_bucket{le="+Inf"} 4
                c_seconds_sum 7.65
                c_seconds_count 4

                """)
    }

    /// The checker itself must fail on what breaks the format.
    @Test(arguments: [
        "# HELP a A.\n# TYPE a counter\na 1", "a 1\n", "# HELP a A.\n# TYPE a count\na 1\n",
        "# HELP a A.\n# TYPE a counter\nb 1\n", "# HELP a A.\n# TYPE a counter\na 1\na 2\n",
        "# HELP a A.\n# TYPE a counter\na one\n", "# HELP a A.\n# TYPE a counter\na{b=1} 1\n",
        "# HELP a A.\n# TYPE a counter\na{b=\"1} 1\n", "# HELP a A.\n# TYPE a counter\na{b=\"\\x\"} 1\n",
        "# HELP a A.\n# TYPE a counter\na{1=\"\"} 1\n", "# HELP a A.\n# TYPE a counter\na  1\n",
        "# HELP a A.\n# HELP a A.\n# TYPE a counter\na 1\n", "# HELP a A.\n# TYPE a gauge\na inf\n",
        "# HELP a A.\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
        "# HELP a A.\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
        "# HELP a A.\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 1\n",
    ])
    func theGrammarCatchesMutants(text: String) {
        #expect(throws: ExpositionGrammar.Fault.self) { try ExpositionGrammar(text) }
    }

    @Test func hostileLabelsAndHelpKeepTheGrammar() throws {
        let registry = MetricsRegistry()
        let values = ["", "\"", "\\", "\n", "\\n", "a\"} 1\nfake 2", "\r", "\u{0}", "ä🦆", "{}", ",", "a\\"]
        let family = try registry.counters("x_total", help: "line\nline \\ \"quoted\"", labels: ["v"])
        for value in values { family.with(value).increment() }
        let text = try read(registry)
        #expect(text.helps["x_total"] == "line\nline \\ \"quoted\"")
        #expect(text.samples.count == values.count)
        for value in values { #expect(text.value("x_total", ["v": value]) == 1) }
    }

    @Test(arguments: [
        (0.0, "0"), (-2, "-2"), (0.25, "0.25"), (1e15, "1000000000000000"), (1e16, "1e+16"), (.infinity, "+Inf"),
        (-.infinity, "-Inf"),
        (.nan, "NaN"), (1e300, "1e+300"), (123_456_789, "123456789"),
    ])
    func writesNumbers(value: Double, text: String) {
        #expect(PrometheusText.literal(value) == text)
    }

    @Test func countsFromManyThreadsAreExact() async throws {
        let registry = MetricsRegistry()
        let counter = try registry.counter("c_total", help: "")
        let gauge = try registry.gauge("g", help: "")
        let family = try registry.counters("f_total", help: "", labels: ["l"])
        let histogram = try registry.histogram("h", help: "", buckets: [1, 2, 3])
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for index in 0..<1_000 {
                        counter.increment()
                        gauge.add(index % 2 == 0 ? 2 : -1)
                        family.with("\((task + index) % 4)").increment()
                        histogram.observe(Double(index % 5))
                    }
                }
            }
        }
        #expect(counter.value == 8_000)
        #expect(gauge.value == 4_000)
        #expect(histogram.snapshot == .init(counts: [3_200, 1_600, 1_600, 1_600], sum: 16_000))
        let text = try read(registry)
        for label in 0..<4 { #expect(text.value("f_total", ["l": "\(label)"]) == 2_000) }
    }

    @Test func observesDurationsInSecondsAndIgnoresNonsense() throws {
        let histogram = try MetricsRegistry().histogram("h", help: "", buckets: [0.5, 1])
        histogram.observe(.milliseconds(500))
        histogram.observe(.milliseconds(501))
        histogram.observe(Double.nan)
        histogram.observe(.infinity)
        #expect(histogram.snapshot.counts == [1, 1, 1])
    }

    @Test func labelSetsAreBounded() throws {
        var limits = MetricsRegistry.Limits()
        limits.maximumLabelSets = 3
        limits.maximumLabelValueBytes = 5
        let registry = MetricsRegistry(limits: limits)
        let family = try registry.counters("x_total", help: "", labels: ["a", "b"])
        for index in 0..<100 { family.with("\(index)", "y").increment() }
        family.with("_other", "_other").increment()
        family.with("0", "y").increment()
        let text = try read(registry)
        #expect(text.samples.count == 4)
        #expect(text.value("x_total", ["a": "0", "b": "y"]) == 2)
        #expect(text.value("x_total", ["a": "_other", "b": "_other"]) == 98)
        #expect(MetricsRegistry.cut("aäöü", to: 5) == "aäö")
        #expect(MetricsRegistry.cut("🦆🦆", to: 3) == "")
    }

    @Test func theOverflowLabelCannotAppearTwice() throws {
        var limits = MetricsRegistry.Limits()
        limits.maximumLabelSets = 2
        let registry = MetricsRegistry(limits: limits)
        let family = try registry.counters("x_total", help: "", labels: ["a"])
        for value in ["_other", "1", "2", "3"] { family.with(value).increment() }
        #expect(try read(registry).value("x_total", ["a": "_other"]) == 2)
    }

    @Test func callbacksAreAskedEachTime() throws {
        let registry = MetricsRegistry()
        let source = try MetricsRegistry().counter("n", help: "")
        try registry.observe(.counter, "seen_total", help: "") { [.init([], Double(source.value))] }
        try registry.observe(.gauge, "sizes", help: "", labels: ["of"]) {
            [.init(["a"], 1), .init(["b"], 2), .init(["a"], 3), .init([], 4), .init(["c", "d"], 5)]
        }
        source.increment(by: 7)
        let text = try read(registry)
        #expect(text.value("seen_total") == 7)
        #expect(text.types["seen_total"] == "counter")
        #expect(text.value("sizes", ["of": "a"]) == 1)
        #expect(text.samples.count == 3)
        source.increment()
        #expect(try read(registry).value("seen_total") == 8)
    }

    @Test func theSameRegistrationGivesTheSameInstrument() throws {
        let registry = MetricsRegistry()
        #expect(try registry.counter("a", help: "") === registry.counter("a", help: ""))
        #expect(try registry.gauges("g", help: "", labels: ["x"]) === registry.gauges("g", help: "", labels: ["x"]))
        #expect(try registry.histogram("h", help: "") === registry.histogram("h", help: ""))
    }

    @Test func clashesAreRefused() throws {
        let registry = MetricsRegistry()
        _ = try registry.counter("a", help: "")
        _ = try registry.histogram("h", help: "")
        try registry.observe(.gauge, "o", help: "") { [] }
        let refused: [() throws -> Void] = [
            { _ = try registry.gauge("a", help: "") }, { _ = try registry.counters("a", help: "", labels: ["l"]) },
            { _ = try registry.counter("h_count", help: "") }, { _ = try registry.counter("h_bucket", help: "") },
            { _ = try registry.histogram("h", help: "", buckets: [1]) },
            { _ = try registry.gauge("o", help: "") }, { try registry.observe(.gauge, "o", help: "") { [] } },
            { try registry.observe(.counter, "a", help: "") { [] } },
        ]
        for attempt in refused {
            let error = #expect(throws: NodeError.self) { try attempt() }
            #expect(error?.code == .metricInvalid)
        }
    }

    @Test(arguments: ["", "1a", "a-b", "a b", "ä", "a\n"])
    func refusesBadNames(name: String) {
        #expect(throws: NodeError.self) { try MetricsRegistry().counter(name, help: "") }
        #expect(throws: NodeError.self) { try MetricsRegistry().counters("ok", help: "", labels: [name]) }
    }

    @Test func refusesReservedLabelsAndBadBuckets() {
        let registry = MetricsRegistry()
        for labels in [["__x"], ["a:b"], ["a", "a"]] {
            #expect(throws: NodeError.self) { try registry.counters("x", help: "", labels: labels) }
        }
        #expect(throws: NodeError.self) { try registry.histograms("x", help: "", labels: ["le"]) }
        for buckets in [[], [1, 1], [2, 1], [.infinity], [.nan], Array(stride(from: 0.0, to: 100, by: 1))] {
            #expect(throws: NodeError.self) { try registry.histogram("x", help: "", buckets: buckets) }
        }
    }

    @Test func familiesAreBounded() throws {
        var limits = MetricsRegistry.Limits()
        limits.maximumFamilies = 1
        let registry = MetricsRegistry(limits: limits)
        _ = try registry.counter("a", help: "")
        _ = try registry.counter("a", help: "")
        #expect(throws: NodeError.self) { try registry.counter("b", help: "") }
    }

    @Test func theProcessDescribesItself() throws {
        let registry = MetricsRegistry()
        try ProcessMetrics.register(in: registry)
        let text = try read(registry)
        #expect(try #require(text.value("process_resident_memory_bytes")) > 1_048_576)
        #expect(try #require(text.value("process_open_fds")) >= 3)
        #expect(try #require(text.value("process_max_fds")) >= 64)
        #expect(try #require(text.value("process_cpu_seconds_total")) > 0)
        let start = try #require(text.value("process_start_time_seconds"))
        let now = Double(LogTime.now().seconds)
        #expect(start > now - 86_400 && start < now + 60)
        #expect(throws: NodeError.self) { try ProcessMetrics.register(in: registry) }
    }
}
