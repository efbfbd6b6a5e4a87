// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import NodeSupport

/// What is counted about the user database.
package struct UserDatabaseMetrics: Sendable {
    private let lookups: MetricFamily<Counter>
    private let seconds: Histogram
    private let connections: Gauge
    private let attempts: MetricFamily<Counter>

    /// Declares the metrics.
    ///
    /// - Parameter registry: Where they are shown.
    /// - Throws: ``NodeError`` if a metric of that name is shown already.
    package init(registry: MetricsRegistry) throws(NodeError) {
        lookups = try registry.counters(
            "pluto_user_database_lookups_total", help: "Questions to the user database by outcome.",
            labels: ["outcome"])
        seconds = try registry.histogram(
            "pluto_user_database_lookup_seconds",
            help: "From the moment when a thread takes a question to its answer, in seconds.")
        connections = try registry.gauge(
            "pluto_user_database_connections", help: "Connections to the user database that are open.")
        attempts = try registry.counters(
            "pluto_user_database_connects_total", help: "Attempts to connect to the user database by outcome.",
            labels: ["outcome"])
    }

    func answered(_ answer: UserDatabase.Answer, after duration: Duration) {
        let outcome =
            switch answer {
            case .success(let rows): rows.isEmpty ? "absent" : "found"
            case .failure: "failed"
            }
        lookups.with(outcome).increment()
        seconds.observe(duration)
    }

    func connected() {
        attempts.with("connected").increment()
        connections.add(1)
    }

    func failedToConnect() { attempts.with("failed").increment() }

    func disconnected() { connections.add(-1) }
}
