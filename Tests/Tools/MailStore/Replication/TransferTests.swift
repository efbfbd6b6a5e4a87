// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import FoundationEssentials
import Storage
import Synchronization
import TestSupport
import Testing

@testable import MailStore

/// Snapshots from one store to another.
@Suite("State transfer", .timeLimit(.minutes(10)))
struct TransferTests {
    private func fill(_ store: MailStore) async throws {
        for name in ["anna", "bert"] {
            let account = try await store.account(named: name)
            try await account.createMailbox("Work/2024")
            for number in 0..<30 {
                try await account.append(
                    "message \(number) of \(name)", to: number % 2 == 0 ? "INBOX" : "Work/2024",
                    flags: MessageFlagNames(system: number % 3 == 0 ? .seen : [], keywords: ["$k\(number % 4)"]))
            }
            try await account.append((0..<50_000).map { UInt8(truncatingIfNeeded: $0) }, to: "INBOX")
            try await account.subscribe(to: "Work")
        }
    }

    @Test func aNewStoreGetsEverything() async throws {
        let peers = try await StorePeers(3)
        try await fill(peers[0])
        try await peers.carry(from: 0, to: 2)
        #expect(try await peers.transfer(from: 0, to: 1) == .accepted)
        try await expectAgreement(peers)
        // What messages hold has still to come, the newest first.
        let missing = peers[1].missingBodies(limit: 1_000)
        #expect(missing.count == 61)
        try await peers.carryBodies(from: 0, to: 1, part: 20_000)
        #expect(peers[1].missingBodies(limit: 1).isEmpty)
        try await expectSameMail(peers, 0, 1)
        // It goes on by the streams, both ways.
        try await peers[0].account(named: "anna").append("after the transfer")
        try await peers.carry(from: 0, to: 1)
        try await peers[1].account(named: "anna").createMailbox("New")
        try await peers.converge()
        try await expectAgreement(peers)
        for _ in 0..<2 {
            await peers.close(1)
            try await peers.open(1)
            try await expectAgreement(peers)
        }
        try await expectSameMail(peers, 0, 1)
        await peers.closeAll()
    }

    @Test func whatTheLogNoLongerHasIsNotPromised() async throws {
        let peers = try await StorePeers(3)
        try await fill(peers[0])
        #expect(try await peers.transfer(from: 0, to: 1) == .accepted)
        let origin = peers[0].replicaID
        #expect(StreamVector(peers[1].replicationStatus().logStart)[origin] > 0)
        #expect(peers[1].locate([StreamPosition(origin: origin, counter: 1)]) == nil)
        try await peers[0].account(named: "anna").append("one more")
        try await peers.carry(from: 0, to: 1)
        let next = StreamVector(peers[1].replicationStatus().logStart)[origin] + 1
        #expect(peers[1].locate([StreamPosition(origin: origin, counter: next)]) != nil)
        await peers.closeAll()
    }

