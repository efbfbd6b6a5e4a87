// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension ReplicationMachine {
    // MARK: Serving

    mutating func wanted(_ link: LinkID, _ digest: BodyDigest, _ offset: UInt64, _ length: UInt64) {
        guard let count = links[link]?.wants.count, count < limits.servedWantsPerLink else {
            return violation(link, "more than \(limits.servedWantsPerLink) wants are unanswered")
        }
        let (end, overflow) = offset.addingReportingOverflow(length)
        guard !overflow else { return violation(link, "a want exceeds 64 bits") }
        links[link]?.wants.append(ServedWant(digest: digest, offset: offset, end: end))
        readNextBody(link)
    }

    private mutating func readNextBody(_ link: LinkID) {
        guard let state = links[link], !state.isReadingBody, let want = state.wants.first else { return }
        links[link]?.isReadingBody = true
        let length = min(want.end - want.offset, UInt64(ReplicationLimits.maximumChunkBytes))
        put(.readBody(link, want.digest, offset: want.offset, length: Int(length)))
    }

    mutating func bodyPieceRead(_ link: LinkID, _ digest: BodyDigest, _ offset: UInt64, _ read: BodyRead) {
        guard let state = links[link], state.isReadingBody, let want = state.wants.first, want.digest == digest,
            want.offset == offset
        else { return }
        links[link]?.isReadingBody = false
        switch read {
        case .piece(let size, let bytes):
            let fits = bytes.prefix(ReplicationLimits.maximumChunkBytes)
            let end = offset + UInt64(fits.count)
            guard end <= size && (!fits.isEmpty || offset >= min(size, want.end)) else { return absent(link, digest) }
            send(.bodyChunk(digest, size: size, offset: offset, bytes: Array(fits)), on: link)
            if end >= min(size, want.end) {
                links[link]?.wants.removeFirst()
            } else {
                links[link]?.wants[0].offset = end
            }
        case .absent: return absent(link, digest)
        }
        readNextBody(link)
    }

    private mutating func absent(_ link: LinkID, _ digest: BodyDigest) {
        links[link]?.wants.removeFirst()
        send(.bodyAbsent(digest), on: link)
        readNextBody(link)
    }

    // MARK: Wanting

    mutating func noteMissing(_ missing: [MissingBody]) {
        if bodies.isListing {
            bodies.isListing = false
            // Once round those that nobody had is enough, until one of them comes after all.
            bodies.hasMore = missing.count >= limits.knownMissingBodies && missing.last?.isPostponed == false
        }
        for body in missing { bodies.add(body) }
        pumpBodies()
    }

    mutating func settle(_ digest: BodyDigest) {
        bodies.remove(digest)
        pumpBodies()
    }

    /// Asks the store for missing bodies, unless it was asked just now.
    mutating func askForMissingBodies() {
        bodies.hasMore = true
        listMissingBodies()
    }

    mutating func listMissingBodies() {
        let age = now.monotonicMilliseconds - bodies.listedAt
        guard bodies.hasMore && !bodies.isListing && bodies.count < limits.knownMissingBodies / 2 + 1,
            age >= limits.missingBodiesPauseMilliseconds, links.values.contains(where: { $0.isUp })
        else { return }
        bodies.isListing = true
        bodies.hasMore = false
        bodies.listedAt = now.monotonicMilliseconds
        put(.listMissingBodies(limit: limits.knownMissingBodies))
    }

    /// Asks peers for missing bodies as far as the limits allow.
    mutating func pumpBodies() {
        guard bodies.count > 0 else { return }
        let available = availableSources
        guard !available.isEmpty else { return }
        for digest in bodies.idle(at: now.monotonicMilliseconds) {
            guard bodies.askedCount < limits.wantedBodies, let body = bodies.bodies[digest] else { return }
            let able = available.filter { !body.absent.contains($0.name) }
            guard !able.isEmpty else {
                if bodies.isCrowded && !body.isUrgent {
                    bodies.remove(digest)
                    put(.postponeBody(digest))
                    continue
                }
                bodies.startOver(digest, at: now.monotonicMilliseconds + limits.absentBodyPauseMilliseconds)
                continue
            }
            let free = able.filter { bodies.asked[$0.link, default: 0] < limits.wantedBodiesPerLink }
            let likeliest = free.first { $0.replica == body.origin }
            let idlest = free.min { bodies.asked[$0.link, default: 0] < bodies.asked[$1.link, default: 0] }
            guard let source = likeliest ?? idlest else { continue }
            want(digest, source.link)
        }
    }

    private mutating func want(_ digest: BodyDigest, _ link: LinkID) {
        guard let part = bodies.ask(digest, link, at: now.monotonicMilliseconds) else { return }
        send(.want(digest, offset: part.offset, length: part.length), on: link)
    }

    mutating func chunkCame(
        _ link: LinkID, _ peer: String, _ digest: BodyDigest, _ size: UInt64, _ offset: UInt64, _ bytes: [UInt8]
    ) {
        // Late answers of a want that was given up are not an error; what does not fit is not stored.
        guard let body = bodies.bodies[digest], case .asked(link, _, _, _) = body.state else { return }
        guard
            bodies.came(
                digest, link, size: size, offset: offset, bytes, at: now.monotonicMilliseconds)
        else {
            if size != body.size {
                report(.bodyMismatch(peer: peer, digest))
                bodies.markAbsent(digest, at: peer)
                pumpBodies()
            }
            return
        }
        storeNextChunk(link, digest)
    }

    private mutating func storeNextChunk(_ link: LinkID, _ digest: BodyDigest) {
        guard let size = bodies.bodies[digest]?.size, let chunk = bodies.nextChunk(digest) else { return }
        put(.storeBody(link, digest, size: size, offset: chunk.offset, chunk.bytes))
    }

    mutating func absenceCame(_ peer: String, _ link: LinkID, _ digest: BodyDigest) {
        guard let body = bodies.bodies[digest], case .asked(link, _, _, _) = body.state else { return }
        bodies.markAbsent(digest, at: peer)
        pumpBodies()
    }

    mutating func bodyPieceStored(_ digest: BodyDigest, _ outcome: BodyStoreOutcome) {
        guard let body = bodies.bodies[digest] else { return }
        switch outcome {
        case .partial(let held):
            let isDone = bodies.stored(digest, held: held)
            if case .asked(let link, _, _, _) = body.state {
                if isDone { want(digest, link) } else { storeNextChunk(link, digest) }
            }
        case .complete:
            bodies.remove(digest)
            if body.isPostponed { bodies.hasMore = true }
            listMissingBodies()
        case .mismatch:
            _ = bodies.stored(digest, held: 0)
            if case .asked(let link, _, _, _) = body.state, let peer = links[link]?.peer {
                report(.bodyMismatch(peer: peer, digest))
                bodies.markAbsent(digest, at: peer)
            } else {
                bodies.rest(digest)
            }
        case .failed:
            _ = bodies.stored(digest, held: body.held)
            bodies.rest(digest, until: now.monotonicMilliseconds + limits.absentBodyPauseMilliseconds)
        }
        pumpBodies()
    }

    /// Gives up wants that are not answered, and asks the store again once in a while.
    mutating func checkBodies() {
        for (digest, link) in bodies.overdue(at: now.monotonicMilliseconds) {
            if let peer = links[link]?.peer { bodies.markAbsent(digest, at: peer) } else { bodies.rest(digest) }
        }
        if now.monotonicMilliseconds - bodies.listedAt >= limits.missingBodiesMilliseconds { bodies.hasMore = true }
        listMissingBodies()
        pumpBodies()
    }
}
