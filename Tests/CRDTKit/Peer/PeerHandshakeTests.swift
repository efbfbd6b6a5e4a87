// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// Who is let in, and why others are not.
@Suite struct PeerHandshakeTests {
    private func refusal(_ change: (inout PeerGreeting) -> Void, _ direction: LinkDirection) throws
        -> RefusalReason.Code?
    {
        let script = try PeerScript()
        var greeting = script.greeting("a", 2)
        change(&greeting)
        let link = script.open("a", direction, greeting)
        let told = script.messages.compactMap { if case .refuse(let reason) = $0 { reason } else { nil } }
        #expect(told == script.closed.map(\.reason) && script.closed.allSatisfy { $0.link == link })
        #expect(script.peer("a").refusals == UInt64(told.count))
        #expect(told.first == script.peer("a").lastRefusal)
        return told.first?.code
    }

    @Test(arguments: [LinkDirection.incoming, .outgoing])
    func letsMembersIn(direction: LinkDirection) throws {
        #expect(try refusal({ _ in }, direction) == nil)
        // A member that only the other side knows is a change under way.
        #expect(try refusal({ $0.members.append(GroupMember(name: "c", stripe: 9)) }, direction) == nil)
        #expect(try refusal({ $0.presence.wallMilliseconds += 299_000 }, direction) == nil)
        #expect(try refusal({ $0.presence.wallMilliseconds = 0 }, direction) == nil)
    }

    @Test(arguments: [LinkDirection.incoming, .outgoing])
    func refusesWhatDoesNotFit(direction: LinkDirection) throws {
        #expect(try refusal({ $0.group = "others" }, direction) == .wrongGroup)
        #expect(try refusal({ $0.partition = PartitionID(8) }, direction) == .wrongGroup)
        #expect(try refusal({ $0.node = "b" }, direction) == .wrongIdentity)
        #expect(try refusal({ $0.fingerprint += 1 }, direction) == .otherConfiguration)
        for index in 0...1 {
            #expect(try refusal({ $0.members[index].stripe = 7 }, direction) == .otherConfiguration)
            let thief = GroupMember(name: "c", stripe: UInt8(index))
            #expect(try refusal({ $0.members.append(thief) }, direction) == .otherConfiguration)
        }
        #expect(try refusal({ $0.members.removeFirst() }, direction) == .unknownMember)
        #expect(try refusal({ $0.replica = ReplicaID(1) }, direction) == .clone)
        #expect(try refusal({ $0.presence.wallMilliseconds += 301_000 }, direction) == .clockTooFarAhead)
        #expect(try refusal({ $0.presence.durable = [position(1, 5)] }, direction) == .staleLife)
    }

