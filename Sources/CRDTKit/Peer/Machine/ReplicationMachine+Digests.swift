// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension ReplicationMachine {
    /// Begins a search if a peer holds the same operations and has another digest.
    mutating func compareDigests() {
        guard search.run == nil, snapshots.incoming == nil, snapshots.repairs.isEmpty, let own = store.digest,
            now.monotonicMilliseconds - (search.endedAt ?? 0) >= limits.divergencePauseMilliseconds
                || search.endedAt == nil
        else { return }
        let equals = availableSources.filter { members[$0.name]?.digest != nil && $0.durable == durable }
        guard equals.contains(where: { members[$0.name]?.digest != own }) else { return }
        var participants: [LinkID: DivergenceSearch.Participant] = [:]
        for source in equals {
            guard let replica = source.replica else { continue }
            participants[source.link] = DivergenceSearch.Participant(name: source.name, replica: replica)
        }
        counts.divergences += 1
        search.run = DivergenceSearch.Run(
            vector: durable, own: store.replica, startedAt: now.monotonicMilliseconds, participants: participants)
        askForDigests(after: nil)
    }

    private mutating func askForDigests(after name: String?) {
        guard let run = search.run else { return }
        put(.readDigests(nil, after: name, limit: ReplicationLimits.maximumDigests))
        for link in run.participants.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            send(.digestRequest(after: name), on: link)
        }
    }

    /// The store has made a page: for a peer, or for this node's own search.
    mutating func digestPageRead(_ link: LinkID?, _ page: DigestPage?) {
        if let link {
            guard links[link]?.isUp == true else { return }
            return send(.digests(page.map(Self.ordered)), on: link)
        }
        guard search.run != nil else { return }
        guard let page else { return endSearch() }
        search.run?.ownPage = page
        compareNextPage()
    }

    /// A page as the wire wants it: the vector in the order of the replicas.
    private static func ordered(_ page: DigestPage) -> DigestPage {
        DigestPage(vector: StreamVector(page.vector).positions, entries: page.entries, isLast: page.isLast)
    }

    mutating func digestsCame(_ link: LinkID, _ page: DigestPage?) {
        guard search.run?.participants[link] != nil else { return }
        guard let page else { return endSearch() }
        search.run?.pages[link] = page
        compareNextPage()
    }

    private mutating func compareNextPage() {
        guard search.run?.isPageComplete == true else { return }
        switch search.step(repairLimit: limits.repairsPerSearch) {
        case .next(let name): askForDigests(after: name)
        case .abandoned: endSearch()
        case .finished:
            let repairs = search.run?.repairs ?? []
            let differing = search.run?.differing ?? []
            endSearch()
            guard !differing.isEmpty else { return }
            report(.divergence(accounts: differing, repairing: repairs.map(\.account)))
            snapshots.repairs = repairs
            evaluateSubscriptions()
        }
    }

    private mutating func endSearch() {
        search.run = nil
        search.endedAt = now.monotonicMilliseconds
    }

    mutating func checkSearch() {
        if let run = search.run,
            now.monotonicMilliseconds - run.startedAt >= limits.searchMilliseconds || durable != run.vector
        {
            endSearch()
        }
        compareDigests()
    }
}
