// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport

/// What a node counts of its front links.
package struct FrontServerMetrics: Sendable {
    let opened: MetricFamily<Counter>
    let refused: MetricFamily<Counter>
    let sessions: Gauge
    let healthLinks: Gauge

    /// Declares the metrics.
    ///
    /// - Parameter registry: where they are shown.
    /// - Throws: ``NodeError`` if a metric of that name is shown already.
    package init(registry: MetricsRegistry) throws(NodeError) {
        opened = try registry.counters(
            "pluto_front_sessions_total", help: "Sessions that distributors opened, new ones and carried over.",
            labels: ["kind"])
        refused = try registry.counters(
            "pluto_front_refused_total", help: "Front links and sessions that were refused, by reason.",
            labels: ["reason"])
        sessions = try registry.gauge("pluto_front_sessions", help: "Sessions of distributors that are open.")
        healthLinks = try registry.gauge(
            "pluto_front_health_links", help: "Links over which distributors watch this node.")
    }
}
