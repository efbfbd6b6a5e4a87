// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing
import TestSupport

@testable import CRDTKit

@Suite struct TransferTests {
    /// Some nodes that know some of each other's operations.
    private func world(
        _ generator: inout SeededGenerator, steps: Int = 40
    ) throws -> [TransferNode] {
        let nodes = [
            try TransferNode(30, using: &generator), try TransferNode(20, using: &generator),
            try TransferNode(10, using: &generator),
        ]
        for _ in 0..<steps { try advance(nodes, &generator) }
        return nodes
    }

    private func advance(_ nodes: [TransferNode], _ generator: inout SeededGenerator) throws {
        let node = nodes[Int.random(in: 0..<nodes.count, using: &generator)]
        if Int.random(in: 0..<4, using: &generator) == 0 {
            try node.send(to: nodes[Int.random(in: 0..<nodes.count, using: &generator)])
        } else {
            try node.issue(TransferNode.accounts.randomElement(using: &generator) ?? "anna", using: &generator)
        }
    }

    private func check(_ nodes: [TransferNode], _ seed: Int) throws {
        for _ in 0..<2 {
            for source in nodes { for target in nodes where target !== source { try source.send(to: target) } }
        }
        for node in nodes {
            #expect(node.digests == nodes[0].digests, "seed \(seed)")
            #expect(node.mailboxes == nodes[0].mailboxes, "seed \(seed)")
            let violation = try node.violation()
            #expect(violation == nil, "seed \(seed)")
        }
    }

    @Test(arguments: 0..<60)
    func aNewReplicaGoesOnFromASnapshot(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let nodes = try world(&generator)
        let source = nodes[seed % nodes.count]
        let new = try TransferNode(40, using: &generator)
        let partBytes = [64, 300, 4_096, 256 << 10][seed % 4]
        let parts = try Transfer.parts(of: source, partBytes: partBytes) {
            for _ in 0..<4 { try advance(nodes, &generator) }
        }
        #expect(parts.allSatisfy { $0.count <= partBytes }, "seed \(seed)")
        try Transfer.install(parts, in: new)
        let violation = try new.violation()
        #expect(violation == nil, "seed \(seed)")
        for _ in 0..<40 { try advance(nodes + [new], &generator) }
        try check(nodes + [new], seed)
    }

    @Test(arguments: 0..<60)
    func aReplicaThatWasAwayKeepsWhatOnlyItKnows(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed) &+ 1_000)
        var nodes = try world(&generator)
        let former = nodes[2]
        let parts = try Transfer.parts(of: nodes[0], partBytes: 500) {
            for _ in 0..<4 { try advance(nodes, &generator) }
        }
        let back = TransferNode(replica: Replica(forgettingHistoryOf: former.replica))
        back.now = former.now
        try Transfer.install(parts, in: back)
        for payload in former.log { try back.receive(payload, recovering: true) }
        back.log = former.log
        let isWhole = back.replica.delivered.covers(former.replica.delivered)
        #expect(isWhole, "seed \(seed)")
        #expect(back.replica.own == former.replica.own, "seed \(seed)")
        nodes[2] = back
        for _ in 0..<40 { try advance(nodes, &generator) }
        try check(nodes, seed)
    }

    @Test(arguments: 0..<30)
    func aDamagedAccountIsReplacedInUse(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed) &+ 2_000)
        let nodes = try world(&generator)
        let damaged = nodes[1]
        try damaged.send(to: nodes[0])
        guard let victim = damaged.states.keys.sorted().first, let name = damaged.replica.symbols.name(of: victim),
            let index = nodes[0].replica.symbols.account(named: name)
        else { return }
        damaged.states[victim] = TransferNode.AccountBox(AccountState())
        let parts = try Transfer.parts(of: nodes[0], .account(name), accounts: [index], partBytes: 300)
        var source = SnapshotImport(.account(name), nowMilliseconds: damaged.now)
        var steps: [SnapshotImportStep] = []
        for part in parts { steps += try source.take(part, into: &damaged.replica) }
        #expect(source.isFinished)
        try Transfer.put(steps, in: damaged)
        for _ in 0..<30 { try advance(nodes, &generator) }
        try check(nodes, seed)
    }

    @Test func messagesOutsideOfMemoryComeFromTheEngine() throws {
        var generator = SeededGenerator(seed: 5)
        let nodes = try world(&generator, steps: 120)
        let source = nodes[0]
        var engine: [MailboxID: [[UInt8]]] = [:]
        var export = SnapshotExport(.everything, of: source.replica)
        for (index, box) in source.states {
            for mailbox in box.state.recordedMailboxes where box.state.recordCount(of: mailbox) > 0 {
                engine[mailbox] = box.state.recordIDs(in: mailbox).compactMap {
                    box.state.messageRecord(of: $0, in: mailbox)
                }
                box.state.evictMessages(of: mailbox)
            }
            export.begin(source.replica.symbols.name(of: index) ?? "?", state: box.state, replica: source.replica)
            var account = AccountExport(box.state.copy())
            loop: while true {
                switch account.step(into: &export) {
                case .more: continue
                case .finished: break loop
                case .needsMessages(let mailbox): for record in engine[mailbox] ?? [] { export.add(record) }
                }
            }
        }
        export.finish()
        var parts: [[UInt8]] = []
        while let part = export.nextPart() { parts.append(part) }
        let new = try TransferNode(40, using: &generator)
        try Transfer.install(parts, in: new)
        #expect(!engine.isEmpty)
        #expect(new.digests == source.digests)
        let violation = try new.violation()
        #expect(violation == nil)
    }

    @Test func anEmptyReplicaIsExported() throws {
        var generator = SeededGenerator(seed: 1)
        let source = try TransferNode(30, using: &generator)
        let new = try TransferNode(40, using: &generator)
        try Transfer.install(try Transfer.parts(of: source, partBytes: 1_000), in: new)
        #expect(new.digests.isEmpty)
        try new.issue("anna", using: &generator)
        try check([source, new], 1)
    }

    @Test func theCheckpointOfAnImportedReplicaBringsItBack() throws {
        var generator = SeededGenerator(seed: 3)
        let nodes = try world(&generator)
        let new = try TransferNode(40, using: &generator)
        try Transfer.install(try Transfer.parts(of: nodes[0], partBytes: 4_096), in: new)
        let records = new.replica.checkpoint(.everything)
        new.replica = try Replica(checkpoint: records)
        for _ in 0..<40 { try advance(nodes + [new], &generator) }
        try check(nodes + [new], 3)
    }
}
