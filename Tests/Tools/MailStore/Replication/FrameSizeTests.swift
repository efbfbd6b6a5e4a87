// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Synchronization
import TestSupport
import Testing

@testable import MailStore

/// A frame of many operations does what as many frames of one operation do: to the state, to what sessions are told, and after a restart.
@Suite("Frames of any size", .timeLimit(.minutes(10)))
struct FrameSizeTests {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func oneFrameOfManyOperationsIsManyFramesOfOne(seed: UInt64) async throws {
        let writer = try FrameWriter(seed: seed, accounts: 7)
        let fixtures = try [StoreFixture(), StoreFixture()]
        var stores: [MailStore] = []
        for fixture in fixtures { stores.append(try await Self.open(fixture)) }
        try await deliver(try writer.begin(), to: stores)
        var sessions: [[OpenMailbox]] = [[], []]
        for (index, store) in stores.enumerated() {
            for name in writer.names.prefix(4) {
                sessions[index].append(try await store.account(admitting: name).open("INBOX") {})
            }
        }
        for round in 0..<6 {
            // What nobody has selected has to be brought into memory again, in one of the stores.
            try await stores[round % 2].checkpoint()
            stores[round % 2].core.withLock { $0.evict(downTo: 0) }
            try await deliver(try writer.round(300), to: stores)
            for (one, other) in zip(sessions[0], sessions[1]) {
                let (told, alsoTold) = (Told(one.takeNotices()), Told(other.takeNotices()))
                #expect(told == alsoTold, "seed \(seed), round \(round)")
            }
            try await compare(stores, writer, "seed \(seed), round \(round)")
        }
        for (index, store) in stores.enumerated() {
            for session in sessions[index] { session.close() }
            // Without a checkpoint everything comes from the log.
            let copy = try fixtures[index].crashed("crash")
            await store.close()
            try fixtures[index].replace(with: copy)
            stores[index] = try await Self.open(fixtures[index])
        }
        try await compare(stores, writer, "seed \(seed), after a crash")
        // None of the bodies came. More may be asked for: those of messages that are kept out of sight after a DELETE.
        for store in stores {
            let missing = Set(store.missingBodies(limit: .max).map(\.digest))
            #expect(try await Self.bodies(store, writer.names).isSubset(of: missing), "seed \(seed)")
        }
        for store in stores { await store.close() }
    }

    /// The bodies of all messages that clients see.
    private static func bodies(_ store: MailStore, _ names: [String]) async throws -> Set<BodyDigest> {
        var result: Set<BodyDigest> = []
        for name in names {
            let account = try await store.account(admitting: name)
            for entry in try await account.mailboxes().mailboxes {
                result.formUnion(try await account.messages(of: entry.name).map(\.facts.body))
            }
        }
        return result
    }

    private static func open(_ fixture: StoreFixture) async throws -> MailStore {
        try await fixture.open { options in
            options.partition = PartitionID(7)
            options.bodyWaitMilliseconds = 0
            options.operationsPerTurn = 100
        }
    }

    /// Gives the first store the operations as one frame, and the second as a frame each.
    private func deliver(_ frames: (one: [PeerItem], many: [PeerItem]), to stores: [MailStore]) async throws {
        for (store, items) in zip(stores, [frames.one, frames.many]) {
            let outcome = await store.receive(items)
            #expect(
                outcome.refusal == nil && outcome.waiting.isEmpty && outcome.deliveredOperations == frames.many.count)
            try await store.wait(for: store.core.withLock { MailStore.Receipt($0) })
        }
    }

    private func compare(_ stores: [MailStore], _ writer: FrameWriter, _ when: String) async throws {
        #expect(stores[0].replicationStatus().digest == stores[1].replicationStatus().digest, "\(when)")
        for (index, name) in writer.names.enumerated() {
            var seen: [[String]] = []
            for store in stores {
                let account = try await store.account(admitting: name)
                try await store.loadAll(account)
                #expect(store.digest(of: account) == writer.digest(of: index), "\(name), \(when)")
                var lines: [String] = []
                for entry in try await account.mailboxes().mailboxes {
                    let counts = try await account.counts(of: entry.name)
                    lines.append("\(entry.name) \(counts)")
                    for message in try await account.messages(of: entry.name) {
                        lines.append(
                            "\(message.uid) \(message.modSeq) \(message.facts) \(message.flags.system.rawValue) "
                                + message.flags.keywords.sorted().joined(separator: " "))
                    }
                }
                seen.append(lines)
            }
            #expect(seen[0] == seen[1], "\(name), \(when)")
        }
        let counts = stores.map { $0.core.withLock { $0.group.uidCounts.concurrency } }
        #expect(counts[0] == counts[1], "\(when)")
    }
}

/// What a session was told; of the flags of a message the last word counts, because a unit tells them as they are at its end.
private struct Told: Equatable {
    var changes: [String] = []
    var flags: [UInt32: String] = [:]
    var keywords: Set<String> = []

    init(_ notices: [MailboxNotice]) {
        for notice in notices {
            switch notice {
            case .arrived(let uid, let modSeq): changes.append("arrived \(uid) \(modSeq)")
            case .vanished(let uid, let modSeq):
                changes.append("vanished \(uid) \(modSeq)")
                flags[uid] = nil
            case .flagsChanged(let uid, let names, let modSeq, let isOwn):
                flags[uid] = "\(names.system.rawValue) \(names.keywords.sorted()) \(modSeq) \(isOwn)"
            // Those of a message that came and went in one unit are not told.
            case .keywordsSeen(let seen): keywords.formUnion(seen)
            case .deleted: changes.append("deleted")
            case .renamed(let name): changes.append("renamed \(name)")
            case .overrun: changes.append("overrun")
            }
        }
    }

