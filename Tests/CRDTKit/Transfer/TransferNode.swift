// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport

@testable import CRDTKit

/// A node with a real replica and real states, which learned its names in an order of its own.
final class TransferNode {
    static let accounts = ["anna", "bert", "cleo"]
    static let keywords = ["$Junk", "work", "$Forwarded", "later"]
    static let names = ["a", "b", "a/x", "Archive"]

    var replica: Replica
    var states: [AccountIndex: AccountBox] = [:]
    /// Operations that an imported account contains already.
    var imported: [AccountIndex: VersionVector] = [:]
    /// Frames in the order in which they were sealed or received.
    var log: [[UInt8]] = []
    var now: UInt64 = 1_000_000

    /// An array or dictionary cannot hold a noncopyable state.
    final class AccountBox {
        var state: AccountState
        init(_ state: consuming AccountState) { self.state = state }
    }

    init(_ id: UInt64, using generator: inout SeededGenerator) throws {
        replica = try Replica(partition: PartitionID(7), id: ReplicaID(id))
        for name in TransferNode.accounts.shuffled(using: &generator) where Bool.random(using: &generator) {
            _ = try replica.account(named: name)
        }
        for name in TransferNode.keywords.shuffled(using: &generator) where Bool.random(using: &generator) {
            _ = try replica.keyword(named: name)
        }
    }

    init(replica: consuming Replica) { self.replica = replica }

    var context: ApplyContext { SnapshotImport.context(of: replica) }

    func box(_ index: AccountIndex) -> AccountBox {
        if let known = states[index] { return known }
        let new = AccountBox(AccountState())
        states[index] = new
        return new
    }

    /// Issues a few random operations on one account.
    func issue(_ name: String, using generator: inout SeededGenerator) throws {
        now += 1
        let account = try replica.account(named: name)
        // What a command sees must be in its causal past.
        if let vector = imported[account], !replica.delivered.covers(vector) { return }
        var flags: [KeywordIndex] = []
        if Int.random(in: 0..<3, using: &generator) == 0 {
            flags = [
                try replica.keyword(named: TransferNode.keywords.randomElement(using: &generator) ?? "work")
            ]
        }
        let point = replica.begin(nowMilliseconds: now)
        var past = context
        past.past = point.past
        var batch = OperationBatch(
            replica: point.replica, firstCounter: point.firstCounter, timestamp: point.timestamp, account: account,
            context: past)
        let box = box(account)
        do throws(CRDTError) {
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                try TransferNode.command(&box.state, &batch, flags, using: &generator)
            }
        } catch {
            // A refused command changes nothing; what the batch holds already is good.
        }
        for payload in try replica.seal(batch.operations, issuedAt: point) { log.append(payload) }
    }

    private static func command(
        _ state: inout AccountState, _ batch: inout OperationBatch, _ keywords: [KeywordIndex],
        using generator: inout SeededGenerator
    ) throws(CRDTError) {
        let validity = UIDValiditySource(nowSeconds: 1_000, stripe: UInt8(batch.replica.rawValue & 15))
        let number = Int.random(in: 0..<1_000, using: &generator)
        let name = names[number % names.count]
        let boxes = state.mailboxes.map(\.id)
        guard let mailbox = boxes.isEmpty ? nil : boxes[number % boxes.count] else {
            try state.createMailbox(name: number % 3 == 0 ? "INBOX" : name, validity: validity, batch: &batch)
            return
        }
        let system = SystemFlags(rawValue: UInt8(number % 32))
        let messages = state.presentMessages(in: mailbox)
        let message = messages.isEmpty ? nil : messages[number % messages.count]
        switch (Int.random(in: 0..<12, using: &generator), message) {
        case (0, _): try state.createMailbox(name: name, separator: "/", validity: validity, batch: &batch)
        case (1, _): try state.deleteMailbox(mailbox, batch: &batch)
        case (2, _):
            try state.renameMailbox(mailbox, to: name + "2", separator: "/", validity: validity, batch: &batch)
        case (3, _): try state.subscribe(name, batch: &batch)
        case (4, _): state.unsubscribe(name, batch: &batch)
        case (5, let message?): try state.expunge([message], in: mailbox, batch: &batch)
        case (6, let message?), (7, let message?):
            let flags = FlagSet(system, keywords: keywords)
            try state.store(
                number % 2 == 0 ? .add(flags) : .replace(flags), message: message, in: mailbox, batch: &batch)
        case (8, let message?):
            try state.move([message], from: mailbox, to: boxes[(number + 1) % boxes.count], batch: &batch)
        default:
            let facts = MessageFacts(
                body: BodyDigest(words: (UInt64(number), 1, 2, 3)), size: UInt64(number),
                internalDateSeconds: Int64(number) - 500, internalDateZoneMinutes: -60)
            try state.append(facts, flags: FlagSet(system, keywords: keywords), to: mailbox, batch: &batch)
        }
    }

    /// Receives a frame, or replays one of the own log.
    func receive(_ payload: [UInt8], recovering: Bool = false) throws {
        let result =
            recovering ? try replica.recover(payload) : try replica.receive(payload, nowMilliseconds: now)
        guard case .delivered(let frames, _) = result else { return }
        if !recovering { log.append(payload) }
        for frame in frames {
            var context = context
            context.past = frame.past
            for operation in frame.operations {
                let dot = operation.dot
                if imported[operation.account].map({ $0.contains(dot) }) != true {
                    var changes: StateChanges = []
                    box(operation.account).state.apply(operation, context: context, changes: &changes)
                }
                context.past[dot.replica] = dot.counter
            }
        }
    }

    /// Gives all that this node knows to another one.
    func send(to other: TransferNode) throws {
        for payload in log { try other.receive(payload) }
    }

    /// The digest of each account that has anything in it, by name.
    var digests: [String: StateDigest] {
        var result: [String: StateDigest] = [:]
        for (index, box) in states where box.state.digest != StateDigest() {
            result[replica.symbols.name(of: index) ?? "?"] = box.state.digest
        }
        return result
    }

    /// The names of the mailboxes that clients see, by account.
    var mailboxes: [String: [String]] {
        var result: [String: [String]] = [:]
        for (index, box) in states where !box.state.mailboxes.isEmpty {
            result[replica.symbols.name(of: index) ?? "?"] = box.state.mailboxes.map(\.name)
        }
        return result
    }

    /// The first violation of a rule, or nil.
    func violation() throws -> String? {
        try replica.checkInvariants()
        for (index, box) in states {
            if let violation = box.state.checkInvariants() { return violation }
            if box.state.recomputedDigest(context: context) != box.state.digest {
                return "the digest of account \(index.rawValue) is not that of its state"
            }
        }
        return nil
    }
}

