// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// A mailbox or message by its global name; well-known mailboxes are those of the replica that does not exist.
typealias GlobalID = StreamPosition

/// An operation by global names, with its causal past: what the oracle keeps.
struct GlobalOperation {
    enum Body {
        case create(GlobalID)
        case delete(GlobalID)
        case rename(GlobalID)
        case append(GlobalID, flags: Set<String>)
        case expunge(GlobalID, GlobalID)
        case store(GlobalID, GlobalID, adding: Set<String>, removing: Set<String>)
        case subscribe(String)
        case unsubscribe(String)
        /// Nothing that a client asked for: UIDs and membership.
        case other
    }

    let id: GlobalID
    let account: String
    let body: Body
    let past: [ReplicaID: UInt64]

    /// Whether the other operation was seen before this one was issued.
    func saw(_ other: GlobalID) -> Bool { past[other.origin, default: 0] >= other.counter }

    var mailbox: GlobalID? {
        switch body {
        case .create(let mailbox), .delete(let mailbox), .rename(let mailbox), .append(let mailbox, _),
            .expunge(let mailbox, _), .store(let mailbox, _, _, _):
            mailbox
        case .subscribe, .unsubscribe, .other: nil
        }
    }

    /// Whether it keeps its mailbox alive.
    var wantsMailbox: Bool {
        switch body {
        case .create, .rename, .append, .expunge, .store: true
        case .delete, .subscribe, .unsubscribe, .other: false
        }
    }
}

extension Replica {
    func globalID(_ dot: Dot) -> GlobalID {
        GlobalID(
            origin: replicas.id(at: dot.replica) ?? ReplicaID(0, incarnation: 0), counter: dot.counter)
    }

    func flagNames(_ flags: FlagSet) -> Set<String> {
        var names: Set<String> = []
        for bit in 0..<5 where flags.system.rawValue >> bit & 1 == 1 { names.insert("\\\(bit)") }
        for keyword in flags.keywords { names.insert(symbols.name(of: keyword)?.lowercased() ?? "?") }
        return names
    }

    /// The operation by global names.
    func global(_ operation: Operation, past: VersionVector) -> GlobalOperation {
        let body: GlobalOperation.Body
        switch operation.body {
        case .create(let mailbox, _, _, _): body = .create(globalID(mailbox.dot))
        case .delete(let mailbox): body = .delete(globalID(mailbox.dot))
        case .rename(let mailbox, _): body = .rename(globalID(mailbox.dot))
        case .append(let mailbox, _, let flags, _): body = .append(globalID(mailbox.dot), flags: flagNames(flags))
        case .expunge(let mailbox, let message): body = .expunge(globalID(mailbox.dot), globalID(message))
        case .store(let mailbox, let message, let adding, let removing):
            body = .store(
                globalID(mailbox.dot), globalID(message), adding: flagNames(adding), removing: flagNames(removing))
        case .subscribe(let name): body = .subscribe(name)
        case .unsubscribe(let name): body = .unsubscribe(name)
        default: body = .other
        }
        return GlobalOperation(
            id: globalID(operation.dot), account: symbols.name(of: operation.account) ?? "?", body: body,
            past: Dictionary(
                uniqueKeysWithValues: positions(of: past).map { ($0.origin, $0.counter) }))
    }
}

/// What a session sees of a mailbox at one moment.
struct MailboxView {
    struct Message: Hashable {
        var uid: UInt32
        var id: GlobalID
        var flags: Set<String>
        var modSeq: UInt64
    }

    var id: GlobalID
    var name: String
    var uidValidity: UInt32
    var uidNext: UInt64
    var highestModSeq: UInt64
    var waiting: UInt64
    var messages: [Message]
}

/// What a session sees of an account at one moment.
struct AccountView {
    var mailboxes: [MailboxView]
    var subscriptions: [String]
    /// What a MODSEQ that a client presents means at the node.
    var localModSeq: (UInt64) -> UInt64 = { $0 }

    /// What must be the same at all replicas when everything is at rest; MODSEQs and UIDNEXT are each replica's own.
    var agreement: [String] {
        var lines = subscriptions.map { "subscribed \($0)" }
        for mailbox in mailboxes.sorted(by: { $0.name < $1.name }) {
            lines.append("\(mailbox.id) \(mailbox.name) \(mailbox.uidValidity) waiting \(mailbox.waiting)")
            for message in mailbox.messages {
                lines.append("  \(message.uid) \(message.id) \(message.flags.sorted())")
            }
        }
        return lines
    }
}
