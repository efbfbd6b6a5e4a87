// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

extension StoreCore {
    /// Takes in what operations changed: what is to be written, which bodies are held, and what sessions are to be told.
    ///
    /// - Parameters:
    ///   - changes: what changed.
    ///   - box: the account.
    ///   - origin: the number of the open mailbox through which it came; 0 for none.
    ///   - isRemote: whether the operations came from another replica, and the bodies that they hold may come later.
    /// - Returns: the notices for those who listen.
    mutating func absorb(
        _ changes: StateChanges, of box: AccountBox, origin: UInt64, isRemote: Bool = false
    ) -> [PendingUnit.Effect] {
        var recorded: [MailboxID] = []
        return absorb(changes, of: box, origin: origin, isRemote: isRemote, recorded: &recorded)
    }

    /// The same; `recorded` takes the mailboxes in which records of messages changed, some of them perhaps twice.
    mutating func absorb(
        _ changes: StateChanges, of box: AccountBox, origin: UInt64, isRemote: Bool, recorded: inout [MailboxID]
    ) -> [PendingUnit.Effect] {
        var telling = Telling()
        group.digest.replace(box.countedDigest, by: box.state.digest)
        box.countedDigest = box.state.digest
        noteUIDWork(box)
        // One change after another is about the same mailbox.
        var last: MailboxID?
        for change in changes {
            dirtyRecords += box.note(change)
            switch change {
            case .recordChanged(let mailbox, _):
                if mailbox == last { continue }
                recorded.append(mailbox)
                last = mailbox
            case .messageAppeared(let mailbox, let message, let uid, let modSeq):
                noteTold(modSeq)
                let key = MailboxKey(account: box.index, mailbox: mailbox)
                if !uidWaits.isEmpty, uidWaits.isAwaited(message, in: key) {
                    telling.others.append(.assigned(uid: uid, message, key))
                }
                tell(change, of: box, mailbox, &telling)
            case .messageVanished(let mailbox, _, _, let modSeq), .flagsChanged(let mailbox, _, _, let modSeq):
                noteTold(modSeq)
                tell(change, of: box, mailbox, &telling)
            case .mailboxVanished(let mailbox, _), .mailboxRenamed(let mailbox, _, _):
                tell(change, of: box, mailbox, &telling)
            case .bodyRetained(let digest, let size):
                bodies.retained(digest, size: size)
                if isRemote { bodies.retainedByOther(digest, size: size) }
            case .bodyReleased(let digest): bodies.released(digest)
            case .memberChanged: telling.others.append(.membersChanged)
            case .mailboxChanged, .mailboxAppeared, .mailboxForgotten, .recordRemoved, .subscriptionChanged,
                .modSeqsMarked:
                break
            }
        }
        return telling.order.map { .notices($0, telling.notices[$0] ?? [], origin: origin) } + telling.others
    }

    /// What is to be told of some changes, and to whom.
    private struct Telling {
        var notices: [MailboxKey: [MailboxNotice]] = [:]
        /// The mailboxes in the order of their first notice.
        var order: [MailboxKey] = []
        var others: [PendingUnit.Effect] = []
        /// Whether anybody listens to a mailbox, for the last one that was asked for.
        var lastAsked: (mailbox: MailboxID, hasListeners: Bool)?
    }

    private mutating func noteTold(_ modSeq: UInt64) {
        replica.noteTold(modSeq: modSeq)
        group.hasToldModSeqs = true
    }

    private func tell(_ change: StateChange, of box: AccountBox, _ mailbox: MailboxID, _ telling: inout Telling) {
        let key = MailboxKey(account: box.index, mailbox: mailbox)
        if telling.lastAsked?.mailbox != mailbox { telling.lastAsked = (mailbox, listeners[key] != nil) }
        guard telling.lastAsked?.hasListeners == true else { return }
        let told = notices(for: change, of: box)
        guard !told.isEmpty else { return }
        if telling.notices[key] == nil { telling.order.append(key) }
        telling.notices[key, default: []] += told
    }

    private func notices(for change: StateChange, of box: AccountBox) -> [MailboxNotice] {
        switch change {
        case .messageAppeared(let mailbox, let message, let uid, let modSeq):
            let keywords = keywordNames(box.state.message(in: mailbox, id: message)?.flags.keywords ?? [])
            return (keywords.isEmpty ? [] : [.keywordsSeen(keywords)]) + [.arrived(uid: uid, modSeq: modSeq)]
        case .messageVanished(_, _, let uid, let modSeq): return [.vanished(uid: uid, modSeq: modSeq)]
        case .flagsChanged(let mailbox, let message, let uid, _):
            guard let view = box.state.message(in: mailbox, id: message) else { return [] }
            let flags = names(of: view.flags)
            return (flags.keywords.isEmpty ? [] : [.keywordsSeen(flags.keywords)])
                + [.flagsChanged(uid: uid, flags, modSeq: view.modSeq, isOwn: false)]
        case .mailboxVanished: return [.deleted]
        case .mailboxRenamed(_, _, let to): return [.renamed(to)]
        case .mailboxChanged, .mailboxAppeared, .mailboxForgotten, .recordChanged, .recordRemoved, .bodyRetained,
            .bodyReleased, .subscriptionChanged, .memberChanged, .modSeqsMarked:
            return []
        }
    }
}
