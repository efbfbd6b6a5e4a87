// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension ReplicationMachine {
    // MARK: Tick

    mutating func checkTime() {
        tickedAt = now.monotonicMilliseconds
        checkLinks()
        for name in members.keys.sorted() {
            checkReachability(name)
            checkWritability(name)
        }
        updateUnreachable()
        repeatAnnouncement()
        restartStalledStreams()
        evaluateSubscriptions()
        checkBodies()
        checkSnapshots()
        checkSearch()
        for link in links.keys.sorted(by: { $0.rawValue < $1.rawValue }) { giveSignOfLife(link) }
    }

    private mutating func checkLinks() {
        for link in links.values.sorted(by: { $0.id.rawValue < $1.id.rawValue }) {
            let time = now.monotonicMilliseconds
            if !link.isUp && time - link.openedAt >= limits.greetingMilliseconds {
                refuse(link.id, RefusalReason(.timeout, "no greeting for \(limits.greetingMilliseconds) ms"))
            } else if time - link.heardAt >= limits.silenceMilliseconds {
                refuse(link.id, RefusalReason(.timeout, "no message for \(limits.silenceMilliseconds) ms"))
            }
        }
    }

    private mutating func giveSignOfLife(_ link: LinkID) {
        guard let state = links[link], state.isUp else { return }
        switch state.direction {
        case .outgoing: sendPresence(link)
        case .incoming:
            if now.monotonicMilliseconds - state.sentAt >= limits.presenceMilliseconds { sendAcknowledgement(link) }
        }
    }

    private mutating func checkReachability(_ name: String) {
        guard let member = members[name], member.isReachable, let heard = member.heardAt,
            now.monotonicMilliseconds - heard >= limits.unreachableMilliseconds
        else { return }
        members[name]?.isReachable = false
        report(.unreachable(peer: name))
    }

    /// Judges whether a member can look after its mailboxes: it has as long to make room as one that is silent has to be
    /// heard.
    ///
    /// - Returns: whether the judgement is another than before.
    @discardableResult
    mutating func checkWritability(_ name: String) -> Bool {
        guard let member = members[name] else { return false }
        // The word of a member that can write again counts at once.
        let isStuck =
            member.unwritableSince.map { now.monotonicMilliseconds - $0 >= limits.unreachableMilliseconds } ?? false
        guard isStuck != member.isStuck else { return false }
        members[name]?.isStuck = isStuck
        report(isStuck ? .unwritable(peer: name) : .writable(peer: name))
        return true
    }

    /// Tells the store which replicas cannot assign UIDs: everybody has a while to be heard first.
    mutating func updateUnreachable() {
        // Before a mailbox can be taken over the store has to know whether it may.
        updateStability()
        guard now.monotonicMilliseconds - startedAt >= limits.unreachableMilliseconds else { return }
        var unreachable = Set(delivered.counters.keys)
        unreachable.formUnion(announced.values)
        for member in members.values { if let replica = member.replica { unreachable.insert(replica) } }
        for member in members.values where member.isReachable && !member.isStuck {
            if let replica = member.replica { unreachable.remove(replica) }
        }
        unreachable.remove(store.replica)
        guard unreachable != reportedUnreachable else { return }
        reportedUnreachable = unreachable
        put(.setUnreachable(unreachable))
    }

    /// Computes what is stable and what the log need not keep: once per tick, never per operation.
    mutating func updateStability() {
        var progress = GroupProgress()
        var (effective, acknowledged, exchanged) = (durable, durable, durable)
        var secured = members.isEmpty ? durable[store.replica] : 0
        for name in members.keys {
            members[name]?.acknowledgement.settle(durable)
            guard let acknowledgement = members[name]?.acknowledgement else { continue }
            // A member that was never heard of may hold anything, and may lack everything.
            effective.formIntersection(acknowledgement.effective ?? StreamVector())
            if members[name]?.isReachable == true {
                exchanged.formIntersection(acknowledgement.effective ?? StreamVector())
            }
            acknowledged.formIntersection(acknowledgement.latest)
            secured = max(secured, acknowledgement.latest[store.replica])
        }
        if !strangers.isEmpty { effective = StreamVector() }
        stable = effective
        onceStable.formUnion(effective)
        progress.stable = effective.positions
        progress.retain = acknowledged.positions
        progress.ownSecured = min(secured, durable[store.replica])
        progress.exchanged = exchanged.positions
        if !hasCaughtUp {
            hasCaughtUp =
                members.values.contains { $0.hasSaidDurable && $0.acknowledgement.effective?.isEmpty == false }
                || members.values.allSatisfy { $0.hasSaidDurable }
        }
        noteFormerLives(&progress)
        guard progress != reportedProgress else { return }
        reportedProgress = progress
        put(.advanceStability(progress))
    }

    /// Says which replicas this node was before, and whether all operations of theirs are here that any member holds.
    ///
    /// Each member must have been heard for that, unless the store remembers that it was so once. A new store does not know what it was before until it has caught
    /// up with somebody.
    private func noteFormerLives(_ progress: inout GroupProgress) {
        var former = formerLives
        for origin in durable.counters.keys where origin.rawValue == store.replica.rawValue { former.insert(origin) }
        former.remove(store.replica)
        progress.formerLives = former.sorted()
        progress.isInContact = members.values.contains { $0.hasSaidDurable }
        progress.knowsFormerLives =
            members.isEmpty
            || hasCaughtUp
                && former.subtracting(store.knownLives).allSatisfy { life in
                    members.values.allSatisfy { $0.hasSaidDurable && $0.durable[life] <= durable[life] }
                }
    }

    // MARK: Deadline

    /// When ``tick(now:)`` is due at the latest, on the monotonic clock.
    ///
    /// - Complexity: O(links + paused origins).
    public var nextDeadline: UInt64 {
        var deadline = tickedAt + limits.tickMilliseconds
        for link in links.values where link.isUp && link.direction == .outgoing && link.isPresenceDue {
            deadline = min(deadline, link.presenceAt + limits.presencePauseMilliseconds)
        }
        for pause in pauses.values where pause.until > now.monotonicMilliseconds {
            deadline = min(deadline, pause.until)
        }
        if bodies.hasMore && !bodies.isListing && bodies.count <= limits.knownMissingBodies / 2,
            links.values.contains(where: { $0.isUp })
        {
            deadline = min(deadline, bodies.listedAt + limits.missingBodiesPauseMilliseconds)
        }
        return max(deadline, tickedAt + 1)
    }
}
