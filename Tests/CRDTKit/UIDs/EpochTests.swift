// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// Take-over, hand-over, merge and the rule of exposure, one by one. Replicas 1, 2 and 3 have the stripes 0, 1 and 2 of blocks of ten UIDs.
@Suite("Owners of UIDs and their epochs")
struct EpochTests {
    static func replicas(_ count: Int) throws -> [TestReplica] {
        try (0..<count).map { index in
            let replica = TestReplica(UInt16(index + 1))
            replica.stripe = try #require(UIDStripe(index: index, count: 3, blockSize: 10))
            return replica
        }
    }

    /// Replicas that share INBOX, which the first owns, with as many messages.
    static func scene(_ count: Int, messages: Int = 3) throws -> [TestReplica] {
        let replicas = try replicas(count)
        var sent = try UIDTests.createInbox(replicas[0])
        for number in 0..<messages { sent += try UIDTests.append(replicas[0], UInt64(number + 1)) }
        for other in replicas.dropFirst() { other.deliver(sent) }
        return replicas
    }

    static func takeOver(_ replica: TestReplica) throws -> [IssuedOperation] {
        try replica.issue { (state, batch) throws(CRDTError) in try state.takeOver(.inbox, batch: &batch) }
    }

    static func handOver(_ replica: TestReplica, to other: TestReplica) throws -> [IssuedOperation] {
        try replica.issue { (state, batch) throws(CRDTError) in
            try state.handOver(.inbox, to: other.id, batch: &batch)
        }
    }

    static func facts(_ replica: TestReplica) -> UIDFacts? {
        replica.state.uidFacts(of: .inbox, context: TestReplica.context)
    }

    /// The UID under which a replica shows each body.
    static func shown(_ replica: TestReplica) -> [UInt64: UInt32] {
        var result: [UInt64: UInt32] = [:]
        for message in replica.messages(.inbox) { result[message.facts.body.words.0] = message.uid }
        return result
    }

    static func expectAgreement(_ replicas: [TestReplica], _ location: SourceLocation = #_sourceLocation) {
        for replica in replicas {
            #expect(replica.violation == nil, sourceLocation: location)
            #expect(replica.state.digest == replicas[0].state.digest, sourceLocation: location)
            #expect(shown(replica) == shown(replicas[0]), sourceLocation: location)
            #expect(replica.summary(.inbox)?.waiting == 0, sourceLocation: location)
        }
    }

    private static func epoch(
        _ epoch: UIDEpoch, parent: UIDEpoch, inheritedUpTo: UInt32, in mailbox: MailboxID = .inbox
    ) -> OperationBody {
        .epoch(mailbox: mailbox, opening: EpochOpening(epoch: epoch, parent: parent, inheritedUpTo: inheritedUpTo))
    }

    @Test("Take-over: what is known keeps its UID, and the new owner begins a fresh block of its own")
    func takeOverKeepsWhatIsKnown() throws {
        let all = try EpochTests.scene(2)
        let (owner, other) = (all[0], all[1])
        let appended = try UIDTests.append(other, 9)
        #expect(other.summary(.inbox)?.waiting == 1)
        #expect(other.state.mailboxesNeedingUIDs == [.inbox])
        let taken = try EpochTests.takeOver(other)
        #expect(taken.count == 1)
        #expect(other.owns(.inbox))
        #expect(try EpochTests.takeOver(other).isEmpty)
        let assigned = try UIDTests.assign(other)
        #expect(EpochTests.shown(other) == [1: 1, 2: 2, 3: 3, 9: 11])
        #expect(other.state.mailboxesNeedingUIDs.isEmpty)
        owner.deliver(appended + taken + assigned)
        #expect(!owner.owns(.inbox))
        EpochTests.expectAgreement([owner, other])
    }

