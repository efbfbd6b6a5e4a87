// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit
internal import Logging
internal import Synchronization

/// Those who have added messages to a mailbox whose UIDs another replica assigns, and wait a moment to hear of them.
struct UIDWaits {
    private struct Message: Hashable {
        let mailbox: MailboxKey
        let id: Dot
    }

    private struct Wait {
        let mailbox: MailboxKey
        /// Who assigns them.
        let owner: ReplicaID?
        var pending: Set<Dot>
        var uids: [Dot: UInt32] = [:]
        var continuation: CheckedContinuation<Void, Never>?
        var isOver = false
    }

    private var waits: [UInt64: Wait] = [:]
    private var byMessage: [Message: UInt64] = [:]
    private var nextNumber: UInt64 = 1
    /// How long they wait.
    var patience = UIDPatience()

    var isEmpty: Bool { waits.isEmpty }

    /// Begins to wait; each message is new, so nobody else waits for it.
    ///
    /// - Parameters:
    ///   - messages: the messages.
    ///   - mailbox: their mailbox.
    ///   - owner: who assigns its UIDs; nil if that is not known.
    /// - Returns: the wait's number.
    mutating func begin(_ messages: [Dot], in mailbox: MailboxKey, of owner: ReplicaID?) -> UInt64 {
        let number = nextNumber
        nextNumber += 1
        waits[number] = Wait(mailbox: mailbox, owner: owner, pending: Set(messages))
        for message in messages { byMessage[Message(mailbox: mailbox, id: message)] = number }
        return number
    }

    func isAwaited(_ message: Dot, in mailbox: MailboxKey) -> Bool {
        byMessage[Message(mailbox: mailbox, id: message)] != nil
    }

    /// A message can be seen under its UID, and that is durable.
    ///
    /// - Returns: who need not wait any longer.
    mutating func assigned(
        _ uid: UInt32, to message: Dot, in mailbox: MailboxKey
    ) -> CheckedContinuation<Void, Never>? {
        guard let number = byMessage.removeValue(forKey: Message(mailbox: mailbox, id: message)) else { return nil }
        waits[number]?.pending.remove(message)
        waits[number]?.uids[message] = uid
        return waits[number]?.pending.isEmpty ?? false ? release(number) : nil
    }

    /// How long somebody is to wait, in milliseconds; 0 if there is nothing to wait for.
    func milliseconds(_ number: UInt64, atMost limit: Int, unreachable: Set<ReplicaID>) -> Int {
        guard let wait = waits[number], !wait.pending.isEmpty, !wait.isOver else { return 0 }
        return patience.milliseconds(for: wait.owner, atMost: limit, unreachable: unreachable)
    }

    /// Lets somebody wait.
    ///
    /// - Returns: false if there is nothing left to wait for.
    mutating func wait(_ number: UInt64, _ continuation: CheckedContinuation<Void, Never>) -> Bool {
        guard let wait = waits[number], !wait.pending.isEmpty, !wait.isOver else { return false }
        waits[number]?.continuation = continuation
        return true
    }

    /// Ends somebody's waiting, whatever has come.
    mutating func release(_ number: UInt64) -> CheckedContinuation<Void, Never>? {
        let continuation = waits[number]?.continuation
        waits[number]?.continuation = nil
        waits[number]?.isOver = true
        return continuation
    }

    /// Ends somebody's waiting because the time is over.
    mutating func timeIsOver(_ number: UInt64) -> CheckedContinuation<Void, Never>? {
        if let wait = waits[number], !wait.pending.isEmpty, !wait.isOver { patience.waitedInVain(for: wait.owner) }
        return release(number)
    }

    /// Ends everybody's waiting.
    mutating func releaseAll() -> [CheckedContinuation<Void, Never>] {
        let numbers = Array(waits.keys)
        return numbers.compactMap { release($0) }
    }

    /// Takes what has come and forgets the wait.
    mutating func finish(_ number: UInt64) -> [Dot: UInt32] {
        guard let wait = waits.removeValue(forKey: number) else { return [:] }
        for message in wait.pending { byMessage[Message(mailbox: wait.mailbox, id: message)] = nil }
        return wait.uids
    }

    /// Takes the place of others that were all released: their numbers are not used again.
    mutating func succeed(_ old: UIDWaits) {
        nextNumber = old.nextNumber
        patience = old.patience
    }
}

extension StoreCore {
    /// A message that came by this replica waits for its UID.
    mutating func expectUIDs(in mailbox: MailboxID, of box: AccountBox) {
        group.awaited.insert(MailboxKey(account: box.index, mailbox: mailbox))
    }
}

extension MailStore {
    /// The UIDs of messages that were just added; waits for those that another replica assigns, but no longer than the option says.
    ///
    /// - Returns: the UIDs that are known, and durable.
    func awaitUIDs(of messages: [Dot], in mailbox: MailboxID, of account: MailAccount) async -> [Dot: UInt32] {
        let key = MailboxKey(account: account.index, mailbox: mailbox)
        var known: [Dot: UInt32] = [:]
        do {
            let (uids, number) = try await read(
                account, needing: { _ in [mailbox] },
                undoing: { (result: (uids: [Dot: UInt32], number: UInt64)) in
                    _ = self.core.withLock { $0.uidWaits.finish(result.number) }
                }
            ) { core, box in
                var uids: [Dot: UInt32] = [:]
                for message in messages { uids[message] = box.state.message(in: mailbox, id: message)?.uid }
                let missing = messages.filter { uids[$0] == nil }
                let owner = box.state.uidOwner(of: mailbox)
                return (uids: uids, number: core.uidWaits.begin(missing, in: key, of: owner))
            }
            known = uids
            known.merge(await rest(of: number)) { first, _ in first }
        } catch {
            // The messages are durable; only that their UIDs are not known.
            logger.debug("UIDs are not known", metadata: ["reason": "\(error)"])
        }
        return known
    }

    private func rest(of number: UInt64) async -> [Dot: UInt32] {
        let limit = core.withLock { core in
            core.uidWaits.milliseconds(
                number, atMost: options.assignmentWaitMilliseconds, unreachable: core.group.unreachable)
        }
        if limit > 0 { await wait(number, milliseconds: limit) }
        return core.withLock { $0.uidWaits.finish(number) }
    }

    private func wait(_ number: UInt64, milliseconds: Int) async {
        await withDiscardingTaskGroup { tasks in
            tasks.addTask {
                do {
                    try await self.options.assignmentTimer(.milliseconds(milliseconds))
                    self.core.withLock { $0.uidWaits.timeIsOver(number) }?.resume()
                } catch {
                    // Cancelled: the UIDs have come, or nobody wants to know them any more.
                    self.core.withLock { $0.uidWaits.release(number) }?.resume()
                }
            }
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                if !core.withLock({ $0.uidWaits.wait(number, continuation) }) { continuation.resume() }
            }
            tasks.cancelAll()
        }
    }
}
