// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
internal import Crypto
internal import Storage
internal import Synchronization

extension MailStore {
    /// The bodies that messages of this store have and that have not arrived; those that somebody waits for first, then the newest first, then those
    /// that were postponed, the longest ago first.
    ///
    /// - Parameter limit: the most bodies.
    /// - Returns: the bodies.
    package func missingBodies(limit: Int) -> [MissingBody] {
        core.withLock { $0.bodies.missing.urgent(limit: limit) }
    }

    /// Names a missing body last from now on, because no peer that can be reached has it.
    ///
    /// - Parameter digest: the body.
    package func postponeBody(_ digest: BodyDigest) { core.withLock { $0.bodies.missing.postpone(digest) } }

    /// How many bodies are missing, for metrics.
    package var missingBodyCount: Int { core.withLock { $0.bodies.missing.count } }

    /// Reads a part of a body for a peer.
    ///
    /// - Parameters:
    ///   - digest: the body.
    ///   - offset: where the part begins.
    ///   - length: its octets; fewer are returned at the body's end.
    /// - Returns: the part, or that the body is not here or the offset not in it.
    /// - Throws: ``MailStoreError``: `corrupt`, `unavailable`.
    package func readBody(_ digest: BodyDigest, offset: UInt64, length: Int) throws -> BodyRead {
        let logged = core.withLock { core -> UInt64? in
            // It must not go while it is read.
            core.bodies.pin(digest)
            return core.bodies.logged[digest]?.size
        }
        defer { core.withLock { $0.bodies.unpin(digest) } }
        guard let size = try logged ?? engineSize(of: digest), offset <= size else { return .absent }
        let end = offset + min(size - offset, UInt64(max(length, 0)))
        // An empty body has no bytes whose absence could be noticed.
        if size == 0, try logged == nil && !engineHolds(digest) { return .absent }
        let reader = BodyReader(store: self, digest: digest, size: Int(clamping: size))
        do {
            return .piece(size: size, bytes: try reader.read(Int(clamping: offset)..<Int(clamping: end)))
        } catch let error as MailStoreError where error.code == .bodyGone {
            return .absent
        }
    }

    private func engineSize(of digest: BodyDigest) throws -> UInt64? {
        do {
            return try engine.read { reader in
                guard let value = try reader.value(for: EngineKey.bodyCount(digest)) else { return nil }
                return BodyCount(value)?.size
            }
        } catch {
            throw MailStoreError(error)
        }
    }

    // MARK: Arriving

    /// Takes a part of a missing body; the parts come in order, from whoever has them.
    ///
    /// - Parameters:
    ///   - digest: the body.
    ///   - size: its octets, as the peer says.
    ///   - offset: where the part begins.
    ///   - bytes: the part.
    /// - Returns: what became of it.
    package func storeBody(
        _ digest: BodyDigest, size: UInt64, offset: UInt64, _ bytes: [UInt8]
    ) async -> BodyStoreOutcome {
        let start = core.withLock { core in core.beginBodyPart(digest, size: size, offset: offset, bytes.count, now()) }
        guard case .taking(var arrival, var hash) = start else {
            if case .answer(let result) = start { return result }
            return .failed
        }
        hash.update(data: bytes)
        arrival.received += UInt64(bytes.count)
        let isWhole = arrival.received == size
        let isSound = isWhole ? Array(hash.finalize()) == digest.bytes : true
        arrival.hash = hash
        let (result, log) = core.withLock { core in
            (core.endBodyPart(digest, size: size, offset: offset, bytes, arrival, isSound: isSound), core.log)
        }
        if log.isCongested { await log.waitForSpace() }
        return result
    }

    /// Asks the engine for bodies that operations of others hold.
    ///
    /// No lock is held while the engine is read.
    func verifyBodies(_ wanted: [BodyDigest]? = nil) throws {
        let questions = wanted ?? core.withLock { Array($0.bodies.unverified.keys) }
        for digest in questions {
            let isThere = try engineHolds(digest)
            core.withLock { $0.bodies.verified(digest, isThere: isThere) }
        }
    }

