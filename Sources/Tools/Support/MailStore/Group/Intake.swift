// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

/// A batch of a peer's items on its way into the core, turn by turn.
struct Intake {
    /// The items, in order.
    let items: [PeerItem]
    /// What is known of the items that are bodies, by index.
    let bodies: [Int: CheckedBody]
    /// The next item to look at.
    var position = 0
    /// What became of the items so far.
    var outcome = DeliveryOutcome(delivered: [], deliveredOperations: 0)
    /// The core's generation at the first turn: after a setback the batch is void.
    var generation: UInt64?

    /// A body whose bytes were looked at before the lock was taken.
    struct CheckedBody {
        let isSound: Bool
        let isInEngine: Bool
    }

    init(_ items: [PeerItem], bodies: [Int: CheckedBody]) {
        self.items = items
        self.bodies = bodies
    }

    /// Ends the batch at the next item.
    mutating func refuse(_ error: CRDTError) {
        outcome.refusal = DeliveryOutcome.Refusal(item: min(position, max(items.count - 1, 0)), error: error)
        position = items.count
    }
}

/// What has to be in memory before a frame can be applied.
enum MemoryNeed {
    case account(AccountIndex)
    case mailbox(AccountIndex, MailboxID)
}

/// Decides which frames can be applied now: those whose accounts and messages are in memory, and not too many at once.
struct Admission {
    /// The accounts in memory.
    let accounts: AccountBoxes
    /// Accounts from this index on are named for the first time, so there is nothing of them to load.
    let knownAccounts: Int
    /// The operations that a turn may hold; a larger frame has a turn alone.
    let limit: Int
    private(set) var operations = 0
    private(set) var need: MemoryNeed?
    private(set) var isFull = false
    private var group = OperationGroup()

    init(accounts: AccountBoxes, knownAccounts: Int, limit: Int, used: Int) {
        self.accounts = accounts
        self.knownAccounts = knownAccounts
        self.limit = limit
        operations = used
    }

    mutating func admits(_ frame: DecodedFrame) -> Bool {
        guard need == nil, !isFull else { return false }
        guard operations == 0 || operations + frame.operations.count <= limit else {
            isFull = true
            return false
        }
        guard frame.operations.withUnsafeBufferPointer({ areReady($0) }) else { return false }
        operations += frame.operations.count
        return true
    }

    private mutating func areReady(_ operations: UnsafeBufferPointer<Operation>) -> Bool {
        guard let first = operations.baseAddress else { return true }
        for range in OperationGroup.ranges(of: operations) {
            group.gather(operations, range, accounts)
            // The messages matter only when all that is needed is here.
            group.look(at: first + range.lowerBound, [.account, .mailbox])
            for index in range where !isReady(first + index, group.boxes[index - range.lowerBound]) { return false }
        }
        return true
    }

    /// Whether what an operation needs is in memory; else it is noted.
    private mutating func isReady(_ operation: UnsafePointer<Operation>, _ box: AccountBox?) -> Bool {
        let account = operation.pointee.account
        guard let box else {
            if Int(account.rawValue) >= knownAccounts { return true }
            need = .account(account)
            return false
        }
        if box.contains(operation.pointee.dot) { return true }
        guard let mailbox = Self.mailboxNeeded(by: operation, in: box) else { return true }
        need = .mailbox(account, mailbox)
        return false
    }

    /// The mailbox whose messages have to be brought into memory for an operation, whatever other frames of the turn do before it.
    private static func mailboxNeeded(by operation: UnsafePointer<Operation>, in box: AccountBox) -> MailboxID? {
        switch operation.pointee.kind {
        case .create, .epoch:
            // Whether these two touch messages depends on what comes before them.
            guard let mailbox = operation.pointee.body.mailbox else { return nil }
            return box.state.isResident(mailbox) ? nil : mailbox
        case .append, .expunge, .store, .assign, .delete, .rename, .subscribe, .unsubscribe, .member, .mark:
            return box.state.needsMessages(for: operation.pointee)
        }
    }
}

/// What one turn does, until it goes to the log as one unit.
struct IntakeTurn {
    /// What tells it from other turns; from 1.
    let number: UInt64
    var unit = UnitContent()
    /// The accounts in the order in which they were first touched.
    var parts: [Part] = []
    var operations = 0
    /// Serves one group of operations after another.
    var group = OperationGroup()

    /// What the turn does to one account.
    struct Part {
        let box: AccountBox
        /// What was counted before.
        let concurrency: ConcurrencyCounters
        var changes = StateChanges()
    }

    init(number: UInt64) { self.number = number }

    /// The place of an account's part, made if there is none.
    mutating func part(of box: AccountBox) -> Int {
        if box.turn.number == number { return box.turn.part }
        box.turn = (number, parts.count)
        parts.append(Part(box: box, concurrency: box.state.concurrency))
        return parts.count - 1
    }
}
