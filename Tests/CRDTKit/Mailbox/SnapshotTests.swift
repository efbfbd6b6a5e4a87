// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

@Suite("Snapshot records")
struct SnapshotTests {
    /// A state in which every field of every record is used.
    static func rich() throws -> TestReplica {
        let (left, right, message) = try ConcurrencyTableTests.scene()
        let more = try left.issue { (state, batch) throws(CRDTError) in
            try state.createMailbox(name: "INBOX", validity: left.validity, batch: &batch)
            try state.append(
                TestReplica.facts(4), flags: FlagSet(.seen, keywords: [KeywordIndex(1)]), to: .inbox, batch: &batch)
            try state.append(TestReplica.facts(5), to: ConcurrencyTableTests.box, batch: &batch)
            try state.subscribe("INBOX", batch: &batch)
        }
        right.deliver(more)
        let first =
            try ConcurrencyTableTests.store(left, message, .add(FlagSet([.seen], keywords: [KeywordIndex(0)])))
            + ConcurrencyTableTests.store(left, message, .add(FlagSet(.deleted)))
        let second =
            try ConcurrencyTableTests.store(right, message, .add(FlagSet([.seen, .flagged])))
            + UIDTests.append(right, 8, to: ConcurrencyTableTests.box)
        left.deliver(second)
        right.deliver(first)
        left.deliver(try ConcurrencyTableTests.delete(right))
        return left
    }

    @Test("State, digest, counts and MODSEQ survive a round trip")
    func stateSurvivesARoundTrip() throws {
        let replica = try SnapshotTests.rich()
        let copy = try SnapshotCopy.copy(replica.state, context: TestReplica.context)
        #expect(copy.checkInvariants() == nil)
        #expect(copy.digest == replica.state.digest)
        #expect(copy.recomputedDigest(context: TestReplica.context) == replica.state.digest)
        #expect(AbstractAccount(copy) == replica.account)
        for (_, box) in replica.state.mailboxes {
            #expect(copy.summary(of: box) == replica.summary(box))
            #expect(copy.messages(in: box) == replica.messages(box))
        }
        #expect(copy.recordedMailboxes.count == replica.state.recordedMailboxes.count)
    }

    static func records(_ replica: TestReplica) -> [[UInt8]] {
        var records = [replica.state.accountRecord()]
        for box in replica.state.recordedMailboxes {
            records += [replica.state.mailboxRecord(of: box)].compactMap { $0 }
            for id in replica.state.recordIDs(in: box) {
                records += [replica.state.messageRecord(of: id, in: box)].compactMap { $0 }
            }
        }
        return records + replica.state.subscribedNames.compactMap { replica.state.subscriptionRecord(of: $0) }
    }

    /// Reads a record as what its first byte says, or as each kind in turn.
    static func read(_ record: [UInt8], into replica: TestReplica) -> [CRDTError.Code?] {
        let account = replica.state.accountRecord()
        let attempts: [() throws -> Void] = [
            { _ = try AccountState(account: record, mailboxes: [], subscriptions: [], context: TestReplica.context) },
            {
                _ = try AccountState(
                    account: account, mailboxes: [record], subscriptions: [], context: TestReplica.context)
            },
            {
                _ = try AccountState(
                    account: account, mailboxes: [], subscriptions: [record], context: TestReplica.context)
            },
            {
                var installation = MessageInstallation(mailbox: .inbox)
                try installation.add(record.span)
                var state = replica.state.copy()
                state.evictMessages(of: .inbox)
                try state.installMessages(installation)
                if let violation = state.checkInvariants() { throw CRDTError(.fork, violation) }
            },
        ]
        return attempts.map { attempt in MailboxCommandTests.code(attempt) }
    }

    @Test("Every truncation and every flipped bit is a typed error")
    func everyDamageIsATypedError() throws {
        let replica = try SnapshotTests.rich()
        for record in SnapshotTests.records(replica) {
            for length in 0..<record.count {
                #expect(SnapshotTests.read(Array(record.prefix(length)), into: replica).allSatisfy { $0 == .malformed })
            }
            for bit in 0..<record.count * 8 {
                var damaged = record
                damaged[bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(SnapshotTests.read(damaged, into: replica).allSatisfy { $0 == .malformed })
            }
        }
    }

    @Test("Behind a right check, any bytes are a typed error or another valid state, never a trap")
    func anyBytesAreSafe() throws {
        let replica = try SnapshotTests.rich()
        for record in SnapshotTests.records(replica) {
            let content = Array(record.dropLast(4))
            for bit in 0..<content.count * 8 {
                var damaged = content
                damaged[bit / 8] ^= 1 << UInt8(bit % 8)
                RecordWriter.seal(&damaged)
                for code in SnapshotTests.read(damaged, into: replica) {
                    #expect(code == nil || code == .malformed || code == .unsupportedVersion)
                }
            }
            for length in 2..<content.count {
                var damaged = Array(content.prefix(length))
                RecordWriter.seal(&damaged)
                #expect(SnapshotTests.read(damaged, into: replica).allSatisfy { $0 == .malformed })
            }
        }
    }

    @Test("Records that do not make up what the header says are refused, and nothing is installed")
    func incompleteMailboxesAreRefused() throws {
        let replica = try MessageCommandTests.replica(messages: 3)
        let records = replica.state.recordIDs(in: .inbox).compactMap { replica.state.messageRecord(of: $0, in: .inbox) }
        replica.state.evictMessages(of: .inbox)
        for wrong in [Array(records.prefix(2)), records + [records[0]]] {
            let code = MailboxCommandTests.code {
                var installation = MessageInstallation(mailbox: .inbox)
                for record in wrong { try installation.add(record.span) }
                try replica.state.installMessages(installation)
            }
            #expect(code == .malformed)
            #expect(!replica.isResident(.inbox))
        }
    }
}
