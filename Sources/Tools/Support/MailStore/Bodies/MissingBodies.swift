// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Crypto

/// Bodies that messages hold and that have not arrived: operations travel ahead of large bodies, and after a state transfer of all.
///
/// A body that somebody waits for comes first, then the newest: mail is mostly read when it is new.
struct MissingBodies {
    /// A body on its way, as far as it has come; it begins anew when the process does.
    struct Arrival {
        /// The number under which its chunks are in the log.
        let upload: UInt64
        /// How many octets have come.
        var received: UInt64 = 0
        /// Of those octets; nil while a chunk is being taken.
        var hash: SHA256? = SHA256()
    }

    private struct Entry {
        let size: UInt64
        var number: UInt64
        var isPostponed = false
        var arrival: Arrival?
        /// Who waits; one who has not suspended yet has no continuation.
        var waiters: [UInt64: CheckedContinuation<Void, Never>?] = [:]
    }

    private var entries: [BodyDigest: Entry] = [:]
    /// All entries that are not postponed in the order in which they came to be missed, with some that are gone.
    private var order: [(digest: BodyDigest, number: UInt64)] = []
    /// Those that are, in the order in which they were, with some that are gone.
    private var postponed: [(digest: BodyDigest, number: UInt64)] = []
    private var awaited: Set<BodyDigest> = []
    /// Whether somebody waited in vain, and nothing of any body has come since.
    private var isDry = false
    /// How long is waited for another body then, in milliseconds.
    static let dryWaitMilliseconds = 250
    private var nextNumber: UInt64 = 1

    /// How many there are.
    var count: Int { entries.count }

    func contains(_ digest: BodyDigest) -> Bool { entries[digest] != nil }

    /// The size of a missing body, in octets.
    func size(of digest: BodyDigest) -> UInt64? { entries[digest]?.size }

    /// Adds a body, unless it is there.
    mutating func insert(_ digest: BodyDigest, size: UInt64) {
        guard entries[digest] == nil else { return }
        entries[digest] = Entry(size: size, number: nextNumber)
        order.append((digest, nextNumber))
        nextNumber += 1
    }

    /// Forgets a body because it has come, or because nobody holds it any more.
    ///
    /// - Returns: who waited for it.
    mutating func remove(_ digest: BodyDigest) -> [CheckedContinuation<Void, Never>] {
        guard let entry = entries.removeValue(forKey: digest) else { return [] }
        isDry = false
        awaited.remove(digest)
        tidy()
        return entry.waiters.values.compactMap { $0 }
    }

    /// Names a body last from now on, because nobody who can be reached has it.
    mutating func postpone(_ digest: BodyDigest) {
        guard entries[digest] != nil else { return }
        entries[digest]?.isPostponed = true
        entries[digest]?.number = nextNumber
        postponed.append((digest, nextNumber))
        nextNumber += 1
        tidy()
    }

    /// Drops what stands for nothing any more: at the end of the newest at once, elsewhere once it is more than what does.
    private mutating func tidy() {
        while let last = order.last, entries[last.digest]?.number != last.number { order.removeLast() }
        guard order.count + postponed.count > 64, order.count + postponed.count > entries.count * 2 else { return }
        order.removeAll { entries[$0.digest]?.number != $0.number }
        postponed.removeAll { entries[$0.digest]?.number != $0.number }
    }

    /// The most urgent bodies, those on their way among them.
    ///
    /// - Complexity: O(limit), amortised.
    func urgent(limit: Int) -> [MissingBody] {
        var result: [MissingBody] = []
        for digest in awaited where result.count < limit {
            guard let entry = entries[digest] else { continue }
            result.append(
                MissingBody(digest: digest, size: entry.size, held: entry.arrival?.received ?? 0, isUrgent: true))
        }
        for (digest, number) in order.reversed() {
            if result.count >= limit { return result }
            guard let entry = entries[digest], entry.number == number, !awaited.contains(digest) else { continue }
            result.append(MissingBody(digest: digest, size: entry.size, held: entry.arrival?.received ?? 0))
        }
        for (digest, number) in postponed {
            if result.count >= limit { return result }
            guard let entry = entries[digest], entry.number == number, !awaited.contains(digest) else { continue }
            result.append(
                MissingBody(
                    digest: digest, size: entry.size, held: entry.arrival?.received ?? 0, isPostponed: true))
        }
        return result
    }

    // MARK: Arrivals

    /// What has come of a body.
    func arrival(of digest: BodyDigest) -> Arrival? { entries[digest]?.arrival }

    /// Says what has come of a body; nil if it has to begin anew.
    mutating func setArrival(_ arrival: Arrival?, of digest: BodyDigest) {
        entries[digest]?.arrival = arrival
        if arrival != nil { isDry = false }
    }

    /// The bodies of which a part has come, with the numbers of their chunks.
    var arrivals: [(digest: BodyDigest, upload: UInt64)] {
        (order + postponed).compactMap { digest, number in
            guard let entry = entries[digest], entry.number == number, let arrival = entry.arrival else { return nil }
            return (digest, arrival.upload)
        }
    }

    // MARK: Waiting

    /// Begins to wait for a body, which becomes urgent by that.
    mutating func beginWait(for digest: BodyDigest, _ number: UInt64) {
        guard entries[digest] != nil else { return }
        entries[digest]?.waiters.updateValue(nil, forKey: number)
        awaited.insert(digest)
    }

    /// Lets somebody wait who has begun to.
    ///
    /// - Returns: false if there is nothing to wait for, or no time left.
    mutating func wait(
        for digest: BodyDigest, _ number: UInt64, _ continuation: CheckedContinuation<Void, Never>
    ) -> Bool {
        guard entries[digest]?.waiters[number] != nil else { return false }
        entries[digest]?.waiters.updateValue(continuation, forKey: number)
        return true
    }

    /// How long to wait for a body, in milliseconds: not for long when the last wait was in vain, or who fetches a whole mailbox would wait as often as it
    /// has messages.
    ///
    /// - Parameter limit: the longest wait.
    /// - Returns: the wait.
    func patience(_ limit: Int) -> Int { isDry ? min(limit, Self.dryWaitMilliseconds) : limit }

    /// Ends somebody's waiting.
    ///
    /// - Parameters:
    ///   - digest: the body.
    ///   - number: who waited.
    ///   - inVain: whether the time is over, and not just somebody's interest.
    /// - Returns: who waited, to be told.
    mutating func endWait(
        for digest: BodyDigest, _ number: UInt64, inVain: Bool
    ) -> CheckedContinuation<Void, Never>? {
        if inVain, entries[digest]?.waiters[number] != nil { isDry = true }
        let waiter = entries[digest]?.waiters.removeValue(forKey: number) ?? nil
        if entries[digest]?.waiters.isEmpty ?? true { awaited.remove(digest) }
        return waiter
    }

    /// All who wait, when what they wait for is judged anew.
    mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
        var waiters: [CheckedContinuation<Void, Never>] = []
        for digest in awaited {
            waiters += entries[digest]?.waiters.values.compactMap { $0 } ?? []
            entries[digest]?.waiters = [:]
        }
        awaited = []
        return waiters
    }
}
