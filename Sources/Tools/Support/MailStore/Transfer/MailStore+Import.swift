// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

package import CRDTKit
internal import Logging
internal import Storage
internal import Synchronization

extension MailStore {
    /// Begins to take in a snapshot; one that is under way is given up.
    ///
    /// The store serves on until the last part is taken.
    ///
    /// - Parameters:
    ///   - transfer: the transfer.
    ///   - scope: what is expected.
    /// - Throws: ``MailStoreError``.
    package func beginImport(_ transfer: TransferID, _ scope: SnapshotScope) async throws {
        do {
            try await checkpointing.exclusively {
                dropImport()
                guard !core.withLock({ $0.isClosed }) else { throw MailStoreError(.closed, "the store is closed") }
                var fresh: LMDBEngine?
                if case .everything = scope {
                    try replacement.clear()
                    fresh = try LMDBEngine.open(directory: replacement.importPath)
                }
                let importer = core.withLock { core in
                    core.group.holdsLog = fresh != nil
                    core.group.isImporting = true
                    return SnapshotImporter(
                        transfer, scope, now: now(), modSeqs: core.group.modSeqs, fork: ReplicaFork(of: core.replica),
                        engine: fresh)
                }
                transfers.withLock { $0.arriving = importer }
            }
        } catch {
            throw MailStoreError(error)
        }
    }

    /// Takes a part; with the last one the snapshot is put in force, durably, and what the log has beyond it on top.
    ///
    /// - Parameters:
    ///   - transfer: the transfer.
    ///   - part: the part; one follows the other.
    /// - Returns: whether it was taken; if not, the import is over and the store is as it was.
    package func importPart(_ transfer: TransferID, _ part: SnapshotPart) async -> ImportOutcome {
        guard let importer = transfers.withLock({ $0.arriving }), importer.transfer == transfer else {
            return .rejected("there is no such transfer")
        }
        do {
            try await importer.take(part)
            guard part.isLast else { return .accepted }
            switch importer.scope {
            case .everything: try await replaceEverything(by: importer)
            case .account:
                try await replaceAccount(by: importer)
                transfers.withLock { if $0.arriving === importer { $0.arriving = nil } }
            }
            core.withLock { $0.group.isImporting = false }
            return .accepted
        } catch {
            await abortImport(transfer)
            // Memory was given up before; what cannot be rebuilt now is tried again by the next command.
            try? await rebuildIfFailed()
            return .rejected("\(MailStoreError(error))")
        }
    }

    /// Gives an import up and drops what came; one that is being put in force is not given up any more, but waited for.
    ///
    /// - Parameter transfer: the transfer.
    package func abortImport(_ transfer: TransferID) async {
        await checkpointing.exclusively { dropImport(transfer) }
    }

    /// Drops an import, or whichever there is; nobody may be checkpointing, or putting one in force.
    func dropImport(_ transfer: TransferID? = nil) {
        let importer = transfers.withLock { transfers -> SnapshotImporter? in
            guard let arriving = transfers.arriving, transfer ?? arriving.transfer == arriving.transfer else {
                return nil
            }
            transfers.arriving = nil
            return arriving
        }
        guard let importer else { return }
        core.withLock { core in
            core.group.holdsLog = false
            core.group.isImporting = false
        }
        guard let engine = importer.engine else { return }
        engine.close()
        do { try replacement.discard() } catch {
            logger.error("what came of a snapshot cannot be removed", metadata: ["reason": "\(error)"])
        }
    }

    var replacement: EngineReplacement { EngineReplacement(in: path, files: options.engineFiles) }

    // MARK: Everything

    /// Puts a snapshot of everything in the place of the engine.
    ///
    /// Commands wait meanwhile, for as long as it takes to put the log on top and to take over what clients were shown.
    private func replaceEverything(by importer: SnapshotImporter) async throws {
        guard let fresh = importer.engine else { return }
        let source = engine
        // The bulk of the bodies is copied while the store serves on.
        try await copyBodies(from: source, to: fresh, notingMissing: false)
        try await checkpointing.exclusively {
            guard transfers.withLock({ $0.arriving === importer }) else {
                throw MailStoreError(.unavailable, "the import was given up")
            }
            // What the log alone has of bodies goes to the old engine, and from there to the new one.
            try await writeCheckpoint()
            do {
                try await swap(to: fresh, importer)
                transfers.withLock { $0.arriving = nil }
            } catch {
                // The old engine and the log are whole: memory is built from them again.
                logger.error("the snapshot could not be put in force", metadata: ["reason": "\(error)"])
                throw error
            }
        }
    }

