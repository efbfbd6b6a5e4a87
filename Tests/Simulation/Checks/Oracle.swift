// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport

@testable import CRDTKit

/// Knows everything that was issued, acknowledged and shown, and says what must hold: a plain reference without any state of the kit.
final class Oracle {
    private struct UIDKey: Hashable {
        let account: String
        let mailbox: GlobalID
        let validity: UInt32
        let uid: UInt32
    }

    private struct ShownKey: Hashable {
        let node: String
        let account: String
        let mailbox: GlobalID
    }

    /// What a replica has shown of a mailbox.
    private struct Shown {
        var validity: UInt32 = 0
        var uidNext: UInt64 = 0
        var highestModSeq: UInt64 = 0
        var messages: [UInt32: MailboxView.Message] = [:]
        var gone: Set<UInt32> = []
    }

    private let world: World
    private(set) var operations: [GlobalID: GlobalOperation] = [:]
    private var acknowledged: Set<GlobalID> = []
    /// What a UID means, for ever.
    private var meanings: [UIDKey: GlobalID] = [:]
    private var shown: [ShownKey: Shown] = [:]
    /// Of replicas that are gone for good: how much others held then, and hold still.
    private var gone: [ReplicaID: UInt64] = [:]
    private(set) var observations = 0

    init(world: World) { self.world = world }

    var acknowledgedCount: Int { acknowledged.count }

    // MARK: What happens

    func issued(_ list: [GlobalOperation]) { for operation in list { operations[operation.id] = operation } }

    func acknowledged(_ list: [GlobalOperation]) { for operation in list { acknowledged.insert(operation.id) } }

    /// A node came back: what it had not made durable never happened.
    func recovered(_ store: SimulatedStore) {
        let id = store.replica.id
        let last = store.replica.delivered[store.replica.own]
        for key in operations.keys where key.origin == id && key.counter > last {
            operations[key] = nil
            if acknowledged.contains(key) {
                world.violate("\(store.node) lost operation \(key), which it had acknowledged")
            }
        }
    }

    /// A store is gone for good; the others hold so much of a replica's operations.
    ///
    /// - Returns: whether operations are lost with it. Then nobody knows which UIDs of its stripe were given, and its clients must begin anew.
    func isGone(
        _ node: String, _ replica: ReplicaID?, stripe: UInt8, had: StreamVector, held: (ReplicaID) -> UInt64
    ) -> Bool {
        if let replica { gone[replica] = UInt64.max }
        var isLoss = false
        for (replica, before) in gone {
            gone[replica] = min(before, held(replica))
            if had[replica] > held(replica) { isLoss = true }
        }
        for key in shown.keys where key.node == node { shown[key] = nil }
        if isLoss {
            for key in meanings.keys where (key.uid - 1) / 1_024 % 16 == UInt32(stripe) { meanings[key] = nil }
        }
        return isLoss
    }

    /// A session at a node was shown this.
    func observed(_ node: String, _ account: String, _ view: AccountView) {
        observations += 1
        for mailbox in view.mailboxes { observe(node, account, mailbox) }
    }

    private func observe(_ node: String, _ account: String, _ view: MailboxView) {
        let key = ShownKey(node: node, account: account, mailbox: view.id)
        var before = shown[key] ?? Shown()
        let place = "\(node) shows in \(account)/\(view.name) (\(view.id))"
        if view.uidValidity < before.validity {
            world.violate("\(place) UIDVALIDITY \(view.uidValidity) after \(before.validity)")
        }
        if view.uidValidity != before.validity {
            before = Shown()
            before.validity = view.uidValidity
        }
        if view.uidNext < before.uidNext { world.violate("\(place) UIDNEXT \(view.uidNext) after \(before.uidNext)") }
        if view.highestModSeq < before.highestModSeq {
            world.violate("\(place) HIGHESTMODSEQ \(view.highestModSeq) after \(before.highestModSeq)")
        }
        var after = before
        (after.uidNext, after.highestModSeq) = (max(view.uidNext, before.uidNext), view.highestModSeq)
        after.messages = [:]
        var last: UInt32 = 0
        for message in view.messages {
            if message.uid <= last { world.violate("\(place) UID \(message.uid) after \(last)") }
            last = message.uid
            if UInt64(message.uid) >= view.uidNext {
                world.violate("\(place) UID \(message.uid), UIDNEXT \(view.uidNext)")
            }
            check(message, before, view, place)
            note(message, account, view, place)
            after.messages[message.uid] = message
        }
        for uid in before.messages.keys where after.messages[uid] == nil { after.gone.insert(uid) }
        shown[key] = after
    }

    /// What a session that saw the mailbox before expects of a message.
    private func check(_ message: MailboxView.Message, _ before: Shown, _ view: MailboxView, _ place: String) {
        if message.modSeq > view.highestModSeq {
            world.violate("\(place) MODSEQ \(message.modSeq) above HIGHESTMODSEQ \(view.highestModSeq)")
        }
        if let known = before.messages[message.uid] {
            if known.flags != message.flags && message.modSeq <= before.highestModSeq {
                world.violate(
                    "\(place) other flags of UID \(message.uid) with MODSEQ \(message.modSeq), no later than \(before.highestModSeq)"
                )
            }
        } else if before.gone.contains(message.uid) {
            world.violate("\(place) UID \(message.uid) again, which had vanished")
        } else if UInt64(message.uid) < before.uidNext {
            world.violate("\(place) new UID \(message.uid) below UIDNEXT \(before.uidNext), which it had told")
        } else if message.modSeq <= before.highestModSeq {
            world.violate(
                "\(place) new UID \(message.uid) with MODSEQ \(message.modSeq), no later than \(before.highestModSeq)")
        }
    }

