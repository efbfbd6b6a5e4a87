// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// The seeds of the binary formats: good inputs, from which the fuzzer makes bad ones.
package enum FuzzSeeds {
    /// A file of a corpus.
    package struct Seed {
        /// The target whose corpus it belongs to.
        package let target: String
        /// The name of the file.
        package let name: String
        /// The bytes.
        package let bytes: [UInt8]
    }

    /// All seeds, always the same.
    ///
    /// - Returns: the seeds.
    /// - Throws: what the kit says, which never happens with these values.
    package static func all() throws -> [Seed] {
        let partition = PartitionID(7)
        let first = try Replica(partition: partition, id: ReplicaID(0xA1))
        let second = try Replica(partition: partition, id: ReplicaID(0xB2))
        var history = History(first, second)
        let payloads = try history.payloads()
        var seeds: [Seed] = []
        var run: [UInt8] = []
        for (index, payload) in payloads.enumerated() {
            seeds.append(Seed(target: "frame", name: "frame-\(index)", bytes: block(0, payload)))
            run += block(UInt8(index & 1), payload)
        }
        seeds.append(Seed(target: "frame", name: "run", bytes: run))
        seeds.append(
            Seed(target: "frame", name: "reversed", bytes: payloads.reversed().flatMap { block(0, $0) }))
        seeds.append(Seed(target: "record", name: "account", bytes: history.records()))
        seeds.append(Seed(target: "log", name: "segment", bytes: segment(payloads)))
        for (name, cut, place, mask) in [("damaged", 400, 100, 4), ("cut", 150, 0, 0), ("long", 900, 57, 128)] {
            let head = [UInt8(cut & 255), UInt8(cut >> 8), UInt8(place & 255), UInt8(place >> 8), UInt8(mask)]
            seeds.append(Seed(target: "log", name: name, bytes: head + run))
        }
        return seeds
    }

    private static func block(_ kind: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [kind, UInt8(bytes.count & 255), UInt8(bytes.count >> 8)] + bytes
    }

    private static func segment(_ payloads: [[UInt8]]) -> [UInt8] {
        let base = LogPosition(rawValue: 1_000)
        var bytes = LogSegmentHeader(number: 3, base: base, firstBatch: 7, salt: 99).encoded()
        for (index, payload) in payloads.enumerated() {
            if index % 2 == 0 {
                let number = UInt64(7 + index / 2)
                LogBatchMark(number: number, position: base.advanced(by: bytes.count), salt: 99).append(to: &bytes)
            }
            FrameEnvelope.append(kind: .operations, payload: payload.span.bytes, to: &bytes)
        }
        return bytes
    }

    /// Two replicas that change one account in turns.
    private struct History: ~Copyable {
        private var first: Replica
        private var second: Replica
        private var state = AccountState()
        private var now: UInt64 = 1_699_999_999_000

        init(_ first: consuming Replica, _ second: consuming Replica) {
            self.first = first
            self.second = second
        }

        mutating func payloads() throws(CRDTError) -> [[UInt8]] {
            let word: UInt64 = 0x0102_0304_0506_0708
            let facts = MessageFacts(
                body: BodyDigest(words: (word, word, word, word)), size: 4_096, internalDateSeconds: 1_700_000_000,
                internalDateZoneMinutes: 60)
            let epoch = UIDEpoch(number: 1, owner: first.id)
            let account = try first.account(named: "alice")
            _ = try second.account(named: "alice")
            let work = try first.keyword(named: "$Work")
            let own = first.own
            let box = MailboxID(Dot(own, 1))
            var result: [[UInt8]] = []
            result += try issue(
                account,
                [
                    .create(mailbox: box, name: "Archiv/Jänner", uidValidity: 7, use: MailboxUse.allCases[0]),
                    .append(
                        mailbox: box, facts: facts, flags: FlagSet([.seen], keywords: [work]),
                        assignment: UIDAssignment(uid: 1, epoch: epoch)),
                    .append(mailbox: .inbox, facts: facts, flags: FlagSet(), assignment: nil),
                    .subscribe(name: "Archiv/Jänner"),
                ])
            result += try issue(
                account,
                [
                    .store(mailbox: box, message: Dot(own, 2), adding: FlagSet([.flagged]), removing: FlagSet([.seen])),
                    .assign(mailbox: .inbox, message: Dot(own, 3), assignment: UIDAssignment(uid: 4, epoch: epoch)),
                    .rename(mailbox: box, name: "Archiv"), .unsubscribe(name: "Archiv/Jänner"),
                    .epoch(
                        mailbox: box,
                        opening: EpochOpening(
                            epoch: UIDEpoch(number: 8, owner: first.id), parent: UIDEpoch(number: 7, owner: first.id),
                            inheritedUpTo: 1,
                            settled: [UIDAssignment(uid: 9, epoch: UIDEpoch(number: 6, owner: first.id))])),
                    .member(.add(name: "worker-1", stripe: 2, addresses: ["127.0.0.1:1430"])),
                    .member(.announce(name: "worker-1", replica: second.id)), .member(.remove(name: "storage")),
                    .mark(stripe: 3),
                ])
            for payload in result { _ = try second.receive(payload, nowMilliseconds: now) }
            let origin = try second.replica(first.id)
            result += try answer(
                account,
                [
                    .append(mailbox: .inbox, facts: facts, flags: FlagSet([.draft]), assignment: nil),
                    .expunge(mailbox: .inbox, message: Dot(origin, 3)),
                    .delete(mailbox: MailboxID(Dot(origin, 1))),
                    .create(
                        mailbox: MailboxID(Dot(second.own, 4)), name: "New", uidValidity: 9, use: MailboxUse.allCases[1]
                    ),
                ])
            return result
        }

        private mutating func issue(
            _ account: AccountIndex, _ bodies: [OperationBody]
        ) throws(CRDTError) -> [[UInt8]] {
            now += 10
            let point = first.begin(nowMilliseconds: now)
            let operations = Self.operations(bodies, account, point)
            let context = ApplyContext(
                past: point.past, replicas: first.replicas.ids, replicaHashes: first.replicas.hashes,
                keywordHashes: first.symbols.keywordHashes)
            var changes: StateChanges = []
            state.apply(operations, context: context, changes: &changes)
            return try first.seal(operations, issuedAt: point)
        }

        private mutating func answer(
            _ account: AccountIndex, _ bodies: [OperationBody]
        ) throws(CRDTError) -> [[UInt8]] {
            now += 10
            let point = second.begin(nowMilliseconds: now)
            return try second.seal(Self.operations(bodies, account, point), issuedAt: point)
        }

        private static func operations(
            _ bodies: [OperationBody], _ account: AccountIndex, _ point: IssuePoint
        ) -> [Operation] {
            bodies.enumerated().map { position, body in
                let dot = Dot(point.replica, point.firstCounter + UInt64(position))
                return Operation(dot: dot, timestamp: point.timestamp, account: account, body: body)
            }
        }

        /// The first replica's account as blocks of records without their checks.
        borrowing func records() -> [UInt8] {
            var bytes = Self.block(0, state.accountRecord())
            for mailbox in state.recordedMailboxes {
                bytes += Self.block(1, state.mailboxRecord(of: mailbox))
            }
            for mailbox in state.recordedMailboxes {
                for id in state.recordIDs(in: mailbox) {
                    bytes += Self.block(2, state.messageRecord(of: id, in: mailbox))
                }
            }
            for name in state.subscribedNames { bytes += Self.block(3, state.subscriptionRecord(of: name)) }
            return bytes
        }

        private static func block(_ kind: UInt8, _ record: [UInt8]?) -> [UInt8] {
            FuzzSeeds.block(kind, Array((record ?? []).dropLast(4)))
        }
    }
}
