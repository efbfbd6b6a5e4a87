// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a replication machine reports for log and metrics: each event names the peer's node, not a link.
public enum PeerEvent: Sendable {
    /// Both greetings fit; operations can flow.
    case established(peer: String, LinkDirection, ReplicaID)
    /// An established link ended without a reason of this machine's.
    case lost(peer: String, LinkDirection)
    /// This node closes a link for this reason. Log an error unless ``RefusalReason/isTransient``.
    case refused(peer: String, LinkDirection, RefusalReason)
    /// The peer closed a link and gave this reason. Log an error unless ``RefusalReason/isTransient``.
    case refusedByPeer(peer: String, LinkDirection, RefusalReason)
    /// A member is heard again.
    case reachable(peer: String)
    /// A member has not been heard for ``ReplicationLimits/unreachableMilliseconds``.
    case unreachable(peer: String)
    /// A member has said for ``ReplicationLimits/unreachableMilliseconds`` that it cannot write: its disk is full or fails.
    case unwritable(peer: String)
    /// A member that could not write can again.
    case writable(peer: String)
    /// A member came back with another replica: it was wiped or took a new incarnation.
    case replaced(peer: String, old: ReplicaID, new: ReplicaID)
    /// The peer lists other members than this node: a change is under way, or two configurations differ.
    case membersDiffer(peer: String, onlyHere: [String], onlyThere: [String])
    /// Nodes take part in the group, as they or peers say, that are neither members here nor removed; none when that is over. Until then
    /// nothing is stable.
    case strangers([String])
    /// A frame was refused: its origin is not asked for again for so long.
    case deliveryFailed(peer: String, origin: ReplicaID?, CRDTError, pauseMilliseconds: UInt64)
    /// The causal buffer was full: the stream is asked for again when it has drained.
    case overflow(peer: String, StreamPosition)
    /// No log of any peer that can be reached holds what this node lacks of these origins.
    case unserved([ReplicaID])
    /// A snapshot is asked for.
    case snapshotRequested(peer: String, TransferID, SnapshotScope)
    /// A snapshot is in force.
    case snapshotCompleted(peer: String, TransferID, SnapshotScope, parts: UInt64)
    /// A transfer of a snapshot, in either direction, ended before its end.
    case snapshotAborted(peer: String, TransferID, String)
    /// A body that came had another hash than the one that was asked for.
    case bodyMismatch(peer: String, BodyDigest)
    /// Two stores that delivered the same operations differ in these accounts' digests; `repairing` tells which of them
    /// this node fetches again because more, or at equal numbers older, replicas hold another state.
    case divergence(accounts: [String], repairing: [String])
}
