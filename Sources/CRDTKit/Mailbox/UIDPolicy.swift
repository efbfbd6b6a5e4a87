// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// What a replica does next about a mailbox's UIDs.
public enum UIDAction: Hashable, Sendable {
    /// Nothing.
    case none
    /// ``AccountState/assignWaiting(in:limit:batch:)``.
    case assign
    /// ``AccountState/takeOver(_:batch:)``, then `assign`.
    case takeOver
    /// ``AccountState/handOver(_:to:batch:)``.
    case handOver(to: ReplicaID)
    /// ``AccountState/mergeIfForked(_:batch:)``, then `assign`.
    case merge
}

/// When a replica assigns, takes over, hands over and merges: the same for a store and for a simulator, with no clock of its own.
///
/// The shell asks after each delivered batch for the mailboxes that the batch touched, and on ticks for ``AccountState/mailboxesNeedingUIDs``; after an action it
/// asks again, until the answer is `none`.
public struct UIDPolicy: Hashable, Sendable {
    /// What the shell knows of a mailbox besides its ``UIDFacts``.
    public struct Situation: Hashable, Sendable {
        /// How long the owner has been out of reach; nil if it can be reached.
        ///
        /// An owner that is no member any more, or a former identity of a wiped node, is out of reach for ever: pass the greatest value.
        public var ownerUnreachableMilliseconds: UInt64?
        /// Whether a session has the mailbox open here, or a message that waits came by this replica.
        public var hasLocalInterest: Bool
        /// Whether the replica whose messages came last can be reached: nothing is handed over to one that cannot, or it would have to be taken over again.
        public var canReachLastAppender: Bool

        /// Whether something of the branches of a fork may still be under way from members that can be reached, so that a merge would have to be repeated; see
        /// ``ForkSighting``.
        public var awaitsBranches: Bool
        /// Whether this replica may open epochs: it knows all UIDs that former lives of its node gave out.
        public var mayOpenEpochs: Bool

        /// Describes a situation.
        ///
        /// - Parameters:
        ///   - ownerUnreachableMilliseconds: how long the owner has been out of reach; nil if it can be reached.
        ///   - hasLocalInterest: whether somebody waits here.
        ///   - canReachLastAppender: whether the replica whose messages came last can be reached.
        ///   - awaitsBranches: whether a merge would come too early.
        ///   - mayOpenEpochs: whether this replica knows all UIDs that former lives of its node gave out.
        public init(
            ownerUnreachableMilliseconds: UInt64? = nil, hasLocalInterest: Bool = false,
            canReachLastAppender: Bool = true, awaitsBranches: Bool = false, mayOpenEpochs: Bool = true
        ) {
            self.ownerUnreachableMilliseconds = ownerUnreachableMilliseconds
            self.hasLocalInterest = hasLocalInterest
            self.canReachLastAppender = canReachLastAppender
            self.awaitsBranches = awaitsBranches
            self.mayOpenEpochs = mayOpenEpochs
        }
    }

    /// How long an owner is out of reach before its mailboxes are taken over.
    public var takeOverAfterMilliseconds: UInt64
    /// How many messages in a row come by another replica before it gets the mailbox; 0 hands nothing over.
    public var handOverAfterAppends: UInt32
    /// From how many epochs on a mailbox is handed over no more: each is kept in the mailbox's header and begins a block of UIDs.
    public var handOverEpochLimit: Int

    /// Sets the policy.
    ///
    /// - Parameters:
    ///   - takeOverAfterMilliseconds: how long an owner is out of reach before its mailboxes are taken over; default 3,000.
    ///   - handOverAfterAppends: how many messages in a row come by another replica before it gets the mailbox; default 4.
    ///   - handOverEpochLimit: from how many epochs on a mailbox is handed over no more; default 1,024.
    public init(
        takeOverAfterMilliseconds: UInt64 = 3_000, handOverAfterAppends: UInt32 = 4, handOverEpochLimit: Int = 1_024
    ) {
        self.takeOverAfterMilliseconds = takeOverAfterMilliseconds
        self.handOverAfterAppends = handOverAfterAppends
        self.handOverEpochLimit = handOverEpochLimit
    }

    /// What to do next.
    ///
    /// - Parameters:
    ///   - facts: what the state says of the mailbox.
    ///   - situation: what the shell knows besides.
    ///   - own: this replica.
    /// - Returns: the action; the command that it names changes the facts, so that the same answer does not come for ever.
    public func action(_ facts: UIDFacts, _ situation: Situation, own: ReplicaID) -> UIDAction {
        guard let owner = facts.owner else { return .none }
        let needsEpoch = owner != own || facts.isForked || facts.epoch?.owner != own
        if needsEpoch && !situation.mayOpenEpochs { return .none }
        if owner != own {
            guard let silence = situation.ownerUnreachableMilliseconds, silence >= takeOverAfterMilliseconds else {
                return .none
            }
            return facts.waiting > 0 && situation.hasLocalInterest ? .takeOver : .none
        }
        if facts.isForked { return situation.awaitsBranches ? .none : .merge }
        if facts.waiting > 0 { return .assign }
        if handOverAfterAppends > 0, facts.appendRun >= handOverAfterAppends, facts.epochCount < handOverEpochLimit,
            let appender = facts.lastAppender, appender != own, situation.canReachLastAppender
        {
            return .handOver(to: appender)
        }
        return .none
    }
}
