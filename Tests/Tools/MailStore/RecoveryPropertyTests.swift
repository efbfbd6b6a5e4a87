// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Logging
import TestSupport
import Storage
import Synchronization
import Testing

@testable import MailStore

/// Random commands against the store and a model, with checkpoints, restarts and crashes in between.
@Suite("Recovery of random histories", .timeLimit(.minutes(10)))
struct RecoveryPropertyTests {
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func everyHistorySurvivesRestartsAndCrashes(seed: UInt64) async throws {
        try await History(seed: seed, residents: 500_000).run(steps: 250)
    }

    /// With next to nothing allowed in memory every mailbox is evicted at every checkpoint.
    @Test(arguments: [11, 12, 13] as [UInt64])
    func everyHistorySurvivesEvictions(seed: UInt64) async throws {
        try await History(seed: seed, residents: 1).run(steps: 250)
    }
}

/// One random history.
private final class History {
    private let seed: UInt64
    private let residents: Int
    private var random: SeededGenerator
    private var model = ModelAccount()
    private var log: [String] = []
    private let bodies: [[UInt8]]

    private static let names = ["a", "a/b", "a/b/c", "d", "INBOX/x", "Archive", "Ünïcode", "e/f"]
    private static let flags: [SystemFlags] = [.seen, .answered, .flagged, .deleted, .draft]

