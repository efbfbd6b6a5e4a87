// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import NodeSupport
import PeerTransport
import Testing

@testable import ReplicaService

@Suite struct ReplicaGroupTests {
    private let group = ReplicaGroup(
        name: "range-1", partition: PartitionID(1), node: "a",
        members: [
            .init(name: "a", stripe: 0, addresses: [HostPort(host: "h", port: 1)]),
            .init(name: "b", stripe: 1, addresses: [HostPort(host: "h", port: 2)]),
        ])

    @Test func withoutOperationsTheConfigurationHolds() {
        let resolved = group.resolved(with: [])
        #expect(resolved.description.members == [.init(name: "a", stripe: 0), .init(name: "b", stripe: 1)])
        #expect(resolved.peers == [PeerAddress(name: "b", addresses: [HostPort(host: "h", port: 2)])])
    }

    @Test func operationsAddMoveAndRemove() {
        let replica = ReplicaID(7)
        let resolved = group.resolved(with: [
            MemberRecord(name: "b", standing: .removed),
            MemberRecord(name: "c", standing: .added, stripe: 4, addresses: ["[::1]:9", "nonsense"], replica: replica),
        ])
        #expect(resolved.description.members == [.init(name: "a", stripe: 0), .init(name: "c", stripe: 4)])
        #expect(resolved.peers == [PeerAddress(name: "c", addresses: [HostPort(host: "::1", port: 9)])])
        #expect(resolved.announced == [MemberIdentity(name: "c", replica: replica)])
        #expect(resolved.unreadable == ["nonsense"])
    }

    @Test func aNodeThatWasRemovedStillKnowsItself() {
        let resolved = group.resolved(with: [MemberRecord(name: "a", standing: .removed)])
        #expect(resolved.description.member(named: "a") != nil)
    }
}

@Suite struct LogThrottleTests {
    @Test func aFewLinesPassThenOneInAWhileThatCountsTheOthers() {
        var throttle = LogThrottle()
        for _ in 0..<LogThrottle.burst { #expect(throttle.pass("cut", now: 0) == 0) }
        for _ in 0..<7 { #expect(throttle.pass("cut", now: 1) == nil) }
        #expect(throttle.pass("other", now: 1) == 0)
        #expect(throttle.pass("cut", now: LogThrottle.pauseMilliseconds) == 7)
        #expect(throttle.pass("cut", now: LogThrottle.pauseMilliseconds) == 0)
    }

    @Test func manyKindsDoNotFillTheMemory() {
        var throttle = LogThrottle()
        var passed = 0
        for number in 0..<10_000 where throttle.pass("kind \(number)", now: 0) != nil { passed += 1 }
        #expect(passed == LogThrottle.maximumKinds)
        #expect(throttle.pass("later", now: LogThrottle.pauseMilliseconds) == 0)
    }
}
