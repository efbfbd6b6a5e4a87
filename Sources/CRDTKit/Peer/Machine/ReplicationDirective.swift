// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a replication machine asks of its shell.
///
/// The shell carries directives out in the order in which they come; those that ask for an answer are answered by an
/// input, in any order, as soon as the answer is there.
///
/// A directive never has to be carried out before the next one is taken, except that messages of one link stay in their
/// order. After a link is closed, answers for it may still be given: they are ignored.
public enum ReplicationDirective: Sendable {
    /// Send a message on the link, behind the ones before it.
    ///
    /// The machine bounds what it sends by windows and credits; the shell needs no bound of its own.
    case send(LinkID, PeerMessage)
    /// Send what is queued on the link, then close it.
    ///
    /// The machine has forgotten the link; `linkClosed` for it is allowed and does nothing. On an outgoing link dial
    /// again as ``RefusalReason/isTransient`` says.
    case close(LinkID, RefusalReason)

    /// Find a place in the log: the latest position that you know of before which lies no frame with any of these
    /// origins' operations from the given counter on. Answer with `located`; nil if the log has lost some of them.
    ///
    /// ``LogMarks`` does it. The list is never empty.
    case locate(LinkID, [StreamPosition])
    /// Read the durable part of the log from a position: at least one frame if one is there, and frames beyond the first
    /// only while all fit into `maximumBytes`. Answer with `logRead`; nil if the position is no longer in the log.
    case readLog(LinkID, from: LogPosition, maximumBytes: Int)
    /// Give these items to the store, in order. Answer with `delivered` once they are taken and queued for the log (not
    /// yet durable); `storeAdvanced` says later when they are.
    ///
    /// There is never more than one unanswered for one link, but several links may each have one.
    case deliver(LinkID, [PeerItem])

    /// Read a piece of a body. Answer with `bodyRead`, naming body and offset again.
    case readBody(LinkID, BodyDigest, offset: UInt64, length: Int)
    /// Keep a piece of a body that was wanted. Answer with `bodyStored`; if `offset` is not what is held so far, keep
    /// nothing and answer with what is held. There is never more than one unanswered for one body.
    case storeBody(LinkID, BodyDigest, size: UInt64, offset: UInt64, [UInt8])
    /// Name missing bodies, urgent ones first, then the newest, then those that were postponed, the longest ago first, at
    /// most `limit`. Answer with `bodiesMissing`.
    case listMissingBodies(limit: Int)
    /// No peer that can be reached has this body: name all others before it from now on, unless it becomes urgent.
    case postponeBody(BodyDigest)

    /// Tell the store what is stable and what its log need not keep.
    ///
    /// Beyond its cap the store may drop more of its log than all have acknowledged, but never own operations that no
    /// other member holds.
    case advanceStability(GroupProgress)
    /// Tell the store which replicas cannot assign UIDs now: members not heard for a while, members that could not write
    /// for as long, and lives that ended.
    case setUnreachable(Set<ReplicaID>)
    /// Issue a membership operation that ties this node's name to its replica, unless the state says so already.
    case announce(MemberIdentity)
    /// The store has lost own operations that others hold (a backup was restored): take a new incarnation at once,
    /// before any further operation is issued. Then call `storeAdvanced` with the new replica.
    case takeNewIncarnation(seen: StreamPosition)

    /// Begin a snapshot for a peer. Answer with `snapshotReady` or `snapshotFailed`.
    case exportSnapshot(TransferID, SnapshotScope)
    /// Make the next part of the snapshot, at most `maximumBytes`. Answer with `snapshotPartRead` or `snapshotFailed`.
    case readSnapshotPart(TransferID, index: UInt64, maximumBytes: Int)
    /// The export is over, complete or not: free what it holds. No answer.
    case endExport(TransferID)
    /// Begin to take in a snapshot. Parts follow; no answer of its own.
    case beginImport(TransferID, SnapshotScope, from: ReplicaID)
    /// Take in a part. Answer with `snapshotPartImported`. There is never more than one unanswered.
    ///
    /// After the last part the store puts the snapshot in force; its answer to the last part says that it is, durably.
    case importPart(TransferID, SnapshotPart)
    /// Give up an import: drop what was taken in. No answer.
    case abortImport(TransferID)

    /// Make a page of at most `limit` digests of the accounts behind a name, nil for the first: for a peer, or with no
    /// link for the machine itself. Answer with `digestsRead`; nil if the store cannot say now.
    case readDigests(LinkID?, after: String?, limit: Int)

    /// Something for the log and the metrics.
    case report(PeerEvent)
}
