// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// A client: issues commands at one node, moves to another now and then, and keeps a copy of the mailboxes as mail readers do, by fetching what is above the
/// greatest UID that it was ever told, and the flags of what changed since the MODSEQ that it was told last, at whatever node.
final class SimulatedClient {
    /// A mailbox as the client has it.
    private struct Copy {
        var validity: UInt32 = 0
        /// Everything below was fetched.
        var watermark: UInt64 = 1
        var messages: [UInt32: GlobalID] = [:]
        var modSeq: UInt64 = 0
        var flags: [UInt32: Set<String>] = [:]
    }

    static let names = ["Work", "Work/Kuiper", "Lists", "Archive", "Travel"]
    static let keywords = ["$Junk", "Urgent", "later"]

    private let world: World
    private let oracle: Oracle
    private let number: Int
    let account: String
    private let nodes: () -> [SimulatedNode]
    private var node: SimulatedNode?
    private var copies: [GlobalID: Copy] = [:]
    /// Raised with each command, so that a late answer to an earlier one is known as such.
    private var command = 0
    private(set) var isBusy = false
    private(set) var commands = 0
    private(set) var acknowledgements = 0
    var isStopped = false

    init(world: World, oracle: Oracle, number: Int, account: String, nodes: @escaping () -> [SimulatedNode]) {
        (self.world, self.oracle, self.number, self.account, self.nodes) = (world, oracle, number, account, nodes)
    }

    func start() { world.after(world.number(0...300_000)) { [self] in act() } }

    private func act() {
        if isStopped { return }
        world.after(world.number(2_000...90_000)) { [self] in act() }
        if isBusy { return }
        if node?.serves != true || world.once(in: 25) {
            node = world.pick(nodes().filter(\.serves))
        }
        guard let node, let store = node.store else { return }
        store.localInterest.insert(account)
        if world.once(in: 3) { return look(node) }
        issue(node, store)
    }

    // MARK: Looking

    /// Forgets everything: a node was lost with operations that nobody else had, and what it showed.
    func beginAnew() { copies = [:] }

    /// Looks at all mailboxes, as a session that lists, selects and fetches.
    func look(_ node: SimulatedNode) {
        guard let store = node.store else { return }
        let view = store.view(account)
        let sessions = node.sessions
        store.whenDurable { [self] in
            if sessions == node.sessions { take(view, at: node) }
        }
    }

    private func take(_ view: AccountView, at node: SimulatedNode) {
        oracle.observed(node.name, account, view)
        for mailbox in view.mailboxes {
            var copy = copies[mailbox.id] ?? Copy()
            if copy.validity != mailbox.uidValidity {
                copy = Copy()
                copy.validity = mailbox.uidValidity
            }
            let known = view.localModSeq(copy.modSeq)
            for message in mailbox.messages {
                if UInt64(message.uid) >= copy.watermark || message.modSeq > known {
                    copy.flags[message.uid] = message.flags
                }
                if let known = copy.messages[message.uid], known != message.id {
                    world.violate("client \(number) knows UID \(message.uid) of \(mailbox.name) as another message")
                }
                if UInt64(message.uid) >= copy.watermark { copy.messages[message.uid] = message.id }
            }
            copy.watermark = max(copy.watermark, mailbox.uidNext)
            copy.modSeq = mailbox.highestModSeq
            copies[mailbox.id] = copy
        }
    }

    /// Checks after a last look that nothing was missed.
    func checkComplete(_ view: AccountView) {
        for mailbox in view.mailboxes {
            guard let copy = copies[mailbox.id], copy.validity == mailbox.uidValidity else { continue }
            for message in mailbox.messages where copy.messages[message.uid] != message.id {
                world.violate(
                    "client \(number) of \(account) never got UID \(message.uid) (\(message.id)) of \(mailbox.name) (\(mailbox.id))"
                )
            }
            for message in mailbox.messages where copy.flags[message.uid] != message.flags {
                let stale = copy.flags[message.uid] ?? []
                world.violate(
                    "client \(number) of \(account) has flags \(stale) of UID \(message.uid) of \(mailbox.name), not \(message.flags)"
                )
            }
        }
    }

    // MARK: Commands