    @Test(arguments: [LinkDirection.incoming, .outgoing])
    func comparesSettingsThatNotEverybodyKnows(direction: LinkDirection) throws {
        #expect(try refusal({ $0.partialSettings = ["first": "1", "last": "40"] }, direction) == nil)
        // One that only keeps a copy need not know them, and each may know others.
        #expect(try refusal({ $0.partialSettings = [:] }, direction) == nil)
        #expect(try refusal({ $0.partialSettings = ["last": "40", "other": "x"] }, direction) == nil)
        #expect(try refusal({ $0.partialSettings = ["last": "41"] }, direction) == .otherConfiguration)
        let script = try PeerScript()
        var greeting = script.greeting("a", 2)
        greeting.partialSettings = ["first": "2", "last": "41"]
        _ = script.open("a", direction, greeting)
        #expect(
            script.closed.last?.reason.text
                == "the settings of group users at a differ from those here: "
                + "first is 2 there and 1 here, last is 41 there and 40 here")
        #expect(script.closed.last?.reason.isTransient == false)
    }

    /// Else nobody could tell the others how a contradiction was settled.
    @Test(
        "Two members that were added at once with one stripe keep nobody else apart",
        arguments: [
            LinkDirection.incoming, .outgoing,
        ])
    func contradictionsAboutOthersDoNotMatter(direction: LinkDirection) throws {
        #expect(try refusal({ $0.members.append(GroupMember(name: "c", stripe: 2)) }, direction) == nil)
        #expect(try refusal({ $0.members[2].stripe = 7 }, direction) == nil)
        #expect(try refusal({ $0.members[2].name = "c" }, direction) == nil)
    }

    @Test func refusesNodesThatAreNoMembers() throws {
        let script = try PeerScript()
        let stranger = script.open("mallory", .incoming, nil)
        #expect(script.closed.first?.link == stranger && script.closed.first?.reason.code == .unknownMember)
        _ = script.open("me", .incoming, nil)
        #expect(script.closed.last?.reason.code == .unknownMember)
        // The machine has forgotten the link: what still comes does nothing.
        script.clear()
        script.feed(.hello(script.greeting("mallory", 9)), stranger)
        #expect(script.sent.isEmpty)
    }

    @Test func refusesACopyOfAnotherMembersStore() throws {
        let script = try PeerScript()
        _ = script.establish("a", 2, .incoming)
        _ = script.open("b", .incoming, script.greeting("b", 2))
        #expect(script.closed.last?.reason.code == .clone)
    }

    @Test func refusesMessagesOutOfTurn() throws {
        let script = try PeerScript()
        let early = script.open("a", .incoming, nil)
        script.feed(.frames([]), early)
        #expect(script.closed.last?.reason.code == .protocolViolation)
        let again = script.establish("a", 2, .incoming)
        script.feed(.hello(script.greeting("a", 2)), again)
        #expect(script.closed.last?.reason.code == .protocolViolation)
        for message in PeerMessageTests.samples.map(\.message) {
            let script = try PeerScript()
            let link = script.establish("a", 2, .outgoing)
            script.feed(message, link)
            try script.node.machine.checkInvariants()
            let incoming = script.establish("a", 2, .incoming)
            script.feed(message, incoming)
            try script.node.machine.checkInvariants()
        }
    }

    @Test func garbageAndFutureVersionsAreNamed() throws {
        let script = try PeerScript()
        let link = script.open("a", .incoming, nil)
        script.node.machine.handleGarbage(
            CRDTError(.unsupportedVersion, "the peer speaks version 9, this node 1"), on: link, now: script.now)
        script.drain()
        #expect(script.closed.last?.reason.code == .wrongVersion)
        let other = script.establish("a", 2, .incoming)
        script.node.machine.handleGarbage(CRDTError(.malformed, "type 99"), on: other, now: script.now)
        script.drain()
        #expect(script.closed.last?.reason.code == .malformed)
    }

    @Test func aNewerLinkTakesTheOldOnesPlace() throws {
        let script = try PeerScript()
        let old = script.establish("a", 2, .incoming)
        let new = script.establish("a", 2, .incoming)
        #expect(script.closed.map(\.link) == [old])
        #expect(script.closed.last?.reason.code == .superseded)
        #expect(script.subscriptions(new).last == [position(2, 1)])
    }

    @Test func greetingsAndSilenceHaveATime() throws {
        let script = try PeerScript()
        _ = script.open("a", .incoming, nil)
        let up = script.establish("b", 3, .outgoing)
        script.advance(5_300)
        #expect(script.closed.map(\.reason.code) == [.timeout])
        script.advance(1_000)
        #expect(script.closed.map(\.link).last == up && script.closed.count == 2)
    }

    @Test func announcesItselfOnce() throws {
        let script = try PeerScript()
        _ = script.establish("a", 2, .incoming)
        _ = script.establish("b", 3, .incoming)
        #expect(script.node.announced == [MemberIdentity(name: "me", replica: ReplicaID(1))])
    }

    @Test func repeatsAnAnnouncementUntilTheGroupShowsIt() throws {
        let script = try PeerScript()
        script.advance(20_000)
        #expect(script.node.announced.isEmpty)
        _ = script.establish("a", 2, .incoming)
        script.advance(4_000)
        #expect(script.node.announced.count == 1)
        script.advance(1_500)
        #expect(script.node.announced.count == 2)
        let identity = MemberIdentity(name: "me", replica: ReplicaID(1))
        script.node.machine.groupChanged(script.group, announced: [identity], now: script.now)
        script.advance(20_000)
        #expect(script.node.announced == [identity, identity])
    }

    @Test func aStoreThatLostOwnOperationsTakesANewLife() throws {
        let script = try PeerScript()
        try script.store.issue(3)
        script.sync()
        let other = script.establish("b", 3, .incoming)
        _ = script.establish("a", 2, .incoming, durable: [position(1, 5)])
        #expect(script.store.id == ReplicaID(1, incarnation: 2))
        #expect(script.closed.map(\.reason.code) == [.staleLife, .restarting])
        #expect(script.closed.last?.link == other)
        // The former life is an origin like any other.
        script.clear()
        let link = script.establish("a", 2, .incoming, durable: [position(1, 5)])
        #expect(script.closed.isEmpty)
        #expect(script.subscriptions(link).last?.contains(position(1, 4)) == true)
    }

    @Test func removedMembersAreClosedOut() throws {
        let script = try PeerScript()
        let gone = script.establish("a", 2, .incoming)
        _ = script.establish("b", 3, .incoming)
        var group = script.group
        group.members.removeAll { $0.name == "a" }
        script.node.machine.groupChanged(group, announced: [], now: script.now)
        script.drain()
        #expect(script.closed.map(\.link) == [gone] && script.closed.last?.reason.code == .removed)
        #expect(script.status.peers.map(\.name) == ["b"])
        // Back again, without a restart.
        script.node.machine.groupChanged(script.group, announced: [], now: script.now)
        _ = script.establish("a", 2, .incoming)
        #expect(script.closed.count == 1)
    }
}
