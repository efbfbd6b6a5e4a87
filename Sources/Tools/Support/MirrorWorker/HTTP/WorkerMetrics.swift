// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import NodeSupport

/// Registers what the worker counts.
enum WorkerMetrics {
    /// Registers numbers that are asked for when they are read.
    ///
    /// - Throws: `NodeError` for a clashing name.
    static func register(
        in registry: MetricsRegistry, view: WorkerView, outbox: Outbox, links: LinkSet
    ) throws(NodeError) {
        try ProcessMetrics.register(in: registry)
        try registry.observe(.gauge, "mirror_worker_jobs", help: "Mirrors that the worker has.") {
            [MetricsRegistry.Sample([], Double(view.counts.jobs))]
        }
        try registry.observe(.gauge, "mirror_worker_running", help: "Runs that are under way.") {
            [MetricsRegistry.Sample([], Double(view.counts.running))]
        }
        try registry.observe(.gauge, "mirror_worker_waiting", help: "Mirrors that are due and wait.") {
            [MetricsRegistry.Sample([], Double(view.counts.waiting))]
        }
        try registry.observe(
            .gauge, "mirror_worker_untold_events", help: "Events that some manager was not told yet."
        ) {
            [MetricsRegistry.Sample([], Double(outbox.pendingCount))]
        }
        try registry.observe(
            .gauge, "mirror_worker_state_writable", help: "1 when the worker's state can be written."
        ) {
            [MetricsRegistry.Sample([], outbox.failure == nil ? 1 : 0)]
        }
        try registry.observe(
            .gauge, "mirror_worker_manager_connected", help: "1 when the manager is told what happens.",
            labels: ["manager"]
        ) {
            links.reports.map { MetricsRegistry.Sample([$0.manager], $0.report.isConnected ? 1 : 0) }
        }
        try registry.observe(
            .counter, "mirror_worker_registrations_total", help: "How often the worker registered with a manager.",
            labels: ["manager"]
        ) {
            links.reports.map { MetricsRegistry.Sample([$0.manager], Double($0.report.registrations)) }
        }
    }
}
