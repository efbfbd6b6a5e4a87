// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// What a checkpointer and a session would know if they heard of nothing but the changes: if a change is missing, the shadow is wrong.
struct ShadowEngine {
    private var names: [MailboxID: String] = [:]
    private var uids: [MailboxID: [Dot: UInt32]] = [:]
    /// UIDVALIDITY of each mailbox and the greatest UID that was shown under it.
    private var exposed: [MailboxID: (validity: UInt32, uid: UInt32)] = [:]
    private var flagModSeqs: [MailboxID: [Dot: UInt64]] = [:]
    private var bodies: [BodyDigest: Int] = [:]
    private var mailboxRecords: [MailboxID: [UInt8]] = [:]
    private var messageRecords: [MailboxID: [Dot: [UInt8]]] = [:]
    private var subscriptionRecords: [String: [UInt8]] = [:]
    private var accountRecord: [UInt8] = AccountState().accountRecord()

    /// Takes note of the changes of one step, after which the state is as given.
    ///
    /// - Returns: a change that contradicts the earlier ones, or nil.
    mutating func note(_ changes: StateChanges, _ state: borrowing AccountState) -> String? {
        for change in changes {
            switch change {
            case .mailboxAppeared(let box, let name):
                if names.updateValue(name, forKey: box) != nil { return "\(box) appeared twice" }
            case .mailboxVanished(let box, let name):
                if names.removeValue(forKey: box) != name { return "\(box) vanished under another name" }
                uids[box] = nil
                flagModSeqs[box] = nil
            case .mailboxRenamed(let box, let from, let to):
                if names.updateValue(to, forKey: box) != from { return "\(box) was not called \(from)" }
            case .messageAppeared(let box, let id, let uid, let modSeq):
                if uids[box, default: [:]].updateValue(uid, forKey: id) != nil { return "\(id) appeared twice" }
                let validity = state.slot(of: box).map { state.slots[$0].birth?.uidValidity ?? 0 } ?? 0
                if let last = exposed[box], last.validity == validity && last.uid >= uid {
                    return "UID \(uid) was shown after \(last.uid)"
                }
                exposed[box] = (validity, uid)
                flagModSeqs[box, default: [:]][id] = modSeq
            case .messageVanished(let box, let id, let uid, _):
                if uids[box]?.removeValue(forKey: id) != uid { return "\(id) vanished under another UID" }
                flagModSeqs[box]?[id] = nil
            case .flagsChanged(let box, let id, let uid, let modSeq):
                if uids[box]?[id] != uid { return "flags of \(id) changed under another UID" }
                if flagModSeqs[box]?[id] ?? .max >= modSeq { return "MODSEQ of \(id) did not ascend" }
                flagModSeqs[box]?[id] = modSeq
            case .bodyRetained(let body, _): bodies[body, default: 0] += 1
            case .bodyReleased(let body): bodies[body, default: 0] -= 1
            case .mailboxChanged, .mailboxForgotten, .recordChanged, .recordRemoved, .subscriptionChanged,
                .memberChanged, .modSeqsMarked:
                break
            }
        }
        write(changes, state)
        return nil
    }

    /// Writes what the changes name as it is now, as a checkpointer does once for many operations.
    private mutating func write(_ changes: StateChanges, _ state: borrowing AccountState) {
        if !changes.isEmpty { accountRecord = state.accountRecord() }
        for change in changes {
            switch change {
            case .mailboxChanged(let box), .mailboxForgotten(let box):
                mailboxRecords[box] = state.mailboxRecord(of: box)
            case .recordChanged(let box, let id), .recordRemoved(let box, let id):
                messageRecords[box, default: [:]][id] = state.messageRecord(of: id, in: box)
            case .subscriptionChanged(let name): subscriptionRecords[name] = state.subscriptionRecord(of: name)
            default: break
            }
        }
    }

    /// Where the shadow and the state disagree.
    func violation(_ state: borrowing AccountState) -> String? {
        if names != Dictionary(uniqueKeysWithValues: state.mailboxes.map { ($0.id, $0.name) }) {
            return "a name was not told"
        }
        if accountRecord != state.accountRecord() { return "the account's record was not written" }
        var counted: [BodyDigest: Int] = [:]
        let boxes = state.recordedMailboxes
        if Set(mailboxRecords.keys) != Set(boxes) { return "there are records of other mailboxes" }
        for box in boxes {
            if mailboxRecords[box] != state.mailboxRecord(of: box) { return "the header of \(box) was not written" }
            let ids = state.recordIDs(in: box)
            if Set(ids) != Set((messageRecords[box] ?? [:]).keys) { return "records of \(box) came or went untold" }
            for id in ids {
                if messageRecords[box]?[id] != state.messageRecord(of: id, in: box) {
                    return "the record of \(id) was not written"
                }
            }
            let views = state.messages(in: box)
            if uids[box] ?? [:] != Dictionary(uniqueKeysWithValues: views.map { ($0.id, $0.uid) }) {
                return "a message came or went untold"
            }
            for view in views where flagModSeqs[box]?[view.id] != view.modSeq {
                return "MODSEQ of \(view.id) was not told"
            }
            guard let slot = state.slot(of: box) else { continue }
            let messages = state.slots[slot].messages
            for record in messages.ordered + messages.apart where !record.isHole {
                counted[messages.facts(of: record).body, default: 0] += 1
            }
        }
        if bodies.filter({ $0.value != 0 }) != counted { return "references to bodies are not what was told" }
        return Set(subscriptionRecords.keys) == Set(state.subscribedNames) ? nil : "a subscription was not told"
    }

    /// The state made again from what was written.
    func restored(context: ApplyContext) throws(CRDTError) -> AccountState {
        var state = try AccountState(
            account: accountRecord, mailboxes: Array(mailboxRecords.values),
            subscriptions: Array(subscriptionRecords.values), context: context)
        for (box, records) in messageRecords where mailboxRecords[box] != nil {
            var installation = MessageInstallation(mailbox: box)
            for record in records.values { try installation.add(record.span) }
            try state.installMessages(installation)
        }
        return state
    }
}
