// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Brings what a group of operations will need into the processor's caches before they are applied: what ``AccountTable`` does for the states that it has, for
/// shells that keep their accounts themselves, loading them and letting them go.
///
/// The shell goes through the steps in their order, and in each through all operations of the group: what a step loads needs only what the step before has
/// brought, so that the loads of a step are waited for together. Nothing is changed, and an operation that is left out is only slower.
///
///     for step in AccountLookAhead.Step.allCases {
///         for position in 0..<count {
///             look.take(step, of: first + position, at: position, in: accounts[first[position].account].state)
///         }
///     }
///     look.finish()
public struct AccountLookAhead: Sendable {
    /// How far down from an account to a message a step goes.
    public enum Step: CaseIterable, Sendable {
        /// What the account has besides its mailboxes, and where it looks for the mailbox.
        case account
        /// The mailbox's header.
        case mailbox
        /// Where the mailbox looks for the message.
        case message
        /// The message's record.
        case record
    }

    /// How many operations are looked at together: about as many loads as a processor keeps in flight.
    public static var groupSize: Int { AccountTable.groupSize }

    /// Where the mailbox of each operation of the group was found; -1 for nowhere.
    private var slots = [Int32](repeating: -1, count: AccountLookAhead.groupSize)
    private var seen: UInt64 = 0

    /// Makes a value that serves one group after another.
    public init() {}

    /// Takes one step for one operation.
    ///
    /// - Parameters:
    ///   - step: the step; those before it were taken for the whole group.
    ///   - operation: where the operation is.
    ///   - position: its place in the group; from ``groupSize`` on nothing is done.
    ///   - state: the account that it changes.
    /// - Complexity: O(1).
    public mutating func take(
        _ step: Step, of operation: UnsafePointer<Operation>, at position: Int, in state: borrowing AccountState
    ) {
        guard position < AccountLookAhead.groupSize else { return }
        let (mailbox, message) = (operation.pointee.mailbox, operation.pointee.message)
        let slot = Int(slots[position])
        switch step {
        case .account: seen &+= state.glance(at: mailbox)
        case .mailbox:
            guard let found = state.slot(of: mailbox) else {
                slots[position] = -1
                return
            }
            slots[position] = Int32(truncatingIfNeeded: found)
            seen &+= state.glance(atSlot: found)
        case .message:
            // The group may have been changed since, by a shell that does not keep to the order.
            guard slot >= 0, slot < state.slots.count else { return }
            seen &+= state.glance(atIndexOf: message, inSlot: slot)
        case .record:
            guard slot >= 0, slot < state.slots.count, message != .none else { return }
            seen &+= state.glance(atRecordOf: message, inSlot: slot)
        }
    }

    /// Ends a group: the loads are not optimised away because somebody takes their sum.
    @inline(never)
    @_optimize(none)
    public mutating func finish() { seen = 0 }
}
