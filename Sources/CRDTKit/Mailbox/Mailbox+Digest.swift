// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

extension Mailbox {
    /// The header's element of the account's digest, the epochs included; counts while the mailbox is alive.
    func headerElement() -> StateDigest {
        var hash = ElementHash(.mailbox)
        hash.absorb(identity)
        hash.absorb(nameStamp?.timestamp.rawValue ?? 0)
        hash.absorb(nameStamp.map { ApplyContext.hash(of: $0.replica) } ?? 0)
        hash.absorb(nameStamp?.counter ?? 0)
        hash.absorb(name)
        hash.absorb(birth.map { UInt64($0.uidValidity) << 8 | UInt64($0.use.rawValue) } ?? 0)
        hash.absorb(birth.map { ApplyContext.hash(of: $0.owner) } ?? 0)
        var sum = hash.finish()
        for entry in epochs.entries where entry.isRelated { addElements(of: entry, to: &sum) }
        return sum
    }

    /// What operations said about an epoch of the present UIDVALIDITY.
    private func addElements(of entry: UIDEpochs.Entry, to sum: inout StateDigest) {
        if let parent = entry.parent {
            var hash = ElementHash(.epoch)
            hash.absorb(identity)
            hash.absorb(entry.epoch)
            hash.absorb(epochs.entries[parent].epoch)
            hash.absorb(UInt64(entry.inheritedUpTo))
            sum.add(hash.finish())
        }
        for (branch, last) in entry.settled {
            var hash = ElementHash(.settled)
            hash.absorb(identity)
            hash.absorb(entry.epoch)
            hash.absorb(epochs.entries[branch].epoch)
            hash.absorb(UInt64(last))
            sum.add(hash.finish())
        }
        if let successor = entry.successor {
            var hash = ElementHash(.offer)
            hash.absorb(identity)
            hash.absorb(entry.epoch)
            hash.absorb(ApplyContext.hash(of: successor))
            sum.add(hash.finish())
        }
    }

    /// The element of one liveness entry.
    @inline(__always)
    func livenessElement(_ dot: Dot, _ context: borrowing ApplyContext) -> StateDigest {
        livenessKey(dot.replica, context).term(.liveness, dot.counter)
    }

    /// The key of a replica's liveness entry.
    @inline(__always)
    func livenessKey(_ replica: ReplicaIndex, _ context: borrowing ApplyContext) -> DigestKey {
        DigestKey(mailbox: identity, context.replicaHash(replica))
    }

    /// The key of the elements about a message.
    @inline(__always)
    func messageKey(_ message: Dot, _ context: borrowing ApplyContext) -> DigestKey {
        DigestKey(mailbox: identity, context.identityWord(message))
    }

    /// All that the digest holds of the dots of a present message.
    @inline(__always)
    func dotsElement(_ record: MessageRecord, _ key: DigestKey, _ context: borrowing ApplyContext) -> StateDigest {
        if record.overflows { return Mailbox.fullDotsElement(messages.dots(of: record), key, context) }
        var sum = StateDigest()
        if record.presence != .none { sum.add(key.term(.presence, context.identityWord(record.presence))) }
        if !record.firstFlags.isEmpty {
            let word = context.identityWord(record.firstEnabler)
            sum.add(key.term(.enabler, word, variant: UInt64(record.firstFlags.rawValue)))
        }
        if !record.secondFlags.isEmpty {
            let word = context.identityWord(record.secondEnabler)
            sum.add(key.term(.enabler, word, variant: UInt64(record.secondFlags.rawValue)))
        }
        return sum
    }

    private static func fullDotsElement(
        _ dots: MessageDots, _ key: DigestKey, _ context: borrowing ApplyContext
    ) -> StateDigest {
        var sum = StateDigest()
        for dot in dots.presence { sum.add(key.term(.presence, context.identityWord(dot))) }
        for enabler in dots.enablers {
            let word = context.identityWord(enabler.dot)
            sum.add(key.term(.enabler, word, variant: UInt64(enabler.flags.rawValue)))
        }
        for entry in dots.keywords {
            let word = context.identityWord(entry.dot)
            sum.add(key.term(.keyword, word, variant: context.keywordHash(entry.keyword)))
        }
        return sum
    }

    /// The element of a record's assignment; nothing if it has none.
    @inline(__always)
    func assignmentElement(_ record: MessageRecord, _ key: DigestKey) -> StateDigest {
        if record.uid == 0 { return StateDigest() }
        let (number, owner) = epochs.digestWords(of: Int(record.epoch))
        var sum = key.term(.assignment, number << 32 | UInt64(record.uid))
        sum.add(key.term(.owner, owner))
        return sum
    }

    /// All that the digest holds of a present message.
    @inline(__always)
    func messageElement(_ record: MessageRecord, _ context: borrowing ApplyContext) -> StateDigest {
        let key = messageKey(record.id, context)
        var sum = Mailbox.factsElement(messages.facts(of: record), key)
        sum.add(dotsElement(record, key, context))
        sum.add(assignmentElement(record, key))
        return sum
    }

    /// What never changes about a message.
    @inline(__always)
    static func factsElement(_ facts: MessageFacts, _ key: DigestKey) -> StateDigest {
        let words = facts.body.words
        var sum = key.term(.firstOfBody, words.0)
        sum.add(key.term(.secondOfBody, words.1))
        sum.add(key.term(.thirdOfBody, words.2))
        sum.add(key.term(.fourthOfBody, words.3))
        sum.add(key.term(.size, facts.size))
        sum.add(key.term(.date, UInt64(bitPattern: facts.internalDateSeconds)))
        sum.add(key.term(.zone, UInt64(UInt16(bitPattern: facts.internalDateZoneMinutes))))
        return sum
    }

    /// The mailbox's whole part of the digest, computed anew.
    ///
    /// - Precondition: the mailbox is resident.
    func wholeElement(_ context: borrowing ApplyContext) -> StateDigest {
        var sum = StateDigest()
        if !isAlive { return sum }
        sum.add(headerElement())
        for (index, counter) in liveness.counters.enumerated() where counter > 0 {
            sum.add(livenessElement(Dot(ReplicaIndex(UInt16(truncatingIfNeeded: index)), counter), context))
        }
        for record in messages.ordered where !record.isHole { sum.add(messageElement(record, context)) }
        for record in messages.apart where record.place == .waiting { sum.add(messageElement(record, context)) }
        return sum
    }
}

extension ElementHash {
    /// Takes in an epoch.
    fileprivate mutating func absorb(_ epoch: UIDEpoch) {
        absorb(UInt64(epoch.number))
        absorb(ApplyContext.hash(of: epoch.owner))
    }
}
