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
        var pending: Set<Dot>
        var uids: [Dot: UInt32] = [:]
        var continuation: CheckedContinuation<Void, Never>?
        var isOver = false
    }

    private var waits: [UInt64: Wait] = [:]
    private var byMessage: [Message: UInt64] = [:]
    private var nextNumber: UInt64 = 1

    var isEmpty: Bool { waits.isEmpty }

    /// Begins to wait; each message is new, so nobody else waits for it.
    mutating func begin(_ messages: [Dot], in mailbox: MailboxKey) -> UInt64 {
        let number = nextNumber
        nextNumber += 1
        waits[number] = Wait(mailbox: mailbox, pending: Set(messages))
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
                return (uids: uids, number: core.uidWaits.begin(messages.filter { uids[$0] == nil }, in: key))
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
        let limit = options.assignmentWaitMilliseconds
        await withDiscardingTaskGroup { tasks in
            tasks.addTask {
                // Cancelled when the UIDs have come: then nobody waits any more.
                try? await Task.sleep(for: .milliseconds(limit))
                self.core.withLock { $0.uidWaits.release(number) }?.resume()
            }
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                if !core.withLock({ $0.uidWaits.wait(number, continuation) }) { continuation.resume() }
            }
            tasks.cancelAll()
        }
        return core.withLock { $0.uidWaits.finish(number) }
    }
}
