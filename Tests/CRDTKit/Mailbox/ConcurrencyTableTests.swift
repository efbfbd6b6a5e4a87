// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// The table of concurrent pairs: each row in both orders of delivery.
@Suite("Concurrent pairs on one mailbox")
struct ConcurrencyTableTests {
    static let box = MailboxID.wellKnown(.archive)

    /// Two replicas with the same mailbox and one message, on which each then acts without the other.
    static func scene() throws -> (TestReplica, TestReplica, Dot) {
        let left = TestReplica(1)
        let right = TestReplica(2)
        var message = Dot.none
        let start = try left.issue { (state, batch) throws(CRDTError) in
            try state.createMailbox(name: "f", use: .archive, validity: left.validity, batch: &batch)
            message = try state.append(TestReplica.facts(1), flags: FlagSet(.answered), to: box, batch: &batch).id
        }
        right.deliver(start)
        return (left, right, message)
    }

    /// Delivers both ways, so that each side sees the two in the other order; both must agree.
    static func meet(
        _ left: TestReplica, _ leftOperations: [IssuedOperation], _ right: TestReplica,
        _ rightOperations: [IssuedOperation]
    ) -> AbstractAccount {
        left.deliver(rightOperations)
        right.deliver(leftOperations)
        #expect(left.state.digest == right.state.digest)
        #expect(left.account == right.account)
        #expect(left.violation == nil)
        #expect(right.violation == nil)
        return left.account
    }

    static func delete(_ replica: TestReplica) throws -> [IssuedOperation] {
        try replica.issue { (state, batch) throws(CRDTError) in try state.deleteMailbox(box, batch: &batch) }
    }

    static func store(_ replica: TestReplica, _ message: Dot, _ change: FlagChange) throws -> [IssuedOperation] {
        try replica.issue { (state, batch) throws(CRDTError) in
            try state.store(change, message: message, in: box, batch: &batch)
        }
    }

    static func expunge(_ replica: TestReplica, _ message: Dot) throws -> [IssuedOperation] {
        try replica.issue { (state, batch) throws(CRDTError) in try state.expunge([message], in: box, batch: &batch) }
    }

    @Test("delete || create: the folder stays, empty")
    func deleteAndCreate() throws {
        let (left, right, _) = try ConcurrencyTableTests.scene()
        let box = ConcurrencyTableTests.box
        let create = right.issueRaw(.create(mailbox: box, name: "f", uidValidity: 1_001, use: .archive))
        let end = ConcurrencyTableTests.meet(left, try ConcurrencyTableTests.delete(left), right, [create])
        #expect(end.folders[box]?.messages.isEmpty == true)
        #expect(end.folders.count == 1)
    }

    @Test("delete || append: the folder stays with exactly the message that was not observed")
    func deleteAndAppend() throws {
        let (left, right, _) = try ConcurrencyTableTests.scene()
        var appended = Dot.none
        let append = try right.issue { (state, batch) throws(CRDTError) in
            appended = try state.append(TestReplica.facts(2), to: ConcurrencyTableTests.box, batch: &batch).id
        }
        let end = ConcurrencyTableTests.meet(left, try ConcurrencyTableTests.delete(left), right, append)
        #expect(end.outline == [ConcurrencyTableTests.box: [appended]])
    }

