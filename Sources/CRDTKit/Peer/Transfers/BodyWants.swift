// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The missing bodies that the machine has in mind, and who is asked for them.
struct BodyWants: Sendable {
    /// Where a body stands.
    enum State: Hashable, Sendable {
        /// Nobody is asked; not before this time.
        case idle(notBefore: UInt64)
        /// The peer of this link is asked for the octets up to `end`; `next` is what must come next, and the last
        /// octets came, or were asked for, at this time.
        case asked(LinkID, next: UInt64, end: UInt64, at: UInt64)
    }

    /// A missing body.
    struct Wanted: Sendable {
        var size: UInt64
        var held: UInt64
        var origin: ReplicaID?
        var isUrgent: Bool
        var isPostponed: Bool
        /// Whether nobody had it, so that it rested.
        var hasRested = false
        /// The order in which the store named it.
        var order: UInt64
        var state = State.idle(notBefore: 0)
        /// The members that do not have it.
        var absent: Set<String> = []
        /// Octets that came and wait for the store, and whether the store has some.
        var chunks: [(offset: UInt64, bytes: [UInt8])] = []
        var isStoring = false
    }

    let limits: ReplicationLimits
    private(set) var bodies: [BodyDigest: Wanted] = [:]
    /// The number of bodies that are asked for on each link.
    private(set) var asked: [LinkID: Int] = [:]
    /// Whether the store was asked for missing bodies and has not answered.
    var isListing = false
    /// Whether the store may know of more than it named.
    var hasMore = true
    var listedAt: UInt64 = 0
    /// The number of bodies that nobody had.
    private var rested = 0
    private var order: UInt64 = 0

    init(_ limits: ReplicationLimits) { self.limits = limits }

    var count: Int { bodies.count }

    /// Whether bodies that nobody has take up so much room that they might keep others out.
    var isCrowded: Bool { rested >= limits.knownMissingBodies / 4 }

    /// The number of bodies that are asked for.
    var askedCount: Int { asked.values.reduce(0, +) }

    // MARK: Inputs

    /// Takes note of a missing body; beyond the limit only urgent ones are taken.
    mutating func add(_ body: MissingBody) {
        if let known = bodies[body.digest] {
            if body.isUrgent && !known.isUrgent {
                bodies[body.digest]?.isUrgent = true
                // A session waits: who had it not may have it now.
                bodies[body.digest]?.absent = []
                if case .idle = known.state { bodies[body.digest]?.state = .idle(notBefore: 0) }
            }
            return
        }
        let limit = body.isUrgent ? limits.knownMissingBodies * 2 : limits.knownMissingBodies
        guard bodies.count < limit else {
            hasMore = true
            return
        }
        order += 1
        bodies[body.digest] = Wanted(
            size: body.size, held: min(body.held, body.size), origin: body.origin, isUrgent: body.isUrgent,
            isPostponed: body.isPostponed, order: order
        )
    }

    /// The body is no longer missing.
    mutating func remove(_ digest: BodyDigest) {
        release(digest)
        if bodies.removeValue(forKey: digest)?.hasRested == true { rested -= 1 }
    }

    /// A link is gone: what was asked for there is asked for elsewhere.
    mutating func lost(_ link: LinkID) {
        for digest in bodies.keys {
            if case .asked(link, _, _, _) = bodies[digest]?.state {
                bodies[digest]?.state = .idle(notBefore: 0)
                bodies[digest]?.chunks = []
            }
        }
        asked[link] = nil
    }

    /// Nobody is asked any more; try again from a time on.
    mutating func rest(_ digest: BodyDigest, until time: UInt64 = 0) {
        release(digest)
        bodies[digest]?.state = .idle(notBefore: time)
    }

    /// The member does not have the body.
    mutating func markAbsent(_ digest: BodyDigest, at member: String) {
        rest(digest)
        bodies[digest]?.absent.insert(member)
    }

    /// Nobody had the body: try everybody again from a time on.
    mutating func startOver(_ digest: BodyDigest, at time: UInt64) {
        rest(digest, until: time)
        bodies[digest]?.absent = []
        guard bodies[digest]?.hasRested == false else { return }
        bodies[digest]?.hasRested = true
        rested += 1
    }

    /// Asks a link's peer.
    ///
    /// - Returns: offset and length of the want.
    mutating func ask(_ digest: BodyDigest, _ link: LinkID, at now: UInt64) -> (offset: UInt64, length: UInt64)? {
        guard let body = bodies[digest] else { return nil }
        release(digest)
        let length = min(ReplicationLimits.maximumWantBytes, body.size - body.held)
        bodies[digest]?.state = .asked(link, next: body.held, end: body.held + length, at: now)
        asked[link, default: 0] += 1
        return (body.held, length)
    }