    @Test("Within an epoch the owner goes on in its block, and a former owner that takes over again begins a fresh one")
    func everyEpochBeginsAFreshBlock() throws {
        let all = try EpochTests.scene(2)
        let (first, second) = (all[0], all[1])
        first.deliver(try EpochTests.takeOver(second) + UIDTests.append(second, 7) + UIDTests.append(second, 8))
        second.deliver(try EpochTests.takeOver(first) + UIDTests.append(first, 9))
        #expect(EpochTests.shown(first) == [1: 1, 2: 2, 3: 3, 7: 11, 8: 12, 9: 31])
        EpochTests.expectAgreement(all)
    }

    @Test("Split brain: no UID has two meanings, and what only the former owner assigned is re-issued by the new one")
    func splitBrainReissuesTheFormerOwnersAssignments() throws {
        let all = try EpochTests.scene(3)
        let (former, new, third) = (all[0], all[1], all[2])
        let lost = try UIDTests.append(former, 4) + UIDTests.append(former, 5)
        third.deliver(lost)
        #expect(EpochTests.shown(third) == [1: 1, 2: 2, 3: 3, 4: 4, 5: 5])
        let won = try EpochTests.takeOver(new) + UIDTests.append(new, 6)
        former.deliver(won)
        third.deliver(won)
        // The former owner's later UIDs count no more; the new owner's are above all that was shown.
        #expect(EpochTests.shown(former) == [1: 1, 2: 2, 3: 3, 6: 11])
        let vanished = former.changes.compactMap { change -> UInt32? in
            if case .messageVanished(_, _, let uid, _) = change { uid } else { nil }
        }
        #expect(vanished == [4, 5])
        new.deliver(lost)
        #expect(EpochTests.facts(new)?.isForked == true)
        #expect(EpochTests.facts(new)?.waiting == 2)
        let again = try UIDTests.assign(new)
        former.deliver(again)
        third.deliver(again)
        // Both sides' are new: a client may have been on either and missed the other's.
        #expect(EpochTests.shown(new) == [1: 1, 2: 2, 3: 3, 6: 41, 4: 42, 5: 43])
        EpochTests.expectAgreement(all)
        #expect(try UIDTests.assign(new).isEmpty && UIDTests.assign(former).isEmpty)
    }

