// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import TestSupport
import Testing

@testable import MailStore

/// A random history of three stores: commands everywhere, frames that are lost, doubled and reordered, checkpoints, restarts and crashes.
final class RandomPeers {
    private let seed: UInt64
    private let residents: Int
    private var random: SeededGenerator
    private var steps: [String] = []

    private static let users = ["anna", "bert"]
    private static let boxes = ["INBOX", "Archive", "a", "a/b", "c"]
    private static let flags: [SystemFlags] = [.seen, .answered, .flagged, .deleted, .draft]

    init(seed: UInt64, residents: Int) {
        self.seed = seed
        self.residents = residents
        random = SeededGenerator(seed: seed)
    }

    func run(steps count: Int) async throws {
        let residents = self.residents
        let peers = try await StorePeers(3) { options in
            options.residentMessages = residents
            options.operationsPerTurn = 5
            options.segmentBytes = 20_000
            options.inlineBodyBytes = 4_000
            options.bodyChunkBytes = 1_500
        }
        for step in 0..<count {
            do { try await self.step(peers) } catch {
                Issue.record("step \(step): \(error); \(context)")
                throw error
            }
        }
        try await peers.converge()
        for _ in 0..<3 {
            for index in 0..<3 { try await peers[index].maintainUIDs() }
            try await peers.converge()
        }
        for _ in 0..<2 {
            for source in 0..<3 {
                for target in 0..<3 where source != target { try await peers.carryBodies(from: source, to: target) }
            }
        }
        try await expectAgreement(peers, context)
        for index in 0..<3 { #expect(peers[index].missingBodies(limit: 10).isEmpty, "\(context)") }
        try await expectSameMail(peers)
        await peers.closeAll()
        for index in 0..<3 { try await peers.open(index) }
        try await expectAgreement(peers, "after restart; \(context)")
        try await expectSameMail(peers)
        await peers.closeAll()
    }

    private var context: String { "seed \(seed): \(steps.suffix(60).joined(separator: ", "))" }

    private func step(_ peers: StorePeers) async throws {
        let index = Int.random(in: 0..<3, using: &random)
        let other = (index + Int.random(in: 1..<3, using: &random)) % 3
        switch Int.random(in: 0..<24, using: &random) {
        case 0..<11: try await command(peers, index)
        case 11..<16: try await deliver(peers, from: index, to: other)
        case 16: try await peers.carryBodies(from: index, to: other, part: Int.random(in: 1...3_000, using: &random))
        case 17:
            steps.append("\(index) checkpoint")
            try await peers[index].checkpoint()
        case 18:
            steps.append("\(index) restart")
            await peers.close(index)
            try await peers.open(index)
        case 19: try await transfer(peers, from: other, to: index)
        case 20, 21: try await tick(peers, index)
        case 22:
            // Split brain: a replica believes that another is gone.
            steps.append("\(index) takes over from \(other)")
            peers[index].setUnreachable([peers[other].replicaID])
            try await peers[index].maintainUIDs()
            peers[index].setUnreachable([])
        default:
            // What is queued may be lost, what was acknowledged not.
            steps.append("\(index) crash")
            let copy = try peers.fixtures[index].crashed("crash")
            await peers.close(index)
            try peers.fixtures[index].replace(with: copy)
            try await peers.open(index)
        }
    }

    /// Brings a store a snapshot of another, while both may go on.
    private func transfer(_ peers: StorePeers, from source: Int, to target: Int) async throws {
        steps.append("\(source)>>\(target)")
        let outcome = try await peers.transfer(from: source, to: target) { try await self.command(peers, target) }
        if case .rejected(let reason) = outcome { steps.append("rejected: \(reason)") }
    }

    /// What the replication machine does now and then: stability and UIDs.
    private func tick(_ peers: StorePeers, _ index: Int) async throws {
        try await peers.settle(index)
        try await peers[index].maintainUIDs()
        let vectors = (0..<3).map { StreamVector(peers[$0].replicationStatus().durable) }
        // Nothing concurrent with what is stable may still be under way to this store.
        let hasAll = (0..<3).allSatisfy { member in
            let id = peers[member].replicaID
            return vectors[index][id] >= vectors[member][id]
        }
        guard hasAll else { return }
        steps.append("\(index) stability")
        var stable = vectors[index]
        for vector in vectors { stable.formIntersection(vector) }
        await peers[index].advanceStability(
            GroupProgress(
                stable: stable.positions, retain: stable.positions, ownSecured: stable[peers[index].replicaID]))
    }

    /// Delivers what another has, perhaps without its bodies, in another order, in part, and twice.
    private func deliver(_ peers: StorePeers, from source: Int, to target: Int) async throws {
        try await peers.settle(source)
        var items = try peers.pending(from: source, to: target, bodies: Bool.random(using: &random))
        steps.append("\(source)>\(target) \(items.count)")
        if Int.random(in: 0..<3, using: &random) == 0 { items.shuffle(using: &random) }
        if Int.random(in: 0..<3, using: &random) == 0, !items.isEmpty {
            items = Array(items.prefix(Int.random(in: 1...items.count, using: &random)))
        }
        if Int.random(in: 0..<4, using: &random) == 0 { items += items }
        let outcome = await peers[target].receive(items)
        #expect(outcome.refusal == nil && outcome.refusedFrames.isEmpty, "\(context)")
    }

    private func command(_ peers: StorePeers, _ index: Int) async throws {
        let user = Self.users.randomElement(using: &random) ?? "anna"
        let box = Self.boxes.randomElement(using: &random) ?? "INBOX"
        let account = try await peers[index].account(named: user)
        let kind = Int.random(in: 0..<12, using: &random)
        steps.append("\(index) \(user) \(box) \(kind)")
        do {
            switch kind {
            case 0: try await account.createMailbox(box)
            case 1 where box != "INBOX": try await account.deleteMailbox(box)
            case 2 where box != "INBOX":
                try await account.renameMailbox(box, to: Self.boxes.randomElement(using: &random) ?? "a")
            case 3: try await account.subscribe(to: box)
            case 4..<8:
                let size = [10, 300, 3_000, 9_000].randomElement(using: &random) ?? 10
                let byte = UInt8.random(in: 0...3, using: &random)
                try await account.append([UInt8](repeating: byte, count: size), to: box)
            default: try await change(account, box)
            }
        } catch let error as MailStoreError {
            let isExpected: [MailStoreError.Code] = [.noSuchMailbox, .mailboxExists, .notPermitted, .badName]
            if !isExpected.contains(error.code) { throw error }
        }
    }

    private func change(_ account: MailAccount, _ box: String) async throws {
        let mailbox = try await account.open(box) {}
        defer { mailbox.close() }
        let uids = mailbox.snapshot.uids.filter { _ in Bool.random(using: &random) }
        let flag = Self.flags.randomElement(using: &random) ?? .seen
        switch Int.random(in: 0..<5, using: &random) {
        case 0: _ = try await mailbox.store(uids, .add(MessageFlagNames(system: flag, keywords: ["$k"])))
        case 1: _ = try await mailbox.store(uids, .replace(MessageFlagNames(system: flag)))
        case 2: _ = try await mailbox.store(uids, .add(MessageFlagNames(system: .deleted)))
        case 3: _ = try await mailbox.expunge(nil)
        default: _ = try await mailbox.move(uids, to: Self.boxes.randomElement(using: &random) ?? "INBOX")
        }
    }

    /// Every store shows the same messages under the same UIDs, bodies and flags included.
    private func expectSameMail(_ peers: StorePeers) async throws {
        for user in Self.users {
            var seen: [[String]] = []
            for index in 0..<3 {
                let account = try await peers[index].account(named: user)
                let dump = try await AccountDump(account)
                seen.append(
                    dump.boxes.map { box in
                        let messages = box.messages.map { message in
                            "\(message.uid) \(message.system.rawValue) \(message.keywords) \(message.bodyHash.prefix(4))"
                        }
                        return "\(box.name) \(box.validity) \(messages.sorted())"
                    })
            }
            #expect(seen[0] == seen[1] && seen[0] == seen[2], "\(context)")
        }
    }
}
