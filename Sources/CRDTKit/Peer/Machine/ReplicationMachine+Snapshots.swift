// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension ReplicationMachine {
    // MARK: Deciding

    /// Asks for a snapshot if no log holds what is missing, or if this replica is new and a log would take long.
    mutating func considerSnapshot(_ unserved: [ReplicaID], _ available: [Source]) {
        guard snapshots.incoming == nil && now.monotonicMilliseconds >= snapshots.notBefore else { return }
        let have = delivered
        let able = available.filter { source in unserved.contains { source.durable[$0] > have[$0] } }
        if let source = Source.richest(able, beyond: have) {
            return beginImport(.everything, from: source, isBootstrap: false)
        }
        let isNew = have.origins.allSatisfy { $0 == store.replica }
        if isNew, snapshots.failures < 2, let source = Source.richest(available, beyond: have),
            source.durable.count(beyond: have) >= limits.snapshotLagOperations
        {
            return beginImport(.everything, from: source, isBootstrap: true)
        }
        beginRepair(available)
    }

    private mutating func beginRepair(_ available: [Source]) {
        guard let repair = snapshots.repairs.first else { return }
        snapshots.repairs.removeFirst()
        // A peer that is gone meanwhile: the next search finds the difference again.
        guard let source = available.first(where: { $0.name == repair.peer }) else { return }
        beginImport(.account(repair.account), from: source, isBootstrap: false)
    }

    private mutating func beginImport(_ scope: SnapshotScope, from source: Source, isBootstrap: Bool) {
        guard let replica = source.replica else { return }
        let id = TransferID(receiver: store.replica, number: snapshots.newNumber())
        snapshots.incoming = IncomingSnapshot(
            id: id, scope: scope, peer: source.name, replica: replica, isBootstrap: isBootstrap, link: source.link,
            credit: limits.snapshotParts, movedAt: now.monotonicMilliseconds)
        put(.beginImport(id, scope, from: replica))
        send(.snapshotRequest(id, scope, nextPart: 0, credit: limits.snapshotParts), on: source.link)
        report(.snapshotRequested(peer: source.name, id, scope))
        if isBootstrap { evaluateSubscriptions() }
    }

    // MARK: Receiving

    mutating func snapshotPartCame(_ link: LinkID, _ transfer: TransferID, _ part: SnapshotPart) {
        guard let incoming = snapshots.incoming, incoming.id == transfer, incoming.link == link else {
            // Of a transfer that was given up: its maker may free it.
            return send(.snapshotAbort(transfer, "the transfer is over"), on: link)
        }
        if part.index < incoming.next { return }
        guard part.index == incoming.next && part.index < incoming.credit else {
            return violation(link, "part \(part.index) of a snapshot came, next is \(incoming.next)")
        }
        snapshots.incoming?.next += 1
        snapshots.incoming?.queue.append(part)
        snapshots.incoming?.movedAt = now.monotonicMilliseconds
        importNextPart()
    }

    private mutating func importNextPart() {
        guard let incoming = snapshots.incoming, !incoming.isTaking, let part = incoming.queue.first else { return }
        snapshots.incoming?.isTaking = true
        put(.importPart(incoming.id, part))
    }

    mutating func importPartTaken(_ transfer: TransferID, _ index: UInt64, _ outcome: ImportOutcome) {
        guard let incoming = snapshots.incoming, incoming.id == transfer, incoming.isTaking,
            let part = incoming.queue.first, part.index == index
        else { return }
        if case .rejected(let reason) = outcome { return endImport(reason, telling: true) }
        snapshots.incoming?.isTaking = false
        snapshots.incoming?.queue.removeFirst()
        snapshots.incoming?.taken = index + 1
        snapshots.incoming?.credit = index + 1 + limits.snapshotParts
        snapshots.incoming?.movedAt = now.monotonicMilliseconds
        if let link = incoming.link {
            send(.snapshotCredit(transfer, nextPart: index + 1, credit: index + 1 + limits.snapshotParts), on: link)
        }
        guard part.isLast else { return importNextPart() }
        snapshots.incoming = nil
        if case .account = incoming.scope {
            counts.repairs += 1
        } else {
            snapshots.failures = 0
            snapshots.notBefore = now.monotonicMilliseconds + limits.snapshotPauseMilliseconds
        }
        report(.snapshotCompleted(peer: incoming.peer, transfer, incoming.scope, parts: index + 1))
        askForMissingBodies()
        evaluateSubscriptions()
    }

    mutating func importAborted(_ transfer: TransferID, _ reason: String) {
        guard let incoming = snapshots.incoming, incoming.id == transfer else { return }
        put(.abortImport(transfer))
        endImport(reason, telling: false)
    }

    private mutating func endImport(_ reason: String, telling: Bool) {
        guard let incoming = snapshots.incoming else { return }
        if telling, let link = incoming.link { send(.snapshotAbort(incoming.id, reason), on: link) }
        snapshots.incoming = nil
        if case .everything = incoming.scope { snapshots.failures += 1 }
        snapshots.notBefore = now.monotonicMilliseconds + limits.snapshotPauseMilliseconds
        report(.snapshotAborted(peer: incoming.peer, incoming.id, reason))
        evaluateSubscriptions()
    }

    /// The peer is back: the transfer goes on where it stood.
    mutating func resumeTransfers(_ peer: String) {
        guard let incoming = snapshots.incoming, incoming.link == nil, incoming.peer == peer,
            let link = members[peer]?.incoming, links[link]?.isUp == true
        else { return }
        guard members[peer]?.replica == incoming.replica else {
            put(.abortImport(incoming.id))
            return endImport("\(peer) came back with another store", telling: false)
        }
        snapshots.incoming?.link = link
        snapshots.incoming?.movedAt = now.monotonicMilliseconds
        send(
            .snapshotRequest(incoming.id, incoming.scope, nextPart: incoming.next, credit: incoming.credit), on: link)
    }

    // MARK: Sending

    mutating func snapshotRequested(
        _ link: LinkID, _ peer: String, _ transfer: TransferID, _ scope: SnapshotScope, _ next: UInt64,
        _ credit: UInt64
    ) {
        guard transfer.receiver == members[peer]?.replica, credit >= next else {
            return violation(link, "a snapshot is asked for in another's name")
        }
        if snapshots.exports[transfer] != nil { return resumeExport(link, transfer, next, credit) }
        guard next == 0 else { return send(.snapshotAbort(transfer, "the snapshot is no longer kept"), on: link) }
        if snapshots.exports.count >= limits.exports, let idle = oldestIdleExport() { end(idle) }
        guard snapshots.exports.count < limits.exports else {
            return send(.snapshotAbort(transfer, "\(limits.exports) snapshots are being made already"), on: link)
        }
        snapshots.exports[transfer] = OutgoingSnapshot(
            peer: peer, link: link, credit: min(credit, limits.snapshotParts))
        put(.exportSnapshot(transfer, scope))
    }

    private func oldestIdleExport() -> TransferID? {
        snapshots.exports.filter { $0.value.link == nil }.min { $0.value.lostAt < $1.value.lostAt }?.key
    }

    private mutating func resumeExport(_ link: LinkID, _ transfer: TransferID, _ next: UInt64, _ credit: UInt64) {
        guard let export = snapshots.exports[transfer] else { return }
        let first = export.retained.first?.index ?? export.nextRead
        guard next >= first && next <= export.nextRead else {
            end(transfer)
            return send(.snapshotAbort(transfer, "part \(next) of the snapshot is no longer kept"), on: link)
        }
        snapshots.exports[transfer]?.link = link
        for part in export.retained where part.index >= next { send(.snapshotPart(transfer, part), on: link) }
        snapshotCredited(link, transfer, next, credit)
    }

    mutating func exportBegan(_ transfer: TransferID) {
        snapshots.exports[transfer]?.isReady = true
        readNextPart(transfer)
    }

    private mutating func readNextPart(_ transfer: TransferID) {
        guard let export = snapshots.exports[transfer], export.isReady, !export.isReading, !export.isComplete,
            export.nextRead < export.credit
        else { return }
        snapshots.exports[transfer]?.isReading = true
        put(
            .readSnapshotPart(
                transfer, index: export.nextRead, maximumBytes: ReplicationLimits.maximumPartBytes))
    }

    mutating func exportPartRead(_ transfer: TransferID, _ part: SnapshotPart) {
        guard let export = snapshots.exports[transfer], export.isReading, part.index == export.nextRead else { return }
        guard part.bytes.count <= ReplicationLimits.maximumPartBytes else {
            put(.endExport(transfer))
            return exportFailed(transfer, "a part of \(part.bytes.count) bytes is too large")
        }
        snapshots.exports[transfer]?.isReading = false
        snapshots.exports[transfer]?.nextRead += 1
        snapshots.exports[transfer]?.isComplete = part.isLast
        snapshots.exports[transfer]?.retained.append(part)
        if let link = export.link { send(.snapshotPart(transfer, part), on: link) }
        readNextPart(transfer)
    }

    mutating func snapshotCredited(_ link: LinkID, _ transfer: TransferID, _ next: UInt64, _ credit: UInt64) {
        guard let export = snapshots.exports[transfer], export.link == link else { return }
        guard next <= export.nextRead else { return violation(link, "a part was taken that was not sent") }
        snapshots.exports[transfer]?.retained.removeAll { $0.index < next }
        if export.isComplete && next == export.nextRead { return end(transfer) }
        // The receiver's credit counts only as far as this node is willing to keep parts.
        let bounded = min(credit, next + limits.snapshotParts)
        snapshots.exports[transfer]?.credit = max(export.credit, bounded)
        readNextPart(transfer)
    }

    mutating func exportFailed(_ transfer: TransferID, _ reason: String) {
        guard let export = snapshots.exports.removeValue(forKey: transfer) else { return }
        report(.snapshotAborted(peer: export.peer, transfer, reason))
        if let link = export.link { send(.snapshotAbort(transfer, reason), on: link) }
    }

    mutating func exportAborted(_ link: LinkID, _ transfer: TransferID, _ reason: String) {
        guard let export = snapshots.exports[transfer], export.link == link else { return }
        end(transfer)
        report(.snapshotAborted(peer: export.peer, transfer, reason))
    }

    private mutating func end(_ transfer: TransferID) {
        snapshots.exports[transfer] = nil
        put(.endExport(transfer))
    }

    // MARK: Time

    mutating func checkSnapshots() {
        let time = now.monotonicMilliseconds
        for (id, export) in snapshots.exports
        where export.link == nil && time - export.lostAt >= limits.exportKeepMilliseconds {
            end(id)
            report(.snapshotAborted(peer: export.peer, id, "the receiver did not come back"))
        }
        guard let incoming = snapshots.incoming, !incoming.isTaking else { return }
        let patience = incoming.link == nil ? limits.exportKeepMilliseconds / 3 : limits.snapshotStallMilliseconds
        guard time - incoming.movedAt >= patience else { return }
        put(.abortImport(incoming.id))
        endImport("\(incoming.peer) sent no part for \(patience) ms", telling: true)
    }
}