    init(seed: UInt64, residents: Int) {
        self.seed = seed
        self.residents = residents
        random = SeededGenerator(seed: seed)
        // Some share their body, some are larger than what is kept in memory and than one piece in the engine.
        bodies = [0, 1, 100, 3_000, 20_000, 50_000].map { length in
            (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ length) }
        }
    }

    func run(steps: Int) async throws {
        let fixture = try StoreFixture()
        var store = try await open(fixture, nil)
        var account = try await store.account(named: "alice")
        for entry in try await account.mailboxes().mailboxes { try await learn(entry.name, account) }
        for step in 0..<steps {
            try await self.step(account)
            if Int.random(in: 0..<12, using: &random) == 0 {
                log.append("checkpoint")
                try await store.checkpoint()
            }
            if Int.random(in: 0..<8, using: &random) == 0 { try await compareCrash(fixture, account, step) }
            if Int.random(in: 0..<40, using: &random) == 0 {
                log.append("reopen")
                let before = try await state(store, account)
                await store.close()
                store = try await open(fixture, nil)
                account = try await store.account(named: "alice")
                let after = try await state(store, account)
                #expect(before.dump == after.dump, "\(context)")
                #expect(before.digest == after.digest, "\(context)")
            }
            if step % 10 == 0 { try await check(account, "after step \(step)") }
        }
        try await check(account, "at the end")
        await store.close()
    }

    private func open(_ fixture: StoreFixture, _ path: String?) async throws -> MailStore {
        try await fixture.open(path) { options in
            options.inlineBodyBytes = 4_096
            options.bodyChunkBytes = 1_500
            options.segmentBytes = 64 << 10
            options.residentMessages = residents
        }
    }

    private func state(_ store: MailStore, _ account: MailAccount) async throws -> (
        dump: AccountDump, digest: StateDigest?
    ) {
        (try await AccountDump(account), store.digest(of: account))
    }

    /// Opens a copy of the directory, as a kill leaves it, beside the running store.
    private func compareCrash(_ fixture: StoreFixture, _ account: MailAccount, _ step: Int) async throws {
        let before = try await state(account.store, account)
        let copy = try fixture.crashed("crash")
        let store = try await open(fixture, copy)
        let survivor = try await store.account(named: "alice")
        let after = try await state(store, survivor)
        #expect(before.dump == after.dump, "crash at step \(step): \(context)")
        #expect(before.digest == after.digest, "crash at step \(step): \(context)")
        if let difference = try await model.difference(from: survivor) {
            Issue.record("crash at step \(step): \(difference); \(context)")
        }
        await store.close()
    }

    private func check(_ account: MailAccount, _ moment: String) async throws {
        if let difference = try await model.difference(from: account) {
            Issue.record("\(moment): \(difference); \(context)")
        }
        let digests = account.store.core.withLock { core -> (StateDigest, StateDigest)? in
            guard let box = core.accounts[account.index],
                box.state.mailboxes.allSatisfy({ box.state.isResident($0.id) })
            else { return nil }
            return (
                box.state.digest, box.state.recomputedDigest(context: core.context(past: core.replica.delivered))
            )
        }
        if let (kept, anew) = digests { #expect(kept == anew, "\(context)") }
    }

    private var context: String { "seed \(seed), residents \(residents): \(log.suffix(40).joined(separator: ", "))" }

    private func learn(_ name: String, _ account: MailAccount) async throws {
        let counts = try await account.counts(of: name)
        #expect(model.issued[counts.uidValidity] == nil, "UIDVALIDITY used twice: \(context)")
        model.issued[counts.uidValidity] = 1
        model.boxes[name] = ModelAccount.Box(validity: counts.uidValidity)
    }

    // MARK: Commands

    private func step(_ account: MailAccount) async throws {
        switch Int.random(in: 0..<20, using: &random) {
        case 0: try await create(account)
        case 1: try await delete(account)
        case 2: try await rename(account)
        case 3: try await subscribe(account)
        case 4...9: try await append(account)
        case 10...12: try await store(account)
        case 13, 14: try await transfer(account, isMove: false)
        case 15, 16: try await transfer(account, isMove: true)
        default: try await expunge(account)
        }
    }

    private func anyName() -> String { Self.names.randomElement(using: &random) ?? "a" }
    private func anyBox() -> String { model.boxes.keys.sorted().randomElement(using: &random) ?? "INBOX" }

    private func expectRefusal(_ code: MailStoreError.Code, _ body: () async throws -> Void) async {
        do {
            try await body()
            Issue.record("not refused: \(context)")
        } catch let error as MailStoreError {
            #expect(error.code == code, "\(error); \(context)")
        } catch {
            Issue.record("\(error); \(context)")
        }
    }

    private func create(_ account: MailAccount) async throws {
        let name = anyName()
        log.append("create \(name)")
        guard model.boxes[name] == nil else {
            return await expectRefusal(.mailboxExists) { try await account.createMailbox(name) }
        }
        let made = model.missingSuperiors(of: name) + [name]
        // A mailbox of a special use has a well-known identity, which it gets back when it is made again.
        let use: MailboxUse = name == "Archive" ? .archive : .none
        let listed = try await account.mailboxes().mailboxes
        guard use == .none || !listed.contains(where: { $0.use == use }) else {
            return await expectRefusal(.mailboxExists) { try await account.createMailbox(name, use: use) }
        }
        try await account.createMailbox(name, use: use)
        for made in made { try await learn(made, account) }
    }

    private func delete(_ account: MailAccount) async throws {
        let name = anyBox()
        log.append("delete \(name)")
        if name == "INBOX" {
            return await expectRefusal(.notPermitted) { try await account.deleteMailbox(name) }
        }
        try await account.deleteMailbox(name)
        model.boxes[name] = nil
    }

    private func rename(_ account: MailAccount) async throws {
        let from = anyBox()
        let to = anyName()
        log.append("rename \(from) \(to)")
        if model.boxes[to] != nil {
            return await expectRefusal(.mailboxExists) { try await account.renameMailbox(from, to: to) }
        }
        let missing = model.missingSuperiors(of: to)
        if from == "INBOX" {
            let moved = model.boxes["INBOX"]?.messages ?? []
            try await account.renameMailbox(from, to: to)
            for made in missing + [to] { try await learn(made, account) }
            model.boxes["INBOX"]?.messages = []
            for message in moved { _ = model.place(message, in: to) }
            return
        }
        if to.hasPrefix(from + "/") {
            return await expectRefusal(.notPermitted) { try await account.renameMailbox(from, to: to) }
        }
        let subtree = model.subtree(from)
        let targets = subtree.map { to + $0.dropFirst(from.count) }
        if targets.contains(where: { model.boxes[$0] != nil }) {
            return await expectRefusal(.mailboxExists) { try await account.renameMailbox(from, to: to) }
        }
        try await account.renameMailbox(from, to: to)
        for made in missing { try await learn(made, account) }
        let moved = subtree.map { model.boxes.removeValue(forKey: $0) }
        for (target, box) in zip(targets, moved) { model.boxes[target] = box }
    }

    private func subscribe(_ account: MailAccount) async throws {
        let name = anyName()
        log.append("subscription of \(name)")
        if Bool.random(using: &random) {
            try await account.subscribe(to: name)
            model.subscriptions.insert(name)
        } else {
            try await account.unsubscribe(from: name)
            model.subscriptions.remove(name)
        }
    }

    private func anyFlags() -> (SystemFlags, Set<String>) {
        var system: SystemFlags = []
        for flag in Self.flags where Int.random(in: 0..<3, using: &random) == 0 { system.insert(flag) }
        let keywords = ["$Junk", "work", "Later", "x1"].filter { _ in Int.random(in: 0..<5, using: &random) == 0 }
        return (system, Set(keywords))
    }

    private func append(_ account: MailAccount) async throws {
        let name = anyBox()
        let body = bodies.randomElement(using: &random) ?? []
        let (system, keywords) = anyFlags()
        log.append("append \(body.count) to \(name)")
        let uid = try await account.append(
            body, to: name, flags: MessageFlagNames(system: system, keywords: keywords.sorted()), pieces: 777)
        let expected = model.place(.init(uid: 0, system: system, keywords: keywords, body: body), in: name)
        #expect(uid == expected, "\(context)")
    }

    private func someUIDs(_ name: String) -> [UInt32] {
        (model.boxes[name]?.messages ?? []).map(\.uid).filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
    }

    private func store(_ account: MailAccount) async throws {
        let name = anyBox()
        let uids = someUIDs(name)
        let (system, keywords) = anyFlags()
        let names = MessageFlagNames(system: system, keywords: keywords.sorted())
        let kind = Int.random(in: 0..<3, using: &random)
        log.append("store \(kind) \(system.rawValue) \(keywords) to \(uids) of \(name)")
        let mailbox = try await account.open(name) {}
        defer { mailbox.close() }
        _ = try await mailbox.store(uids, kind == 0 ? .add(names) : kind == 1 ? .remove(names) : .replace(names))
        for uid in uids {
            guard let index = model.boxes[name]?.messages.firstIndex(where: { $0.uid == uid }),
                var message = model.boxes[name]?.messages[index]
            else { continue }
            switch kind {
            case 0:
                message.system.formUnion(system)
                message.keywords.formUnion(keywords)
            case 1:
                message.system.subtract(system)
                message.keywords.subtract(keywords)
            default:
                message.system = system
                message.keywords = keywords
            }
            model.boxes[name]?.messages[index] = message
        }
    }

    private func transfer(_ account: MailAccount, isMove: Bool) async throws {
        let source = anyBox()
        let target = anyBox()
        let uids = someUIDs(source)
        log.append("\(isMove ? "move" : "copy") \(uids) from \(source) to \(target)")
        let mailbox = try await account.open(source) {}
        defer { mailbox.close() }
        let result = isMove ? try await mailbox.move(uids, to: target) : try await mailbox.copy(uids, to: target)
        #expect(result.pairs.map(\.source) == uids, "\(context)")
        let messages = (model.boxes[source]?.messages ?? []).filter { uids.contains($0.uid) }
        if isMove { model.boxes[source]?.messages.removeAll { uids.contains($0.uid) } }
        let placed = messages.map { model.place($0, in: target) }
        #expect(result.pairs.map(\.target) == placed, "\(context)")
    }

    private func expunge(_ account: MailAccount) async throws {
        let name = anyBox()
        let candidates: [UInt32]? = Bool.random(using: &random) ? nil : someUIDs(name)
        log.append("expunge \(candidates.map { "\($0)" } ?? "all") of \(name)")
        let mailbox = try await account.open(name) {}
        defer { mailbox.close() }
        let gone = try await mailbox.expunge(candidates)
        let doomed = (model.boxes[name]?.messages ?? []).filter {
            $0.system.contains(.deleted) && (candidates?.contains($0.uid) ?? true)
        }.map(\.uid)
        #expect(gone == doomed, "\(context)")
        model.boxes[name]?.messages.removeAll { doomed.contains($0.uid) }
    }
}
