// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension ReplicationMachine {
    /// A peer from which this node can receive now.
    struct Source {
        let name: String
        let link: LinkID
        let replica: ReplicaID?
        let durable: StreamVector
        let logStart: StreamVector

        /// Whether its log holds everything of an origin behind a counter.
        func serves(_ origin: ReplicaID, after counter: UInt64) -> Bool { counter >= logStart[origin] }

        /// The one that holds most of what a vector lacks; of equals the first by name.
        static func richest(_ sources: [Source], beyond have: StreamVector) -> Source? {
            sources.max { left, right in
                (left.durable.count(beyond: have), right.name) < (right.durable.count(beyond: have), left.name)
            }
        }
    }

    /// The peers from which this node can receive, in the order of their names.
    var availableSources: [Source] {
        var result: [Source] = []
        for member in members.values {
            guard let link = member.incoming, let state = links[link], state.isUp,
                now.monotonicMilliseconds - state.heardAt < limits.unreachableMilliseconds
            else { continue }
            result.append(
                Source(
                    name: member.name, link: link, replica: member.replica, durable: member.durable,
                    logStart: member.logStart))
        }
        return result.sorted { $0.name < $1.name }
    }

    /// Decides anew from whom each origin is received, and asks for a snapshot if no log serves.
    ///
    /// An origin is received from its own node if that is there; else from one that has more of it, and stays there as
    /// long as that is so.
    mutating func evaluateSubscriptions() {
        let available = availableSources
        var changes: [LinkID: [StreamPosition]] = [:]
        var unserved: [ReplicaID] = []
        let isSuspended = snapshots.isBootstrapping
        for origin in knownOrigins() where origin != store.replica {
            let have = delivered[origin]
            noteProgress(origin, have)
            endPause(origin, have)
            let isPaused = isSuspended || (pauses[origin].map { $0.until > now.monotonicMilliseconds } ?? false)
            let choice = isPaused ? nil : choose(origin, have, available)
            if choice == nil && !isPaused && available.contains(where: { $0.durable[origin] > have }) {
                unserved.append(origin)
            }
            move(origin, to: choice, from: have, &changes)
        }
        for (link, positions) in changes.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            send(.subscribe(positions.sorted { $0.origin < $1.origin }), on: link)
        }
        if unserved != reportedUnserved {
            reportedUnserved = unserved
            if !unserved.isEmpty { report(.unserved(unserved)) }
        }
        considerSnapshot(unserved, available)
    }

    private func knownOrigins() -> [ReplicaID] {
        var origins = wantedOrigins.union(delivered.counters.keys)
        for member in members.values {
            origins.formUnion(member.durable.counters.keys)
            // Its own stream is asked for before it says that there is something: the first push waits for nothing.
            if let replica = member.replica, member.incoming != nil { origins.insert(replica) }
        }
        return origins.sorted()
    }

    private func choose(_ origin: ReplicaID, _ have: UInt64, _ available: [Source]) -> LinkID? {
        var able = available.filter { $0.serves(origin, after: have) }
        if let distrust = distrusted[origin], distrust.counter == have, distrust.until > now.monotonicMilliseconds {
            able.removeAll { $0.name == distrust.peer }
        }
        if let itself = able.first(where: { $0.replica == origin }) { return itself.link }
        let ahead = able.filter { $0.durable[origin] > have }
        if let current = sources[origin], able.contains(where: { $0.link == current }) {
            // Whoever relays goes on, unless others had more for a while and it had not.
            let still = now.monotonicMilliseconds - (progress[origin]?.at ?? 0)
            let isBehind = !ahead.isEmpty && !ahead.contains { $0.link == current }
            if !isBehind || still < limits.relayPatienceMilliseconds { return current }
        }
        return ahead.max { ($0.durable[origin], $1.name) < ($1.durable[origin], $0.name) }?.link
    }

    private mutating func move(
        _ origin: ReplicaID, to choice: LinkID?, from have: UInt64, _ changes: inout [LinkID: [StreamPosition]]
    ) {
        let current = sources[origin]
        guard choice != current else { return }
        if let current, links[current]?.subscriptions.remove(origin) != nil {
            changes[current, default: []].append(StreamPosition(origin: origin, counter: 0))
        }
        sources[origin] = choice
        guard let choice else { return }
        links[choice]?.subscriptions.insert(origin)
        let restarts = progress[origin]?.counter == have ? progress[origin]?.restarts ?? 0 : 0
        progress[origin] = OriginProgress(counter: have, at: now.monotonicMilliseconds, restarts: restarts)
        changes[choice, default: []].append(StreamPosition(origin: origin, counter: have + 1))
        if delivered[origin] > 0 { wantedOrigins.remove(origin) }
    }

    private mutating func noteProgress(_ origin: ReplicaID, _ have: UInt64) {
        guard sources[origin] != nil && progress[origin]?.counter != have else { return }
        progress[origin] = OriginProgress(counter: have, at: now.monotonicMilliseconds)
    }

    /// A pause whose time is over goes when the stream has moved since; until then it remembers how long the next is.
    private mutating func endPause(_ origin: ReplicaID, _ have: UInt64) {
        guard let pause = pauses[origin], pause.until <= now.monotonicMilliseconds else { return }
        if pause.next == 0 || have > pause.counter { pauses[origin] = nil }
    }

    /// Asks again for streams that do not move although their source has more: a safety net, paced by time.
    mutating func restartStalledStreams() {
        var isStalled = false
        for (origin, link) in sources {
            let have = delivered[origin]
            noteProgress(origin, have)
            guard let state = links[link], let since = progress[origin]?.at, state.inbox.isIdle,
                members[state.peer]?.durable[origin] ?? 0 > have,
                now.monotonicMilliseconds - max(since, state.framesAt) >= limits.stallMilliseconds
            else { continue }
            links[link]?.subscriptions.remove(origin)
            sources[origin] = nil
            isStalled = true
            // What came may wait for another origin: then it is not the source that is to blame.
            if state.framesAt > since { continue }
            progress[origin]?.restarts += 1
            guard let restarts = progress[origin]?.restarts, restarts >= limits.fruitlessRestarts else { continue }
            // Its log has not what it says: another peer serves, or a snapshot does.
            progress[origin]?.restarts = 0
            distrusted[origin] = OriginDistrust(
                peer: state.peer, counter: have, until: now.monotonicMilliseconds + limits.distrustMilliseconds)
        }
        if isStalled { evaluateSubscriptions() }
    }
}
