// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit

/// What wakes the replication of a store; each is called on any thread, returns at once, and may be called more often than needed.
package struct StoreSignals: Sendable {
    /// The durable end of the log or the vector has moved.
    package var progress: @Sendable () -> Void
    /// The members of the group have changed.
    package var members: @Sendable () -> Void
    /// A session waits for a body that is missing.
    package var urgentBodies: @Sendable () -> Void

    /// Puts signals together.
    ///
    /// - Parameters:
    ///   - progress: the durable end of the log or the vector has moved.
    ///   - members: the members of the group have changed.
    ///   - urgentBodies: a session waits for a body that is missing.
    package init(
        progress: @escaping @Sendable () -> Void, members: @escaping @Sendable () -> Void,
        urgentBodies: @escaping @Sendable () -> Void
    ) {
        self.progress = progress
        self.members = members
        self.urgentBodies = urgentBodies
    }
}

/// The store of one replica as its replication needs it; `ReplicaService` runs the machine over it.
///
/// All names are global (``ReplicaID``). The `async` functions may wait for a disk, and run side by side on threads that may block (``StoreThreads``); the meaning of
/// each is that of the directive of ``ReplicationMachine`` that it carries out.
package protocol ReplicatedStore: Sendable {
    /// What the store says about itself; quick.
    func status() -> StoreStatus
    /// Sets what is called when something has changed.
    ///
    /// - Parameter signals: the calls.
    func observe(_ signals: StoreSignals)

    /// What membership operations say about nodes.
    func members() async throws -> [MemberRecord]

    /// Finds a place in the log; nil if the log has lost some of what is wanted.
    func locate(_ wanted: [StreamPosition]) async -> LogPosition?
    /// Reads the durable part of the log; nil if the position is no longer in it.
    func readLog(from position: LogPosition, maximumBytes: Int) async throws -> LogRead?
    /// Reads the durable part of the log if that needs no disk; quick.
    func recentLog(from position: LogPosition, maximumBytes: Int) -> LogRead?
    /// Takes what a peer sent, in order.
    func receive(_ items: [PeerItem]) async -> DeliveryOutcome

    /// Reads a piece of a body.
    func readBody(_ digest: BodyDigest, offset: UInt64, length: Int) async throws -> BodyRead
    /// Keeps a piece of a body that was wanted.
    func storeBody(
        _ digest: BodyDigest, size: UInt64, offset: UInt64, _ bytes: [UInt8]
    ) async -> BodyStoreOutcome
    /// Names bodies that are missing, urgent ones first, then the newest, then those that were postponed.
    func missingBodies(limit: Int) async -> [MissingBody]
    /// How many bodies are missing.
    var missingBodyCount: Int { get }
    /// No peer that can be reached has the body: it is named last from now on.
    func postponeBody(_ digest: BodyDigest) async

    /// Takes note of what is stable, what the log need not keep, and what all have that can be reached.
    func advanceStability(_ progress: GroupProgress) async
    /// Takes note of who cannot be reached.
    func setUnreachable(_ replicas: Set<ReplicaID>) async
    /// Ties this node's name to its replica by an operation, unless the state says so already.
    func announce(_ identity: MemberIdentity) async throws
    /// Takes a new incarnation, because others hold own operations that are lost here.
    func takeNewIncarnation(seen: StreamPosition) async throws
    /// Does what time makes due: takes over mailboxes whose owner is away, assigns, merges, prunes.
    func maintain() async throws

    /// Begins a snapshot for a peer.
    func beginExport(_ transfer: TransferID, _ scope: SnapshotScope) async throws
    /// Makes a part of it.
    func exportPart(_ transfer: TransferID, index: UInt64, maximumBytes: Int) async throws -> SnapshotPart
    /// Frees what it holds.
    func endExport(_ transfer: TransferID) async
    /// Begins to take in a snapshot.
    func beginImport(_ transfer: TransferID, _ scope: SnapshotScope, from: ReplicaID) async throws
    /// Takes in a part; with the last one the snapshot is in force.
    func importPart(_ transfer: TransferID, _ part: SnapshotPart) async -> ImportOutcome
    /// Drops what was taken in.
    func abortImport(_ transfer: TransferID) async

    /// Makes a page of the accounts' digests; nil if the store cannot say now.
    func digests(after account: String?, limit: Int) async -> DigestPage?
}
