// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import BenchKit
internal import CRDTKit

/// The replica where the commands are given.
final class Writer {
    private struct Mailbox {
        let account: AccountIndex
        let id: MailboxID
        var messages: [Dot] = []
    }

    private static let mailboxesPerUser = 20
    private var replica: Replica
    private var accounts = AccountTable()
    private var mailboxes: [Mailbox] = []
    private var generator = BenchGenerator(seed: 7)
    private var time: UInt64 = 1_780_000_000_000
    private let users: Int

    init(users: Int) throws {
        self.users = users
        replica = try Replica(partition: PartitionID(1), id: ReplicaID(0x1111_2222_3333_4444))
    }

    /// The sum of the digests of all accounts.
    var digest: UInt64 {
        var sum: UInt64 = 0
        for user in 0..<users { sum &+= accounts[AccountIndex(UInt32(user))].digest.low }
        return sum
    }

    /// Makes the users and their mailboxes.
    func prepare() throws -> [[UInt8]] {
        var payloads: [[UInt8]] = []
        for user in 0..<users {
            let account = try replica.account(named: "user-\(user)")
            let point = replica.begin(nowMilliseconds: time)
            var batch = batch(at: point)
            batch.account = account
            for number in 0..<Self.mailboxesPerUser {
                let validity = UIDValiditySource(nowSeconds: UInt32(time / 1_000), stripe: 0)
                let id = try accounts[account].createMailbox(
                    name: "Folder \(number)", validity: validity, batch: &batch)
                mailboxes.append(Mailbox(account: account, id: id))
            }
            payloads += try replica.seal(batch.operations, issuedAt: point)
        }
        return payloads
    }

    /// Carries out random commands, each of which issues one operation, and seals them.
    func generate(_ count: Int) throws -> [[UInt8]] {
        time += 1
        let point = replica.begin(nowMilliseconds: time)
        var batch = batch(at: point)
        batch.reserveCapacity(count)
        for _ in 0..<count {
            let chosen = generator.below(mailboxes.count)
            try carryOut(generator.below(10), chosen, &batch)
        }
        return try replica.seal(batch.operations, issuedAt: point)
    }

    private func carryOut(_ choice: Int, _ chosen: Int, _ batch: inout OperationBatch) throws {
        let (account, mailbox) = (mailboxes[chosen].account, mailboxes[chosen].id)
        batch.account = account
        let count = mailboxes[chosen].messages.count
        if choice < 5 || count == 0 {
            let words = (generator.next(), generator.next(), generator.next(), generator.next())
            let facts = MessageFacts(
                body: BodyDigest(words: words), size: 4_096, internalDateSeconds: Int64(time / 1_000),
                internalDateZoneMinutes: 60)
            mailboxes[chosen].messages.append(try accounts[account].append(facts, to: mailbox, batch: &batch).id)
            return
        }
        let position = generator.below(count)
        let message = mailboxes[chosen].messages[position]
        if choice < 8 {
            let flags = FlagSet([.flagged])
            if try !accounts[account].store(.add(flags), message: message, in: mailbox, batch: &batch) {
                try accounts[account].store(.remove(flags), message: message, in: mailbox, batch: &batch)
            }
        } else {
            mailboxes[chosen].messages.swapAt(position, count - 1)
            mailboxes[chosen].messages.removeLast()
            try accounts[account].expunge([message], in: mailbox, batch: &batch)
        }
    }

    private func batch(at point: IssuePoint) -> OperationBatch {
        let context = ApplyContext(
            past: point.past, replicas: replica.replicas.ids, replicaHashes: replica.replicas.hashes,
            keywordHashes: replica.symbols.keywordHashes)
        return OperationBatch(
            replica: point.replica, firstCounter: point.firstCounter, timestamp: point.timestamp,
            account: AccountIndex(0), context: context)
    }
}
