// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import ReplicaService
import Synchronization

/// A store whose disk a test makes slow or broken.
final class GatedStore: ReplicatedStore {
    private struct State {
        var isShut = false
        var waiters: [CheckedContinuation<Void, Never>] = []
        var failingReads = 0
        var heldBytes = 0
    }

    private let store: any ReplicatedStore
    private let state = Mutex(State())

    init(_ store: any ReplicatedStore) { self.store = store }

    /// Nothing is received any more until the gate is opened.
    func shut() { state.withLock { $0.isShut = true } }

    func open() {
        let waiters = state.withLock { state in
            state.isShut = false
            let waiters = state.waiters
            state.waiters = []
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The next reads of the log fail.
    func failReads(_ count: Int) { state.withLock { $0.failingReads = count } }

    /// The most octets that were given to ``receive(_:)`` and wait for the gate.
    var heldBytes: Int { state.withLock { $0.heldBytes } }

    func status() -> StoreStatus { store.status() }
    func observe(_ signals: StoreSignals) { store.observe(signals) }
    func members() async throws -> [MemberRecord] { try await store.members() }
    func locate(_ wanted: [StreamPosition]) async -> LogPosition? { await store.locate(wanted) }

    func readLog(from position: LogPosition, maximumBytes: Int) async throws -> LogRead? {
        let fails = state.withLock { state in
            guard state.failingReads > 0 else { return false }
            state.failingReads -= 1
            return true
        }
        if fails { throw DiskFailure() }
        return try await store.readLog(from: position, maximumBytes: maximumBytes)
    }

    func recentLog(from position: LogPosition, maximumBytes: Int) -> LogRead? {
        // Reads that are to fail go to the disk.
        state.withLock { $0.failingReads } > 0 ? nil : store.recentLog(from: position, maximumBytes: maximumBytes)
    }

    func receive(_ items: [PeerItem]) async -> DeliveryOutcome {
        let bytes = items.reduce(0) { sum, item in
            switch item {
            case .operations(let payload): sum + payload.count
            case .body(_, _, let bytes): sum + bytes.count
            }
        }
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isShut { return true }
                state.heldBytes += bytes
                state.waiters.append(continuation)
                return false
            }
            if isOpen { continuation.resume() }
        }
        return await store.receive(items)
    }

    func readBody(_ digest: BodyDigest, offset: UInt64, length: Int) async throws -> BodyRead {
        try await store.readBody(digest, offset: offset, length: length)
    }

    func storeBody(
        _ digest: BodyDigest, size: UInt64, offset: UInt64, _ bytes: [UInt8]
    ) async -> BodyStoreOutcome {
        await store.storeBody(digest, size: size, offset: offset, bytes)
    }

    func missingBodies(limit: Int) async -> [MissingBody] { await store.missingBodies(limit: limit) }
    var missingBodyCount: Int { store.missingBodyCount }
    func postponeBody(_ digest: BodyDigest) async { await store.postponeBody(digest) }

    func advanceStability(_ progress: GroupProgress) async { await store.advanceStability(progress) }

    func setUnreachable(_ replicas: Set<ReplicaID>) async { await store.setUnreachable(replicas) }
    func announce(_ identity: MemberIdentity) async throws { try await store.announce(identity) }
    func takeNewIncarnation(seen: StreamPosition) async throws { try await store.takeNewIncarnation(seen: seen) }
    func maintain() async throws { try await store.maintain() }

    func beginExport(_ transfer: TransferID, _ scope: SnapshotScope) async throws {
        try await store.beginExport(transfer, scope)
    }

    func exportPart(_ transfer: TransferID, index: UInt64, maximumBytes: Int) async throws -> SnapshotPart {
        try await store.exportPart(transfer, index: index, maximumBytes: maximumBytes)
    }

    func endExport(_ transfer: TransferID) async { await store.endExport(transfer) }

    func beginImport(_ transfer: TransferID, _ scope: SnapshotScope, from source: ReplicaID) async throws {
        try await store.beginImport(transfer, scope, from: source)
    }

    func importPart(_ transfer: TransferID, _ part: SnapshotPart) async -> ImportOutcome {
        await store.importPart(transfer, part)
    }

    func abortImport(_ transfer: TransferID) async { await store.abortImport(transfer) }

    func digests(after account: String?, limit: Int) async -> DigestPage? {
        await store.digests(after: account, limit: limit)
    }
}

struct DiskFailure: Error {}
