// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Logging
import Storage
import Synchronization

@testable import MailStore

/// Stores of one group in one process, between which a test carries frames and bodies by hand: what the replication machine does, without links.
final class StorePeers {
    /// Each member's directory, clock and files.
    let fixtures: [StoreFixture]
    private(set) var stores: [MailStore?]
    private let change: (inout MailStoreOptions) -> Void

    init(_ count: Int, _ change: @escaping (inout MailStoreOptions) -> Void = { _ in }) async throws {
        fixtures = try (0..<count).map { _ in try StoreFixture() }
        stores = Array(repeating: nil, count: count)
        self.change = change
        for index in 0..<count { try await open(index) }
    }

    subscript(_ index: Int) -> MailStore {
        guard let store = stores[index] else { fatalError("store \(index) is closed") }
        return store
    }

    /// Opens a member's store, or another directory in its place.
    @discardableResult
    func open(_ index: Int, at path: String? = nil) async throws -> MailStore {
        let store = try await fixtures[index].open(path) { options in
            options.partition = PartitionID(7)
            options.uidStripe = UIDStripe(index: index) ?? .sole
            options.assignmentWaitMilliseconds = 0
            options.bodyWaitMilliseconds = 0
            options.logMarkBytes = 500
            change(&options)
        }
        stores[index] = store
        return store
    }

    func close(_ index: Int) async {
        await stores[index]?.close()
        stores[index] = nil
    }

    func closeAll() async { for index in stores.indices { await close(index) } }

    /// What a member has of the streams that another lacks, read from its log in blocks, as a link would bring it;
    /// streams of which its log has lost what the other needs are left out, as the other would not ask for them there.
    func pending(
        from source: Int, to target: Int, bodies: Bool = true, block: Int = 64 << 10
    ) throws -> [PeerItem] {
        let have = StreamVector(self[target].replicationStatus().durable)
        let theirs = self[source].replicationStatus()
        let start = StreamVector(theirs.logStart)
        let wanted = theirs.durable.filter { $0.counter > have[$0.origin] && have[$0.origin] >= start[$0.origin] }
            .map { StreamPosition(origin: $0.origin, counter: have[$0.origin] + 1) }
        guard !wanted.isEmpty else { return [] }
        guard var position = self[source].locate(wanted) else { throw PeerTestError.lost }
        var items: [PeerItem] = []
        var chunks: [UInt64: [UInt8]] = [:]
        while true {
            guard let read = try self[source].readLog(from: position, maximumBytes: block) else {
                throw PeerTestError.lost
            }
            for frame in read.frames {
                let payload = Array(frame.envelope.dropFirst(FrameEnvelope.headerBytes))
                let span = payload.span
                switch frame.kind {
                case .operations: items.append(.operations(payload))
                case .bodyChunk:
                    guard let chunk = BodyFrames.readChunk(span.bytes) else { continue }
                    if chunk.offset == 0 { chunks[chunk.upload] = [] }
                    chunks[chunk.upload]? += payload.dropFirst(BodyFrames.chunkHeaderBytes)
                case .bodyEnd:
                    guard let end = BodyFrames.readEnd(span.bytes), let bytes = chunks.removeValue(forKey: end.upload),
                        bodies, UInt64(bytes.count) == end.size
                    else { continue }
                    items.append(.body(end.digest, size: end.size, bytes: bytes))
                default: continue
                }
            }
            if read.next == position { return items }
            position = read.next
        }
    }

    /// Brings one member what another has more.
    @discardableResult
    func carry(from source: Int, to target: Int, bodies: Bool = true) async throws -> DeliveryOutcome {
        try await settle(source)
        let outcome = await self[target].receive(try pending(from: source, to: target, bodies: bodies))
        try await settle(target)
        return outcome
    }

    /// Brings one member the bodies that it lacks, in small parts.
    func carryBodies(from source: Int, to target: Int, part: Int = 1_000) async throws {
        for missing in self[target].missingBodies(limit: .max) {
            var offset = missing.held
            while case .piece(let size, let bytes) = try self[source].readBody(
                missing.digest, offset: offset, length: part)
            {
                let outcome = await self[target].storeBody(missing.digest, size: size, offset: offset, bytes)
                guard case .partial(let held) = outcome else { break }
                offset = held
            }
        }
        try await settle(target)
    }

    /// Carries a snapshot of everything, or of one account.
    func transfer(
        from source: Int, to target: Int, _ scope: SnapshotScope = .everything,
        beforeLast: () async throws -> Void = {}
    ) async throws -> ImportOutcome {
        let id = TransferID(receiver: self[target].replicaID, number: .random(in: 0 ... .max))
        do { try self[source].beginExport(id, scope) } catch { return .rejected("\(error)") }
        try await self[target].beginImport(id, scope)
        var index: UInt64 = 0
        while true {
            let part = try await self[source].exportPart(id, index: index)
            if part.isLast { try await beforeLast() }
            let outcome = await self[target].importPart(id, part)
            guard case .accepted = outcome, !part.isLast else {
                await self[source].endExport(id)
                return outcome
            }
            index += 1
        }
    }

    /// Brings everybody everything, until nobody lacks anything.
    func converge() async throws {
        for _ in 0..<20 {
            var isChanged = false
            for source in stores.indices {
                for target in stores.indices where source != target && stores[source] != nil && stores[target] != nil {
                    try await settle(source)
                    if try pending(from: source, to: target).isEmpty { continue }
                    isChanged = true
                    try await carry(from: source, to: target)
                }
            }
            if !isChanged { return noteExchange() }
        }
        throw PeerTestError.unsettled
    }

    /// Tells the stores what a replication machine would: that all have what each of them has.
    private func noteExchange() {
        for case .some(let store) in stores { store.core.withLock { $0.group.exchanged = $0.replica.delivered } }
    }

    /// Waits until everything that a store has taken is durable and told.
    func settle(_ index: Int) async throws {
        let store = self[index]
        try await store.wait(for: store.core.withLock { MailStore.Receipt($0) })
    }

    /// The sums of the digests of all members, which are equal when they agree.
    func digests() -> [StateDigest?] { stores.map { $0?.replicationStatus().digest } }
}

enum PeerTestError: Error {
    case lost
    case unsettled
}
