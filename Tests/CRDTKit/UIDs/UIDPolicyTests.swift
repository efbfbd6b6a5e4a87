// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

@Suite("When UIDs are assigned, taken over, handed over and merged")
struct UIDPolicyTests {
    static let own = ReplicaID(1)
    static let other = ReplicaID(2)

    static func action(
        _ facts: UIDFacts, silence: UInt64? = nil, interest: Bool = true, reaches: Bool = true,
        policy: UIDPolicy = UIDPolicy()
    ) -> UIDAction {
        let situation = UIDPolicy.Situation(
            ownerUnreachableMilliseconds: silence, hasLocalInterest: interest, canReachLastAppender: reaches)
        return policy.action(facts, situation, own: own)
    }

    @Test("The owner merges a fork first, then assigns what waits, then has nothing to do")
    func ownersMergeThenAssign() {
        #expect(UIDPolicyTests.action(UIDFacts(owner: Self.own, waiting: 2, isForked: true)) == .merge)
        #expect(UIDPolicyTests.action(UIDFacts(owner: Self.own, waiting: 2)) == .assign)
        #expect(UIDPolicyTests.action(UIDFacts(owner: Self.own)) == .none)
    }

    @Test("A mailbox without a known creation has no owner, and nobody takes it over")
    func nobodyOwnsTheUnknown() {
        #expect(UIDPolicyTests.action(UIDFacts(owner: nil, waiting: 2), silence: .max) == .none)
    }

    @Test("Others take over when the owner is silent for long enough, messages wait, and somebody here wants them")
    func silentOwnersAreTakenOver() {
        let facts = UIDFacts(owner: Self.other, waiting: 1, isForked: true)
        #expect(UIDPolicyTests.action(facts) == .none)
        #expect(UIDPolicyTests.action(facts, silence: 2_999) == .none)
        #expect(UIDPolicyTests.action(facts, silence: 3_000) == .takeOver)
        #expect(UIDPolicyTests.action(facts, silence: .max) == .takeOver)
        #expect(UIDPolicyTests.action(facts, silence: 3_000, interest: false) == .none)
        #expect(UIDPolicyTests.action(UIDFacts(owner: Self.other), silence: 3_000) == .none)
    }

    @Test("Who may not open an epoch goes on in the one that it has, and neither takes over nor merges")
    func nothingIsOpenedInVain() {
        let own = UIDEpoch(number: 5, owner: Self.own)
        let other = UIDEpoch(number: 5, owner: Self.other)
        let bound = UIDPolicy.Situation(
            ownerUnreachableMilliseconds: .max, hasLocalInterest: true, mayOpenEpochs: false)
        func action(_ facts: UIDFacts) -> UIDAction { UIDPolicy().action(facts, bound, own: Self.own) }
        #expect(action(UIDFacts(owner: Self.own, epoch: own, waiting: 2)) == .assign)
        #expect(action(UIDFacts(owner: Self.own, epoch: own, waiting: 2, isForked: true)) == .none)
        // It was handed over.
        #expect(action(UIDFacts(owner: Self.own, epoch: other, waiting: 2)) == .none)
        #expect(action(UIDFacts(owner: Self.other, epoch: other, waiting: 2)) == .none)
    }

    @Test("A merge waits until the peers that can be reached know of the fork, but not for ever")
    func mergesWaitForThePeers() {
        let forked = UIDFacts(owner: Self.own, waiting: 2, isForked: true)
        let waiting = UIDPolicy.Situation(awaitsBranches: true)
        #expect(UIDPolicy().action(forked, waiting, own: Self.own) == .none)
        #expect(UIDPolicy().action(UIDFacts(owner: Self.own, waiting: 2), waiting, own: Self.own) == .assign)
        var (known, all) = (VersionVector(), VersionVector())
        (known[ReplicaIndex(1)], known[ReplicaIndex(2)]) = (4, 7)
        let sighting = ForkSighting(delivered: known, milliseconds: 1_000)
        all[ReplicaIndex(1)] = 9
        #expect(!sighting.allowsMerge(exchanged: all, milliseconds: 1_000))
        let patience = ForkSighting.patienceMilliseconds
        #expect(!sighting.allowsMerge(exchanged: all, milliseconds: 999 + patience))
        #expect(sighting.allowsMerge(exchanged: all, milliseconds: 1_000 + patience))
        all[ReplicaIndex(2)] = 7
        #expect(sighting.allowsMerge(exchanged: all, milliseconds: 1_000))
    }

    @Test("The owner hands over after four messages in a row from another replica that it can reach")
    func runsOfMessagesMoveTheMailbox() {
        func facts(_ run: UInt32, _ appender: ReplicaID?, epochs: Int = 1) -> UIDFacts {
            UIDFacts(owner: Self.own, epochCount: epochs, lastAppender: appender, appendRun: run)
        }
        #expect(UIDPolicyTests.action(facts(3, Self.other)) == .none)
        #expect(UIDPolicyTests.action(facts(4, Self.other)) == .handOver(to: Self.other))
        #expect(UIDPolicyTests.action(facts(4, Self.own)) == .none)
        #expect(UIDPolicyTests.action(facts(4, nil)) == .none)
        #expect(UIDPolicyTests.action(facts(4, Self.other), reaches: false) == .none)
        #expect(UIDPolicyTests.action(facts(4, Self.other, epochs: 1_024)) == .none)
        #expect(UIDPolicyTests.action(facts(4, Self.other), policy: UIDPolicy(handOverAfterAppends: 0)) == .none)
    }

    @Test("The state counts the run of one replica's messages, anew with each owner")
    func theStateCountsTheRun() throws {
        let all = try EpochTests.scene(2, messages: 0)
        for number in 1...4 { all[0].deliver(try UIDTests.append(all[1], UInt64(number))) }
        #expect(EpochTests.facts(all[0])?.lastAppender == all[1].id)
        #expect(EpochTests.facts(all[0])?.appendRun == 4)
        all[1].deliver(try UIDTests.assign(all[0]) + EpochTests.handOver(all[0], to: all[1]))
        for replica in all { #expect(EpochTests.facts(replica)?.appendRun == 0) }
        all[1].deliver(try UIDTests.append(all[0], 5))
        #expect(EpochTests.facts(all[1])?.lastAppender == all[0].id)
        #expect(EpochTests.facts(all[1])?.appendRun == 1)
    }
}
