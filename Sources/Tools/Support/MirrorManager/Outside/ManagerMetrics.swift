// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Hummingbird
internal import MirrorWire
internal import NodeSupport
internal import SyncJobs

/// The manager's metrics.
final class ManagerMetrics: Sendable {
    /// Each mirror has samples of its own.
    static var limits: MetricsRegistry.Limits {
        var limits = MetricsRegistry.Limits()
        limits.maximumLabelSets = 100_000
        return limits
    }

    let refused: Counter
    private let registry: MetricsRegistry
    private let requests: MetricFamily<Counter>
    private let durations: Histogram

    init(_ registry: MetricsRegistry, core: ManagerCore) throws(NodeError) {
        self.registry = registry
        requests = try registry.counters(
            "mirror_requests_total", help: "Requests by the status of the answer.", labels: ["status"])
        durations = try registry.histogram(
            "mirror_request_duration_seconds", help: "How long answers took to make.")
        refused = try registry.counter("mirror_requests_refused_total", help: "Requests without the needed token.")
        try ProcessMetrics.register(in: registry)
        try registry.observe(.gauge, "mirror_mirrors", help: "Mirrors by state.", labels: ["state"]) {
            let counts = core.read { $0.stateCounts() }
            return JobState.allCases.map { .init([$0.rawValue], Double(counts[$0] ?? 0)) }
        }
        try registry.observe(.gauge, "mirror_workers", help: "Workers by whether they are online.", labels: ["online"])
        {
            let online = core.read { $0.workers.values.reduce(into: [0, 0]) { $0[$1.isOnline ? 1 : 0] += 1 } }
            return [.init(["true"], Double(online[1])), .init(["false"], Double(online[0]))]
        }
        try registry.observe(
            .gauge, "mirror_last_success_timestamp_seconds", help: "When a mirror last succeeded; 0 for never.",
            labels: ["mirror", "worker"]
        ) {
            core.read { registry in
                registry.mirrors.map { key, entry in
                    let time = entry.record.status.lastUpdate
                    return .init([key.name, key.worker], time.isNever ? 0 : Double(time.seconds))
                }
            }
        }
        try registry.observe(
            .gauge, "mirror_failing", help: "1 for a mirror whose last run failed.", labels: ["mirror", "worker"]
        ) {
            core.read { registry in
                registry.mirrors.map { key, entry in
                    .init([key.name, key.worker], entry.record.status.status == .failed ? 1 : 0)
                }
            }
        }
    }

    /// Counts an answer.
    func count(_ status: Int, _ duration: Duration) {
        requests.with(String(status)).increment()
        durations.observe(duration)
    }

    /// The metrics in the Prometheus text format.
    func page() -> Response {
        .text(
            .ok, String(decoding: registry.exposition(), as: UTF8.self),
            type: "text/plain; version=0.0.4; charset=utf-8")
    }
}