    @Test("delete || store: the folder stays with that message alone, with all its flags")
    func deleteAndStore() throws {
        let (left, right, message) = try ConcurrencyTableTests.scene()
        let more = try left.issue { (state, batch) throws(CRDTError) in
            try state.append(TestReplica.facts(2), to: ConcurrencyTableTests.box, batch: &batch)
        }
        right.deliver(more)
        let store = try ConcurrencyTableTests.store(right, message, .add(FlagSet(.flagged)))
        let end = ConcurrencyTableTests.meet(left, try ConcurrencyTableTests.delete(left), right, store)
        #expect(end.outline == [ConcurrencyTableTests.box: [message]])
        #expect(end.folders[ConcurrencyTableTests.box]?.messages[message]?.flags == FlagSet([.answered, .flagged]))
        // One side has shown that the UID is gone, so it cannot come back: the message waits until the owner gives it another.
        for replica in [left, right] {
            #expect(replica.messages(ConcurrencyTableTests.box).isEmpty)
            #expect(replica.summary(ConcurrencyTableTests.box)?.waiting == 1)
        }
        right.deliver(
            try left.issue { (state, batch) throws(CRDTError) in
                try state.assignWaiting(in: ConcurrencyTableTests.box, batch: &batch)
            })
        for replica in [left, right] {
            #expect(replica.messages(ConcurrencyTableTests.box).map(\.uid) == [3])
            #expect(replica.summary(ConcurrencyTableTests.box)?.uidNext == 4)
            #expect(replica.violation == nil)
        }
    }

    @Test("delete || expunge: the folder stays, empty")
    func deleteAndExpunge() throws {
        let (left, right, message) = try ConcurrencyTableTests.scene()
        let expunge = try ConcurrencyTableTests.expunge(right, message)
        let end = ConcurrencyTableTests.meet(left, try ConcurrencyTableTests.delete(left), right, expunge)
        #expect(end.outline == [ConcurrencyTableTests.box: []])
    }

    @Test("delete || delete: gone")
    func deleteAndDelete() throws {
        let (left, right, _) = try ConcurrencyTableTests.scene()
        let other = try ConcurrencyTableTests.delete(right)
        let end = ConcurrencyTableTests.meet(left, try ConcurrencyTableTests.delete(left), right, other)
        #expect(end.folders.isEmpty)
        #expect(left.state.digest == StateDigest())
    }

    @Test("delete || rename: the folder stays, empty, under its new name")
    func deleteAndRename() throws {
        let (left, right, _) = try ConcurrencyTableTests.scene()
        let rename = try right.issue { (state, batch) throws(CRDTError) in
            try state.renameMailbox(
                ConcurrencyTableTests.box, to: "g", separator: "/", validity: right.validity, batch: &batch)
        }
        let end = ConcurrencyTableTests.meet(left, try ConcurrencyTableTests.delete(left), right, rename)
        #expect(end.outline == [ConcurrencyTableTests.box: []])
        #expect(left.state.mailbox(named: "g") == ConcurrencyTableTests.box)
    }

    @Test("expunge || store: expunge wins (deviation 2 from the verified model)")
    func expungeWinsOverAFlagChange() throws {
        let (left, right, message) = try ConcurrencyTableTests.scene()
        let expunge = try ConcurrencyTableTests.expunge(left, message)
        let store = try ConcurrencyTableTests.store(right, message, .add(FlagSet(.seen)))
        let end = ConcurrencyTableTests.meet(left, expunge, right, store)
        #expect(end.outline == [ConcurrencyTableTests.box: []])
    }

    @Test("expunge || expunge: gone, once")
    func expungeAndExpunge() throws {
        let (left, right, message) = try ConcurrencyTableTests.scene()
        let first = try ConcurrencyTableTests.expunge(left, message)
        let second = try ConcurrencyTableTests.expunge(right, message)
        let end = ConcurrencyTableTests.meet(left, first, right, second)
        #expect(end.outline == [ConcurrencyTableTests.box: []])
        #expect(left.summary(ConcurrencyTableTests.box)?.messages == 0)
    }