    static func == (left: Told, right: Told) -> Bool { left.changes == right.changes && left.flags == right.flags }
}

/// A replica that issues random operations on some accounts, and seals them twice: in one frame, and in a frame each.
private final class FrameWriter {
    let names: [String]
    private var one: Replica
    private var many: Replica
    private var table = AccountTable()
    private var accounts: [AccountIndex] = []
    private var keywords: [KeywordIndex] = []
    /// The mailboxes of each account with the messages that are there.
    private var mailboxes: [[MailboxID: [Dot]]]
    private var random: SeededGenerator
    private var now: UInt64 = 1_750_000_000_000
    private var serial: UInt64 = 0

    private static let validity = UIDValiditySource(nowSeconds: 1_750_000_000, stripe: 1)

    init(seed: UInt64, accounts count: Int) throws {
        names = (0..<count).map { "user\($0)" }
        one = try Replica(partition: PartitionID(7), id: ReplicaID(1))
        many = try Replica(partition: PartitionID(7), id: ReplicaID(1))
        mailboxes = Array(repeating: [:], count: count)
        random = SeededGenerator(seed: seed)
        for name in names {
            accounts.append(try one.account(named: name))
            _ = try many.account(named: name)
        }
        for name in ["red", "green"] {
            keywords.append(try one.keyword(named: name))
            _ = try many.keyword(named: name)
        }
    }

    func digest(of account: Int) -> StateDigest { table[accounts[account]].digest }

    /// Makes the INBOX of each account.
    func begin() throws -> (one: [PeerItem], many: [PeerItem]) {
        try issue { batch in for account in self.accounts.indices { try self.create("INBOX", account, &batch) } }
    }

    /// At least so many operations.
    func round(_ count: Int) throws -> (one: [PeerItem], many: [PeerItem]) {
        try issue { batch in while batch.operations.count < count { try self.command(&batch) } }
    }

    private func issue(_ body: (inout OperationBatch) throws -> Void) throws -> (one: [PeerItem], many: [PeerItem]) {
        now += 1
        let point = one.begin(nowMilliseconds: now)
        var batch = OperationBatch(
            replica: point.replica, firstCounter: point.firstCounter, timestamp: point.timestamp, account: accounts[0],
            context: ApplyContext(
                past: point.past, replicas: one.replicas.ids, replicaHashes: one.replicas.hashes,
                keywordHashes: one.symbols.keywordHashes))
        try body(&batch)
        let whole = try one.seal(batch.operations, issuedAt: point)
        var single: [PeerItem] = []
        for operation in batch.operations {
            let point = many.begin(nowMilliseconds: now)
            single += try many.seal([operation], issuedAt: point).map { .operations($0) }
        }
        return (whole.map { .operations($0) }, single)
    }

    private func create(_ name: String, _ account: Int, _ batch: inout OperationBatch) throws {
        batch.account = accounts[account]
        let id = try table[accounts[account]].createMailbox(name: name, validity: Self.validity, batch: &batch)
        mailboxes[account][id] = []
    }

    private func command(_ batch: inout OperationBatch) throws {
        let account = Int.random(in: 0..<accounts.count, using: &random)
        let index = accounts[account]
        batch.account = index
        serial += 1
        let known = mailboxes[account].keys.sorted { $0.dot.packed < $1.dot.packed }
        guard let mailbox = known.randomElement(using: &random) else { return }
        let message = mailboxes[account][mailbox]?.randomElement(using: &random)
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<7:
            let word = serial &* 0x9e37_79b9_7f4a_7c15
            let facts = MessageFacts(
                body: BodyDigest(words: (word, ~word, serial, word ^ serial)), size: 1_000 + serial,
                internalDateSeconds: 1_750_000_000, internalDateZoneMinutes: 60)
            let flags = serial % 5 == 0 ? FlagSet([.flagged], keywords: [keywords[0]]) : FlagSet()
            let placed = try table[index].append(facts, flags: flags, to: mailbox, batch: &batch)
            mailboxes[account][mailbox, default: []].append(placed.id)
        case 7..<14:
            guard let message else { return }
            let flags = serial % 7 == 0 ? FlagSet([.seen], keywords: [keywords[1]]) : FlagSet([.seen, .answered])
            let change: FlagChange = Bool.random(using: &random) ? .add(flags) : .remove(flags)
            try table[index].store(change, message: message, in: mailbox, batch: &batch)
        case 14, 15:
            guard let message else { return }
            try table[index].expunge([message], in: mailbox, batch: &batch)
            mailboxes[account][mailbox]?.removeAll { $0 == message }
        case 16: try create("box \(serial)", account, &batch)
        case 17 where mailbox != .inbox:
            try table[index].deleteMailbox(mailbox, batch: &batch)
            mailboxes[account][mailbox] = nil
        case 18 where mailbox != .inbox:
            try table[index].renameMailbox(
                mailbox, to: "renamed \(serial)", separator: "/", validity: Self.validity, batch: &batch)
        default: try table[index].subscribe("name \(serial % 9)", batch: &batch)
        }
    }
}
