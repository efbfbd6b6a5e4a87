// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// How replicas exchange what was written; section `[Replication]`.
package struct ReplicationSettings: Hashable, Sendable {
    /// The most unacknowledged bytes on one link, the same at all nodes; key `WindowBytes`.
    package var windowBytes = 1 << 20
    /// The bytes of log that are kept for an absent member; key `RetentionBytes`.
    package var retentionBytes = 1 << 30
    /// How long an APPEND, COPY or MOVE waits for its UIDs when another replica assigns them, in milliseconds; key
    /// `AssignmentWaitMilliseconds`.
    package var assignmentWaitMilliseconds = 500
    /// How long a session that begins waits for what peers have and this replica still lacks, in milliseconds; key
    /// `SessionWaitMilliseconds`.
    package var sessionWaitMilliseconds = 300
    /// How long a member is not heard before it counts as unreachable, in milliseconds; key
    /// `UnreachableAfterMilliseconds`.
    package var unreachableAfterMilliseconds = 3_000
    /// The longest time without a sign of life on a link, in milliseconds; key `PresenceIntervalMilliseconds`.
    package var presenceIntervalMilliseconds = 500
    /// The largest lead of a peer's clock that is believed, in seconds; key `MaximumClockLeadSeconds`.
    package var maximumClockLeadSeconds = 300
    /// The operations that a new replica may lack before it takes a snapshot; key `SnapshotLagOperations`.
    package var snapshotLagOperations = 200_000

    /// The documented defaults.
    package init() {}
}
