// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import MailStore
internal import NodeSupport

/// What is measured of the stores of a node's groups: the counts of a single store, with the group as a label.
enum GroupStoreMetrics {
    /// Shows the stores' counts.
    ///
    /// - Parameters:
    ///   - stores: The stores by their groups' names.
    ///   - registry: Where they are shown.
    /// - Throws: ``NodeError`` if a metric of that name is shown already.
    static func register(_ stores: [(name: String, store: MailStore)], in registry: MetricsRegistry) throws(NodeError) {
        let counts: [(String, String, @Sendable (LogCounts) -> Double)] = [
            ("pluto_log_commits_total", "Group commits of the log.", { Double($0.commits) }),
            ("pluto_log_syncs_total", "Calls of fdatasync on the log.", { Double($0.syncs) }),
            (
                "pluto_log_units_total", "Units made durable: one for each command that changes something.",
                { Double($0.units) }
            ),
            ("pluto_log_bytes_total", "Octets written to the log.", { Double($0.bytes) }),
            ("pluto_log_failures_total", "Group commits that failed.", { Double($0.failures) }),
            ("pluto_log_sync_seconds_total", "Seconds spent in fdatasync.", { $0.syncSeconds }),
        ]
        for (name, help, count) in counts {
            try registry.observe(.counter, name, help: help, labels: ["group"]) {
                stores.map { MetricsRegistry.Sample([$0.name], count($0.store.logCounts)) }
            }
        }
        try registry.observe(
            .gauge, "pluto_store_writable", help: "0 while the store cannot write: its disk is full or fails.",
            labels: ["group"]
        ) { stores.map { MetricsRegistry.Sample([$0.name], $0.store.isWritable ? 1 : 0) } }
        try registerUIDs(stores, in: registry)
    }

    private static func registerUIDs(
        _ stores: [(name: String, store: MailStore)], in registry: MetricsRegistry
    ) throws(NodeError) {
        let counts: [(String, String, @Sendable (UIDCounts) -> UInt64)] = [
            (
                "pluto_uid_assignments_total", "Messages that got a UID here after they had waited for it.",
                { $0.assignments }
            ),
            (
                "pluto_uid_reissues_total",
                "Messages that got another UID in place of one that did not count any more.",
                { $0.concurrency.reissues }
            ),
            (
                "pluto_uid_epochs_total", "Epochs of UIDs that were opened or handed over, here and elsewhere.",
                { $0.concurrency.epochs }
            ),
            ("pluto_uid_take_overs_total", "Mailboxes that this node took over.", { $0.takeOvers }),
            ("pluto_uid_hand_overs_total", "Mailboxes that this node handed over.", { $0.handOvers }),
            ("pluto_uid_merges_total", "Split brains that this node healed.", { $0.merges }),
            (
                "pluto_uid_waits_in_vain_total",
                "Writes that waited for a UID of another node as long as they may, and answered without.",
                { $0.waitsInVain }
            ),
            (
                "pluto_conflicts_total", "Operations that met the outcome of a concurrent one.",
                { $0.concurrency.conflicts }
            ),
        ]
        for (name, help, count) in counts {
            try registry.observe(.counter, name, help: help, labels: ["group"]) {
                stores.map { MetricsRegistry.Sample([$0.name], Double(count($0.store.uidCounts))) }
            }
        }
    }
}