    private func note(_ message: MailboxView.Message, _ account: String, _ view: MailboxView, _ place: String) {
        let key = UIDKey(account: account, mailbox: view.id, validity: view.uidValidity, uid: message.uid)
        if let meaning = meanings[key], meaning != message.id {
            world.violate("\(place) message \(message.id) as UID \(message.uid), which was \(meaning)")
        }
        meanings[key] = message.id
    }

    // MARK: What must hold at rest

    /// Checks what all replicas agreed on against all that was issued.
    func checkFinal(_ views: [String: AccountView], vector: StreamVector) {
        for (replica, held) in gone where vector[replica] < held {
            world.violate("of the lost replica \(replica) others held \(held) operations, now \(vector[replica])")
        }
        for operation in operations.values {
            let id = operation.id
            if id.counter <= vector[id.origin] { continue }
            if gone[id.origin] == nil {
                world.violate("operation \(id) got lost\(acknowledged.contains(id) ? ", and was acknowledged" : "")")
            }
            operations[id] = nil
        }
        let byAccount = Dictionary(grouping: operations.values, by: \.account)
        for (account, list) in byAccount where account != GroupAccount.name {
            check(account, list, views[account] ?? AccountView(mailboxes: [], subscriptions: []))
        }
    }

    private func check(_ account: String, _ list: [GlobalOperation], _ view: AccountView) {
        let byMailbox = Dictionary(grouping: list.filter { $0.mailbox != nil }, by: { $0.mailbox ?? $0.id })
        let shown = Dictionary(uniqueKeysWithValues: view.mailboxes.map { ($0.id, $0) })
        for (mailbox, here) in byMailbox.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            let isInbox = mailbox == GlobalID(origin: ReplicaID(0, incarnation: 0), counter: 1)
            let deletes = isInbox ? [] : here.filter { if case .delete = $0.body { true } else { false } }
            let isAlive = here.contains { one in one.wantsMailbox && !deletes.contains { $0.saw(one.id) } }
            guard isAlive == (shown[mailbox] != nil) else {
                world.violate("\(account): mailbox \(mailbox) should \(isAlive ? "" : "not ")be there")
                continue
            }
            if let view = shown[mailbox] { check(account, view, here, deletes) }
        }
        for mailbox in view.mailboxes where byMailbox[mailbox.id] == nil {
            world.violate("\(account): mailbox \(mailbox.id) was made by nobody")
        }
        checkSubscriptions(account, list, view)
    }

    private func check(
        _ account: String, _ view: MailboxView, _ here: [GlobalOperation], _ deletes: [GlobalOperation]
    ) {
        if view.waiting > 0 {
            world.violate("\(account)/\(view.name): \(view.waiting) messages wait for a UID for ever")
        }
        var about: [GlobalID: [GlobalOperation]] = [:]
        for operation in here {
            switch operation.body {
            case .append: about[operation.id, default: []].append(operation)
            case .expunge(_, let message), .store(_, let message, _, _):
                about[message, default: []].append(operation)
            default: break
            }
        }
        let shown = Dictionary(
            view.messages.map { ($0.id, $0) },
            uniquingKeysWith: { first, second in
                world.violate("\(account)/\(view.name): message \(first.id) is there as \(first.uid) and \(second.uid)")
                return first
            })
        for (message, list) in about {
            let isExpunged = list.contains { if case .expunge = $0.body { true } else { false } }
            let isKept = list.contains { one in
                switch one.body {
                case .append, .store: !deletes.contains { $0.saw(one.id) }
                default: false
                }
            }
            let isPresent = isKept && !isExpunged && operations[message] != nil
            guard isPresent == (shown[message] != nil) else {
                let told = acknowledged.contains(message) ? "acknowledged" : "unacknowledged"
                world.violate(
                    "\(account)/\(view.name): the \(told) message \(message) should \(isPresent ? "" : "not ")be there")
                continue
            }
            if let shown = shown[message], shown.flags != flags(list) {
                world.violate(
                    "\(account)/\(view.name): message \(message) has \(shown.flags), should have \(flags(list))")
            }
        }
        for message in view.messages where about[message.id] == nil {
            world.violate("\(account)/\(view.name): message \(message.id) was appended by nobody")
        }
    }

    /// A flag is set if something set it that nothing which saw it changed again.
    private func flags(_ list: [GlobalOperation]) -> Set<String> {
        var result: Set<String> = []
        for operation in list {
            let adding: Set<String>
            switch operation.body {
            case .append(_, let flags): adding = flags
            case .store(_, _, let flags, _): adding = flags
            default: continue
            }
            for flag in adding {
                let isOverridden = list.contains { other in
                    guard other.saw(operation.id), other.id != operation.id,
                        case .store(_, _, let added, let removed) = other.body
                    else { return false }
                    return added.contains(flag) || removed.contains(flag)
                }
                if !isOverridden { result.insert(flag) }
            }
        }
        return result
    }

    private func checkSubscriptions(_ account: String, _ list: [GlobalOperation], _ view: AccountView) {
        var wanted: Set<String> = []
        for operation in list {
            guard case .subscribe(let name) = operation.body else { continue }
            let isOverridden = list.contains { other in
                if case .unsubscribe(name) = other.body { return other.saw(operation.id) }
                return false
            }
            if !isOverridden { wanted.insert(name) }
        }
        if wanted != Set(view.subscriptions) {
            world.violate("\(account): subscribed is \(view.subscriptions), should be \(wanted.sorted())")
        }
    }
}