    @Test func ownOperationsThatNobodyHasSurviveTheTransfer() async throws {
        let peers = try await StorePeers(2)
        try await fill(peers[0])
        try await peers.carry(from: 0, to: 1)
        // Both go on apart from each other, the first for long.
        let here = try await peers[1].account(named: "anna")
        try await here.append("unsent")
        try await here.createMailbox("Unsent")
        let mailbox = try await here.open("INBOX") {}
        _ = try await mailbox.store([mailbox.snapshot.uids[0]], .add(MessageFlagNames(system: .flagged)))
        try await peers[1].checkpoint()
        for number in 0..<50 { try await peers[0].account(named: "anna").append("meanwhile \(number)") }
        #expect(
            try await peers.transfer(
                from: 0, to: 1,
                beforeLast: {
                    // The store serves on until the last moment.
                    try await here.append("in the middle of the transfer", to: "Unsent")
                    try await peers[0].account(named: "bert").append("also in the middle")
                }) == .accepted)
        // Who had a mailbox open has to begin anew.
        guard case .overrun? = mailbox.takeNotices().last else {
            Issue.record("the open mailbox was not told")
            return
        }
        await expect(.superseded) { _ = try await here.counts(of: "INBOX") }
        await expect(.superseded) { _ = try await mailbox.messages(after: 0, limit: 1) }
        mailbox.close()
        try await peers.converge()
        for source in 0..<2 { try await peers.carryBodies(from: source, to: 1 - source) }
        try await expectAgreement(peers)
        let again = try await peers[0].account(named: "anna")
        #expect(try await again.messages(of: "Unsent").count == 1)
        try await expectSameMail(peers, 0, 1)
        await peers.close(1)
        try await peers.open(1)
        try await expectAgreement(peers)
        try await expectSameMail(peers, 0, 1)
        await peers.closeAll()
    }

    /// A body lies in front of the operation that holds it, perhaps far, or was there before: the log on top need not have it.
    @Test func bodiesOfOwnMessagesThatNobodyHasSurviveTheTransfer() async throws {
        let peers = try await StorePeers(2) { $0.bodyChunkBytes = 1_500 }
        try await fill(peers[0])
        let here = try await peers[1].account(named: "carla")
        let large = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try await here.append(large, to: "INBOX")
        try await peers[1].checkpoint()
        try await here.append("small")
        try await here.append(large, to: "INBOX")
        #expect(try await peers.transfer(from: 0, to: 1) == .accepted)
        for isReopened in [false, true] {
            if isReopened {
                await peers.close(1)
                try await peers.open(1)
            }
            let again = try await peers[1].account(named: "carla")
            let sizes = try await again.messages(of: "INBOX").map { message in
                let body = again.openBody(of: message)
                defer { body.close() }
                return try body.read(0..<body.size).count
            }
            #expect(sizes == [50_000, 5, 50_000])
            #expect(peers[1].missingBodies(limit: 1_000).count == 61)
        }
        await peers.closeAll()
    }

    @Test func whatClientsWereShownKeepsItsMeaning() async throws {
        let peers = try await StorePeers(2)
        let here = try await peers[0].account(named: "anna")
        for number in 0..<5 { try await here.append("message \(number)") }
        try await peers.carry(from: 0, to: 1)
        let there = try await peers[1].account(named: "anna")
        let before = try await there.counts(of: "INBOX")
        let shown = try await there.messages(of: "INBOX").map { [UInt64($0.uid), $0.modSeq] }
        for number in 0..<5 { try await here.append("more \(number)") }
        #expect(try await peers.transfer(from: 0, to: 1) == .accepted)
        let after = try await peers[1].account(named: "anna")
        let counts = try await after.counts(of: "INBOX")
        #expect(counts.uidValidity == before.uidValidity)
        #expect(counts.uidNext > before.uidNext)
        #expect(counts.highestModSeq > before.highestModSeq)
        let now = try await after.messages(of: "INBOX").map { [UInt64($0.uid), $0.modSeq] }
        #expect(Array(now.prefix(5)) == shown)
        #expect(now.dropFirst(5).allSatisfy { $0[1] > before.highestModSeq })
        await peers.closeAll()
    }

    @Test func aDamagedPartEndsTheImportAndChangesNothing() async throws {
        let peers = try await StorePeers(2)
        try await fill(peers[0])
        let here = try await peers[1].account(named: "carla")
        try await here.append("still here")
        let digest = peers[1].replicationStatus().digest
        let id = TransferID(receiver: peers[1].replicaID, number: 1)
        try peers[0].beginExport(id, .everything)
        try await peers[1].beginImport(id, .everything)
        var part = try await peers[0].exportPart(id, index: 0)
        part.bytes[part.bytes.count / 2] ^= 0xff
        guard case .rejected = await peers[1].importPart(id, part) else {
            Issue.record("the damaged part was accepted")
            return
        }
        await peers[0].endExport(id)
        #expect(peers[1].replicationStatus().digest == digest)
        try await here.append("and on it goes")
        #expect(!FileManager.default.fileExists(atPath: peers.fixtures[1].path + "/engine.import"))
        #expect(try await peers.transfer(from: 0, to: 1) == .accepted)
        try await peers.converge()
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    /// A peer may send a snapshot that lacks what this log has lost: it is of no use, and nobody has to notice.
    @Test func aSnapshotThatLacksWhatTheLogHasLostStopsNoWriting() async throws {
        let peers = try await StorePeers(3) { $0.segmentBytes = 400 }
        let here = try await peers[1].account(named: "anna")
        for number in 0..<20 { try await here.append("message \(number)") }
        try await peers.carry(from: 1, to: 2)
        let durable = peers[1].replicationStatus().durable
        await peers[1].advanceStability(GroupProgress(stable: [], retain: durable, ownSecured: .max))
        try await peers[1].checkpoint()
        #expect(StreamVector(peers[1].replicationStatus().logStart)[peers[1].replicaID] > 0)
        let mailbox = try await here.open("INBOX") {}
        guard case .rejected(let reason) = try await peers.transfer(from: 0, to: 1) else {
            Issue.record("what the log has lost was given up")
            return
        }
        #expect(reason.contains("the snapshot lacks operations that the log has lost"))
        #expect(peers[1].setbacks == 0)
        try await here.append("at once")
        #expect(mailbox.takeNotices().count == 1)
        mailbox.close()
        // One of a replica that has it all is put in force.
        try await peers.carry(from: 1, to: 2)
        #expect(try await peers.transfer(from: 2, to: 1) == .accepted)
        #expect(try await peers.transfer(from: 2, to: 0) == .accepted)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    /// What goes wrong at the very end is no fault of the log, so writing goes on as soon as memory is as it was.
    @Test func aSnapshotThatCannotBePutInForceStopsNoWriting() async throws {
        let peers = try await StorePeers(2)
        try await fill(peers[0])
        let here = try await peers[1].account(named: "carla")
        try await here.append("still here")
        let mailbox = try await here.open("INBOX") {}
        // The old engine is put aside, and the new one does not get its name.
        let files = peers.fixtures[1].engineFiles
        guard case .rejected = try await peers.transfer(from: 0, to: 1, beforeLast: { files.fail(3..<4) }) else {
            Issue.record("the snapshot was put in force")
            return
        }
        #expect(peers[1].setbacks == 1)
        try await here.append("at once")
        #expect(mailbox.takeNotices().count == 1)
        mailbox.close()
        #expect(try await peers.transfer(from: 0, to: 1) == .accepted)
        try await peers.converge()
        try await expectAgreement(peers)
        await peers.close(1)
        try await peers.open(1)
        #expect(try await peers[1].account(named: "carla").messages(of: "INBOX").count == 2)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    @Test func partsCanBeAskedForAgain() async throws {
        let peers = try await StorePeers(2)
        try await fill(peers[0])
        let id = TransferID(receiver: peers[1].replicaID, number: 1)
        try peers[0].beginExport(id, .everything)
        let first = try await peers[0].exportPart(id, index: 0)
        #expect(try await peers[0].exportPart(id, index: 0) == first)
        await expect(.unavailable) { _ = try await peers[0].exportPart(id, index: 7) }
        await peers[0].endExport(id)
        await expect(.unavailable) { _ = try await peers[0].exportPart(id, index: 0) }
        await peers.closeAll()
    }

    /// A crash before the new engine is complete leaves the old one; a crash after it leaves the new one.
    @Test func aCrashLeavesOneOfTheTwoEngines() async throws {
        let peers = try await StorePeers(2)
        try await fill(peers[0])
        try await peers[1].account(named: "carla").append("still here")
        let id = TransferID(receiver: peers[1].replicaID, number: 1)
        try peers[0].beginExport(id, .everything)
        try await peers[1].beginImport(id, .everything)
        let part = try await peers[0].exportPart(id, index: 0)
        #expect(part.isLast)
        // In the middle of the import.
        try await peers.settle(1)
        let copy = try peers.fixtures[1].crashed("middle")
        #expect(FileManager.default.fileExists(atPath: copy + "/engine.import"))
        let survivor = try await peers.fixtures[1].open(copy) { $0.partition = PartitionID(7) }
        #expect(try await survivor.account(named: "carla").messages(of: "INBOX").count == 1)
        #expect(!FileManager.default.fileExists(atPath: copy + "/engine.import"))
        await survivor.close()
        #expect(await peers[1].importPart(id, part) == .accepted)
        await peers[0].endExport(id)
        await peers.close(1)
        // As if the process had been killed before the new engine got its name, and after it.
        for isNamed in [false, true] {
            let copy = try peers.fixtures[1].crashed("after")
            if isNamed {
                try FileManager.default.createDirectory(
                    atPath: copy + "/engine.old", withIntermediateDirectories: false)
            } else {
                try FileManager.default.moveItem(atPath: copy + "/engine", toPath: copy + "/engine.import")
            }
            let marked = copy + (isNamed ? "/engine" : "/engine.import") + "/complete"
            _ = FileManager.default.createFile(atPath: marked, contents: nil)
            let store = try await peers.fixtures[1].open(copy) {
                $0.partition = PartitionID(7)
                $0.uidStripe = UIDStripe(index: 1) ?? .sole
            }
            #expect(try await store.account(named: "anna").messages(of: "Work/2024").count == 15)
            #expect(try await store.account(named: "carla").messages(of: "INBOX").count == 1)
            await store.close()
            for name in ["engine.old", "engine.import", "engine/complete"] {
                #expect(!FileManager.default.fileExists(atPath: copy + "/" + name))
            }
        }
        await peers.closeAll()
    }

    @Test func anAccountThatDiffersIsReplaced() async throws {
        let peers = try await StorePeers(2)
        try await fill(peers[0])
        try await peers.converge()
        // A fault of memory, as no operation makes it.
        let broken = try await peers[1].account(named: "anna")
        try await peers[1].loadAll(broken)
        peers[1].core.withLock { core in
            guard let box = core.accounts[broken.index] else { return }
            var batch = OperationBatch(
                replica: core.replica.own, firstCounter: 1_000_000, timestamp: HybridTimestamp(milliseconds: 1),
                account: box.index, context: core.context(past: core.replica.delivered))
            let mailbox = box.state.mailbox(named: "INBOX") ?? .inbox
            for message in box.state.messages(in: mailbox).prefix(3) {
                _ = try? box.state.store(
                    .add(FlagSet([.flagged, .draft])), message: message.id, in: mailbox, batch: &batch)
            }
            _ = core.absorb(batch.changes, of: box, origin: 0)
        }
        #expect(peers.digests()[0] != peers.digests()[1])
        let pages = try (0..<2).map { try #require(try peers[$0].accountDigests(after: nil, limit: 10)).entries }
        #expect(zip(pages[0], pages[1]).filter { $0 != $1 }.map(\.0.account) == ["anna"])
        let open = try await broken.open("INBOX") {}
        #expect(try await peers.transfer(from: 0, to: 1, .account("anna")) == .accepted)
        guard case .overrun? = open.takeNotices().last else {
            Issue.record("the open mailbox was not told")
            return
        }
        open.close()
        try await expectAgreement(peers)
        try await peers.carryBodies(from: 0, to: 1)
        try await expectSameMail(peers, 0, 1)
        await peers.close(1)
        try await peers.open(1)
        try await expectAgreement(peers)
        try await expectSameMail(peers, 0, 1)
        await peers.closeAll()
    }

    @Test func anAccountThatWasChangedMeanwhileIsLeftAlone() async throws {
        let peers = try await StorePeers(2)
        try await fill(peers[0])
        try await peers.converge()
        let outcome = try await peers.transfer(
            from: 0, to: 1, .account("anna"),
            beforeLast: { try await peers[1].account(named: "anna").createMailbox("Later") })
        guard case .rejected = outcome else {
            Issue.record("the account was replaced")
            return
        }
        try await peers.converge()
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    private func expectSameMail(_ peers: StorePeers, _ first: Int, _ second: Int) async throws {
        for name in ["anna", "bert"] {
            var seen: [[String]] = []
            for index in [first, second] {
                let dump = try await AccountDump(try await peers[index].account(named: name))
                seen.append(
                    dump.boxes.map { box in
                        "\(box.name) \(box.validity) "
                            + box.messages.map { "\($0.uid) \($0.system.rawValue) \($0.keywords) \($0.bodyHash)" }
                            .joined(separator: ",")
                    } + dump.subscriptions)
            }
            #expect(seen[0] == seen[1])
        }
    }

    private func expect(_ code: MailStoreError.Code, _ body: () async throws -> Void) async {
        do {
            try await body()
            Issue.record("nothing was thrown")
        } catch let error as MailStoreError {
            #expect(error.code == code)
        } catch {
            Issue.record("\(error)")
        }
    }
}
