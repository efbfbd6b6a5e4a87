// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import PeerTransport

/// What happens to a replica's loop: events of links, and answers of the store.
enum ReplicaInput: Sendable {
    case endpoint(PeerEndpointEvent)
    case link(LinkID, PeerLinkEvent)
    case located(LinkID, LogPosition?)
    case logRead(LinkID, LogRead?)
    case delivered(LinkID, DeliveryOutcome)
    case bodyRead(LinkID, BodyDigest, offset: UInt64, BodyRead)
    case bodyStored(LinkID, BodyDigest, BodyStoreOutcome)
    case bodiesMissing([MissingBody])
    case snapshotReady(TransferID)
    case snapshotPart(TransferID, SnapshotPart)
    case snapshotFailed(TransferID, String)
    case snapshotPartImported(TransferID, index: UInt64, ImportOutcome)
    case digests(LinkID?, DigestPage?)
    /// What membership operations say now.
    case members([MemberRecord])
    /// The store could not say who the members are.
    case membersUnknown(String)
    /// The store could not do what a link needed.
    case storeFailed(LinkID, String)
    /// The store could not do what was asked of it for no link in particular.
    case storeTrouble(String)
    /// The store could not yet do what was asked of it, because a snapshot is not all there: that is normal, and is tried again.
    case storeWaits(String)
    /// A lane has done its first job.
    case laneFree(ReplicaLane)
}

/// A queue of jobs of the store that must be done one after the other.
enum ReplicaLane: Hashable, Sendable {
    /// Stability, reachability, announcements, incarnations.
    case control
    /// Who the members are.
    case members
    /// What time makes due.
    case maintenance
    /// Taking in a snapshot.
    case importing
    /// Making a snapshot for a peer.
    case exporting(TransferID)
}
