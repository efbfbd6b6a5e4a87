// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Walks through a copy of an account's state and gives its records to an export, a few at a time.
public struct AccountExport: ~Copyable, Sendable {
    /// What to do next.
    public enum Step: Sendable, Hashable {
        /// Send the parts that are full, then go on.
        case more
        /// The messages of this mailbox are not in memory: give all its message records, as the engine holds them, to the export, then go on.
        case needsMessages(MailboxID)
        /// The account is done.
        case finished
    }

    private let state: AccountState
    private var mailboxes: [MailboxID]
    private var current: MailboxID?
    private var messages: [Dot] = []
    private var position = 0
    private var hasBegun = false

    /// Takes a copy of the state that was given to ``SnapshotExport/begin(_:state:replica:)``.
    ///
    /// - Parameter state: the copy; nothing of it is changed.
    public init(_ state: consuming AccountState) {
        mailboxes = state.recordedMailboxes
        self.state = state
    }

    /// Gives records to the export until one of its parts is full or something else is to be done.
    ///
    /// - Parameter export: the export in which the account was begun.
    /// - Returns: what to do next.
    public mutating func step(into export: inout SnapshotExport) -> Step {
        if !hasBegun {
            hasBegun = true
            for name in state.subscribedNames {
                if let record = state.subscriptionRecord(of: name) { export.add(record) }
            }
            return .more
        }
        while let mailbox = current {
            guard position < messages.count else {
                (current, messages, position) = (nil, [], 0)
                break
            }
            if let record = state.messageRecord(of: messages[position], in: mailbox) { export.add(record) }
            position += 1
            if export.hasFullPart { return .more }
        }
        guard let mailbox = mailboxes.popLast() else {
            export.endAccount()
            return .finished
        }
        guard let record = state.mailboxRecord(of: mailbox) else { return .more }
        export.add(record)
        if state.recordCount(of: mailbox) == 0 { return .more }
        if !state.isResident(mailbox) { return .needsMessages(mailbox) }
        (current, messages) = (mailbox, state.recordIDs(in: mailbox))
        return .more
    }
}
