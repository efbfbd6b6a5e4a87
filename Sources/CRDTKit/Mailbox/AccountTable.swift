// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// The states of a node's accounts by their local index, for shells that take in whole frames.
///
/// A frame from a busy node goes through as many accounts as it has operations, and what is in none of the processor's caches costs more than all the work on
/// it. So the table looks at what a group of operations will need before it applies them: loads that do not depend on each other are waited for together.
///
/// `@unchecked Sendable`: it alone has the memory behind its pointers, and all that lies there is sendable.
public struct AccountTable: ~Copyable, @unchecked Sendable {
    private var states: UnsafeMutablePointer<UnsafeMutablePointer<AccountState>?>
    private var capacity: Int
    /// The accounts whose states are here.
    public private(set) var count = 0
    /// What accounts are made with.
    public let limits: AccountLimits

    /// How many operations are looked at together: about as many loads as a processor keeps in flight.
    static let groupSize = 32

    /// Makes a table without accounts.
    ///
    /// - Parameter limits: the limits of what commands issue.
    public init(limits: AccountLimits = AccountLimits()) {
        self.limits = limits
        capacity = 64
        states = .allocate(capacity: capacity)
        states.initialize(repeating: nil, count: capacity)
    }

    deinit {
        for index in 0..<capacity {
            guard let state = states[index] else { continue }
            state.deinitialize(count: 1)
            state.deallocate()
        }
        states.deallocate()
    }

    /// Whether the state of an account is here.
    ///
    /// - Parameter account: the account.
    /// - Returns: true if something was done to it.
    public borrowing func contains(_ account: AccountIndex) -> Bool {
        let index = Int(account.rawValue)
        return index < capacity && states[index] != nil
    }

    /// The state of an account, made if there is none.
    ///
    /// - Parameter account: the account.
    /// - Complexity: O(1), amortised.
    public subscript(account: AccountIndex) -> AccountState {
        @inline(__always) _read {
            guard contains(account), let state = states[Int(account.rawValue)] else {
                preconditionFailure("account \(account.rawValue) has no state")
            }
            yield state.pointee
        }
        @inline(__always) _modify {
            yield &pointer(account).pointee
        }
    }

    /// Applies a run of operations of one origin that follow one another, as a frame holds them.
    ///
    /// - Parameters:
    ///   - operations: the operations in the order of their counters; of any accounts.
    ///   - context: the names, and the causal past of the first operation; each further one has its predecessors in its past.
    ///   - changes: what changed is appended.
    ///   - ends: the number of changes after each operation is appended, so that a change can be told to its account.
    /// - Precondition: the mailbox that ``AccountState/needsMessages(for:)`` names is resident.
    /// - Complexity: as for ``AccountState/apply(_:context:changes:)-(UnsafePointer<Operation>,_,_)``.
    public mutating func apply(
        _ operations: [Operation], context: consuming ApplyContext, changes: inout StateChanges, ends: inout [Int]
    ) {
        operations.withUnsafeBufferPointer { operations in
            guard let first = operations.baseAddress else { return }
            var start = 0
            while start < operations.count {
                let end = min(start + AccountTable.groupSize, operations.count)
                for index in start..<end { _ = pointer(operations[index].account) }
                look(at: UnsafeBufferPointer(rebasing: operations[start..<end]))
                for index in start..<end {
                    let dot = operations[index].dot
                    pointer(operations[index].account).pointee.apply(first + index, context: context, changes: &changes)
                    if dot.counter > context.past[dot.replica] { context.past.put(dot) }
                    ends.append(changes.count)
                }
                start = end
            }
        }
    }

    /// Brings what commands on messages will need into the processor's caches: a server that has read commands of several clients calls it before the first.
    ///
    /// - Parameter targets: the accounts, mailboxes and messages; a message of no dot for a command that appends.
    public borrowing func look(at targets: [(account: AccountIndex, mailbox: MailboxID, message: Dot)]) {
        var start = 0
        while start < targets.count {
            let end = min(start + AccountTable.groupSize, targets.count)
            look(count: end - start) {
                (targets[start + $0].account, targets[start + $0].mailbox, targets[start + $0].message)
            }
            start = end
        }
    }

