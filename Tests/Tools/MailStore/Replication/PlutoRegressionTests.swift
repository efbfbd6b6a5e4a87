// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Storage
import Synchronization
import TestSupport
import Testing

@testable import MailStore

/// What made the original lose mail, stall or die, each under the number that the inventory of its defects gives it.
@Suite("The original's defects of replication", .timeLimit(.minutes(10)))
struct PlutoRegressionTests {
    /// 1.4: the clock was persisted before the message, so that a crash in between left a number for which all receivers waited for ever.
    @Test func section1_4_aCrashInTheMiddleOfACommitLeavesNoGap() async throws {
        let peers = try await StorePeers(2)
        let anna = try await peers[0].account(named: "anna")
        try await anna.append("before")
        peers.fixtures[0].files.set { $0.failingSyncs = 1 }
        await #expect(throws: MailStoreError.self) { try await anna.append("not durable") }
        peers.fixtures[0].clock.advance(seconds: 5)
        try await anna.append("after")
        let counters = try counters(peers, of: 0)
        #expect(!counters.isEmpty && counters == counters.indices.map { UInt64($0) + 1 })
        try await peers.carry(from: 0, to: 1)
        #expect(try await peers[1].account(named: "anna").messages(of: "INBOX").count == 2)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    /// 1.4, with the process killed at every write of the log instead.
    @Test func section1_4_aTornLogLeavesNoGap() async throws {
        let peers = try await StorePeers(2)
        let anna = try await peers[0].account(named: "anna")
        for number in 0..<5 { try await anna.append("message \(number)") }
        try await peers.settle(0)
        let copy = try peers.fixtures[0].crashed("torn")
        await peers.close(0)
        try peers.fixtures[0].tearLog(in: copy, by: 25)
        try peers.fixtures[0].replace(with: copy)
        try await peers.open(0)
        try await peers[0].account(named: "anna").append("after")
        let counters = try counters(peers, of: 0)
        #expect(!counters.isEmpty && counters == counters.indices.map { UInt64($0) + 1 })
        try await peers.carry(from: 0, to: 1)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    /// 1.5: a receiver that died in the middle of a batch could not go on; here its disk fails at every commit in turn.
    @Test func section1_5_aDiskThatFailsInTheMiddleOfABatchLosesOnlyWhatWasNotDurable() async throws {
        let peers = try await StorePeers(2) { $0.operationsPerTurn = 3 }
        let anna = try await peers[0].account(named: "anna")
        for number in 0..<12 { try await anna.append("message \(number)") }
        try await peers.settle(0)
        for _ in 0..<6 {
            peers.fixtures[1].files.set { $0.failingSyncs = 1 }
            let items = try peers.pending(from: 0, to: 1)
            _ = await peers[1].receive(items)
            // Whatever became durable is what the store says; a reader goes back to it.
            _ = try? await peers[1].account(named: "anna").mailboxes()
            peers.fixtures[1].clock.advance(seconds: 5)
            peers.fixtures[1].files.set { $0.failingSyncs = 0 }
            _ = await peers[1].receive(Array(try peers.pending(from: 0, to: 1).prefix(4)))
        }
        try await peers.carry(from: 0, to: 1)
        #expect(try await peers[1].account(named: "anna").messages(of: "INBOX").count == 12)
        try await expectAgreement(peers)
        await peers.close(1)
        try await peers.open(1)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    /// 1.5: a batch that was sent again, after a lost acknowledgement or a restart, was applied again or stalled the receiver for ever.
    @Test func section1_5_aBatchThatIsSentAgainIsAppliedOnce() async throws {
        let peers = try await StorePeers(2)
        let anna = try await peers[0].account(named: "anna")
        for number in 0..<10 { try await anna.append("message \(number)") }
        try await peers.settle(0)
        let items = try peers.pending(from: 0, to: 1)
        let first = await peers[1].receive(items)
        #expect(first.deliveredOperations > 0)
        let again = await peers[1].receive(items + items)
        #expect(again.deliveredOperations == 0 && again.refusal == nil && again.waiting.isEmpty)
        try await peers.settle(1)
        await peers.close(1)
        try await peers.open(1)
        let later = await peers[1].receive(Array(items.suffix(7)))
        #expect(later.deliveredOperations == 0 && later.refusal == nil)
        #expect(try await peers[1].account(named: "anna").messages(of: "INBOX").count == 10)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    /// 1.5: what was received was read and applied again from the beginning of its log, which never became shorter.
    @Test func section1_5_whatWasReceivedIsNotReadAgain() async throws {
        let peers = try await StorePeers(2) {
            $0.segmentBytes = 10_000
            // What is taken in one turn is one unit of the log, which is in one segment.
            $0.operationsPerTurn = 20
        }
        let anna = try await peers[0].account(named: "anna")
        for number in 0..<200 { try await anna.append("message \(number)") }
        try await peers.carry(from: 0, to: 1)
        try await peers[1].checkpoint()
        let everything = peers[1].replicationStatus().durable
        await peers[1].advanceStability(GroupProgress(stable: everything, retain: everything, ownSecured: .max))
        let (first, end) = peers[1].core.withLock { ($0.log.first, $0.log.end) }
        #expect(end.rawValue - first.rawValue <= 12_000)
        await peers.close(1)
        let store = try await peers.open(1)
        #expect(store.core.withLock { $0.log.recoverySummary.frames } == 0)
        await peers.closeAll()
    }

    /// 1.5: a message that came before one that it depends on made the receiver spin for ever.
    @Test func section1_5_aMessageThatComesEarlyWaits() async throws {
        let peers = try await StorePeers(3)
        let anna = try await peers[0].account(named: "anna")
        try await anna.append("one")
        try await peers.carry(from: 0, to: 1)
        let mailbox = try await peers[1].account(named: "anna").open("INBOX") {}
        _ = try await mailbox.store(mailbox.snapshot.uids, .add(MessageFlagNames(system: .flagged)))
        mailbox.close()
        try await peers.settle(1)
        // The third hears of the answer before it hears of the message.
        let own = peers[1].replicaID
        let answer = try peers.pending(from: 1, to: 2).filter { try origin(of: $0) == own }
        let early = await peers[2].receive(answer)
        #expect(early.waiting.count == answer.count && early.deliveredOperations == 0)
        let work = peers[2].core.withLock { $0.replica.bufferWork }
        _ = await peers[2].receive(answer)
        #expect(peers[2].core.withLock { $0.replica.bufferWork } <= work + UInt64(answer.count) * 4)
        try await peers.carry(from: 0, to: 2)
        #expect(peers[2].core.withLock { $0.replica.waitingFrames } == 0)
        try await peers.converge()
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    /// 1.8: a restart with messages that were received and not applied killed the process.
    @Test func section1_8_aRestartWhileFramesWaitLosesNothing() async throws {
        let peers = try await StorePeers(2)
        let anna = try await peers[0].account(named: "anna")
        for number in 0..<6 { try await anna.append("message \(number)") }
        try await peers.settle(0)
        let items = try peers.pending(from: 0, to: 1)
        _ = await peers[1].receive(Array(items.dropFirst(2)))
        #expect(peers[1].core.withLock { $0.replica.waitingFrames } > 0)
        try await peers.settle(1)
        await peers.close(1)
        try await peers.open(1)
        // What waited was never acknowledged, so it comes again.
        try await peers.carry(from: 0, to: 1)
        #expect(try await peers[1].account(named: "anna").messages(of: "INBOX").count == 6)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    /// 2.6: both sides set \Deleted, one expunges; the message stayed at one of them for ever.
    @Test func section2_6_bothDeleteAndOneExpunges() async throws {
        let peers = try await StorePeers(3)
        let uid = try await peers[0].account(named: "anna").append("doomed")
        try await peers.converge()
        for index in 0..<2 {
            let mailbox = try await peers[index].account(named: "anna").open("INBOX") {}
            _ = try await mailbox.store([uid], .add(MessageFlagNames(system: .deleted)))
            if index == 0 { #expect(try await mailbox.expunge(nil) == [uid]) }
            mailbox.close()
        }
        try await peers.converge()
        for index in 0..<3 {
            #expect(try await peers[index].account(named: "anna").messages(of: "INBOX").isEmpty)
        }
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    /// 2.6: DELETE here and STORE there at the same time killed the peer, again after every restart.
    @Test func section2_6_deleteAndStoreAtTheSameTime() async throws {
        let peers = try await StorePeers(3)
        let here = try await peers[0].account(named: "anna")
        try await here.createMailbox("f")
        let uid = try await here.append("kept", to: "f")
        try await here.append("not kept", to: "f")
        try await peers.converge()
        try await here.deleteMailbox("f")
        let mailbox = try await peers[1].account(named: "anna").open("f") {}
        _ = try await mailbox.store([uid], .add(MessageFlagNames(system: .seen)))
        mailbox.close()
        try await peers.converge()
        for index in 0..<3 {
            try await peers[index].maintainUIDs()
            try await peers.converge()
        }
        for index in 0..<3 {
            let messages = try await peers[index].account(named: "anna").messages(of: "f")
            #expect(messages.count == 1 && messages.first?.flags.system == .seen)
        }
        try await expectAgreement(peers)
        for index in 0..<3 {
            await peers.close(index)
            try await peers.open(index)
        }
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    /// D2, D3: a session in the middle of an APPEND held a lock for which replication waited, and the other way round.
    @Test func d2_d3_nobodyWaitsForAnIdleAppendNorForTheDisk() async throws {
        let peers = try await StorePeers(2)
        let here = try await peers[0].account(named: "anna")
        try await peers.converge()
        let there = try await peers[1].account(named: "anna")
        // A client has announced a large message and says nothing more.
        let idle = try await there.beginUpload(
            to: "INBOX", size: 1_000_000, flags: MessageFlagNames(), date: nil)
        await idle.write([UInt8](repeating: 1, count: 500_000))
        try await here.append("from afar")
        try await peers.carry(from: 0, to: 1)
        #expect(try await there.messages(of: "INBOX").count == 1)
        await idle.abort()
        // The disk hangs in the middle of a commit: what comes meanwhile is taken and queued.
        let (hangs, goesOn) = (Semaphore(), Semaphore())
        peers.fixtures[1].files.set {
            $0.beforeSync = {
                hangs.signal()
                goesOn.wait()
            }
        }
        try await here.append("while the disk hangs")
        try await peers.settle(0)
        let items = try peers.pending(from: 0, to: 1)
        let outcome = await peers[1].receive(items)
        #expect(outcome.deliveredOperations > 0)
        await hangs.waitElsewhere()
        // Others are served: what is durable is read, and more is received.
        _ = peers[1].replicationStatus()
        let more = await peers[1].receive(items)
        #expect(more.deliveredOperations == 0)
        peers.fixtures[1].files.set { $0.beforeSync = nil }
        goesOn.signal()
        try await peers.settle(1)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    /// D5: more unsent operations than one message of the transport takes killed the sender, at every start.
    @Test func d5_aHugeBacklogIsReadInBlocks() async throws {
        let peers = try await StorePeers(2) {
            $0.segmentBytes = 200_000
            $0.operationsPerTurn = 100
        }
        let anna = try await peers[0].account(named: "anna")
        for number in 0..<50 {
            try await anna.append([UInt8](repeating: UInt8(number), count: 20_000), to: "INBOX")
        }
        let mailbox = try await anna.open("INBOX") {}
        for number in 0..<40 {
            let flags = MessageFlagNames(keywords: ["$round\(number % 7)"])
            _ = try await mailbox.store(mailbox.snapshot.uids, number % 2 == 0 ? .add(flags) : .replace(flags))
        }
        mailbox.close()
        try await peers.settle(0)
        let block = 64 << 10
        var position = LogPosition.start
        var largest = 0
        while let read = try peers[0].readLog(from: position, maximumBytes: block), read.next != position {
            largest = max(largest, read.frames.reduce(0) { $0 + $1.envelope.count })
            position = read.next
        }
        #expect(largest <= block)
        try await peers.carry(from: 0, to: 1)
        try await expectAgreement(peers)
        await peers.closeAll()
    }

    /// All pairs of commands at the same time on one mailbox: nobody fails, everybody agrees.
    @Test func allPairsOfConcurrentCommandsConverge() async throws {
        let commands: [(String, @Sendable (MailAccount) async throws -> Void)] = [
            ("append", { try await $0.append("new", to: "f") }),
            (
                "store",
                { try await Self.change($0) { try await $0.store($0.snapshot.uids, .add(.init(system: .seen))) } }
            ),
            ("replace", { try await Self.change($0) { try await $0.store($0.snapshot.uids, .replace(.init())) } }),
            (
                "expunge",
                {
                    try await Self.change($0) {
                        _ = try await $0.store($0.snapshot.uids, .add(.init(system: .deleted)))
                        return try await $0.expunge(nil)
                    }
                }
            ),
            ("copy", { try await Self.change($0) { try await $0.copy($0.snapshot.uids, to: "Archive") } }),
            ("move", { try await Self.change($0) { try await $0.move($0.snapshot.uids, to: "Archive") } }),
            ("delete", { try await $0.deleteMailbox("f") }), ("rename", { try await $0.renameMailbox("f", to: "g") }),
            ("create", { try await $0.createMailbox("h") }), ("subscribe", { try await $0.subscribe(to: "f") }),
            ("unsubscribe", { try await $0.unsubscribe(from: "f") }),
        ]
        for (first, one) in commands {
            for (second, other) in commands {
                let peers = try await StorePeers(2)
                let here = try await peers[0].account(named: "anna")
                try await here.createMailbox("f")
                try await here.append("one", to: "f")
                try await here.append("two", to: "f")
                try await peers.converge()
                try await one(here)
                try await other(try await peers[1].account(named: "anna"))
                try await peers.converge()
                for index in 0..<2 { try await peers[index].maintainUIDs() }
                try await peers.converge()
                try await expectAgreement(peers, "\(first) || \(second)")
                await peers.closeAll()
            }
        }
    }

    private static func change<R>(_ account: MailAccount, _ body: (OpenMailbox) async throws -> R) async throws {
        let mailbox = try await account.open("f") {}
        defer { mailbox.close() }
        _ = try await body(mailbox)
    }

    /// The counters of a store's own operations as its log has them.
    private func counters(_ peers: StorePeers, of index: Int) throws -> [UInt64] {
        let own = peers[index].replicaID
        guard var position = peers[index].locate([StreamPosition(origin: own, counter: 1)]) else { return [] }
        var counters: [UInt64] = []
        while let read = try peers[index].readLog(from: position, maximumBytes: 1 << 20), read.next != position {
            for frame in read.frames where frame.kind == .operations {
                let payload = Array(frame.envelope.dropFirst(FrameEnvelope.headerBytes))
                let header = try FrameHeader(decoding: payload.span.bytes)
                if header.origin == own { counters += header.firstCounter...header.lastCounter }
            }
            position = read.next
        }
        return counters
    }

    private func origin(of item: PeerItem) throws -> ReplicaID? {
        guard case .operations(let payload) = item else { return nil }
        return try FrameHeader(decoding: payload.span.bytes).origin
    }
}