    private func issue(_ node: SimulatedNode, _ store: SimulatedStore) {
        isBusy = true
        commands += 1
        command += 1
        let (command, sessions) = (command, node.sessions)
        // The connection may be gone, or the server slow: a client gives up.
        world.after(2_000_000) { [self] in if command == self.command { isBusy = false } }
        var keywords: [KeywordIndex] = []
        if world.once(in: 3), let name = world.pick(SimulatedClient.keywords) {
            do throws(CRDTError) { keywords = [try store.replica.keyword(named: name)] } catch {
                world.violate("\(node.name): \(error)")
            }
        }
        let body = self.body
        let validity = node.validitySource
        var bodies: [[UInt8]] = []
        store.issueWithBodies(account) { [self] (state, batch) throws(CRDTError) -> [[UInt8]] in
            try run(&state, &batch, keywords, body, validity, &bodies)
            return bodies
        } done: { [self] result in
            if command == self.command { isBusy = false }
            guard case .success(let operations) = result, sessions == node.sessions else { return }
            acknowledgements += operations.count
            oracle.acknowledged(operations)
        }
    }

    private var body: [UInt8] {
        let size = world.once(in: 12) ? world.number(2_000...9_000) : world.number(1...300)
        // Some mails are the same.
        let start = world.once(in: 8) ? 7 : world.number(0...UInt64.max)
        return (0..<(start == 7 ? 100 : size)).map { UInt8(truncatingIfNeeded: StableHash.mix(start &+ $0)) }
    }

    /// Carries out a command that is possible in the state, or none.
    private func run(
        _ state: inout AccountState, _ batch: inout OperationBatch, _ keywords: [KeywordIndex], _ body: [UInt8],
        _ validity: UIDValiditySource, _ bodies: inout [[UInt8]]
    ) throws(CRDTError) {
        let boxes = state.mailboxes.map(\.id)
        let name = world.pick(SimulatedClient.names) ?? "Work"
        guard let mailbox = world.pick(boxes), state.mailbox(named: "INBOX") != nil else {
            try state.createMailbox(name: "INBOX", validity: validity, batch: &batch)
            return
        }
        let messages = state.presentMessages(in: mailbox)
        let flags = FlagSet(SystemFlags(rawValue: UInt8(world.number(0...31))), keywords: keywords)
        switch world.number(0...23) {
        case 0: try state.createMailbox(name: name, separator: "/", validity: validity, batch: &batch)
        case 1: if world.once(in: 2) { try state.deleteMailbox(mailbox, batch: &batch) }
        case 2:
            if mailbox != .inbox || world.once(in: 10) {
                try state.renameMailbox(
                    mailbox, to: name + (world.once(in: 2) ? "" : "2"), separator: "/", validity: validity,
                    batch: &batch)
            }
        case 3: try state.subscribe(name, batch: &batch)
        case 4: state.unsubscribe(name, batch: &batch)
        case 5, 6, 7: try runOnMessage(&state, &batch, mailbox, messages, flags)
        case 8: if let message = world.pick(messages) { try state.expunge([message], in: mailbox, batch: &batch) }
        case 9, 10:
            guard let message = world.pick(messages), let target = world.pick(boxes) else { return }
            let batchOfMessages = world.once(in: 3) ? Array(messages.prefix(4)) : [message]
            if world.once(in: 2) {
                try state.copy(batchOfMessages, from: mailbox, to: target, batch: &batch)
            } else if target != mailbox {
                try state.move(batchOfMessages, from: mailbox, to: target, batch: &batch)
            }
        default:
            let target = world.once(in: 2) ? .inbox : mailbox
            let facts = MessageFacts(
                body: SimulatedBody.digest(body), size: UInt64(body.count), internalDateSeconds: 1_000,
                internalDateZoneMinutes: 60)
            bodies.append(body)
            try state.append(facts, flags: world.once(in: 2) ? flags : FlagSet(), to: target, batch: &batch)
        }
    }

    private func runOnMessage(
        _ state: inout AccountState, _ batch: inout OperationBatch, _ mailbox: MailboxID, _ messages: [Dot],
        _ flags: FlagSet
    ) throws(CRDTError) {
        guard let message = world.pick(messages) else { return }
        switch world.number(0...2) {
        case 0: try state.store(.add(flags), message: message, in: mailbox, batch: &batch)
        case 1: try state.store(.remove(flags), message: message, in: mailbox, batch: &batch)
        default: try state.store(.replace(flags), message: message, in: mailbox, batch: &batch)
        }
    }
}