    /// The replacement itself, while nobody writes; throws before anything is lost.
    private func swap(to fresh: LMDBEngine, _ importer: SnapshotImporter) async throws {
        let snapshot = await importer.delivered
        // What does not fit is found out before anybody has to wait for it, as far as that is possible.
        try checkIndexes(await importer.replicaNames)
        let log = try core.withLock { core throws in
            try core.checkWritable(now: now())
            guard core.replica.id == importer.identity else {
                throw MailStoreError(.unavailable, "the replica began a new life while the snapshot came")
            }
            _ = try core.planOverlay(on: snapshot)
            core.makeWay()
            return core.log
        }
        // What is queued becomes durable, and everybody is told; then nothing moves.
        log.close()
        let (position, marks) = try core.withLock { core throws in
            try core.planOverlay(on: snapshot)
        }
        try await copyBodies(from: engine, to: fresh, notingMissing: true)
        let root = await importer.root(scanning: position, marks: marks)
        try await fresh.write { writer in for put in root { try writer.put(put.value, for: put.key) } }
        let recovery = StoreRecovery(directory: path, options: options, engine: fresh, logger: logger)
        var next: StoreCore? = try recovery.run()
        do {
            try checkIndexes(next?.replicaNames ?? [])
            // What the log on top holds may have its bodies in the old engine alone, and not in the snapshot.
            let held = next?.bodies.newlyHeld ?? []
            try await carryOver(to: &next, fresh)
            for (digest, size) in try await copyBodies(held, from: engine, to: fresh, notingMissing: true) {
                next?.bodies.missing.insert(digest, size: size)
            }
            try exchange(fresh)
        } catch {
            next?.log.close()
            throw error
        }
        if let log = next?.log { listen(to: log) }
        let waiters = core.withLock { core -> [CheckedContinuation<Void, Never>] in
            guard let next = next.take() else { return [] }
            return core.supersede(with: next)
        }
        for waiter in waiters { waiter.resume() }
        do { try verifyBodies() } catch {
            logger.error("the engine cannot be read", metadata: ["reason": "\(error)"])
        }
        signals.progressed()
        signals.membersChanged()
        logger.notice("the store was brought up to date by a snapshot", metadata: ["from": "\(importer.transfer)"])
    }

    /// A mailbox is named by the index of a replica: what clients were shown can be taken over only if both states mean the same by it.
    private func checkIndexes(_ replicas: [ReplicaID]) throws {
        let known = core.withLock { $0.replicaNames }
        guard zip(known, replicas).allSatisfy({ $0 == $1 }) else {
            throw MailStoreError(.unavailable, "a replica was heard of while the snapshot came; it has to come again")
        }
    }

    /// Exchanges the directories and goes on with the new engine.
    ///
    /// - Throws: if the names could not be exchanged; the old engine is in use again then. What goes wrong when the new one has its name does not count.
    private func exchange(_ fresh: LMDBEngine) throws {
        fresh.close()
        engine.close()
        let leftover: StorageError?
        do {
            leftover = try replacement.commit()
        } catch {
            // Back to the old one; if not even that is possible, only a restart helps, which finishes or undoes.
            try replacement.undo()
            try reopenEngine()
            throw error
        }
        if let leftover {
            logger.warning(
                "what a snapshot replaced could not be removed; it goes at the next start or with the next snapshot",
                metadata: ["reason": "\(leftover)"])
        }
        // Whoever cannot open it now has no engine, and reads nothing under the names of the former one, until a restart.
        try reopenEngine()
    }

    private func reopenEngine() throws {
        let engine = try LMDBEngine.open(directory: replacement.enginePath)
        engineSlot.withLock { $0 = engine }
    }
}

extension StoreCore {
    /// Where in the log that begins which the snapshot does not contain, and the log's index afterwards.
    ///
    /// - Throws: if the log has lost some of that: then the snapshot cannot be used without losing operations.
    func planOverlay(
        on snapshot: [StreamPosition]
    ) throws(MailStoreError) -> (position: LogPosition, marks: LogMarks) {
        let contained = StreamVector(snapshot)
        let durable = positions(group.durable)
        let wanted = durable.filter { $0.counter > contained[$0.origin] }
            .map { StreamPosition(origin: $0.origin, counter: contained[$0.origin] + 1) }
        var position = log.end
        if !wanted.isEmpty {
            guard let found = group.marks.locate(wanted) else {
                throw MailStoreError(
                    .unavailable,
                    "the snapshot lacks operations that the log has lost; one of another replica is needed")
            }
            position = max(found, log.first)
        }
        for body in bodies.logged.values { position = min(position, body.firstPosition ?? position) }
        var marks = group.marks
        let known = StreamVector(durable)
        marks.skip(snapshot.filter { $0.counter > known[$0.origin] })
        return (position, marks)
    }

    /// Takes the place of a core whose contents a snapshot replaced: who listened has to begin anew.
    ///
    /// - Returns: who waited for something that will not come any more.
    mutating func supersede(with fresh: consuming StoreCore) -> [CheckedContinuation<Void, Never>] {
        var fresh = fresh
        var waiters = bodies.missing.takeWaiters() + tellWaiters.map(\.continuation)
        waiters += uidWaits.releaseAll()
        fresh.uidWaits.succeed(uidWaits)
        fresh.health = health
        for listener in listeners.values.flatMap(\.values) { listener.supersede() }
        fresh.nextListener = nextListener
        fresh.units = units
        fresh.uses = uses
        fresh.generation = generation + 1
        fresh.era = era + 1
        fresh.bodies.takePins(of: bodies)
        fresh.isClosed = isClosed
        fresh.group.takeOver(from: group)
        fresh.group.holdsLog = false
        fresh.group.exchanged = VersionVector()
        // Vectors by local index mean something else now; the replication machine says them again.
        fresh.group.stable = group.stable == nil ? nil : VersionVector()
        self = fresh
        return waiters
    }
}
