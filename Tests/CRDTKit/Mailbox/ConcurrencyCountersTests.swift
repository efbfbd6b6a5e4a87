// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// What status reports say about concurrent changes.
@Suite("Counts of concurrent changes")
struct ConcurrencyCountersTests {
    static func conflicts(_ replicas: TestReplica...) -> [UInt64] { replicas.map { $0.state.concurrency.conflicts } }

    @Test("work without concurrency counts nothing")
    func aQuietLifeCountsNothing() throws {
        let (left, right, message) = try ConcurrencyTableTests.scene()
        right.deliver(try ConcurrencyTableTests.store(left, message, .add(FlagSet(.flagged))))
        right.deliver(try ConcurrencyTableTests.expunge(left, message))
        right.deliver(try ConcurrencyTableTests.delete(left))
        #expect(left.state.concurrency == ConcurrencyCounters())
        #expect(right.state.concurrency == ConcurrencyCounters())
    }

    @Test("a flag change of an expunged message is a conflict where it comes late")
    func storeMeetsExpunge() throws {
        let (left, right, message) = try ConcurrencyTableTests.scene()
        let store = try ConcurrencyTableTests.store(right, message, .add(FlagSet(.flagged)))
        _ = ConcurrencyTableTests.meet(left, try ConcurrencyTableTests.expunge(left, message), right, store)
        #expect(ConcurrencyCountersTests.conflicts(left, right) == [1, 0])
    }

    @Test("a DELETE and a concurrent APPEND are a conflict at both replicas")
    func deleteMeetsAppend() throws {
        let (left, right, _) = try ConcurrencyTableTests.scene()
        let append = try right.issue { (state, batch) throws(CRDTError) in
            try state.append(TestReplica.facts(2), to: ConcurrencyTableTests.box, batch: &batch)
        }
        _ = ConcurrencyTableTests.meet(left, try ConcurrencyTableTests.delete(left), right, append)
        #expect(ConcurrencyCountersTests.conflicts(left, right) == [1, 1])
    }

    @Test("a name that lost against a later one is a conflict where it comes late")
    func renameMeetsRename() throws {
        let (left, right, _) = try ConcurrencyTableTests.scene()
        let box = ConcurrencyTableTests.box
        let (one, other) = (
            left.issueRaw(.rename(mailbox: box, name: "a")), right.issueRaw(.rename(mailbox: box, name: "b"))
        )
        _ = ConcurrencyTableTests.meet(left, [one], right, [other])
        #expect(ConcurrencyCountersTests.conflicts(left, right).reduce(0, +) == 1)
    }

    @Test(
        "take-overs and re-issues of what the former owner assigned meanwhile are counted everywhere"
    )
    func forkIsCounted() throws {
        let (left, right) = (TestReplica(1), TestReplica(2))
        left.stripe = try #require(UIDStripe(index: 0))
        right.stripe = try #require(UIDStripe(index: 1))
        let box = ConcurrencyTableTests.box
        right.deliver(
            try left.issue { (state, batch) throws(CRDTError) in
                try state.createMailbox(name: "f", use: .archive, validity: left.validity, batch: &batch)
                try state.append(TestReplica.facts(1), to: box, batch: &batch)
            })
        let one = try left.issue { (state, batch) throws(CRDTError) in
            try state.append(TestReplica.facts(2), to: box, batch: &batch)
        }
        let other = try right.issue { (state, batch) throws(CRDTError) in
            try state.takeOver(box, batch: &batch)
            try state.append(TestReplica.facts(3), to: box, batch: &batch)
        }
        left.deliver(other)
        right.deliver(one)
        let merge = try right.issue { (state, batch) throws(CRDTError) in
            try state.assignWaiting(in: box, batch: &batch)
        }
        left.deliver(merge)
        for replica in [left, right] {
            let counts = replica.state.concurrency
            #expect(counts.epochs == 2, "the take-over and the merge")
            #expect(counts.reissues == 2, "what both assigned after the fork")
            #expect(counts.greatestEpoch > 0)
            #expect(replica.violation == nil)
            #expect(replica.messages(box).count == 3)
        }
    }
}
