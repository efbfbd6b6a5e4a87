// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

@Suite("Message commands and queries")
struct MessageCommandTests {
    static func replica(messages: Int = 0) throws -> TestReplica {
        let replica = TestReplica(1)
        try replica.issue { (state, batch) throws(CRDTError) in
            try state.createMailbox(name: "INBOX", validity: replica.validity, batch: &batch)
            for number in 0..<messages {
                try state.append(TestReplica.facts(UInt64(number), size: 10), to: .inbox, batch: &batch)
            }
        }
        return replica
    }

    static func store(_ replica: TestReplica, _ message: Dot, _ change: FlagChange) throws -> [IssuedOperation] {
        try replica.issue { (state, batch) throws(CRDTError) in
            try state.store(change, message: message, in: .inbox, batch: &batch)
        }
    }

    @Test("STORE says only what it changes, and nothing when it changes nothing")
    func storeSaysOnlyWhatItChanges() throws {
        let replica = try MessageCommandTests.replica(messages: 1)
        let message = try #require(replica.messages(.inbox).first).id
        let work = KeywordIndex(1)
        _ = try MessageCommandTests.store(replica, message, .add(FlagSet([.seen, .answered], keywords: [work])))
        #expect(replica.messages(.inbox)[0].flags == FlagSet([.seen, .answered], keywords: [work]))
        #expect(replica.state.keywordsInUse(in: .inbox) == [work])
        #expect(try MessageCommandTests.store(replica, message, .add(FlagSet(.seen, keywords: [work]))).isEmpty)
        #expect(try MessageCommandTests.store(replica, message, .remove(FlagSet(.draft))).isEmpty)
        let replaced = try MessageCommandTests.store(replica, message, .replace(FlagSet([.seen, .deleted])))
        let body = OperationBody.store(
            mailbox: .inbox, message: message, adding: FlagSet(.deleted),
            removing: FlagSet(.answered, keywords: [work]))
        #expect(replaced.map(\.operation.body) == [body])
        #expect(replica.messages(.inbox)[0].flags == FlagSet([.seen, .deleted]))
        #expect(replica.state.keywordsInUse(in: .inbox).isEmpty)
        #expect(replica.violation == nil)
    }

    @Test("EXPUNGE is told the deleted messages without a look at the others")
    func deletedMessagesAreIndexed() throws {
        let replica = try MessageCommandTests.replica(messages: 5)
        let ids = replica.messages(.inbox).map(\.id)
        #expect(replica.state.deletedMessages(in: .inbox).isEmpty)
        for index in [3, 1] { _ = try MessageCommandTests.store(replica, ids[index], .add(FlagSet(.deleted))) }
        #expect(replica.state.deletedMessages(in: .inbox).map(\.uid) == [2, 4])
        _ = try MessageCommandTests.store(replica, ids[1], .remove(FlagSet(.deleted)))
        #expect(replica.state.deletedMessages(in: .inbox).map(\.uid) == [4])
        try replica.issue { (state, batch) throws(CRDTError) in
            try state.expunge([ids[3]], in: .inbox, batch: &batch)
        }
        #expect(replica.state.deletedMessages(in: .inbox).isEmpty)
        #expect(replica.violation == nil)
    }

    @Test("Counts, sizes, UNSEEN and MODSEQ follow every change")
    func countsFollowEveryChange() throws {
        let replica = try MessageCommandTests.replica(messages: 3)
        let ids = replica.messages(.inbox).map(\.id)
        var last = try #require(replica.summary(.inbox))
        #expect((last.messages, last.unseen, last.deleted, last.octets) == (3, 3, 0, 30))
        #expect(replica.state.firstUnseenUID(in: .inbox) == 1)
        _ = try MessageCommandTests.store(replica, ids[0], .add(FlagSet([.seen, .deleted])))
        var next = try #require(replica.summary(.inbox))
        #expect((next.unseen, next.deleted) == (2, 1))
        #expect(next.highestModSeq > last.highestModSeq)
        #expect(replica.state.message(in: .inbox, id: ids[0])?.modSeq == next.highestModSeq)
        #expect(replica.state.firstUnseenUID(in: .inbox) == 2)
        last = next
        try replica.issue { (state, batch) throws(CRDTError) in try state.expunge([ids[0]], in: .inbox, batch: &batch) }
        next = try #require(replica.summary(.inbox))
        #expect((next.messages, next.unseen, next.deleted, next.octets) == (2, 2, 0, 20))
        #expect(next.highestModSeq > last.highestModSeq)
        #expect(replica.changes.contains(.messageVanished(.inbox, ids[0], uid: 1, modSeq: next.highestModSeq)))
        #expect(replica.changes.contains(.bodyReleased(TestReplica.facts(0).body)))
        #expect(next.uidNext == 4)
        for id in ids.dropFirst() { _ = try MessageCommandTests.store(replica, id, .add(FlagSet(.seen))) }
        #expect(replica.state.firstUnseenUID(in: .inbox) == nil)
        #expect(replica.violation == nil)
    }