/// Drives exports and imports of whole nodes.
enum Transfer {
    /// The parts of an export; `between` runs before each account, so that their vectors differ.
    static func parts(
        of node: TransferNode, _ scope: SnapshotScope = .everything, accounts: [AccountIndex]? = nil, partBytes: Int,
        between: () throws -> Void = {}
    ) throws -> [[UInt8]] {
        var limits = SnapshotLimits()
        limits.maximumPartBytes = partBytes
        var export = SnapshotExport(scope, of: node.replica, limits: limits)
        var parts: [[UInt8]] = []
        while let part = export.nextPart() { parts.append(part) }
        for index in accounts ?? node.states.keys.sorted() {
            try between()
            let copy = node.box(index).state.copy()
            export.begin(node.replica.symbols.name(of: index) ?? "?", state: copy, replica: node.replica)
            var account = AccountExport(copy)
            while account.step(into: &export) != .finished {
                while let part = export.nextPart() { parts.append(part) }
            }
        }
        export.finish()
        while let part = export.nextPart() { parts.append(part) }
        return parts
    }

    /// Imports everything into a node without history.
    static func install(_ parts: [[UInt8]], in node: TransferNode) throws {
        var source = SnapshotImport(.everything, nowMilliseconds: node.now)
        var steps: [SnapshotImportStep] = []
        for part in parts { steps += try source.take(part, into: &node.replica) }
        if !source.isFinished { throw SnapshotItem.malformed("the snapshot is not complete") }
        try put(steps, in: node)
    }

    /// Replaces the accounts that the steps bring.
    static func put(_ steps: [SnapshotImportStep], in node: TransferNode) throws {
        var rest = steps[...]
        while let step = rest.popFirst() {
            guard var account = SnapshotAccount(step) else { continue }
            while let step = rest.popFirst() {
                if case .closed = step { break }
                try account.take(step)
            }
            let (index, vector) = (account.index, account.vector)
            node.states[index] = TransferNode.AccountBox(try account.state(context: node.context))
            node.imported[index] = vector
        }
    }
}
