// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Storage
import Synchronization
import TestSupport
import Testing

@testable import MailStore

/// The moment at which a snapshot takes the place of everything.
@Suite("Putting a snapshot in force", .timeLimit(.minutes(10)))
struct SwapTests {
    private func fill(_ store: MailStore, _ name: String = "anna", messages: Int = 5) async throws {
        let account = try await store.account(named: name)
        for number in 0..<messages { try await account.append("message \(number) of \(name)") }
    }

    /// The store goes on with one of the two engines, and the next start with the same mail.
    @Test func anyStepOfTheExchangeMayFail() async throws {
        var (step, accepted) = (0, 0)
        while true {
            let peers = try await StorePeers(2)
            try await fill(peers[0])
            try await fill(peers[1], "carla", messages: 1)
            let files = peers.fixtures[1].engineFiles
            let outcome = try await peers.transfer(
                from: 0, to: 1, beforeLast: { files.fail(step..<step + 1) })
            let isThrough = files.count <= step
            files.heal()
            accepted += outcome == .accepted ? 1 : 0
            #expect(peers[1].setbacks == 1)
            try await peers[1].account(named: "carla").append("at once")
            try await peers.converge()
            try await expectAgreement(peers)
            await peers.close(1)
            try await peers.open(1)
            #expect(try await peers[1].account(named: "carla").messages(of: "INBOX").count == 2, "step \(step)")
            #expect(try await peers[1].account(named: "anna").messages(of: "INBOX").count == 5, "step \(step)")
            try await expectAgreement(peers)
            // The next snapshot finds nothing in its way.
            #expect(try await peers.transfer(from: 0, to: 1) == .accepted)
            await peers.closeAll()
            if isThrough { break }
            step += 1
        }
        // Those before the new engine has its name bring the old one back.
        #expect(accepted == step + 1 - 4)
        #expect(step > 7)
    }

    @Test func aStoreThatEndsWaitsForTheExchange() async throws {
        let peers = try await StorePeers(2)
        try await fill(peers[0])
        try await fill(peers[1], "carla", messages: 1)
        let store = peers[1]
        let closing = Mutex<Task<Void, Never>?>(nil)
        peers.fixtures[1].engineFiles.onStep { step in
            guard step == .rename, closing.withLock({ $0 == nil }) else { return }
            closing.withLock { $0 = Task { await store.close() } }
            // Until it waits, or has taken the new engine away.
            while !store.checkpointing.isContended, store.transfers.withLock({ $0.arriving != nil }) {}
        }
        #expect(try await peers.transfer(from: 0, to: 1) == .accepted)
        await closing.withLock { $0 }?.value
        peers.fixtures[1].engineFiles.onStep(nil)
        try await peers.open(1)
        #expect(try await peers[1].account(named: "carla").messages(of: "INBOX").count == 1)
        #expect(try await peers[1].account(named: "anna").messages(of: "INBOX").count == 5)
        await peers.closeAll()
    }

    @Test func aClosedStoreBeginsNoImport() async throws {
        let peers = try await StorePeers(1)
        let store = peers[0]
        await peers.closeAll()
        let id = TransferID(receiver: store.replicaID, number: 1)
        do {
            try await store.beginImport(id, .everything)
            Issue.record("it began")
        } catch let error as MailStoreError {
            #expect(error.code == .closed)
        }
    }

    @Test func aSnapshotForAFormerLifeIsNotPutInForce() async throws {
        let peers = try await StorePeers(2)
        try await fill(peers[0])
        try await fill(peers[1], "carla", messages: 1)
        // Nothing of the snapshot but its end is new here: only the life tells that it does not fit.
        try await peers.carry(from: 0, to: 1)
        let former = peers[1].replicaID
        let outcome = try await peers.transfer(
            from: 0, to: 1, beforeLast: { _ = try await peers[1].takeNewIncarnation() })
        guard case .rejected = outcome else {
            Issue.record("the former life came back")
            return
        }
        let life = peers[1].replicaID
        #expect(life != former)
        try await fill(peers[1], "carla", messages: 1)
        #expect(try await peers.transfer(from: 0, to: 1) == .accepted)
        #expect(peers[1].replicaID == life)
        try await fill(peers[1], "carla", messages: 1)
        try await peers.converge()
        try await expectAgreement(peers)
        await peers.close(1)
        try await peers.open(1)
        #expect(peers[1].replicaID == life)
        // Those of the new life wait for the former one, which assigns the UIDs.
        let records = try peers[1].count(.record)
        #expect(records == 5 + 3)
        await peers.closeAll()
    }

    @Test func anExportEndsWhenASnapshotReplacesWhatItExports() async throws {
        let peers = try await StorePeers(2)
        try await fill(peers[0])
        try await fill(peers[0], "bert")
        // The accounts have other indexes here.
        try await fill(peers[1], "carla", messages: 1)
        let id = TransferID(receiver: peers[0].replicaID, number: 1)
        try peers[1].beginExport(id, .everything)
        #expect(try await peers.transfer(from: 0, to: 1) == .accepted)
        do {
            _ = try await peers[1].exportPart(id, index: 0)
            Issue.record("it went on")
        } catch let error as MailStoreError {
            #expect(error.code == .catchingUp)
        }
        await peers[1].endExport(id)
        #expect(try await peers.transfer(from: 1, to: 0) == .accepted)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    // MARK: Memory

    @Test func whatIsTakenOverIsNotKeptInMemory() async throws {
        let peers = try await StorePeers(2) { $0.residentMessages = 0 }
        for name in ["anna", "bert"] { try await fill(peers[0], name) }
        try await peers.carry(from: 0, to: 1)
        let store = peers[1]
        let resident = Mutex<[Int]>([])
        peers.fixtures[1].engineFiles.onStep { step in
            guard step == .mark else { return }
            let count = store.core.withLock { $0.messagesInMemory }
            resident.withLock { $0.append(count) }
        }
        #expect(try await peers.transfer(from: 0, to: 1) == .accepted)
        #expect(resident.withLock { $0 } == [0])
        #expect(store.core.withLock { $0.messagesInMemory } == 0)
        peers.fixtures[1].engineFiles.onStep(nil)
        await peers.closeAll()
    }
}

extension StoreCore {
    /// The messages whose records are in memory.
    fileprivate var messagesInMemory: Int {
        accounts.values.reduce(0) { count, box in
            box.state.recordedMailboxes.filter { box.state.isResident($0) }
                .reduce(count) { $0 + Int(clamping: box.state.recordCount(of: $1)) }
        }
    }
}