    @Test("MODSEQ ascends within a batch and stays below 2^63 whatever a peer's clock says")
    func modSeqAscends() throws {
        let replica = try MessageCommandTests.replica(messages: 5)
        let modSeqs = replica.messages(.inbox).map(\.modSeq)
        #expect(modSeqs == modSeqs.sorted() && Set(modSeqs).count == 5)
        replica.clock = UInt64.max - 10
        let message = replica.messages(.inbox)[0].id
        _ = try MessageCommandTests.store(replica, message, .add(FlagSet(.seen)))
        #expect(replica.summary(.inbox)?.highestModSeq == (modSeqs.last ?? 0) + 16)
        #expect(replica.violation == nil)
    }

    @Test("COPY appends in order with facts and flags; MOVE also expunges")
    func copyAndMove() throws {
        let replica = try MessageCommandTests.replica(messages: 3)
        let ids = replica.messages(.inbox).map(\.id)
        _ = try MessageCommandTests.store(replica, ids[1], .add(FlagSet(.flagged, keywords: [KeywordIndex(0)])))
        var placed: [PlacedMessage] = []
        try replica.issue { (state, batch) throws(CRDTError) in
            let box = try state.createMailbox(name: "b", validity: replica.validity, batch: &batch)
            placed = try state.copy(ids, from: .inbox, to: box, batch: &batch)
            placed += try state.move([ids[1]], from: .inbox, to: box, batch: &batch)
        }
        let box = try #require(replica.box("b"))
        #expect(placed.map(\.uid) == [1, 2, 3, 4])
        #expect(placed.map(\.source) == ids + [ids[1]])
        #expect(replica.messages(box).map(\.facts.body.words.0) == [0, 1, 2, 1])
        let marked = FlagSet(.flagged, keywords: [KeywordIndex(0)])
        #expect(replica.messages(box).map { $0.flags == marked } == [false, true, false, true])
        #expect(replica.messages(.inbox).map(\.id) == [ids[0], ids[2]])
        let retained = replica.changes.filter { if case .bodyRetained = $0 { true } else { false } }
        #expect(retained.count == 4)
        #expect(replica.violation == nil)
    }

    @Test("What is not there is a typed error, and nothing has changed")
    func whatIsNotThereIsATypedError() throws {
        let replica = try MessageCommandTests.replica(messages: 1)
        let digest = replica.state.digest
        let known = replica.messages(.inbox)[0].id
        let unknown = Dot(ReplicaIndex(1), 999)
        let nowhere = MailboxID(unknown)
        let attempts: [(CRDTError.Code, (inout AccountState, inout OperationBatch) throws(CRDTError) -> Void)] = [
            (
                .noSuchMessage,
                { (state, batch) throws(CRDTError) in try state.expunge([known, unknown], in: .inbox, batch: &batch) }
            ),
            (
                .noSuchMessage,
                { (state, batch) throws(CRDTError) in
                    try state.store(.add(FlagSet(.seen)), message: unknown, in: .inbox, batch: &batch)
                }
            ),
            (
                .noSuchMessage,
                { (state, batch) throws(CRDTError) in
                    try state.move([known, unknown], from: .inbox, to: .inbox, batch: &batch)
                }
            ),
            (
                .noSuchMailbox,
                { (state, batch) throws(CRDTError) in try state.copy([known], from: .inbox, to: nowhere, batch: &batch)
                }
            ),
            (
                .noSuchMailbox,
                { (state, batch) throws(CRDTError) in try state.append(TestReplica.facts(1), to: nowhere, batch: &batch)
                }
            ),
        ]
        for (code, attempt) in attempts {
            #expect(MailboxCommandTests.code { try replica.issue(attempt) } == code)
            #expect(replica.state.digest == digest)
        }
        #expect(replica.summary(.inbox)?.uidNext == 2)
    }

    @Test("Messages come in resumable runs, in UID order, over holes")
    func messagesComeInRuns() throws {
        let replica = try MessageCommandTests.replica(messages: 300)
        let ids = replica.messages(.inbox).map(\.id)
        let gone = ids.enumerated().filter { $0.offset % 3 != 0 }.map(\.element)
        try replica.issue { (state, batch) throws(CRDTError) in try state.expunge(gone, in: .inbox, batch: &batch) }
        let expected = stride(from: UInt32(1), through: 300, by: 3).map { $0 }
        var read: [UInt32] = []
        while true {
            let run = replica.state.messages(in: .inbox, afterUID: read.last ?? 0, limit: 7)
            read += run.map(\.uid)
            if run.count < 7 { break }
        }
        #expect(read == expected)
        #expect(replica.state.uids(in: .inbox) == expected)
        #expect(replica.state.message(in: .inbox, uid: 4)?.id == ids[3])
        #expect(replica.state.message(in: .inbox, uid: 5) == nil)
        #expect(replica.state.messages(in: .inbox, afterUID: .max).isEmpty)
        #expect(replica.state.work.recordsMoved > 0)
        #expect(replica.violation == nil)
    }

