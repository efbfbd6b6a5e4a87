// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing
import TestSupport

@testable import CRDTKit

/// What a frame says is what was put into it, and nothing that is not a frame gets through.
@Suite struct FrameCodecTests {
    /// Three nodes that hear of each other at random, so that references, dependencies and definitions of all kinds
    /// occur.
    @Test(arguments: 0..<100)
    func randomFramesRoundTrip(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let nodes = try (1...3).map { try TestNode(UInt64($0)) }
        let reader = try TestNode(99)
        var issued: [TestNode.Event] = []
        for _ in 0..<20 {
            let node = nodes.randomElement(using: &generator)!
            let before = node.events.count
            let frames = try node.issueRandom(Int.random(in: 1...8, using: &generator), using: &generator)
            issued += node.events[before...]
            for frame in frames {
                try reader.receive(frame)
                for other in nodes where other !== node { try other.receive(frame) }
            }
        }
        #expect(reader.events == issued)
    }

    @Test func batchesBeyondTheLimitsAreSplit() throws {
        var limits = ReplicaLimits()
        limits.maximumOperationsPerFrame = 10
        let node = try TestNode(1, limits: limits)
        let reader = try TestNode(2)
        let frames = try node.issue((0..<25).map { .subscribe(name: "box\($0)") })
        for frame in frames { try reader.receive(frame) }
        #expect(frames.count == 3)
        #expect(reader.events == node.events)
    }

    @Test func emptyBatchesMakeNoFrame() throws {
        let node = try TestNode(1)
        let frames = try node.issue([])
        #expect(frames.isEmpty && node.replica.nextCounter == 1)
    }

    @Test func operationsOfDifferentTimesRoundTrip() throws {
        let node = try TestNode(1)
        let reader = try TestNode(2)
        let account = try node.replica.account(named: "user")
        let point = node.replica.begin(nowMilliseconds: node.now)
        let times = [0, 0, 1, 70_000, 70_000].map { HybridTimestamp(rawValue: point.timestamp.rawValue + $0) }
        node.replica.clock.recover(times[4])
        let operations = times.enumerated().map { position, time in
            Operation(
                dot: Dot(point.replica, UInt64(position) + 1), timestamp: time, account: account,
                body: .delete(mailbox: .inbox))
        }
        let frames = try node.replica.seal(operations, issuedAt: point)
        let result = try reader.replica.receive(frames[0], nowMilliseconds: node.now)
        guard case .delivered(let delivered, _) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(delivered[0].operations.map(\.timestamp) == times)
    }

    /// What the codec refuses to send, with nothing changed: the next good batch is understood.
    @Test func invalidOperationsAreRefusedBeforeTheyAreIssued() throws {
        let node = try TestNode(1)
        let reader = try TestNode(2)
        let many = FlagSet(keywords: try (0...256).map { try node.replica.keyword(named: "k\($0)") })
        let unseen = Dot(node.replica.own, 50)
        let unknownOwner = UIDEpoch(number: 1, owner: ReplicaID(77))
        let bodies: [(OperationBody, CRDTError.Code)] = [
            (.subscribe(name: ""), .limitExceeded),
            (.subscribe(name: String(repeating: "x", count: 1_025)), .limitExceeded),
            (.expunge(mailbox: .inbox, message: unseen), .undefinedReference),
            (.delete(mailbox: MailboxID(unseen)), .undefinedReference),
            (.delete(mailbox: MailboxID(Dot(.wellKnown, 256))), .malformed),
            (.delete(mailbox: MailboxID(Dot(.wellKnown, 0))), .malformed),
            (.append(mailbox: .inbox, facts: Samples.facts(1), flags: many, assignment: nil), .limitExceeded),
            (
                .append(
                    mailbox: .inbox, facts: Samples.facts(1), flags: FlagSet(),
                    assignment: UIDAssignment(uid: 1, epoch: unknownOwner)), .undefinedReference
            ),
            (
                .append(
                    mailbox: .inbox, facts: Samples.facts(1),
                    flags: FlagSet([], keywords: [KeywordIndex(9_999)]), assignment: nil), .undefinedReference
            ),
        ]
        for (body, expected) in bodies {
            let found = code { try node.issue([.subscribe(name: "good"), body]) }
            #expect(found == expected, "\(body)")
        }
        let strange = code { try node.issue([.subscribe(name: "good")], account: AccountIndex(5)) }
        #expect(strange == .undefinedReference)
        try node.replica.checkInvariants()
        let next = node.replica.nextCounter
        let verdict = Verdict(try reader.receive(try node.issue(count: 1)))
        #expect(next == 1 && verdict == .delivered(1))
    }

    @Test func namesKeepTheirBytesAndTheirIdentity() throws {
        let (node, reader) = (try TestNode(1), try TestNode(2))
        // Canonically equivalent, and still two accounts.
        let composed = try node.replica.account(named: "caf\u{e9}")
        let decomposed = try node.replica.account(named: "cafe\u{301}")
        #expect(composed != decomposed)
        try reader.receive(try node.issue([.subscribe(name: "caf\u{e9}")], account: composed)[0])
        try reader.receive(try node.issue([.subscribe(name: "cafe\u{301}")], account: decomposed)[0])
        let names = (0..<2).map { Array((reader.replica.symbols.name(of: AccountIndex($0)) ?? "").utf8) }
        #expect(names == [Array("caf\u{e9}".utf8), Array("cafe\u{301}".utf8)])
    }

    @Test func aFrameOfAnotherPartitionIsRefused() throws {
        var other = try Replica(partition: PartitionID(8), id: ReplicaID(2))
        let payload = try TestNode(1).issue()
        let found = code { _ = try other.receive(payload, nowMilliseconds: 1 << 41) }
        #expect(found == .malformed)
    }

    @Test func aFrameThatUsesWhatItsStreamNeverDefinedIsRefused() throws {
        let (node, reader) = (try TestNode(1), try TestNode(2))
        try node.issue(count: 1)
        let second = try node.issue(count: 1)
        // The second frame renumbered as the first: its account was defined in the one that is missing.
        var forged = second
        let position = try #require(Samples.firstCounterOffset(of: second))
        forged[position] = 1
        let found = code { try reader.receive(forged) }
        #expect(found == .undefinedReference)
        #expect(reader.replica.replicas.count == 1 && reader.replica.symbols.accountCount == 0)
    }

    /// A delete is a few bytes, however large the mailbox.
    @Test func deleteIsConstant() throws {
        let node = try TestNode(1)
        var sizes: [Int] = []
        for count in [1, 1_000, 5_000] {
            try node.issue(
                (0..<count).map {
                    .append(
                        mailbox: .inbox, facts: Samples.facts(UInt64($0)), flags: FlagSet(), assignment: nil)
                })
            sizes.append(try node.issue([.delete(mailbox: .inbox)])[0].count)
        }
        #expect(sizes.allSatisfy { $0 <= 34 }, "\(sizes)")
    }
}
