// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The search for the accounts in which stores differ that delivered the same operations.
///
/// Page by page the digests of this store and of its peers are compared over the range of names that all pages cover.
/// Of an account's states the one that most replicas hold wins, at equal numbers the one that the smallest replica
/// holds; every node finds the same winner and repairs only itself.
struct DivergenceSearch: Sendable {
    /// A search under way.
    struct Run: Sendable {
        /// What all of them have delivered.
        let vector: StreamVector
        let own: ReplicaID
        let startedAt: UInt64
        /// The peers that take part.
        let participants: [LinkID: Participant]
        var after: String?
        var ownPage: DigestPage?
        var pages: [LinkID: DigestPage] = [:]
        var differing: [String] = []
        var repairs: [AccountRepair] = []

        var isPageComplete: Bool { ownPage != nil && pages.count == participants.count }
    }

    /// A peer that takes part.
    struct Participant: Hashable, Sendable {
        var name: String
        var replica: ReplicaID
    }

    /// What comparing a page came to.
    enum Step: Equatable {
        /// Ask for the accounts behind this name.
        case next(after: String)
        /// All accounts were compared.
        case finished
        /// Somebody has moved on: the digests are not of the same operations.
        case abandoned
    }

    var run: Run?
    /// When the last search ended.
    var endedAt: UInt64?

    mutating func lost(_ link: LinkID) {
        if run?.participants[link] != nil { run = nil }
    }

    /// Compares the pages that are there.
    mutating func step(repairLimit: Int) -> Step {
        guard var current = run, let ownPage = current.ownPage else { return .abandoned }
        let pages = [ownPage] + current.pages.values
        guard pages.allSatisfy({ StreamVector($0.vector) == current.vector }),
            pages.allSatisfy({ $0.isLast || !$0.entries.isEmpty })
        else { return .abandoned }
        let bound = pages.filter { !$0.isLast }.compactMap { $0.entries.last?.account }
            .min(by: AccountDigest.isBefore)
        if let bound, let after = current.after, !AccountDigest.isBefore(after, bound) { return .abandoned }
        var votes: [String: [ReplicaID: StateDigest]] = [:]
        func count(_ page: DigestPage, of replica: ReplicaID) {
            for entry in page.entries {
                if let bound, AccountDigest.isBefore(bound, entry.account) { break }
                votes[entry.account, default: [:]][replica] = entry.digest
            }
        }
        count(ownPage, of: current.own)
        for (link, page) in current.pages {
            if let participant = current.participants[link] { count(page, of: participant.replica) }
        }
        let voters = [current.own] + current.participants.values.map(\.replica)
        for (account, digests) in votes.sorted(by: { AccountDigest.isBefore($0.key, $1.key) }) {
            current.judge(account, voters.map { ($0, digests[$0] ?? StateDigest()) }, limit: repairLimit)
        }
        current.ownPage = nil
        current.pages = [:]
        current.after = bound
        run = current
        return bound.map { .next(after: $0) } ?? .finished
    }
}

extension DivergenceSearch.Run {
    /// Finds the state that wins, and notes a repair if it is not this node's.
    mutating func judge(_ account: String, _ votes: [(replica: ReplicaID, digest: StateDigest)], limit: Int) {
        var holders: [StateDigest: [ReplicaID]] = [:]
        for vote in votes { holders[vote.digest, default: []].append(vote.replica) }
        guard holders.count > 1 else { return }
        if differing.count < limit { differing.append(account) }
        let winner = holders.values.max { left, right in
            left.count != right.count
                ? left.count < right.count : (left.min() ?? own) > (right.min() ?? own)
        }
        guard let winner, !winner.contains(own), repairs.count < limit,
            let source = participants.values.filter({ winner.contains($0.replica) }).map(\.name).min()
        else { return }
        repairs.append(AccountRepair(account: account, peer: source))
    }
}
