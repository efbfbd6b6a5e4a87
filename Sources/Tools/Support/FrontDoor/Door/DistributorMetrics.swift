// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import IMAPCore
internal import IMAPService
package import NodeSupport

/// What a distributor counts; the first two keep the names and labels that the original gave them.
package struct DistributorMetrics: SessionMeter {
    let commands: MetricFamily<Counter>
    let accepted: Counter
    let connections: Gauge
    let refused: MetricFamily<Counter>
    let logins: MetricFamily<Counter>
    let failOvers: MetricFamily<Counter>
    let sentBytes: Counter
    let receivedBytes: Counter
    /// From the wish for a session to the node's word that it has begun.
    let linkSeconds: Histogram
    private let registry: MetricsRegistry

    /// Declares the metrics.
    ///
    /// - Parameter registry: where they are shown.
    /// - Throws: ``NodeError`` if a metric of that name is shown already.
    package init(registry: MetricsRegistry) throws(NodeError) {
        self.registry = registry
        commands = try registry.counters(
            "pluto_distributor_commands_total", help: "Commands by name and status.", labels: ["command", "status"])
        accepted = try registry.counter(
            "pluto_distributor_connections_total", help: "Connections of clients that were accepted.")
        connections = try registry.gauge(
            "pluto_distributor_connections", help: "Connections of clients that are open.")
        refused = try registry.counters(
            "pluto_distributor_refused_total", help: "Connections of clients that were refused, by reason.",
            labels: ["reason"])
        logins = try registry.counters(
            "pluto_distributor_logins_total", help: "Logins by outcome.", labels: ["outcome"])
        failOvers = try registry.counters(
            "pluto_distributor_failovers_total",
            help: "Sessions that lost their node: carried over to another, moved at its wish, or closed.",
            labels: ["outcome"])
        sentBytes = try registry.counter(
            "pluto_distributor_sent_bytes_total", help: "Octets sent to clients, before TLS.")
        receivedBytes = try registry.counter(
            "pluto_distributor_received_bytes_total", help: "Octets received from clients, after TLS.")
        linkSeconds = try registry.histogram(
            "pluto_distributor_link_seconds", help: "How long it took to open a session at a node, in seconds.")
    }

    /// Shows the health of nodes.
    func observe(_ monitor: HealthMonitor) throws(NodeError) {
        try registry.observe(
            .gauge, "pluto_distributor_node_up", help: "Whether a node answers: 1 when it does, 0 when it does not.",
            labels: ["node", "address"]
        ) {
            monitor.all.map { .init([$0.node.name, "\($0.node.address)"], $0.health == .up ? 1 : 0) }
        }
    }

    /// Counts a command: OK is success, everything else is failure.
    package func finished(_ name: String, _ status: ResponseStatus, after duration: Duration) {
        commands.with(name, status == .ok ? "success" : "failure").increment()
    }

    /// Counts a login; see ``SessionMeter``.
    package func loggedIn(_ outcome: String) { logins.with(outcome).increment() }

    /// Counts what was sent; see ``SessionMeter``.
    package func sent(_ count: Int) { sentBytes.increment(by: UInt64(count)) }

    /// Counts what was received; see ``SessionMeter``.
    package func received(_ count: Int) { receivedBytes.increment(by: UInt64(count)) }
}
