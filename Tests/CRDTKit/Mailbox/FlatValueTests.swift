// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// Operations and changes that lie flat say the same as the enumerations that they stand for.
struct FlatValueTests {
    private static let box = MailboxID(Dot(ReplicaIndex(3), 7))
    private static let message = Dot(ReplicaIndex(2), 9)
    private static let epoch = UIDEpoch(number: 5, owner: ReplicaID(8, incarnation: 2))

    static let bodies: [OperationBody] = {
        let facts = TestReplica.facts(4)
        let keywords = FlagSet([.seen], keywords: [KeywordIndex(1), KeywordIndex(0)])
        let given = UIDAssignment(uid: 12, epoch: epoch)
        return [
            .create(mailbox: box, name: "a", uidValidity: 3, use: .sent), .delete(mailbox: box),
            .rename(mailbox: box, name: "b"),
            .append(mailbox: box, facts: facts, flags: FlagSet([.draft]), assignment: nil),
            .append(mailbox: box, facts: facts, flags: FlagSet(), assignment: given),
            .append(mailbox: box, facts: facts, flags: FlagSet(), assignment: UIDAssignment(uid: 0, epoch: epoch)),
            .append(mailbox: box, facts: facts, flags: keywords, assignment: given),
            .append(mailbox: box, facts: facts, flags: keywords, assignment: nil),
            .expunge(mailbox: box, message: message),
            .store(mailbox: box, message: message, adding: FlagSet([.seen]), removing: FlagSet([.deleted])),
            .store(mailbox: box, message: message, adding: keywords, removing: FlagSet()),
            .store(mailbox: box, message: message, adding: FlagSet(), removing: keywords),
            .assign(mailbox: box, message: message, assignment: given), .subscribe(name: "x"), .unsubscribe(name: "y"),
            .epoch(mailbox: box, opening: EpochOpening(epoch: epoch, parent: epoch, inheritedUpTo: 4)),
            .mark(stripe: 3),
        ]
    }()

    @Test(arguments: bodies)
    func anOperationKeepsItsBody(body: OperationBody) {
        let operation = Operation(
            dot: Dot(ReplicaIndex(1), 2), timestamp: HybridTimestamp(rawValue: 3), account: AccountIndex(4), body: body)
        #expect(operation.body == body)
        #expect(operation.kind == body.kind)
        #expect(operation.body.mailbox == body.mailbox)
        var other = operation
        #expect(other == operation)
        other.dot = Dot(ReplicaIndex(1), 3)
        #expect(other != operation)
    }

    @Test func usualOperationsLieFlat() {
        let kinds: [OperationKind] = [.append, .append, .expunge, .store, .assign, .delete]
        var flat: [OperationKind] = []
        for body in Self.bodies {
            let operation = Operation(
                dot: Dot(ReplicaIndex(1), 2), timestamp: HybridTimestamp(rawValue: 3), account: AccountIndex(4),
                body: body)
            if operation.whole == nil { flat.append(operation.kind) }
        }
        #expect(flat.sorted { $0.rawValue < $1.rawValue } == kinds.sorted { $0.rawValue < $1.rawValue })
    }

    static let changes: [StateChange] = [
        .mailboxChanged(box), .mailboxAppeared(box, name: "a"), .mailboxRenamed(box, from: "a", to: "b"),
        .bodyRetained(TestReplica.facts(1).body, size: 10), .messageAppeared(box, message, uid: 4, modSeq: 5),
        .flagsChanged(box, message, uid: 4, modSeq: 6), .recordChanged(box, message),
        .bodyReleased(TestReplica.facts(2).body), .messageVanished(box, message, uid: 4, modSeq: 7),
        .recordRemoved(box, message), .subscriptionChanged(name: "s"), .memberChanged(name: "m"), .modSeqsMarked,
        .mailboxVanished(box, name: "b"), .mailboxForgotten(box),
    ]

    @Test func changesComeOutAsTheyWentIn() {
        var list = StateChanges()
        for change in Self.changes { list.append(change) }
        #expect(Array(list) == Self.changes)
        var twice = list
        twice.append(contentsOf: list)
        #expect(Array(twice) == Self.changes + Self.changes)
        #expect(twice != list)
        #expect(StateChanges(arrayLiteral: .modSeqsMarked) == [.modSeqsMarked])
        list.removeAll()
        #expect(list.isEmpty)
        for change in Self.changes.reversed() { list.append(change) }
        #expect(Array(list) == Self.changes.reversed())
    }

    @Test func aSinkGrowsWithWhatIsPutIntoIt() {
        var sink = ByteSink(capacity: 0)
        var expected: [UInt8] = []
        for step in 0..<2_000 {
            let value = step % 7 == 0 ? UInt64.max - UInt64(step) : UInt64(step &* step)
            sink.put(value)
            WireWriter.put(value, into: &expected)
            sink.append(UInt8(truncatingIfNeeded: step))
            expected.append(UInt8(truncatingIfNeeded: step))
        }
        let digest = TestReplica.facts(3).body
        sink.put(digest)
        expected += digest.bytes
        sink.append(contentsOf: expected)
        expected += expected
        sink[0] = 99
        expected[0] = 99
        var bytes: [UInt8] = []
        #expect(sink[0] == 99 && sink.count == expected.count)
        sink.append(to: &bytes)
        #expect(bytes == expected)
    }
}

struct ContextTests {
    /// A state that was made with a context from names has the digest that one with a node's tables has.
    @Test func aContextFromNamesHasTheHashesOfTheTables() throws {
        var replica = try Replica(partition: PartitionID(1), id: ReplicaID(30))
        _ = try replica.replica(ReplicaID(20, incarnation: 3))
        _ = try replica.keyword(named: "$Forwarded")
        _ = try replica.keyword(named: "work")
        let context = ApplyContext(
            replicas: [ReplicaID(30), ReplicaID(20, incarnation: 3)], keywords: ["$forwarded", "Work"])
        #expect(context.replicas == replica.replicas.ids)
        #expect(context.replicaHashes == replica.replicas.hashes)
        #expect(context.keywordHashes == replica.symbols.keywordHashes)
    }

    /// Varints of every length at every distance from the end are read as byte by byte.
    @Test func varintsOfAllLengthsAreRead() throws {
        for shift in 0..<64 {
            for value in [UInt64(1) << UInt64(shift), (UInt64(1) << UInt64(shift)) &- 1, UInt64.max >> UInt64(shift)] {
                for tail in [0, 1, 3, 7, 8, 20] {
                    var bytes: [UInt8] = []
                    WireWriter.put(value, into: &bytes)
                    let length = bytes.count
                    bytes += [UInt8](repeating: 0xff, count: tail)
                    var offset = 0
                    #expect(try WireReader.varint(bytes.span.bytes, &offset) == value, "\(value), \(tail) more")
                    #expect(offset == length)
                }
            }
        }
    }

    @Test(
        arguments: [[0x80, 0x00], [0xff, 0x80, 0x00], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]] as [[UInt8]])
    func longFormsAreRefusedWhereverTheyAre(form: [UInt8]) {
        for tail in [0, 8] {
            let bytes = form + [UInt8](repeating: 1, count: tail)
            #expect(throws: CRDTError.self) {
                var offset = 0
                _ = try WireReader.varint(bytes.span.bytes, &offset)
            }
        }
    }
}