    /// Waits for a missing body.
    ///
    /// - Returns: whether it has come, or was not missing.
    func awaitBody(_ digest: BodyDigest) async -> Bool {
        let (number, limit) = core.withLock { core in
            core.uses += 1
            core.bodies.missing.beginWait(for: digest, core.uses)
            return (core.uses, core.bodies.missing.patience(options.bodyWaitMilliseconds))
        }
        signals.bodyWanted()
        await withDiscardingTaskGroup { tasks in
            tasks.addTask {
                // Cancelled when the body has come, or the client has gone: then nobody waits any more.
                let inVain = (try? await Task.sleep(for: .milliseconds(limit))) != nil
                self.core.withLock { $0.bodies.missing.endWait(for: digest, number, inVain: inVain) }?.resume()
            }
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                if !core.withLock({ $0.bodies.missing.wait(for: digest, number, continuation) }) {
                    continuation.resume()
                }
            }
            tasks.cancelAll()
        }
        return core.withLock { $0.bodies.isMissing(digest) == false }
    }
}

extension StoreCore {
    /// What to do with a part of a body.
    enum BodyPart {
        case taking(MissingBodies.Arrival, SHA256)
        case answer(BodyStoreOutcome)
    }

    /// Looks whether a part of a body can be taken, and keeps others from taking another meanwhile.
    mutating func beginBodyPart(
        _ digest: BodyDigest, size: UInt64, offset: UInt64, _ count: Int, _ now: UInt64
    ) -> BodyPart {
        guard let expectedSize = bodies.missing.size(of: digest) else { return .answer(.complete) }
        guard isWritable(now: now) else { return .answer(.failed) }
        guard size == expectedSize, offset <= size, UInt64(count) <= size - offset else {
            bodies.missing.setArrival(nil, of: digest)
            return .answer(.mismatch)
        }
        var arrival = bodies.missing.arrival(of: digest) ?? MissingBodies.Arrival(upload: .random(in: 0 ... .max))
        // Its chunks went with a log that failed.
        if arrival.received > 0, uploads[arrival.upload] == nil {
            arrival = MissingBodies.Arrival(upload: .random(in: 0 ... .max))
        }
        guard offset == arrival.received, let hash = arrival.hash else {
            return .answer(.partial(held: arrival.received))
        }
        arrival.hash = nil
        bodies.missing.setArrival(arrival, of: digest)
        return .taking(arrival, hash)
    }

    /// Adds a part of a body to the log.
    mutating func endBodyPart(
        _ digest: BodyDigest, size: UInt64, offset: UInt64, _ bytes: [UInt8], _ arrival: MissingBodies.Arrival,
        isSound: Bool
    ) -> BodyStoreOutcome {
        guard bodies.missing.contains(digest) else {
            uploads[arrival.upload] = nil
            return .complete
        }
        let isLost = offset > 0 && uploads[arrival.upload] == nil
        guard isSound, !isLost else {
            uploads[arrival.upload] = nil
            bodies.missing.setArrival(nil, of: digest)
            return isSound ? .partial(held: 0) : .mismatch
        }
        guard arrival.received == size else {
            enqueueChunk(upload: arrival.upload, offset: offset, bytes)
            bodies.missing.setArrival(arrival, of: digest)
            return .partial(held: arrival.received)
        }
        var unit = UnitContent()
        appendBody(upload: arrival.upload, [(offset, bytes)], digest: digest, size: size, to: &unit)
        _ = enqueue(unit)
        return .complete
    }

    /// Drops what has come of bodies that take too long, so that the log can be cut.
    mutating func dropSlowArrivals(before position: LogPosition) {
        for (digest, upload) in bodies.missing.arrivals {
            guard let began = uploads[upload]?.began, began < position else { continue }
            uploads[upload] = nil
            bodies.missing.setArrival(nil, of: digest)
        }
    }
}
