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
    func livenessElement(_ dot: Dot, _ context: borrowing ApplyContext) -> StateDigest {
        var hash = ElementHash(.liveness)
        hash.absorb(identity)
        hash.absorb(context.identityHash(dot))
        return hash.finish()
    }

    /// What identifies a message in the elements about it.
    func messageKey(_ message: Dot, _ context: borrowing ApplyContext) -> UInt64 {
        ElementHash.mix(identity &+ context.identityHash(message) &* 0x9fb2_1c65_1e98_df25)
    }

    static func presenceElement(_ key: UInt64, _ dot: Dot, _ context: borrowing ApplyContext) -> StateDigest {
        var hash = ElementHash(.presence)
        hash.absorb(key)
        hash.absorb(context.identityHash(dot))
        return hash.finish()
    }

    static func enablerElement(
        _ key: UInt64, _ dot: Dot, _ flags: SystemFlags, _ context: borrowing ApplyContext
    ) -> StateDigest {
        var hash = ElementHash(.enabler)
        hash.absorb(key &+ UInt64(flags.rawValue))
        hash.absorb(context.identityHash(dot))
        return hash.finish()
    }

    /// All that the digest holds of the dots of a present message.
    func dotsElement(_ record: MessageRecord, _ key: UInt64, _ context: borrowing ApplyContext) -> StateDigest {
        if record.overflows { return fullDotsElement(messages.dots(of: record), key, context) }
        var sum = StateDigest()
        if record.presence != .none { sum.add(Mailbox.presenceElement(key, record.presence, context)) }
        if !record.firstFlags.isEmpty {
            sum.add(Mailbox.enablerElement(key, record.firstEnabler, record.firstFlags, context))
        }
        if !record.secondFlags.isEmpty {
            sum.add(Mailbox.enablerElement(key, record.secondEnabler, record.secondFlags, context))
        }
        return sum
    }

    private func fullDotsElement(
        _ dots: MessageDots, _ key: UInt64, _ context: borrowing ApplyContext
    ) -> StateDigest {
        var sum = StateDigest()
        for dot in dots.presence { sum.add(Mailbox.presenceElement(key, dot, context)) }
        for enabler in dots.enablers { sum.add(Mailbox.enablerElement(key, enabler.dot, enabler.flags, context)) }
        for entry in dots.keywords {
            var hash = ElementHash(.keyword)
            hash.absorb(key)
            hash.absorb(context.identityHash(entry.dot))
            hash.absorb(context.keywordHash(entry.keyword))
            sum.add(hash.finish())
        }
        return sum
    }

    /// The element of a record's assignment; nothing if it has none.
    func assignmentElement(_ record: MessageRecord, _ key: UInt64) -> StateDigest {
        if record.uid == 0 { return StateDigest() }
        let epoch = epochs.entries[Int(record.epoch)].epoch
        var hash = ElementHash(.assignment)
        hash.absorb(key)
        hash.absorb(UInt64(epoch.number) << 32 | UInt64(record.uid))
        hash.absorb(ApplyContext.hash(of: epoch.owner))
        return hash.finish()
    }

    /// All that the digest holds of a present message.
    func messageElement(_ record: MessageRecord, _ context: borrowing ApplyContext) -> StateDigest {
        let key = messageKey(record.id, context)
        var hash = ElementHash(.message)
        hash.absorb(key)
        hash.absorb(record.facts.body.words.0)
        hash.absorb(record.facts.body.words.1)
        hash.absorb(record.facts.body.words.2)
        hash.absorb(record.facts.body.words.3)
        hash.absorb(record.facts.size)
        hash.absorb(UInt64(bitPattern: record.facts.internalDateSeconds))
        hash.absorb(UInt64(UInt16(bitPattern: record.facts.internalDateZoneMinutes)))
        var sum = hash.finish()
        sum.add(dotsElement(record, key, context))
        sum.add(assignmentElement(record, key))
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
