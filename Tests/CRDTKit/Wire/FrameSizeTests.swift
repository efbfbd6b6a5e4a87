// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing
import TestSupport

@testable import CRDTKit

/// Bytes per operation: counted, not timed.
@Suite struct FrameSizeTests {
    /// What an append cannot do without: the digest of its body, its size, its date (the second of the operation) and
    /// its zone.
    private func factBytes(_ facts: MessageFacts) -> Int {
        var size: [UInt8] = []
        WireWriter.put(facts.size, into: &size)
        return 32 + size.count + 1 + 2
    }

    /// Builds a history of appends, stores, expunges and creates (50, 30, 10 and 10 in a hundred) over users with
    /// twenty mailboxes each, and counts the bytes of frames of 1,024.
    private func measure(users: Int, run: Int, storesOnly: Bool) throws -> Double {
        var generator = SeededGenerator(seed: 11)
        let node = try TestNode(1)
        let accounts = try (0..<users).map { try node.replica.account(named: "user\($0)") }
        var boxes = [[MailboxID]](repeating: [.inbox], count: users)
        var messages = [[(MailboxID, Dot)]](repeating: [], count: users)
        var bytes = 0
        var count = 0
        for round in 0..<40 {
            let point = node.replica.begin(nowMilliseconds: node.now + UInt64(round))
            var operations: [Operation] = []
            var facts = 0
            var user = 0
            var box = MailboxID.inbox
            for position in 0..<1_024 {
                if position % run == 0 {
                    user = Int.random(in: 0..<users, using: &generator)
                    box = boxes[user].randomElement(using: &generator)!
                }
                let dot = Dot(point.replica, point.firstCounter + UInt64(position))
                let draw = Int.random(in: 0..<100, using: &generator)
                let body: OperationBody
                if draw < 10 && boxes[user].count < 20 && !(storesOnly && round >= 20) {
                    boxes[user].append(MailboxID(dot))
                    body = .create(mailbox: MailboxID(dot), name: "folder", uidValidity: 1_700_000_000, use: .none)
                } else if let (home, message) = messages[user].randomElement(using: &generator),
                    draw >= 60 || (storesOnly && round >= 20)
                {
                    body =
                        draw < 90
                        ? .store(mailbox: home, message: message, adding: FlagSet(.seen), removing: FlagSet())
                        : .expunge(mailbox: home, message: message)
                } else {
                    messages[user].append((box, dot))
                    body = .append(mailbox: box, facts: Samples.facts(dot.counter), flags: FlagSet(), assignment: nil)
                    facts += factBytes(Samples.facts(dot.counter))
                }
                operations.append(
                    Operation(dot: dot, timestamp: point.timestamp, account: accounts[user], body: body))
            }
            let frames = try node.replica.seal(operations, issuedAt: point)
            guard round >= 20 else { continue }
            bytes += frames.reduce(0) { $0 + $1.count } - facts
            count += operations.count
        }
        return Double(bytes) / Double(count)
    }

    @Test(arguments: [(1, 1, 4.5), (1_000, 8, 5.25), (1_000, 1, 8.0)])
    func theMixOfOperationsTakesFewBytes(users: Int, run: Int, bound: Double) throws {
        let bytes = try measure(users: users, run: run, storesOnly: false)
        #expect(bytes <= bound, "\(bytes) bytes per operation")
    }

    @Test(arguments: [(1, 1, 7.0), (1_000, 8, 5.0), (1_000, 1, 8.5)])
    func storesAndExpungesOfRandomMessagesTakeFewBytes(users: Int, run: Int, bound: Double) throws {
        let bytes = try measure(users: users, run: run, storesOnly: true)
        #expect(bytes <= bound, "\(bytes) bytes per operation")
    }

    /// A client that marks a mailbox as read: neighbouring messages of one mailbox.
    @Test func aSweepThroughAMailboxTakesThreeBytesAMessage() throws {
        let node = try TestNode(1)
        let facts = Samples.facts(1)
        try node.issue(
            (0..<1_000).map { _ in
                .append(mailbox: .inbox, facts: facts, flags: FlagSet(), assignment: nil)
            })
        let payload = try node.issue(
            (1...1_000).map {
                .store(
                    mailbox: .inbox, message: Dot(node.replica.own, $0), adding: FlagSet(.seen), removing: FlagSet())
            })[0]
        #expect(payload.count <= 3 * 1_000 + 40)
    }

    /// What a frame costs beside its operations does not depend on how many replicas there are.
    @Test(arguments: [2, 32, 128])
    func aFrameNamesChangedDependenciesOnly(replicas: Int) throws {
        let node = try TestNode(1)
        for other in 2...replicas { try node.receive(try TestNode(UInt64(other)).issue()) }
        let first = try node.issue(count: 1)
        let second = try node.issue(count: 1)
        #expect(first.count >= 10 * (replicas - 1))
        #expect(second.count <= 40)
    }
}