    @Test("A mailbox without its messages still tells its figures, and asks for them when an operation needs them")
    func mailboxesMayBeAbsent() throws {
        let replica = try MessageCommandTests.replica(messages: 4)
        let before = replica.summary(.inbox)
        let records = replica.state.recordIDs(in: .inbox).compactMap { replica.state.messageRecord(of: $0, in: .inbox) }
        let append = OperationBody.append(
            mailbox: .inbox, facts: TestReplica.facts(9), flags: FlagSet(), assignment: nil)
        let operation = Operation(
            dot: Dot(ReplicaIndex(2), 1), timestamp: HybridTimestamp(rawValue: 1), account: AccountIndex(0),
            body: append)
        #expect(replica.state.needsMessages(for: operation) == nil)
        replica.state.evictMessages(of: .inbox)
        #expect(!replica.isResident(.inbox))
        #expect(replica.state.needsMessages(for: operation) == .inbox)
        #expect(replica.state.checkInvariants() == nil)
        #expect(replica.summary(.inbox) == before)
        #expect(replica.state.recordCount(of: .inbox) == 4)
        var installation = MessageInstallation(mailbox: .inbox, capacity: 4)
        for record in records.reversed() { try installation.add(record.span) }
        try replica.state.installMessages(installation)
        #expect(replica.violation == nil)
        #expect(replica.messages(.inbox).map(\.uid) == [1, 2, 3, 4])
    }

    @Test("Only a creation that raises UIDVALIDITY, and what touches messages, asks for absent messages")
    func onlyWhatTouchesMessagesAsksForThem() throws {
        let replica = try MessageCommandTests.replica(messages: 1)
        let message = replica.messages(.inbox)[0].id
        let validity = replica.summary(.inbox)?.uidValidity ?? 0
        replica.state.evictMessages(of: .inbox)
        let assignment = UIDAssignment(uid: 1, epoch: UIDEpoch(number: 1, owner: replica.id))
        let bodies: [(OperationBody, MailboxID?)] = [
            (.create(mailbox: .inbox, name: "x", uidValidity: validity - 1, use: .none), nil),
            (.create(mailbox: .inbox, name: "x", uidValidity: validity, use: .none), .inbox),
            (.create(mailbox: .inbox, name: "x", uidValidity: validity + 1, use: .none), .inbox),
            (.rename(mailbox: .inbox, name: "x"), nil),
            (.delete(mailbox: .inbox), .inbox),
            (.append(mailbox: .wellKnown(.sent), facts: TestReplica.facts(1), flags: FlagSet(), assignment: nil), nil),
            (.expunge(mailbox: .inbox, message: message), .inbox),
            (.store(mailbox: .inbox, message: message, adding: FlagSet(), removing: FlagSet()), .inbox),
            (.assign(mailbox: .inbox, message: message, assignment: assignment), .inbox),
            (.subscribe(name: "x"), nil), (.unsubscribe(name: "x"), nil),
        ]
        for (body, expected) in bodies {
            let operation = Operation(
                dot: Dot(ReplicaIndex(2), 1), timestamp: HybridTimestamp(rawValue: 1), account: AccountIndex(0),
                body: body)
            #expect(replica.state.needsMessages(for: operation) == expected, "\(body)")
        }
    }

    @Test("A message has a bounded number of keywords")
    func keywordsAreBounded() throws {
        let replica = try MessageCommandTests.replica(messages: 1)
        replica.state.limits.maximumKeywords = 2
        let message = replica.messages(.inbox)[0].id
        let keywords = (0..<3).map { KeywordIndex(UInt16($0)) }
        let code = MailboxCommandTests.code {
            _ = try MessageCommandTests.store(replica, message, .add(FlagSet(keywords: keywords)))
        }
        #expect(code == .limitExceeded)
        _ = try MessageCommandTests.store(replica, message, .add(FlagSet(keywords: Array(keywords.prefix(2)))))
        _ = try MessageCommandTests.store(replica, message, .replace(FlagSet(keywords: Array(keywords.suffix(2)))))
        #expect(replica.messages(.inbox)[0].flags.keywords == Array(keywords.suffix(2)))
        #expect(replica.violation == nil)
    }

    @Test("A deleted mailbox keeps its messages out of sight until the delete is stable, then forgets them")
    func pruningForgetsWhatIsStable() throws {
        let replica = try MessageCommandTests.replica()
        try replica.issue { (state, batch) throws(CRDTError) in
            let box = try state.createMailbox(name: "b", validity: replica.validity, batch: &batch)
            try state.append(TestReplica.facts(1), to: box, batch: &batch)
            try state.deleteMailbox(box, batch: &batch)
        }
        #expect(replica.state.recordedMailboxes.count == 2)
        var early = replica.delivered
        early[replica.index] -= 1
        replica.state.prune(stable: early, changes: &replica.changes)
        #expect(replica.state.recordedMailboxes.count == 2)
        replica.changes = []
        #expect(replica.state.mailboxesToPrune(stable: replica.delivered).count == 1)
        replica.state.prune(stable: replica.delivered, changes: &replica.changes)
        #expect(replica.state.recordedMailboxes == [.inbox])
        #expect(replica.changes.contains(.bodyReleased(TestReplica.facts(1).body)))
        #expect(replica.changes.contains { if case .mailboxForgotten = $0 { true } else { false } })
        #expect(replica.violation == nil)
    }
}
