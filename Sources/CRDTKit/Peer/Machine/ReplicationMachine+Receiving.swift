// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension ReplicationMachine {
    // MARK: Messages

    mutating func received(_ message: PeerMessage, _ link: LinkID) {
        let before = links[link]?.inbox.frames ?? 0
        do throws(CRDTError) {
            switch message {
            case .frames(let bytes): try links[link]?.inbox.take(frames: bytes)
            case .framePiece(let size, let offset, let bytes):
                try links[link]?.inbox.take(pieceAt: offset, of: size, bytes)
            case .body(let digest, let bytes): try links[link]?.inbox.take(body: digest, bytes)
            case .hello, .welcome, .refuse, .subscribe, .acknowledge, .presence, .want, .bodyChunk, .bodyAbsent,
                .snapshotRequest, .snapshotPart, .snapshotCredit, .snapshotAbort, .digestRequest, .digests:
                break
            }
        } catch {
            return refuse(link, RefusalReason(error))
        }
        counts.receivedFrames &+= (links[link]?.inbox.frames ?? before) - before
        links[link]?.framesAt = now.monotonicMilliseconds
        deliverNext(link)
        acknowledgeIfDue(link)
    }

    mutating func presenceCame(_ link: LinkID, _ peer: String, _ presence: PeerPresence) {
        if hasLostOwn(StreamVector(presence.durable)) {
            return refuse(link, RefusalReason(.staleLife, "\(group.node) lost own operations and begins a new life"))
        }
        if members[peer]?.take(presence, at: now) == true { evaluateSubscriptions() }
        if checkWritability(peer) { updateUnreachable() }
        compareDigests()
    }

    // MARK: Delivery

    private mutating func deliverNext(_ link: LinkID) {
        guard let batch = links[link]?.inbox.nextBatch() else { return }
        put(.deliver(link, batch))
    }

    mutating func batchTaken(_ link: LinkID, _ outcome: DeliveryOutcome) {
        if outcome.refusal?.error.code == .unavailable || !outcome.waiting.isEmpty {
            // A store whose log failed went back to what is durable: what it says now counts, and the rest comes again.
            delivered = StreamVector(outcome.delivered)
        } else {
            delivered.formUnion(StreamVector(outcome.delivered))
        }
        counts.receivedOperations &+= UInt64(max(outcome.deliveredOperations, 0))
        let peer = links[link]?.peer
        let origins = links[link]?.inbox.delivering ?? []
        links[link]?.inbox.batchTaken()
        for refused in outcome.refusedFrames {
            fail(peer ?? "", refused.position.origin, refused.error)
        }
        for position in outcome.overflow {
            pause(position.origin, for: limits.overflowPauseMilliseconds)
            report(.overflow(peer: peer ?? "", position))
        }
        for missing in outcome.waiting where missing.origin != store.replica { wantedOrigins.insert(missing.origin) }
        if let refusal = outcome.refusal {
            let origin = origins.indices.contains(refusal.item) ? origins[refusal.item] : nil
            fail(peer ?? "", origin, refusal.error)
            refuse(link, RefusalReason(refusal.error))
            return
        }
        if !outcome.waiting.isEmpty || !outcome.overflow.isEmpty || !outcome.refusedFrames.isEmpty {
            evaluateSubscriptions()
        }
        guard links[link] != nil else { return }
        for (origin, time) in links[link]?.inbox.newest ?? [:] { newest[origin] = max(newest[origin] ?? time, time) }
        deliverNext(link)
        acknowledgeIfDue(link)
        if outcome.deliveredOperations > 0 { askForMissingBodies() }
    }

    /// A frame was refused: its origin, or if that cannot be told all of the peer's, rests for a growing time.
    private mutating func fail(_ peer: String, _ origin: ReplicaID?, _ error: CRDTError) {
        let origins = origin.map { [$0] } ?? sources.filter { links[$0.value]?.peer == peer }.keys.sorted()
        var longest = limits.refusalPauseMilliseconds
        for origin in origins {
            var length = limits.refusalPauseMilliseconds
            if let former = pauses[origin], former.next > 0, former.counter == delivered[origin] {
                length = former.next
            }
            longest = max(longest, length)
            pauses[origin] = OriginPause(
                until: now.monotonicMilliseconds + length,
                next: min(length * 2, limits.maximumRefusalPauseMilliseconds), counter: delivered[origin])
        }
        report(.deliveryFailed(peer: peer, origin: origin, error, pauseMilliseconds: longest))
    }

    /// An origin is not asked for during a time that does not grow.
    private mutating func pause(_ origin: ReplicaID, for length: UInt64) {
        let until = now.monotonicMilliseconds + length
        if let former = pauses[origin] {
            pauses[origin]?.until = max(former.until, until)
        } else {
            pauses[origin] = OriginPause(until: until, next: 0, counter: delivered[origin])
        }
    }

    /// What this node could not take is asked for at once; what is refused for another reason rests as long as it would have next.
    mutating func endPauses() {
        for origin in pauses.keys { pauses[origin]?.until = now.monotonicMilliseconds }
    }

    // MARK: Acknowledgements

    /// Tells the peer at once that operations it sent are durable; what came by other links may wait.
    mutating func acknowledge(_ link: LinkID) {
        guard let subscriptions = links[link]?.subscriptions, let told = links[link]?.acknowledged else { return }
        let held = durable
        let isDue = subscriptions.contains { held[$0] > told[$0] }
        if isDue || links[link]?.inbox.isReportDue == true { sendAcknowledgement(link) }
    }

    private mutating func acknowledgeIfDue(_ link: LinkID) {
        if links[link]?.inbox.isReportDue == true { sendAcknowledgement(link) }
    }

    mutating func sendAcknowledgement(_ link: LinkID) {
        guard let told = links[link]?.acknowledged, let consumed = links[link]?.inbox.report() else { return }
        let changed = durable.positions.filter { $0.counter > told[$0.origin] }
        links[link]?.acknowledged = durable
        send(.acknowledge(consumed: consumed, durable: changed), on: link)
    }
}