    /// A chunk came: it waits for the store.
    ///
    /// - Returns: whether it is the one that was asked for.
    mutating func came(
        _ digest: BodyDigest, _ link: LinkID, size: UInt64, offset: UInt64, _ bytes: [UInt8], at now: UInt64
    ) -> Bool {
        let count = UInt64(bytes.count)
        guard let body = bodies[digest], case .asked(link, let next, let end, _) = body.state, next == offset,
            size == body.size, offset + count <= end, count > 0 || size == 0
        else { return false }
        bodies[digest]?.state = .asked(link, next: next + count, end: end, at: now)
        bodies[digest]?.chunks.append((offset, bytes))
        return true
    }

    /// The next chunk for the store, which gets one at a time of each body, in order.
    mutating func nextChunk(_ digest: BodyDigest) -> (offset: UInt64, bytes: [UInt8])? {
        guard let body = bodies[digest], !body.isStoring, let chunk = body.chunks.first else { return nil }
        guard chunk.offset == body.held else {
            // The store holds something else than was thought: ask again from there.
            rest(digest)
            return nil
        }
        bodies[digest]?.chunks.removeFirst()
        bodies[digest]?.isStoring = true
        return chunk
    }

    /// The store holds so many octets.
    ///
    /// - Returns: whether all that was asked for is stored, so that more can be asked for.
    mutating func stored(_ digest: BodyDigest, held: UInt64) -> Bool {
        guard let body = bodies[digest] else { return false }
        bodies[digest]?.isStoring = false
        bodies[digest]?.held = min(held, body.size)
        guard case .asked(_, _, let end, _) = body.state else { return false }
        return held >= end
    }

    // MARK: Outputs

    /// The bodies that may be asked for now: urgent ones first, those that nobody had last, otherwise in the order in which they were named.
    func idle(at now: UInt64) -> [BodyDigest] {
        let ready = bodies.filter { entry in
            if case .idle(let time) = entry.value.state { return time <= now && !entry.value.isStoring }
            return false
        }
        return ready.sorted { left, right in
            if left.value.isUrgent != right.value.isUrgent { return left.value.isUrgent }
            // Asking again and again for what nobody has must not take all the room on a slow link.
            if left.value.hasRested != right.value.hasRested { return right.value.hasRested }
            return left.value.order < right.value.order
        }.map(\.key)
    }

    /// The wants that were not answered in time.
    func overdue(at now: UInt64) -> [(digest: BodyDigest, link: LinkID)] {
        bodies.compactMap { digest, body in
            guard !body.isStoring, case .asked(let link, _, _, let at) = body.state,
                now - min(at, now) >= limits.wantMilliseconds
            else { return nil }
            return (digest, link)
        }
    }

    /// Checks what must always hold.
    func checkInvariants() throws(CRDTError) {
        var counted: [LinkID: Int] = [:]
        for body in bodies.values {
            if case .asked(let link, let next, let end, _) = body.state {
                counted[link, default: 0] += 1
                guard next <= end && end <= body.size else { throw CRDTError(.malformed, "a want exceeds its body") }
            }
            let waiting = body.chunks.reduce(0) { $0 + UInt64($1.bytes.count) }
            guard waiting <= ReplicationLimits.maximumWantBytes else {
                throw CRDTError(.malformed, "\(waiting) octets of a body wait for the store")
            }
            guard body.held <= body.size else { throw CRDTError(.malformed, "more of a body is held than it has") }
        }
        guard counted == asked.filter({ $0.value > 0 }) else { throw CRDTError(.malformed, "the wants are miscounted") }
        guard bodies.values.count(where: \.hasRested) == rested else {
            throw CRDTError(.malformed, "the bodies that nobody had are miscounted")
        }
        guard bodies.count <= limits.knownMissingBodies * 2 else {
            throw CRDTError(.malformed, "\(bodies.count) missing bodies are kept in mind")
        }
    }

    private mutating func release(_ digest: BodyDigest) {
        guard case .asked(let link, _, _, _) = bodies[digest]?.state else { return }
        asked[link, default: 1] -= 1
        if asked[link] == 0 { asked[link] = nil }
        bodies[digest]?.state = .idle(notBefore: 0)
        bodies[digest]?.chunks = []
    }
}
