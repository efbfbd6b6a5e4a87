// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

@Suite("Membership of the group")
struct MemberTests {
    static func change(_ replica: TestReplica, _ changes: MemberChange...) throws -> [IssuedOperation] {
        try replica.issue { (state, batch) throws(CRDTError) in
            for change in changes { try state.changeMember(change, batch: &batch) }
        }
    }

    @Test("The last writer has a member's standing, in whatever order the changes come")
    func lastWriterHasTheStanding() throws {
        let left = TestReplica(1)
        let right = TestReplica(2)
        let added = try MemberTests.change(left, .add(name: "worker-1", stripe: 3, addresses: ["a:1"]))
        right.clock += 10
        let removed = try MemberTests.change(right, .remove(name: "worker-1"))
        left.deliver(removed)
        right.deliver(added)
        #expect(left.state.members == right.state.members)
        #expect(left.state.digest == right.state.digest)
        #expect(left.state.members.first?.isRemoved == true)
        left.deliver(try MemberTests.change(right, .add(name: "worker-1", stripe: 4, addresses: ["b:2", "c:3"])))
        var expected = MemberRecord(name: "worker-1", standing: .added, stripe: 4, addresses: ["b:2", "c:3"])
        expected.usedStripes = [3, 4]
        #expect(left.state.members == [expected])
        #expect(left.changes.contains(.memberChanged(name: "worker-1")))
        #expect(left.violation == nil && right.violation == nil)
    }

    @Test("A node that announces its identity undoes nothing that is said about it at the same time")
    func announcingUndoesNothing() throws {
        let left = TestReplica(1)
        let right = TestReplica(2)
        right.deliver(try MemberTests.change(left, .add(name: "storage", stripe: 0, addresses: ["a:1"])))
        let removed = try MemberTests.change(left, .remove(name: "storage"))
        right.clock += 10
        let announced = try MemberTests.change(right, .announce(name: "storage", replica: right.id))
        left.deliver(announced)
        right.deliver(removed)
        var expected = MemberRecord(name: "storage", standing: .removed, replica: right.id)
        expected.usedStripes = [0]
        expected.lives = [right.id]
        #expect(left.state.members == [expected])
        #expect(right.state.members == [expected])
        #expect(left.state.digest == right.state.digest)
        let name = left.state.memberName(of: right.id)
        #expect(name == "storage")
    }

    @Test("A wiped node's newer identity takes the place of the older one")
    func newerIdentityWins() throws {
        let replica = TestReplica(1)
        _ = try MemberTests.change(replica, .announce(name: "worker-1", replica: ReplicaID(7)))
        _ = try MemberTests.change(replica, .announce(name: "worker-1", replica: ReplicaID(5)))
        let record = replica.state.member(named: "worker-1")
        var expected = MemberRecord(name: "worker-1", replica: ReplicaID(5))
        expected.lives = [ReplicaID(5), ReplicaID(7)]
        #expect(record == expected)
        let former = replica.state.memberName(of: ReplicaID(7))
        #expect(former == nil)
    }

    @Test("What is so already issues nothing; what no member can be called is a typed error")
    func changesAreChecked() throws {
        let replica = TestReplica(1)
        let add = MemberChange.add(name: "a", stripe: 1, addresses: ["x:1"])
        #expect(try MemberTests.change(replica, add, add).count == 1)
        let announce = MemberChange.announce(name: "a", replica: ReplicaID(9))
        #expect(try MemberTests.change(replica, announce, announce).count == 1)
        #expect(try MemberTests.change(replica, .remove(name: "a"), .remove(name: "a")).count == 1)
        let long = String(repeating: "n", count: 256)
        let wrong: [(MemberChange, CRDTError.Code)] = [
            (.remove(name: ""), .notPermitted), (.remove(name: "a\u{0}"), .notPermitted),
            (.remove(name: long), .limitExceeded), (.add(name: "a", stripe: 1, addresses: [long]), .limitExceeded),
            (.add(name: "a", stripe: 1, addresses: [""]), .notPermitted),
            (.add(name: "a", stripe: 1, addresses: Array(repeating: "x:1", count: 17)), .limitExceeded),
            (.announce(name: "a", replica: ReplicaID(0)), .notPermitted),
        ]
        for (change, code) in wrong {
            #expect(MailboxCommandTests.code { _ = try MemberTests.change(replica, change) } == code, "\(change)")
        }
    }

    @Test("A stripe stays used when its member is removed, in whichever order the operations come")
    func usedStripesAreRemembered() throws {
        let replica = TestReplica(1)
        _ = try MemberTests.change(
            replica, .add(name: "a", stripe: 3, addresses: ["x:1"]), .remove(name: "a"),
            .add(name: "a", stripe: 5, addresses: ["x:1"]), .remove(name: "a"), .remove(name: "b"))
        #expect(replica.state.member(named: "a")?.usedStripes == [3, 5])
        #expect(replica.state.member(named: "a")?.stripe == nil)
        #expect(replica.state.member(named: "b")?.usedStripes == [])
        let copy = try SnapshotCopy.copy(replica.state, context: TestReplica.context)
        #expect(copy.members == replica.state.members)
        #expect(replica.violation == nil)
    }

    @Test("Members survive a restart with the account's record")
    func membersSurviveARestart() throws {
        let replica = TestReplica(1)
        _ = try MemberTests.change(
            replica, .add(name: "a", stripe: 1, addresses: ["x:1", "y:2"]), .remove(name: "b"),
            .announce(name: "b", replica: ReplicaID(8, incarnation: 3)), .announce(name: "c", replica: ReplicaID(9)))
        let members = replica.state.members
        #expect(members.map(\.standing) == [.added, .removed, .unstated])
        replica.state = try SnapshotCopy.copy(replica.state, context: TestReplica.context)
        #expect(replica.state.members == members)
        #expect(replica.violation == nil)
    }
}
