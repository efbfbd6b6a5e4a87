// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import Synchronization

/// Asks, before an account is made here, whether its mailboxes may not be on their way from a peer.
///
/// Replicas that make an account at the same time agree on one INBOX, but clients of the others then see another UIDVALIDITY and fetch all mail
/// again. A replica that is new, or lost its disk, would do that to every user who comes before the peers' operations do.
final class AccountGate: Sendable {
    private let question = Mutex<(@Sendable () async -> Bool)?>(nil)

    func set(_ question: @escaping @Sendable () async -> Bool) { self.question.withLock { $0 = question } }

    /// Waits until an account may be made.
    ///
    /// - Throws: ``MailStoreError`` with `unavailable`.
    func pass() async throws(MailStoreError) {
        guard let question = question.withLock({ $0 }) else { return }
        guard await question() else {
            throw MailStoreError(
                .unavailable, "this replica still takes in what its peers have, and the account may be among it")
        }
    }
}

extension MailStore {
    /// Sets what is waited for before a session begins; without it sessions begin at once.
    ///
    /// - Parameter wait: waits, not for long, until this replica has what its peers have.
    package func beginSessions(after wait: @escaping @Sendable () async -> Void) { sessionWait.withLock { $0 = wait } }

    /// Waits until a session may begin; not for long, whatever the peers do.
    package func awaitSession() async { await sessionWait.withLock { $0 }?() }

    /// Sets what is asked before an account is made; without it accounts are made at once.
    ///
    /// - Parameter isReady: whether this replica has what its peers have; may take a while to answer.
    package func makeAccounts(when isReady: @escaping @Sendable () async -> Bool) { accountGate.set(isReady) }
}
