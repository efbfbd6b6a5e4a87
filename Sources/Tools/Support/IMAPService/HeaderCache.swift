// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Synchronization

/// The headers that were read lately, because clients search and list the same mails again and again.
///
/// A body never changes, so neither does its header. Memory is bounded by octets: what was used since half of them were filled stays, what was
/// not used for so long goes all at once. A large header is not kept. One command that goes through more headers than fit
/// replaces no more than a quarter of them, see ``Visit``: the others are what clients use again and again.
final class HeaderCache: Sendable {
    /// What is known of a header.
    struct Entry: Sendable {
        /// The header with its empty line, or the whole message where there is none.
        let header: [UInt8]
        /// The value of FETCH ENVELOPE, once somebody has asked for it.
        var envelope: [UInt8]?

        /// What it costs, with its place in the table.
        fileprivate var octets: Int { header.count + (envelope?.count ?? 0) + 160 }
    }

    /// What one command may still change of the cache, in octets; afterwards it finds what there is, and leaves all as it is.
    struct Visit {
        fileprivate var octets: Int
    }

    private struct State {
        var recent: [BodyDigest: Entry] = [:]
        var recentOctets = 0
        /// What was not used since ``recent`` was begun.
        var older: [BodyDigest: Entry] = [:]
    }

    /// The largest header that is kept, and that is read as a whole.
    static let maximumHeaderBytes = 16 << 10

    private let capacity: Int
    private let state = Mutex(State())

    /// Makes a cache.
    ///
    /// - Parameter octets: the most that it holds.
    init(octets: Int) { capacity = octets }

    /// Begins a command.
    func visit() -> Visit { Visit(octets: capacity / 4) }

    func entry(of body: BodyDigest) -> Entry? {
        var visit = visit()
        return entry(of: body, &visit)
    }

    func entry(of body: BodyDigest, _ visit: inout Visit) -> Entry? {
        let (entry, _) = state.withLock { state -> (Entry?, [BodyDigest: Entry]) in
            if let entry = state.recent[body] { return (entry, [:]) }
            guard let entry = state.older[body], visit.octets >= entry.octets else { return (state.older[body], [:]) }
            visit.octets -= entry.octets
            return (entry, put(entry, for: body, in: &state))
        }
        return entry
    }

    func insert(_ entry: Entry, for body: BodyDigest) {
        var visit = visit()
        insert(entry, for: body, &visit)
    }

    func insert(_ entry: Entry, for body: BodyDigest, _ visit: inout Visit) {
        guard entry.header.count <= Self.maximumHeaderBytes, entry.octets <= capacity / 4 else { return }
        // What has to go is given back outside of the lock: others wait for it.
        _ = state.withLock { state -> [BodyDigest: Entry] in
            // An envelope may come to a header that is there.
            let cost = entry.octets - (state.recent[body]?.octets ?? 0)
            guard cost <= visit.octets else { return [:] }
            visit.octets -= cost
            return put(entry, for: body, in: &state)
        }
    }

    /// The octets that are held now.
    var octets: Int {
        state.withLock { state in
            state.recentOctets + state.older.values.reduce(0) { $0 + $1.octets }
        }
    }

    /// Puts an entry among the recent ones.
    ///
    /// - Returns: what had to go for it.
    private func put(_ entry: Entry, for body: BodyDigest, in state: inout State) -> [BodyDigest: Entry] {
        var gone: [BodyDigest: Entry] = [:]
        if state.recentOctets + entry.octets > capacity / 2 {
            gone = state.older
            state.older = state.recent
            state.recent = [:]
            state.recentOctets = 0
        }
        state.older[body] = nil
        state.recentOctets += entry.octets - (state.recent.updateValue(entry, forKey: body)?.octets ?? 0)
        return gone
    }
}