    @Test(
        "A merge names the branches that it settles: what comes of one later calls for another merge, what is known does not"
    )
    func mergesSettleWhatTheyKnow() throws {
        let all = try EpochTests.scene(2)
        let (former, new) = (all[0], all[1])
        let known = try UIDTests.append(former, 4)
        let late = try UIDTests.append(former, 5)
        var sent = try EpochTests.takeOver(new) + UIDTests.append(new, 6)
        new.deliver(known)
        let merge = try UIDTests.assign(new)
        guard case .epoch(_, let opening) = try #require(merge.first).operation.body else {
            Issue.record("a merge begins with an epoch")
            return
        }
        #expect(opening.settled.map(\.uid) == [4, 11])
        #expect(EpochTests.facts(new)?.isForked == false)
        sent += merge
        sent += try UIDTests.append(new, 7)
        #expect(EpochTests.facts(new)?.isForked == false)
        new.deliver(late)
        #expect(EpochTests.facts(new)?.isForked == true)
        sent += try UIDTests.assign(new)
        former.deliver(sent)
        EpochTests.expectAgreement(all)
        let uids = EpochTests.shown(new).filter { $0.key > 3 }.values
        #expect(uids.count == 4 && uids.allSatisfy { $0 > 41 })
    }

    @Test(
        "Who may not open epochs takes nothing over, and what it appends to a mailbox that was handed over to it waits")
    func epochsAreNotOpenedWithoutLeave() throws {
        let all = try EpochTests.scene(2)
        let refused = try all[1].issue { (state, batch) throws(CRDTError) in
            batch.mayOpenEpochs = false
            try state.takeOver(.inbox, batch: &batch)
        }
        #expect(refused.isEmpty)
        all[1].deliver(try EpochTests.handOver(all[0], to: all[1]))
        var assigned = -1
        let waiting = try all[1].issue { (state, batch) throws(CRDTError) in
            batch.mayOpenEpochs = false
            try state.append(TestReplica.facts(7), to: .inbox, batch: &batch)
            assigned = try state.assignWaiting(in: .inbox, batch: &batch)
        }
        #expect(assigned == 0)
        #expect(waiting.count == 1 && all[1].summary(.inbox)?.waiting == 1)
        all[0].deliver(waiting + (try UIDTests.assign(all[1])))
        EpochTests.expectAgreement(all)
    }

    @Test("A branch without UIDs calls for no merge")
    func emptyBranchesAreLeftAlone() throws {
        let all = try EpochTests.scene(3)
        let (owner, other) = (all[0], all[1])
        let empty = try EpochTests.takeOver(other)
        let taken = try EpochTests.takeOver(all[2]) + UIDTests.append(all[2], 6)
        for replica in [owner, all[2]] { replica.deliver(empty) }
        for replica in [owner, other] { replica.deliver(taken) }
        let current = try #require(all.first { $0.owns(.inbox) })
        let healed = try UIDTests.assign(current)
        for replica in all where replica !== current { replica.deliver(healed) }
        EpochTests.expectAgreement(all)
    }

    @Test(
        "Merge: when the loser has shown UIDs above the winner's, both sides' assignments since the fork are re-issued")
    func mergeReissuesBothBranches() throws {
        let all = try EpochTests.scene(2)
        let (former, new) = (all[0], all[1])
        var won = try EpochTests.takeOver(new) + UIDTests.append(new, 100)
        // The former owner's block ends, so that its UIDs overtake the new owner's.
        var lost: [IssuedOperation] = []
        for number in 4...12 { lost += try UIDTests.append(former, UInt64(number)) }
        #expect(EpochTests.shown(former)[11] == 31)
        former.deliver(won)
        #expect(EpochTests.shown(former) == [1: 1, 2: 2, 3: 3])
        #expect(former.summary(.inbox)?.uidNext == 33)
        #expect(EpochTests.shown(new)[100] == 11)
        new.deliver(lost)
        #expect(EpochTests.facts(new)?.isForked == true)
        #expect(former.state.digest == new.state.digest)
        won = try UIDTests.assign(new)
        let merges = won.filter { if case .epoch = $0.operation.body { true } else { false } }
        #expect(merges.count == 1)
        former.deliver(won)
        EpochTests.expectAgreement(all)
        let uids = EpochTests.shown(new).filter { $0.key > 3 }.values
        #expect(uids.count == 10 && uids.allSatisfy { $0 > 32 })
        #expect(try UIDTests.assign(new).isEmpty && UIDTests.assign(former).isEmpty)
    }

    @Test("Without stripes two owners give one UID to two messages; the merge replaces both")
    func sameStripesAreHealedByAMerge() throws {
        let all = try EpochTests.scene(2)
        for replica in all { replica.stripe = .sole }
        let won = try EpochTests.takeOver(all[1]) + UIDTests.append(all[1], 20)
        let lost = try UIDTests.append(all[0], 10)
        all[0].deliver(won)
        all[1].deliver(lost)
        // UID 4 was shown for another message: the winner's must not take its place.
        #expect(EpochTests.shown(all[0]) == [1: 1, 2: 2, 3: 3])
        all[0].deliver(try UIDTests.assign(all[1]))
        #expect(EpochTests.shown(all[0]) == [1: 1, 2: 2, 3: 3, 10: 5, 20: 6] || EpochTests.shown(all[0])[20] == 5)
        EpochTests.expectAgreement(all)
    }

    @Test("Two take-overs at once: the greater epoch wins everywhere, and a merge heals what vanished on the way")
    func concurrentTakeOversMeet() throws {
        let all = try EpochTests.scene(3)
        let left = try EpochTests.takeOver(all[1]) + UIDTests.append(all[1], 20)
        let right = try EpochTests.takeOver(all[2]) + UIDTests.append(all[2], 30)
        all[0].deliver(left + right)
        all[1].deliver(right)
        all[2].deliver(left)
        for replica in all { #expect(EpochTests.facts(replica)?.owner == all[1].id) }
        // Replica 3 has shown UID 21; the winner's 11 is below that.
        #expect(EpochTests.shown(all[2]) == [1: 1, 2: 2, 3: 3])
        #expect(EpochTests.facts(all[1])?.isForked == true)
        let merged = try UIDTests.assign(all[1])
        all[0].deliver(merged)
        all[2].deliver(merged)
        EpochTests.expectAgreement(all)
    }

    @Test("Hand-over: the successor opens its epoch with its first assignment, and nothing is re-issued")
    func handOverReissuesNothing() throws {
        let all = try EpochTests.scene(2)
        let (owner, successor) = (all[0], all[1])
        let offered = try EpochTests.handOver(owner, to: successor)
        #expect(offered.count == 1)
        #expect(!owner.owns(.inbox))
        let late = try UIDTests.append(owner, 8)
        #expect(owner.summary(.inbox)?.waiting == 1)
        successor.deliver(offered + late)
        #expect(successor.owns(.inbox))
        let own = try UIDTests.append(successor, 9)
        #expect(own.count == 2)
        owner.deliver(own + (try UIDTests.assign(successor)))
        #expect(EpochTests.shown(owner) == [1: 1, 2: 2, 3: 3, 9: 11, 8: 12])
        EpochTests.expectAgreement(all)
        #expect(try EpochTests.handOver(owner, to: successor).isEmpty)
        #expect(try EpochTests.handOver(successor, to: successor).isEmpty)
    }

    @Test("A successor that never comes loses the mailbox again to whoever takes over")
    func handOverToTheDeadIsTakenOver() throws {
        let all = try EpochTests.scene(3)
        var sent = try EpochTests.handOver(all[0], to: all[2])
        sent += try UIDTests.append(all[0], 4) + EpochTests.takeOver(all[0]) + UIDTests.assign(all[0])
        all[1].deliver(sent)
        #expect(EpochTests.shown(all[1]) == [1: 1, 2: 2, 3: 3, 4: 31])
        // The successor was only slow: it follows the greater epoch.
        let slow = try UIDTests.append(all[2], 5)
        all[2].deliver(sent)
        #expect(!all[2].owns(.inbox))
        for replica in all.prefix(2) { replica.deliver(slow) }
        sent = try UIDTests.assign(all[0])
        for replica in all.dropFirst() { replica.deliver(sent) }
        EpochTests.expectAgreement(all)
    }

    @Test("A hand-over and a take-over at once: one owner in the end, and every message is seen")
    func handOverAndTakeOverMeet() throws {
        let all = try EpochTests.scene(3)
        let offer = try EpochTests.handOver(all[0], to: all[1])
        let taken = try EpochTests.takeOver(all[2]) + UIDTests.append(all[2], 30)
        all[1].deliver(offer)
        let own = try UIDTests.append(all[1], 20)
        all[0].deliver(own + taken)
        all[1].deliver(taken)
        all[2].deliver(offer + own)
        let owner = try #require(all.first { $0.owns(.inbox) })
        #expect(all.count { $0.owns(.inbox) } == 1)
        let healed = try UIDTests.assign(owner)
        for replica in all where replica !== owner { replica.deliver(healed) }
        EpochTests.expectAgreement(all)
    }

    @Test("UIDNEXT is above everything shown, and never falls while messages vanish")
    func uidNextNeverFalls() throws {
        let all = try EpochTests.scene(2)
        let won = try EpochTests.takeOver(all[1]) + UIDTests.append(all[1], 20)
        let lost = try UIDTests.append(all[0], 10)
        #expect(all[0].summary(.inbox)?.uidNext == 5)
        all[0].deliver(Array(won.prefix(1)))
        #expect(EpochTests.shown(all[0]).count == 3)
        #expect(all[0].summary(.inbox)?.uidNext == 5)
        all[0].deliver(Array(won.dropFirst()))
        #expect(all[0].summary(.inbox)?.uidNext == 12)
        all[1].deliver(lost)
        #expect(all[1].summary(.inbox)?.uidNext == 12)
    }

    @Test("The digest says nothing about what is hidden here: replicas that applied the same have the same digest")
    func theDigestIgnoresWhatIsHidden() throws {
        let all = try EpochTests.scene(3)
        let won = try EpochTests.takeOver(all[1]) + UIDTests.append(all[1], 20)
        var lost: [IssuedOperation] = []
        for number in 4...12 { lost += try UIDTests.append(all[0], UInt64(number)) }
        all[0].deliver(won)
        all[1].deliver(lost)
        all[2].deliver(won + lost)
        #expect(Set(all.map { $0.state.digest }).count == 1)
        #expect(EpochTests.shown(all[0]).count == 3)
        #expect(EpochTests.shown(all[2]).count == 4)
        for replica in all {
            replica.state = try SnapshotCopy.copy(replica.state, context: TestReplica.context)
            #expect(replica.violation == nil)
        }
        #expect(EpochTests.shown(all[0]).count == 3)
    }

    @Test("What is hidden stays hidden over a restart, and so does the greatest UID that was shown")
    func exposureSurvivesARestart() throws {
        let all = try EpochTests.scene(2)
        let won = try EpochTests.takeOver(all[1])
        _ = try UIDTests.append(all[0], 10)
        all[0].deliver(won)
        let before = all[0].summary(.inbox)
        all[0].state = try SnapshotCopy.copy(all[0].state, context: TestReplica.context)
        #expect(all[0].summary(.inbox) == before)
        #expect(all[0].state.mailboxesNeedingUIDs == [.inbox])
        #expect(all[0].violation == nil)
    }

    @Test("An assignment that had not seen a DELETE of the message is void, in whatever order the two come")
    func assignmentsBesideADeleteAreVoid() throws {
        let all = try EpochTests.replicas(3)
        let box = ConcurrencyTableTests.box
        let start = try all[0].issue { (state, batch) throws(CRDTError) in
            try state.createMailbox(name: "f", use: .archive, validity: all[0].validity, batch: &batch)
        }
        for other in all.dropFirst() { other.deliver(start) }
        let appended = try UIDTests.append(all[1], 5, to: box)
        all[0].deliver(appended)
        all[2].deliver(appended)
        let assign = { (state: inout AccountState, batch: inout OperationBatch) throws(CRDTError) in
            _ = try state.assignWaiting(in: box, batch: &batch)
        }
        let assigned = try all[0].issue(assign)
        let stored = try ConcurrencyTableTests.store(all[1], appended[0].dot, .add(FlagSet(.flagged)))
        let deleted = try ConcurrencyTableTests.delete(all[2])
        all[0].deliver(stored)
        #expect(all[0].messages(box).map(\.uid) == [1])
        all[0].deliver(deleted)
        all[1].deliver(deleted + assigned)
        all[2].deliver(assigned + stored)
        for replica in all {
            #expect(replica.messages(box).isEmpty)
            #expect(replica.summary(box)?.waiting == 1)
            #expect(replica.state.digest == all[0].state.digest)
            #expect(replica.violation == nil)
        }
        let again = try all[0].issue(assign)
        for replica in all.dropFirst() { replica.deliver(again) }
        for replica in all {
            #expect(replica.messages(box).map(\.uid) == [2])
            #expect(replica.state.digest == all[0].state.digest)
            replica.state = try SnapshotCopy.copy(replica.state, context: TestReplica.context)
            #expect(replica.violation == nil)
            replica.state.prune(stable: replica.delivered, changes: &replica.changes)
            let left = try #require(replica.slot(box))
            #expect(replica.state.slots[left].deletePasts.isEmpty)
        }
    }

    @Test("Owners cannot open epochs for others, hand over what they do not own, or go back")
    func foreignEpochsCountForNothing() throws {
        let all = try EpochTests.scene(2)
        let birth = try #require(EpochTests.facts(all[0])?.epoch)
        let mine = UIDEpoch(number: birth.number + 1, owner: all[1].id)
        let bodies: [OperationBody] = [
            // An offer of what is not the origin's.
            EpochTests.epoch(UIDEpoch(number: birth.number + 1, owner: ReplicaID(10)), parent: birth, inheritedUpTo: 0),
            // A parent that is not less; one that nobody knows.
            EpochTests.epoch(mine, parent: mine, inheritedUpTo: 3),
            EpochTests.epoch(
                UIDEpoch(number: .max, owner: all[1].id), parent: UIDEpoch(number: 5, owner: ReplicaID(77)),
                inheritedUpTo: .max),
            EpochTests.epoch(mine, parent: birth, inheritedUpTo: 0, in: .wellKnown(.junk)),
        ]
        for body in bodies { all[0].deliver([all[1].issueRaw(body)]) }
        #expect(EpochTests.facts(all[0])?.owner == all[0].id)
        #expect(EpochTests.shown(all[0]).count == 3)
        all[1].deliver(try UIDTests.append(all[0], 4))
        EpochTests.expectAgreement(all)
    }

    @Test("Creations of one UIDVALIDITY, as by replicas of one stripe, are a fork that a merge heals")
    func equalUIDValiditiesAreMerged() throws {
        let all = try EpochTests.replicas(2)
        let validity = UIDValiditySource(nowSeconds: 1_000, stripe: 0)
        let made = try all.enumerated().map { index, replica in
            try replica.issue { (state, batch) throws(CRDTError) in
                try state.createMailbox(name: "INBOX", validity: validity, batch: &batch)
                try state.append(TestReplica.facts(UInt64(index + 1)), to: .inbox, batch: &batch)
            }
        }
        all[0].deliver(made[1])
        all[1].deliver(made[0])
        // The greater identity's creation counts; what the other shows is not taken for it.
        #expect(EpochTests.facts(all[1])?.owner == all[0].id)
        #expect(EpochTests.shown(all[1]).isEmpty)
        #expect(EpochTests.facts(all[0])?.isForked == true)
        all[1].deliver(try UIDTests.assign(all[0]))
        EpochTests.expectAgreement(all)
        #expect(EpochTests.shown(all[1]).count == 2)
    }

    @Test("Only an epoch operation that changes what counts asks for messages that are not resident")
    func takeOversNeedNoMessages() throws {
        let all = try EpochTests.scene(3)
        let taken = try EpochTests.takeOver(all[1])
        let offered = try EpochTests.handOver(all[1], to: all[2])
        let lost = try UIDTests.append(all[0], 4)
        all[2].state.evictMessages(of: .inbox)
        for issued in taken + offered { #expect(all[2].state.needsMessages(for: issued.operation) == nil) }
        all[2].deliver(taken + offered)
        #expect(EpochTests.facts(all[2])?.owner == all[2].id)
        all[0].state.evictMessages(of: .inbox)
        #expect(all[0].state.needsMessages(for: taken[0].operation) == .inbox)
        _ = lost
    }

    @Test("An owner's append costs the same however many epochs there were")
    func appendsStayCheap() throws {
        let all = try EpochTests.scene(2)
        var work: [Int] = []
        for _ in 0..<40 {
            let before = all[0].state.work.slotsTouched
            _ = try UIDTests.append(all[0], 7)
            work.append(all[0].state.work.slotsTouched - before)
            all[0].deliver(try EpochTests.takeOver(all[1]))
            all[1].deliver(try EpochTests.takeOver(all[0]))
        }
        #expect(Set(work) == [1])
    }
}
