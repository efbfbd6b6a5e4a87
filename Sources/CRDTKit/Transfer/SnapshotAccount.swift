// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

/// Puts the steps of one imported account together to a state that has everything in memory: for the repair of an account in use.
public struct SnapshotAccount: ~Copyable, Sendable {
    /// The account.
    public let index: AccountIndex
    /// The operations that the state contains; see ``SnapshotImportStep/account(_:name:vector:digest:)``.
    public let vector: VersionVector
    private var header: [UInt8] = []
    private var subscriptions: [[UInt8]] = []
    private var mailboxes: [[UInt8]] = []
    private var installations: [MessageInstallation] = []

    /// Begins with the step that begins an account.
    ///
    /// - Parameter step: the step; nil is returned for any other.
    public init?(_ step: SnapshotImportStep) {
        guard case .account(let index, _, let vector, _) = step else { return nil }
        self.index = index
        self.vector = vector
    }

    /// Takes one of the account's steps.
    ///
    /// - Parameter step: the step; those that are no records change nothing.
    /// - Throws: `malformed` if a message's record cannot be read.
    public mutating func take(_ step: SnapshotImportStep) throws(CRDTError) {
        switch step {
        case .accountRecord(let record): header = record
        case .subscription(_, let record): subscriptions.append(record)
        case .mailbox(let mailbox, let record):
            mailboxes.append(record)
            installations.append(MessageInstallation(mailbox: mailbox))
        case .message(_, _, _, _, let record):
            guard !installations.isEmpty else { throw SnapshotItem.malformed("a message belongs to no mailbox") }
            try installations[installations.count - 1].add(record.span)
        case .began, .account, .closed, .finished: break
        }
    }

    /// Makes the state.
    ///
    /// - Parameters:
    ///   - context: the names behind the local indexes; its past does not matter.
    ///   - limits: the limits of what commands issue.
    /// - Returns: the state.
    /// - Throws: `malformed` if the records do not fit together.
    public consuming func state(
        context: borrowing ApplyContext, limits: AccountLimits = AccountLimits()
    ) throws(CRDTError) -> AccountState {
        var result = try AccountState(
            account: header, mailboxes: mailboxes, subscriptions: subscriptions, context: context, limits: limits)
        for installation in installations { try result.installMessages(installation) }
        return result
    }
}
