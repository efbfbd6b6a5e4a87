// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import IMAPCore
package import NodeSupport

/// What the server counts.
package struct IMAPServerMetrics: SessionMeter {
    let commands: MetricFamily<Counter>
    let seconds: MetricFamily<Histogram>
    let connections: Gauge
    let accepted: MetricFamily<Counter>
    let refused: MetricFamily<Counter>
    let logins: MetricFamily<Counter>
    let sentBytes: Counter
    let receivedBytes: Counter

    /// Declares the server's metrics.
    ///
    /// - Parameter registry: where they are shown.
    /// - Throws: ``NodeError`` if a metric of that name is shown already.
    package init(registry: MetricsRegistry) throws(NodeError) {
        commands = try registry.counters(
            "pluto_imap_commands_total", help: "Commands by name and status.", labels: ["command", "status"])
        seconds = try registry.histograms(
            "pluto_imap_command_seconds", help: "From a command's last byte to its tagged response, in seconds.",
            labels: ["command"])
        connections = try registry.gauge("pluto_imap_connections", help: "Connections that are open.")
        accepted = try registry.counters(
            "pluto_imap_connections_total", help: "Connections that were accepted, by listener.", labels: ["listener"])
        refused = try registry.counters(
            "pluto_imap_connections_refused_total", help: "Connections that met a limit, by limit.", labels: ["limit"])
        logins = try registry.counters("pluto_imap_logins_total", help: "Logins by outcome.", labels: ["outcome"])
        sentBytes = try registry.counter("pluto_imap_sent_bytes_total", help: "Octets sent, before TLS.")
        receivedBytes = try registry.counter("pluto_imap_received_bytes_total", help: "Octets received, after TLS.")
    }

    /// Counts a command; see ``SessionMeter``.
    package func finished(_ name: String, _ status: ResponseStatus, after duration: Duration) {
        let word: String
        switch status {
        case .ok: word = "ok"
        case .no: word = "no"
        case .bad: word = "bad"
        case .bye: word = "bye"
        case .preauth: word = "preauth"
        }
        commands.with(name, word).increment()
        let (seconds, attoseconds) = duration.components
        self.seconds.with(name).observe(Double(seconds) + Double(attoseconds) / 1e18)
    }

    /// Counts a login; see ``SessionMeter``.
    package func loggedIn(_ outcome: String) { logins.with(outcome).increment() }

    /// Counts what was sent; see ``SessionMeter``.
    package func sent(_ count: Int) { sentBytes.increment(by: UInt64(count)) }

    /// Counts what was received; see ``SessionMeter``.
    package func received(_ count: Int) { receivedBytes.increment(by: UInt64(count)) }
}
