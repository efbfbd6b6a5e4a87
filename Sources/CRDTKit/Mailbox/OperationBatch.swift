// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The operations that one command issues at this replica, with what they changed.
///
/// Commands check all their preconditions first; then each operation gets the next dot, is applied to the state at once, and is noted here. So operations of
/// one command may build on each other, and after a command that threw, batch and state are as before. Several commands may share a batch. The shell
/// makes ``operations`` durable before it lets any session see ``changes``.
public struct OperationBatch: Sendable {
    /// The replica that issues.
    public let replica: ReplicaIndex
    /// The time of all operations of the batch.
    public let timestamp: HybridTimestamp
    /// The account that the next operation changes; a batch may go through several.
    public var account: AccountIndex
    /// The part of the UIDs that the replica may give out.
    public let stripe: UIDStripe
    /// The names behind the local indexes, and the causal past of the next operation.
    public private(set) var context: ApplyContext
    /// Whether the replica may open epochs of UIDs: it must know all UIDs that former lives of its node gave out, see ``GroupProgress/knowsFormerLives``.
    public var mayOpenEpochs = true
    /// What was issued, in the order of the counters.
    public private(set) var operations: [Operation] = []
    /// What the operations changed.
    public var changes: StateChanges = []
    /// The replica behind ``replica``.
    let origin: ReplicaID
    private var nextCounter: UInt64

    /// Starts a batch.
    ///
    /// - Parameters:
    ///   - replica: the replica that issues.
    ///   - firstCounter: the counter of its next operation.
    ///   - timestamp: the time of the batch, from the hybrid clock.
    ///   - account: the account.
    ///   - context: the names, and as the past all that this replica has delivered.
    ///   - stripe: the part of the UIDs that the replica may give out; default all of them, for a node that is alone.
    /// - Precondition: `firstCounter` is at least 1.
    public init(
        replica: ReplicaIndex, firstCounter: UInt64, timestamp: HybridTimestamp, account: AccountIndex,
        context: ApplyContext, stripe: UIDStripe = .sole
    ) {
        self.replica = replica
        self.nextCounter = firstCounter
        self.timestamp = timestamp
        self.account = account
        self.stripe = stripe
        self.context = context
        origin = context.replica(replica)
        precondition(firstCounter > 0, "counters begin with 1")
        self.context.past[replica] = firstCounter - 1
    }

    /// Makes room, so that a batch of that many operations does not grow step by step.
    ///
    /// - Parameter operationCount: how many operations will come.
    public mutating func reserveCapacity(_ operationCount: Int) {
        operations.reserveCapacity(operationCount)
        changes.reserveCapacity(operationCount * 4)
    }

    /// The dot of the next operation.
    @inline(__always) public var nextDot: Dot { Dot(replica, nextCounter) }

    /// Issues an operation as it is and applies it; commands call it after their checks.
    ///
    /// - Parameters:
    ///   - body: what the operation does.
    ///   - state: the account's state.
    /// - Returns: the operation's dot.
    @discardableResult
    public mutating func issue(_ body: OperationBody, to state: inout AccountState) -> Dot {
        issue(Operation(dot: nextDot, timestamp: timestamp, account: account, body: body), to: &state)
    }

    /// Issues an operation on messages of a mailbox whose slot is known; its dot is the next.
    @discardableResult
    @inline(__always)
    mutating func issue(_ operation: consuming Operation, inSlot slot: Int, of state: inout AccountState) -> Dot {
        let dot = nextDot
        operations.append(operation)
        operations.withUnsafeBufferPointer {
            guard let first = $0.baseAddress else { return }
            state.apply(first + ($0.count - 1), toMessagesOf: slot, context: context, changes: &changes)
        }
        context.past.put(dot)
        nextCounter += 1
        return dot
    }

    /// Issues an operation whose dot is the next.
    @discardableResult
    @inline(__always)
    mutating func issue(_ operation: consuming Operation, to state: inout AccountState) -> Dot {
        let dot = nextDot
        operations.append(operation)
        operations.withUnsafeBufferPointer {
            guard let first = $0.baseAddress else { return }
            state.apply(first + ($0.count - 1), context: context, changes: &changes)
        }
        context.past.put(dot)
        nextCounter += 1
        return dot
    }
}
