// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport

/// What is measured of replication; one for all groups of a process, which are told apart by a label.
package struct ReplicationMetrics: Sendable {
    let linkUp: MetricFamily<Gauge>
    let reachable: MetricFamily<Gauge>
    let writable: MetricFamily<Gauge>
    let lagOperations: MetricFamily<Gauge>
    let lagBytes: MetricFamily<Gauge>
    let lagSeconds: MetricFamily<Gauge>
    let windowBytes: MetricFamily<Gauge>
    let clockLead: MetricFamily<Gauge>
    let bytes: MetricFamily<Counter>
    let messages: MetricFamily<Counter>
    let established: MetricFamily<Counter>
    let failedDials: MetricFamily<Counter>
    let refusals: MetricFamily<Counter>
    let linkEnds: MetricFamily<Counter>
    let rejected: MetricFamily<Counter>
    let deliveryFailures: MetricFamily<Counter>
    let overflows: MetricFamily<Counter>
    let bodyMismatches: MetricFamily<Counter>
    let snapshots: MetricFamily<Counter>
    let divergences: MetricFamily<Counter>
    let repairs: MetricFamily<Counter>
    let storeTroubles: MetricFamily<Counter>
    let receivedOperations: MetricFamily<Gauge>
    let missingBodies: MetricFamily<Gauge>

    /// Declares the metrics, or finds them declared.
    ///
    /// - Parameter registry: where they are shown.
    /// - Throws: ``NodeError`` if a name is taken by another metric.
    package init(registry: MetricsRegistry) throws(NodeError) {
        let peer = ["group", "peer"]
        let way = ["group", "peer", "direction"]
        linkUp = try registry.gauges(
            "pluto_replication_link_up", help: "1 while operations can flow to (send) or from (receive) the peer.",
            labels: way)
        reachable = try registry.gauges(
            "pluto_replication_peer_reachable", help: "1 while the peer is heard.", labels: peer)
        writable = try registry.gauges(
            "pluto_replication_peer_writable", help: "0 while the peer says that it cannot write.", labels: peer)
        lagOperations = try registry.gauges(
            "pluto_replication_lag_operations", help: "Operations that one side has and the other lacks.", labels: way)
        lagBytes = try registry.gauges(
            "pluto_replication_lag_bytes", help: "Octets of log that are still to be read and sent.", labels: way)
        lagSeconds = try registry.gauges(
            "pluto_replication_lag_seconds", help: "Age of the oldest operation that the other side lacks.",
            labels: way)
        windowBytes = try registry.gauges(
            "pluto_replication_window_bytes", help: "Octets under way to the peer.", labels: peer)
        clockLead = try registry.gauges(
            "pluto_replication_clock_lead_seconds", help: "Lead of the peer's clock over this node's.", labels: peer)
        bytes = try registry.counters(
            "pluto_replication_bytes_total", help: "Octets of messages on links, before TLS.", labels: way)
        messages = try registry.counters(
            "pluto_replication_messages_total", help: "Messages on links.", labels: way)
        established = try registry.counters(
            "pluto_replication_links_total", help: "Links that came up; all but the first are reconnections.",
            labels: way)
        failedDials = try registry.counters(
            "pluto_replication_failed_dials_total", help: "Attempts to reach a peer that came to nothing.",
            labels: ["group", "peer", "fault"])
        refusals = try registry.counters(
            "pluto_replication_refusals_total", help: "Links that this node or the peer refused, by reason.",
            labels: ["group", "peer", "by", "reason"])
        linkEnds = try registry.counters(
            "pluto_replication_link_ends_total", help: "Links that ended, by fault.",
            labels: ["group", "peer", "fault"])
        rejected = try registry.counters(
            "pluto_replication_rejected_connections_total",
            help: "Connections that were turned away before they became links, by fault.", labels: ["group", "fault"])
        deliveryFailures = try registry.counters(
            "pluto_replication_delivery_failures_total", help: "Frames that were refused, by reason.",
            labels: ["group", "peer", "reason"])
        overflows = try registry.counters(
            "pluto_replication_overflows_total", help: "Frames that did not fit into the causal buffer.", labels: peer)
        bodyMismatches = try registry.counters(
            "pluto_replication_body_mismatches_total", help: "Bodies that came with another hash.", labels: peer)
        snapshots = try registry.counters(
            "pluto_replication_snapshots_total", help: "Snapshots by outcome.", labels: ["group", "peer", "outcome"])
        divergences = try registry.counters(
            "pluto_replication_digest_mismatches_total", help: "Accounts that differed at equal vectors.",
            labels: ["group"])
        repairs = try registry.counters(
            "pluto_replication_repairs_total", help: "Accounts that were fetched again.", labels: ["group"])
        storeTroubles = try registry.counters(
            "pluto_replication_store_failures_total", help: "What the store could not do for replication.",
            labels: ["group"])
        receivedOperations = try registry.gauges(
            "pluto_replication_received_operations", help: "Operations that came from peers since the start.",
            labels: ["group"])
        missingBodies = try registry.gauges(
            "pluto_replication_missing_bodies", help: "Bodies that are being fetched.", labels: ["group"])
    }
}
