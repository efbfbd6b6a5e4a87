// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

@Suite("UIDs and UIDVALIDITY")
struct UIDTests {
    static func createInbox(_ replica: TestReplica) throws -> [IssuedOperation] {
        try replica.issue { (state, batch) throws(CRDTError) in
            try state.createMailbox(name: "INBOX", validity: replica.validity, batch: &batch)
        }
    }

    static func append(_ replica: TestReplica, _ number: UInt64, to box: MailboxID = .inbox) throws -> [IssuedOperation]
    {
        try replica.issue { (state, batch) throws(CRDTError) in
            try state.append(TestReplica.facts(number), to: box, batch: &batch)
        }
    }

    static func assign(_ replica: TestReplica) throws -> [IssuedOperation] {
        try replica.issue { (state, batch) throws(CRDTError) in try state.assignWaiting(in: .inbox, batch: &batch) }
    }

    @Test("UIDs ascend, are never reused, and UIDNEXT survives a restart")
    func uidsAscendAndAreNeverReused() throws {
        let replica = TestReplica(1)
        _ = try UIDTests.createInbox(replica)
        for number in 1...3 { _ = try UIDTests.append(replica, UInt64(number)) }
        let last = replica.messages(.inbox)[2].id
        try replica.issue { (state, batch) throws(CRDTError) in try state.expunge([last], in: .inbox, batch: &batch) }
        replica.state = try SnapshotCopy.copy(replica.state, context: TestReplica.context)
        #expect(replica.summary(.inbox)?.uidNext == 4)
        _ = try UIDTests.append(replica, 4)
        #expect(replica.messages(.inbox).map(\.uid) == [1, 2, 4])
        #expect(replica.violation == nil)
    }

    @Test("Only the owner assigns: what others append waits, unseen, until the owner's assignment comes")
    func onlyTheOwnerAssigns() throws {
        let owner = TestReplica(1)
        let other = TestReplica(2)
        other.deliver(try UIDTests.createInbox(owner))
        #expect(owner.owns(.inbox))
        #expect(!other.owns(.inbox))
        let appended = try UIDTests.append(other, 1)
        #expect(other.messages(.inbox).isEmpty)
        #expect(other.summary(.inbox)?.waiting == 1)
        #expect(try UIDTests.assign(other).isEmpty)
        owner.deliver(appended)
        #expect(owner.messages(.inbox).isEmpty)
        let assigned = try UIDTests.assign(owner)
        #expect(assigned.count == 1)
        #expect(owner.messages(.inbox).map(\.uid) == [1])
        other.deliver(assigned)
        #expect(other.messages(.inbox).map(\.uid) == [1])
        #expect(other.changes.contains { if case .messageAppeared(.inbox, _, 1, _) = $0 { true } else { false } })
        #expect(owner.state.digest == other.state.digest)
        #expect(try UIDTests.assign(owner).isEmpty)
        #expect(owner.violation == nil && other.violation == nil)
    }

    @Test(
        "UIDVALIDITY is strictly above the account's floor, in the replica's stripe, also after a mailbox was forgotten"
    )
    func uidValidityIsAboveTheFloor() throws {
        let replica = TestReplica(3)
        var last: UInt32 = 0
        for _ in 0..<5 {
            try replica.issue { (state, batch) throws(CRDTError) in
                let box = try state.createMailbox(name: "a", use: .archive, validity: replica.validity, batch: &batch)
                let validity = state.summary(of: box)?.uidValidity ?? 0
                #expect(validity > last && validity & 15 == 3)
                last = validity
                try state.deleteMailbox(box, batch: &batch)
            }
            replica.state.prune(stable: replica.delivered, changes: &replica.changes)
            #expect(replica.state.recordedMailboxes.isEmpty)
            replica.state = try SnapshotCopy.copy(replica.state, context: TestReplica.context)
        }
        #expect(UIDValiditySource(nowSeconds: 0, stripe: 0).next(above: 0) == 16)
        #expect(UIDValiditySource(nowSeconds: 100, stripe: 4).next(above: 5) == 100)
        #expect(UIDValiditySource(nowSeconds: 100, stripe: 3).next(above: 100) == 115)
        #expect(UIDValiditySource(nowSeconds: 0, stripe: 0).next(above: .max - 15) == nil)
    }