    @Test("store || store: one message with both sides' flags (deviation 1 from the verified model)")
    func concurrentFlagChangesNeverDuplicate() throws {
        let (left, right, message) = try ConcurrencyTableTests.scene()
        let first = try ConcurrencyTableTests.store(left, message, .add(FlagSet(.seen)))
        let second = try ConcurrencyTableTests.store(right, message, .add(FlagSet(.flagged)))
        let end = ConcurrencyTableTests.meet(left, first, right, second)
        #expect(end.outline == [ConcurrencyTableTests.box: [message]])
        #expect(
            end.folders[ConcurrencyTableTests.box]?.messages[message]?.flags == FlagSet([.answered, .seen, .flagged]))
    }

    @Test("store -f || store +f of a set flag: the removal had seen only the old one, so f stays set")
    func enablingWins() throws {
        let (left, right, message) = try ConcurrencyTableTests.scene()
        let removal = try ConcurrencyTableTests.store(left, message, .remove(FlagSet(.answered)))
        let again =
            try ConcurrencyTableTests.store(right, message, .remove(FlagSet(.answered)))
            + ConcurrencyTableTests.store(right, message, .add(FlagSet(.answered)))
        let end = ConcurrencyTableTests.meet(left, removal, right, again)
        #expect(end.folders[ConcurrencyTableTests.box]?.messages[message]?.flags == FlagSet(.answered))
    }

    @Test("append || store, expunge, create, append: independent")
    func appendIsIndependent() throws {
        for kind in 0..<4 {
            let (left, right, message) = try ConcurrencyTableTests.scene()
            var appended = Dot.none
            let append = try left.issue { (state, batch) throws(CRDTError) in
                appended = try state.append(TestReplica.facts(2), to: ConcurrencyTableTests.box, batch: &batch).id
            }
            var expected: Set<Dot> = [message, appended]
            let other: [IssuedOperation]
            switch kind {
            case 0: other = try ConcurrencyTableTests.store(right, message, .add(FlagSet(.seen)))
            case 1:
                other = try ConcurrencyTableTests.expunge(right, message)
                expected.remove(message)
            case 2:
                other = [
                    right.issueRaw(
                        .create(mailbox: ConcurrencyTableTests.box, name: "f", uidValidity: 7, use: .archive))
                ]
            default:
                other = try right.issue { (state, batch) throws(CRDTError) in
                    expected.insert(
                        try state.append(TestReplica.facts(3), to: ConcurrencyTableTests.box, batch: &batch).id)
                }
            }
            let end = ConcurrencyTableTests.meet(left, append, right, other)
            #expect(end.outline == [ConcurrencyTableTests.box: expected])
        }
    }

    /// The 15 pairs of the verified model on the production type, on the same and on another folder, on the same and on another message.
    @Test("All 15 pairs of concurrent operations commute", arguments: 0..<5, 0..<5)
    func allPairsCommute(first: Int, second: Int) throws {
        for isSameFolder in [true, false] {
            for isSameMessage in [true, false] {
                let (left, right, message) = try ConcurrencyTableTests.scene()
                let other = MailboxID.wellKnown(.trash)
                var others: [MailboxID: [Dot]] = [ConcurrencyTableTests.box: [message], other: []]
                let more = try left.issue { (state, batch) throws(CRDTError) in
                    try state.createMailbox(name: "g", use: .trash, validity: left.validity, batch: &batch)
                    for box in [ConcurrencyTableTests.box, other, other] {
                        others[box]?.append(try state.append(TestReplica.facts(5), to: box, batch: &batch).id)
                    }
                }
                right.deliver(more)
                let target = isSameFolder ? ConcurrencyTableTests.box : other
                let body = { (kind: Int, box: MailboxID, message: Dot) -> OperationBody in
                    switch kind {
                    case 0: .create(mailbox: box, name: "h\(message.counter)", uidValidity: 2_000, use: .none)
                    case 1: .delete(mailbox: box)
                    case 2: .append(mailbox: box, facts: TestReplica.facts(6), flags: FlagSet(.draft), assignment: nil)
                    case 3: .expunge(mailbox: box, message: message)
                    default:
                        .store(mailbox: box, message: message, adding: FlagSet(.seen), removing: FlagSet(.answered))
                    }
                }
                let leftMessage = others[ConcurrencyTableTests.box]?[0] ?? .none
                let rightMessage = others[target]?[isSameMessage ? 0 : 1] ?? .none
                let one = left.issueRaw(body(first, ConcurrencyTableTests.box, leftMessage))
                let two = right.issueRaw(body(second, target, rightMessage))
                _ = ConcurrencyTableTests.meet(left, [one], right, [two])
            }
        }
    }
}
