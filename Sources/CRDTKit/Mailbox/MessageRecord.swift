// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a mailbox holds of one message and operations change, flat and without references: what does not fit is in the mailbox's overflow.
///
/// A flag is set as long as some dot enables it. The usual message has one presence dot and its system flags were enabled by at most two
/// operations; these have a place in the record. What never changes lies apart (``MailboxMessages/facts(of:)``), so that a flag change touches 64 bytes: one line of the cache.
struct MessageRecord: Sendable {
    /// Where a record is and what that means.
    enum Place: UInt8, Sendable {
        /// Present, with a UID that counts: clients see it.
        case visible
        /// Present, but without a UID that counts, or with one that may not be shown here because a greater one was shown before.
        case waiting
        /// Removed by a DELETE and kept, because a concurrent flag change may bring it back.
        case buried
    }

    var id: Dot
    /// One of the operations that keep the message in its mailbox; none if it is buried.
    var presence: Dot = .none
    var firstEnabler: Dot = .none
    var secondEnabler: Dot = .none
    var modSeq: UInt64 = 0
    /// The size of the body, as its facts say: what is counted of a message lies with its flags.
    var size: UInt64 = 0
    /// The assigned UID; 0 if there is none.
    var uid: UInt32 = 0
    /// Where the mailbox keeps what never changes about the message.
    var factsIndex: UInt32 = 0
    /// The assignment's epoch as an index into the mailbox's table of epochs.
    var epoch: UInt32 = 0
    var firstFlags: SystemFlags = []
    var secondFlags: SystemFlags = []
    /// All system flags that are set, those of the overflow included.
    var flags: SystemFlags = []
    private var state = Place.waiting.rawValue

    private static let overflowBit: UInt8 = 0x80

    init(id: Dot) { self.id = id }

    var place: Place {
        get { Place(rawValue: state & ~MessageRecord.overflowBit) ?? .buried }
        set { state = state & MessageRecord.overflowBit | newValue.rawValue }
    }

    /// Whether the mailbox's overflow holds more dots of this message.
    var overflows: Bool {
        get { state & MessageRecord.overflowBit != 0 }
        set { state = newValue ? state | MessageRecord.overflowBit : state & ~MessageRecord.overflowBit }
    }

    /// Whether the slot is empty; its UID stays, for the binary search.
    var isHole: Bool { id == .none }

    /// The dots that have their place in the record.
    var dots: MessageDots {
        var dots = MessageDots()
        if presence != .none { dots.presence = [presence] }
        if !firstFlags.isEmpty { dots.enablers.append(.init(dot: firstEnabler, flags: firstFlags)) }
        if !secondFlags.isEmpty { dots.enablers.append(.init(dot: secondEnabler, flags: secondFlags)) }
        return dots
    }

    /// Writes the dots that have their place in the record, and all system flags.
    ///
    /// - Returns: whether that is all of them.
    @discardableResult
    mutating func setDots(_ dots: MessageDots) -> Bool {
        presence = dots.presence.first ?? .none
        let first = dots.enablers.first
        let second = dots.enablers.dropFirst().first
        (firstEnabler, firstFlags) = (first?.dot ?? .none, first?.flags ?? [])
        (secondEnabler, secondFlags) = (second?.dot ?? .none, second?.flags ?? [])
        flags = dots.systemFlags
        return dots.presence.count <= 1 && dots.enablers.count <= 2 && dots.keywords.isEmpty
    }

    /// Applies a flag change of system flags in the record itself.
    ///
    /// - Returns: false, and nothing has changed, if the dots do not fit into the record.
    mutating func storeInPlace(_ dot: Dot, past: borrowing VersionVector, adding: SystemFlags, removing: SystemFlags)
        -> Bool
    {
        if overflows || (presence != .none && !past.contains(presence)) { return false }
        let touched = adding.union(removing)
        let firstLeft = past.contains(firstEnabler) ? firstFlags.subtracting(touched) : firstFlags
        let secondLeft = past.contains(secondEnabler) ? secondFlags.subtracting(touched) : secondFlags
        if !adding.isEmpty && !firstLeft.isEmpty && !secondLeft.isEmpty { return false }
        // A dot that is already here can only be a repeated operation; the general way keeps the dots apart.
        if dot == firstEnabler || dot == secondEnabler { return false }
        presence = dot
        (firstEnabler, firstFlags) = firstLeft.isEmpty ? (.none, []) : (firstEnabler, firstLeft)
        (secondEnabler, secondFlags) = secondLeft.isEmpty ? (.none, []) : (secondEnabler, secondLeft)
        if !adding.isEmpty {
            if firstFlags.isEmpty {
                (firstEnabler, firstFlags) = (dot, adding)
            } else {
                (secondEnabler, secondFlags) = (dot, adding)
            }
        }
        flags = firstFlags.union(secondFlags)
        return true
    }
}

extension SystemFlags {
    /// The flags that this version knows; others are dropped when they are applied.
    static let known = SystemFlags(rawValue: 0x1f)
}