    @Test(
        "Concurrent creations of INBOX: one mailbox, the greater UIDVALIDITY, and nothing keeps a UID of the lesser one"
    )
    func concurrentCreationsMeet() throws {
        let left = TestReplica(1)
        let right = TestReplica(2)
        let fromLeft = try UIDTests.createInbox(left) + UIDTests.append(left, 1) + UIDTests.append(left, 2)
        let fromRight = try UIDTests.createInbox(right) + UIDTests.append(right, 3)
        left.deliver(fromRight)
        right.deliver(fromLeft)
        #expect(left.state.digest == right.state.digest)
        #expect(left.violation == nil && right.violation == nil)
        // Stripe 2 is above stripe 1: the right side's creation counts, its clients see no change.
        let validity = UIDValiditySource(nowSeconds: 1_000, stripe: 2).next(above: 0)
        for replica in [left, right] {
            #expect(replica.summary(.inbox)?.uidValidity == validity)
            #expect(replica.messages(.inbox).map(\.facts.body.words.0) == [3])
            #expect(replica.messages(.inbox).map(\.uid) == [1])
            #expect(replica.summary(.inbox)?.waiting == 2)
            let isOwnedByRight = replica.state.ownsUIDs(of: .inbox, replica: right.id)
            #expect(isOwnedByRight)
        }
        left.deliver(try UIDTests.assign(right))
        #expect(left.messages(.inbox).map(\.facts.body.words.0) == [3, 1, 2])
        #expect(left.messages(.inbox).map(\.uid) == [1, 3, 4])
        #expect(left.state.digest == right.state.digest)
        #expect(left.violation == nil)
    }

    @Test("The highest epoch wins in any order; within one epoch the higher UID")
    func theHighestEpochWinsInAnyOrder() throws {
        let birth = UIDEpoch(number: 1_009, owner: ReplicaID(30))
        let assignments = [
            UIDAssignment(uid: 9, epoch: UIDEpoch(number: 5_000, owner: ReplicaID(30))),
            UIDAssignment(uid: 7, epoch: UIDEpoch(number: 5_000, owner: ReplicaID(30))),
            UIDAssignment(uid: 20, epoch: UIDEpoch(number: 5_001, owner: ReplicaID(10))),
            UIDAssignment(uid: 21, epoch: UIDEpoch(number: 5_001, owner: ReplicaID(20))),
            UIDAssignment(uid: 0, epoch: UIDEpoch(number: 9_000, owner: ReplicaID(20))),
            // Nobody opened this one, so it counts for nothing.
            UIDAssignment(uid: 8, epoch: UIDEpoch(number: 9_001, owner: ReplicaID(20))),
        ]
        var digests: Set<StateDigest> = []
        for start in 0..<(2 * assignments.count) {
            let replica = TestReplica(1)
            _ = try UIDTests.createInbox(replica)
            for number in 1...4 { _ = try UIDTests.append(replica, UInt64(number)) }
            let message = replica.messages(.inbox)[0].id
            // An epoch is opened before anybody can assign in it.
            var bodies: [(UInt16, OperationBody)] = [(1, 0), (3, 2), (2, 3)].map { (origin: UInt16, index: Int) in
                let epoch = assignments[index].epoch
                return (
                    origin,
                    .epoch(mailbox: .inbox, opening: EpochOpening(epoch: epoch, parent: birth, inheritedUpTo: 4))
                )
            }
            for offset in assignments.indices {
                let index = (start + offset * (start < 6 ? 1 : 5)) % assignments.count
                let target = index == 5 ? Dot(ReplicaIndex(9), 100) : message
                bodies.append((9, .assign(mailbox: .inbox, message: target, assignment: assignments[index])))
            }
            for (offset, (origin, body)) in bodies.enumerated() {
                let operation = Operation(
                    dot: Dot(ReplicaIndex(origin), UInt64(offset + 50)), timestamp: HybridTimestamp(rawValue: 5),
                    account: AccountIndex(0), body: body)
                replica.state.apply(operation, context: TestReplica.context, changes: &replica.changes)
                #expect(replica.violation == nil)
            }
            #expect(replica.messages(.inbox).map(\.uid) == [2, 3, 4, 21])
            #expect(replica.summary(.inbox)?.uidNext == 22)
            digests.insert(replica.state.digest)
        }
        #expect(digests.count == 1)
    }

    @Test("A mailbox whose UIDs are used up refuses more with a typed error")
    func exhaustedUIDsAreATypedError() throws {
        let replica = TestReplica(1)
        _ = try UIDTests.createInbox(replica)
        _ = try UIDTests.append(replica, 1)
        let last = Operation(
            dot: Dot(ReplicaIndex(2), 1), timestamp: HybridTimestamp(rawValue: 5), account: AccountIndex(0),
            body: .assign(
                mailbox: .inbox, message: Dot(ReplicaIndex(2), 9),
                assignment: UIDAssignment(uid: .max - 1, epoch: UIDEpoch(number: 1, owner: replica.id))))
        replica.state.apply(last, context: TestReplica.context, changes: &replica.changes)
        let ids = replica.messages(.inbox).map(\.id)
        let code = MailboxCommandTests.code {
            try replica.issue { (state, batch) throws(CRDTError) in
                try state.copy(ids + ids, from: .inbox, to: .inbox, batch: &batch)
            }
        }
        #expect(code == .limitExceeded)
        _ = try UIDTests.append(replica, 2)
        #expect(replica.messages(.inbox).last?.uid == .max)
        #expect(replica.summary(.inbox)?.uidNext == 1 << 32)
        #expect(MailboxCommandTests.code { _ = try UIDTests.append(replica, 3) } == .limitExceeded)
        #expect(replica.violation == nil)
    }
}