    private borrowing func look(at operations: UnsafeBufferPointer<Operation>) {
        look(count: operations.count) { (operations[$0].account, operations[$0].mailbox, operations[$0].message) }
    }

    /// Goes down from accounts to messages, all targets together by one step at a time: a step's loads need only what the step before has brought.
    @inline(__always)
    private borrowing func look(count: Int, _ target: (Int) -> (AccountIndex, MailboxID, Dot)) {
        var seen: UInt64 = 0
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { slots in
            for index in 0..<count {
                let (account, mailbox, _) = target(index)
                guard contains(account), let state = states[Int(account.rawValue)] else { continue }
                seen &+= state.pointee.glance(at: mailbox)
            }
            for index in 0..<count {
                let (account, mailbox, _) = target(index)
                slots[index] = -1
                guard contains(account), let state = states[Int(account.rawValue)],
                    let slot = state.pointee.slot(of: mailbox)
                else { continue }
                slots[index] = Int32(truncatingIfNeeded: slot)
                seen &+= state.pointee.glance(atSlot: slot)
            }
            for index in 0..<count where slots[index] >= 0 {
                let (account, _, message) = target(index)
                guard let state = states[Int(account.rawValue)] else { continue }
                seen &+= state.pointee.glance(atIndexOf: message, inSlot: Int(slots[index]))
            }
            for index in 0..<count where slots[index] >= 0 {
                let (account, _, message) = target(index)
                guard message != .none, let state = states[Int(account.rawValue)] else { continue }
                seen &+= state.pointee.glance(atRecordOf: message, inSlot: Int(slots[index]))
            }
        }
        keep(seen)
    }

    /// Takes what was loaded, so that loading it is not optimised away.
    @_optimize(none)
    private borrowing func keep(_ seen: UInt64) {}

    @inline(__always)
    private mutating func pointer(_ account: AccountIndex) -> UnsafeMutablePointer<AccountState> {
        let index = Int(account.rawValue)
        if index < capacity, let state = states[index] { return state }
        return make(index)
    }

    @inline(never)
    private mutating func make(_ index: Int) -> UnsafeMutablePointer<AccountState> {
        if index >= capacity {
            let wanted = max(capacity * 2, index + 1)
            let larger = UnsafeMutablePointer<UnsafeMutablePointer<AccountState>?>.allocate(capacity: wanted)
            larger.moveInitialize(from: states, count: capacity)
            (larger + capacity).initialize(repeating: nil, count: wanted - capacity)
            states.deallocate()
            (states, capacity) = (larger, wanted)
        }
        let state = UnsafeMutablePointer<AccountState>.allocate(capacity: 1)
        state.initialize(to: AccountState(limits: limits))
        states[index] = state
        count += 1
        return state
    }
}

/// Loads of what an operation will need; the sums mean nothing.
extension AccountState {
    @inline(__always)
    borrowing func glance(at mailbox: MailboxID) -> UInt64 {
        UInt64(truncatingIfNeeded: slots.count) &+ table.glance(at: mailbox.dot) &+ tally.digest.low
    }

    @inline(__always)
    borrowing func glance(atSlot slot: Int) -> UInt64 {
        slots.withUnsafeBufferPointer {
            let mailbox = $0.baseAddress.unsafelyUnwrapped + slot
            return mailbox.pointee.uidNext &+ mailbox.pointee.counts.total &+ UInt64(mailbox.pointee.messages.holes)
        }
    }

    @inline(__always)
    borrowing func glance(atIndexOf message: Dot, inSlot slot: Int) -> UInt64 {
        slots.withUnsafeBufferPointer {
            let mailbox = $0.baseAddress.unsafelyUnwrapped + slot
            var seen = mailbox.pointee.liveness[ReplicaIndex(1)]
            seen &+= mailbox.pointee.epochs.glance()
            return seen &+ mailbox.pointee.messages.glance(at: message)
        }
    }

    @inline(__always)
    borrowing func glance(atRecordOf message: Dot, inSlot slot: Int) -> UInt64 {
        slots.withUnsafeBufferPointer {
            let mailbox = $0.baseAddress.unsafelyUnwrapped + slot
            return mailbox.pointee.messages.glance(atRecordOf: message)
        }
    }
}
