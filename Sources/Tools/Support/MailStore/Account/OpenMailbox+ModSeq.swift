// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

/// What a conditional STORE did (RFC 7162 section 3.1.3).
package struct StoreResult: Sendable {
    /// The messages that passed, as they are now; those that are gone left out.
    package var stored: [StoredMessage] = []
    /// The messages that failed the condition, as they are now: nothing was done to them.
    package var modified: [StoredMessage] = []
}

extension OpenMailbox {
    /// A modification sequence that a client presents, in terms of this replica's.
    ///
    /// Every modification sequence that comes from a client passes through here: those of CHANGEDSINCE, UNCHANGEDSINCE and SEARCH MODSEQ, and that of the ticket of a session that
    /// is carried over. The client may have got it from another replica, where it means something else. The translation errs towards less: a client is told too much, and a STORE
    /// that could be done fails, but no change is missed and none is overwritten.
    ///
    /// It is made before the mailbox is read or changed, outside the store's lock; what changes meanwhile has a greater modification sequence than all before.
    ///
    /// - Parameter presented: what the client presents; not 0.
    /// - Returns: a modification sequence of this replica: the client knows of every change of this mailbox up to it.
    /// - Throws: ``MailStoreError``.
    package func localModSeq(_ presented: UInt64) async throws -> UInt64 {
        try await account.store.localModSeq(presented)
    }

    /// STORE with UNCHANGEDSINCE (RFC 7162 section 3.1.3): a message's check and its change are one step.
    ///
    /// - Parameters:
    ///   - uids: the messages, ascending.
    ///   - edit: the change.
    ///   - presented: the modification sequence that the client presents; 0 asks whether the flags that are named exist; nil for no condition.
    /// - Returns: what was done.
    /// - Throws: ``MailStoreError``; then nothing has changed.
    package func store(_ uids: [UInt32], _ edit: FlagEdit, unchangedSince presented: UInt64?) async throws
        -> StoreResult
    {
        let condition: StoreCondition =
            switch presented {
            case nil: .none
            case 0: .flagsDoNotExist
            case .some(let presented): .unchangedSince(try await localModSeq(presented), presented: presented)
            }
        let id = snapshot.id
        return try await account.store.issue(
            on: account, origin: number, needing: { _ in [id] },
            preparing: { core -> FlagChange in
                switch edit {
                case .add(let flags): .add(try core.flagSet(flags))
                case .remove(let flags): .remove(try core.flagSet(flags))
                case .replace(let flags): .replace(try core.flagSet(flags))
                }
            }
        ) { core, box, unit, change in
            let views = uids.compactMap { box.state.message(in: id, uid: $0) }
            let passed = views.filter { condition.admits($0, change) }
            for view in passed { try change.checkKeywords(of: view.flags, atMost: box.state.limits.maximumKeywords) }
            var result = StoreResult()
            for view in views where !condition.admits(view, change) { result.modified.append(core.stored(view)) }
            for view in passed {
                _ = try box.state.store(change, message: view.id, in: id, batch: &unit.batch)
                if let now = box.state.message(in: id, uid: view.uid) { result.stored.append(core.stored(now)) }
            }
            return result
        }
    }
}

/// What STORE demands of a message.
private enum StoreCondition {
    /// Nothing.
    case none
    /// It has not changed later, or has the very modification sequence that was presented: then the client knows it as it is.
    case unchangedSince(UInt64, presented: UInt64)
    /// None of the flags that are named exists. A system flag always does, whether it is set or not; a keyword does if the message has it (RFC 7162 section 3.1.3, examples 7
    /// and 8). This is how a client tests and sets a keyword in one step.
    case flagsDoNotExist

    func admits(_ message: MessageView, _ change: FlagChange) -> Bool {
        switch self {
        case .none: return true
        case .unchangedSince(let known, let presented): return message.modSeq <= known || message.modSeq == presented
        case .flagsDoNotExist:
            switch change {
            case .add(let flags), .remove(let flags):
                return flags.system.isEmpty && flags.subtracting(message.flags) == flags
            case .replace: return false
            }
        }
    }
}

extension FlagChange {
    /// Refuses what would give a message too many keywords, before the first of several messages is changed.
    fileprivate func checkKeywords(of present: FlagSet, atMost limit: Int) throws(MailStoreError) {
        let count: Int
        switch self {
        case .add(let flags):
            if flags.keywords.isEmpty { return }
            count = present.keywords.count + flags.subtracting(present).keywords.count
        case .replace(let flags): count = flags.keywords.count
        case .remove: return
        }
        guard count <= limit else { throw MailStoreError.tooManyKeywords(limit) }
    }
}
