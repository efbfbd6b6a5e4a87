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
    let accounts: [AccountIndex: AccountBox]
    /// Accounts from this index on are named for the first time, so there is nothing of them to load.
    let knownAccounts: Int
    /// The operations that a turn may hold; a larger frame has a turn alone.
    let limit: Int
    private(set) var operations = 0
    private(set) var need: MemoryNeed?
    private(set) var isFull = false

    init(accounts: [AccountIndex: AccountBox], knownAccounts: Int, limit: Int, used: Int) {
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
        for operation in frame.operations {
            guard let box = accounts[operation.account] else {
                if Int(operation.account.rawValue) >= knownAccounts { continue }
                need = .account(operation.account)
                return false
            }
            if box.contains(operation.dot) { continue }
            if let mailbox = Self.mailboxNeeded(by: operation, in: box) {
                need = .mailbox(operation.account, mailbox)
                return false
            }
        }
        operations += frame.operations.count
        return true
    }

    /// The mailbox whose messages have to be brought into memory for an operation, whatever other frames of the turn do before it.
    private static func mailboxNeeded(by operation: Operation, in box: AccountBox) -> MailboxID? {
        switch operation.body {
        case .create(let mailbox, _, _, _), .epoch(let mailbox, _):
            // Whether these two touch messages depends on what comes before them.
            return box.state.isResident(mailbox) ? nil : mailbox
        case .append, .expunge, .store, .assign, .delete, .rename, .subscribe, .unsubscribe, .member, .mark:
            return box.state.needsMessages(for: operation)
        }
    }
}

/// What one turn did, until it goes to the log as one unit.
struct IntakeTurn {
    var unit = UnitContent()
    var changes: [AccountIndex: StateChanges] = [:]
    /// The accounts in the order in which they were first touched.
    var accounts: [AccountIndex] = []
    var operations = 0

    mutating func note(_ changes: StateChanges, of account: AccountIndex) {
        if self.changes[account] == nil { accounts.append(account) }
        self.changes[account, default: []].append(contentsOf: changes)
    }
}
