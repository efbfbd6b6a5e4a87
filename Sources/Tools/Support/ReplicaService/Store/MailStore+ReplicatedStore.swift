// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
package import MailStore

/// A mail store as the replica of its group; the functions do what ``ReplicatedStore`` says.
package struct MailStoreReplica: ReplicatedStore {
    private let store: MailStore

    /// Wraps a store.
    ///
    /// - Parameter store: the store; it stays the caller's.
    package init(_ store: MailStore) { self.store = store }

    package func status() -> StoreStatus { store.replicationStatus() }

    package func observe(_ signals: StoreSignals) {
        store.observeReplication(signals.progress)
        store.observeMembers(signals.members)
        store.observeUrgentBodies(signals.urgentBodies)
    }

    package func members() async throws -> [MemberRecord] { try await store.members() }

    package func locate(_ wanted: [StreamPosition]) async -> LogPosition? { store.locate(wanted) }

    package func readLog(from position: LogPosition, maximumBytes: Int) async throws -> LogRead? {
        try store.readLog(from: position, maximumBytes: maximumBytes)
    }

    package func recentLog(from position: LogPosition, maximumBytes: Int) -> LogRead? {
        guard store.isRecent(position) else { return nil }
        // What is wrong with the log is told by ``readLog(from:maximumBytes:)``, which is tried next.
        return (try? store.readLog(from: position, maximumBytes: maximumBytes)) ?? nil
    }

    package func receive(_ items: [PeerItem]) async -> DeliveryOutcome { await store.receive(items) }

    package func readBody(_ digest: BodyDigest, offset: UInt64, length: Int) async throws -> BodyRead {
        try store.readBody(digest, offset: offset, length: length)
    }

    package func storeBody(
        _ digest: BodyDigest, size: UInt64, offset: UInt64, _ bytes: [UInt8]
    ) async -> BodyStoreOutcome {
        await store.storeBody(digest, size: size, offset: offset, bytes)
    }

    package func missingBodies(limit: Int) async -> [MissingBody] { store.missingBodies(limit: limit) }
    package var missingBodyCount: Int { store.missingBodyCount }
    package func postponeBody(_ digest: BodyDigest) async { store.postponeBody(digest) }

    package func advanceStability(_ progress: GroupProgress) async { await store.advanceStability(progress) }

    package func setUnreachable(_ replicas: Set<ReplicaID>) async { store.setUnreachable(replicas) }

    package func announce(_ identity: MemberIdentity) async throws { try await store.announce(identity) }

    package func takeNewIncarnation(seen: StreamPosition) async throws {
        // The machine may have been told of an acknowledgement sooner than of what it acknowledges.
        let own = StreamVector(store.replicationStatus().durable)[seen.origin]
        if seen.origin != store.replicaID || own >= seen.counter { return }
        _ = try await store.takeNewIncarnation()
    }

    package func maintain() async throws {
        store.checkDisk()
        try await store.maintainUIDs()
        try await store.markModSeqs()
    }

    package func beginExport(_ transfer: TransferID, _ scope: SnapshotScope) async throws {
        try store.beginExport(transfer, scope)
    }

    package func exportPart(
        _ transfer: TransferID, index: UInt64, maximumBytes: Int
    ) async throws -> SnapshotPart {
        // The store's parts are never larger than the protocol's, which is what the machine asks for.
        try await store.exportPart(transfer, index: index)
    }

    package func endExport(_ transfer: TransferID) async { await store.endExport(transfer) }

    package func beginImport(_ transfer: TransferID, _ scope: SnapshotScope, from source: ReplicaID) async throws {
        try await store.beginImport(transfer, scope)
    }

    package func importPart(_ transfer: TransferID, _ part: SnapshotPart) async -> ImportOutcome {
        await store.importPart(transfer, part)
    }

    package func abortImport(_ transfer: TransferID) async { await store.abortImport(transfer) }

    package func digests(after account: String?, limit: Int) async -> DigestPage? {
        // A store that cannot read says nothing; the machine asks again.
        try? store.accountDigests(after: account, limit: limit)
    }
}
