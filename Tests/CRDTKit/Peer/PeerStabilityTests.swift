// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// What counts as stable, and what the log need not keep.
@Suite struct PeerStabilityTests {
    private func vector(_ first: UInt64, _ second: UInt64 = 0) -> StreamVector {
        StreamVector([position(1, first), position(2, second)])
    }

    @Test func anAcknowledgementCountsOnlyWithEverythingBehindIt() {
        var member = MemberAcknowledgement()
        #expect(member.effective == nil)
        member.note(vector(5, 3))
        member.settle(vector(9, 2))
        #expect(member.effective == nil)
        member.settle(vector(9, 3))
        #expect(member.effective == vector(5, 3))
    }

    @Test func aVectorThatIsAlwaysAheadDoesNotHoldBackTheOneBefore() {
        var member = MemberAcknowledgement()
        for step in 1...100 as ClosedRange<UInt64> {
            member.note(vector(step, step + 1))
            member.settle(vector(step + 1, step))
        }
        #expect(member.effective.map { $0[ReplicaID(1)] >= 98 } == true)
    }

    @Test func aMemberThatWasNeverHeardOfKeepsEverything() throws {
        let script = try PeerScript()
        try script.store.issue(5)
        script.sync()
        let link = script.establish("a", 2, .outgoing)
        script.feed(.acknowledge(consumed: 0, durable: [position(1, 5)]), link)
        script.advance(300)
        #expect(script.node.stable.isEmpty && script.node.retain.isEmpty)
        #expect(script.node.ownSecured == 5)
        let second = script.establish("b", 3, .outgoing)
        script.feed(.acknowledge(consumed: 0, durable: [position(1, 4)]), second)
        script.advance(300)
        #expect(script.node.stable == StreamVector([position(1, 4)]))
        #expect(script.node.retain == StreamVector([position(1, 4)]))
    }

    @Test func whatAMemberIssuedMeanwhileMustArriveFirst() throws {
        let script = try PeerScript(members: ["me", "a"])
        try script.store.issue(5)
        script.sync()
        let link = script.establish("a", 2, .outgoing)
        script.feed(.acknowledge(consumed: 0, durable: [position(1, 5), position(2, 1)]), link)
        script.advance(300)
        #expect(script.node.stable.isEmpty)
        #expect(script.node.retain == StreamVector([position(1, 5)]))
        let origin = try ToyStore(2)
        try origin.issue(1)
        let incoming = script.establish("a", 2, .incoming)
        script.feed(origin.log, incoming)
        script.sync()
        script.advance(300)
        #expect(script.node.stable == StreamVector([position(1, 5), position(2, 1)]))
    }

    @Test func nothingIsStableWhileAStrangerTakesPart() throws {
        let script = try PeerScript(members: ["me", "a"])
        try script.store.issue(5)
        script.sync()
        let link = script.establish("a", 2, .outgoing)
        script.feed(.acknowledge(consumed: 0, durable: [position(1, 5)]), link)
        script.advance(300)
        #expect(script.node.stable == StreamVector([position(1, 5)]))
        // Its operations came by somebody whose configuration lists it.
        let stranger = MemberIdentity(name: "b", replica: ReplicaID(3))
        script.node.machine.groupChanged(PeerScript.group("me", ["me", "a"]), announced: [stranger], now: script.now)
        script.advance(300)
        #expect(script.node.stable.isEmpty)
        var group = PeerScript.group("me", ["me", "a"])
        group.removed = ["b"]
        script.node.machine.groupChanged(group, announced: [stranger], now: script.now)
        script.advance(300)
        #expect(script.node.stable == StreamVector([position(1, 5)]))
    }

    @Test func nothingIsStableWhileAPeerListsAStranger() throws {
        let script = try PeerScript(members: ["me", "a"])
        try script.store.issue(5)
        script.sync()
        let link = script.establish("a", 2, .outgoing, members: ["me", "a", "b"])
        script.feed(.acknowledge(consumed: 0, durable: [position(1, 5)]), link)
        script.advance(300)
        #expect(script.node.stable.isEmpty)
    }

    @Test func anExchangeCountsThoseWhoCanBeReached() throws {
        let script = try PeerScript()
        try script.store.issue(5)
        script.sync()
        script.advance(300)
        #expect(script.node.exchanged == StreamVector([position(1, 5)]))
        let link = script.establish("a", 2, .outgoing)
        script.advance(300)
        #expect(script.node.exchanged.isEmpty)
        script.feed(.acknowledge(consumed: 0, durable: [position(1, 5), position(2, 1)]), link)
        script.advance(300)
        // Its own operation, made before it knew of these, is still under way.
        #expect(script.node.exchanged.isEmpty)
        let origin = try ToyStore(2)
        try origin.issue(1)
        script.feed(origin.log, script.establish("a", 2, .incoming))
        script.sync()
        script.advance(300)
        #expect(script.node.exchanged == StreamVector([position(1, 5), position(2, 1)]))
        #expect(script.node.stable.isEmpty)
    }

    /// Found by the simulation (seed 90): a node that was wiped gave a UID again that its former life had given, as it heard only of those who did not know.
    @Test func aNewLifeKnowsTheFormerOnesWhenAllMembersWereHeard() throws {
        let script = try PeerScript()
        let identity = MemberIdentity(name: "me", replica: ReplicaID(1), lives: [ReplicaID(1), ReplicaID(8)])
        script.node.machine.groupChanged(script.group, announced: [identity], now: script.now)
        _ = script.establish("a", 2, .outgoing)
        script.advance(300)
        #expect(!script.node.knowsFormerLives)
        let link = script.establish("b", 3, .outgoing, durable: [position(8, 1)])
        script.advance(300)
        // The second one holds something of it.
        #expect(!script.node.knowsFormerLives)
        let origin = try ToyStore(8)
        try origin.issue(1)
        script.feed(origin.log, script.establish("b", 3, .incoming, durable: [position(8, 1)]))
        script.sync()
        script.advance(300)
        #expect(script.node.knowsFormerLives)
        script.close(link)
        script.advance(30_000)
        #expect(script.node.knowsFormerLives)
    }

    @Test func aNewStoreHasToCatchUpWithSomebodyFirst() throws {
        let script = try PeerScript()
        script.advance(300)
        #expect(!script.node.knowsFormerLives)
        _ = script.establish("a", 2, .outgoing, durable: [position(2, 1)])
        script.advance(300)
        #expect(!script.node.knowsFormerLives)
        let origin = try ToyStore(2)
        try origin.issue(1)
        script.feed(origin.log, script.establish("a", 2, .incoming, durable: [position(2, 1)]))
        script.sync()
        script.advance(300)
        #expect(script.node.knowsFormerLives)
    }

    @Test func aNewGroupHasNothingToCatchUpWith() throws {
        let script = try PeerScript()
        _ = script.establish("a", 2, .outgoing)
        script.advance(300)
        #expect(!script.node.knowsFormerLives)
        _ = script.establish("b", 3, .outgoing)
        script.advance(300)
        #expect(script.node.knowsFormerLives)
    }

    @Test func whatTheStoreRemembersOfFormerLivesNeedsNobody() throws {
        let store = try ToyStore(1)
        store.knownLives = [ReplicaID(8)]
        let script = try PeerScript(store: store)
        let origin = try ToyStore(2)
        try origin.issue(1)
        script.feed(origin.log, script.establish("a", 2, .incoming, durable: [position(2, 1)]))
        script.sync()
        let lives = [ReplicaID(1), ReplicaID(8)]
        func announce(_ lives: [ReplicaID]) {
            let identity = MemberIdentity(name: "me", replica: ReplicaID(1), lives: lives)
            script.node.machine.groupChanged(script.group, announced: [identity], now: script.now)
            script.advance(300)
        }
        announce(lives)
        // The second member was never heard.
        #expect(script.node.knowsFormerLives)
        announce(lives + [ReplicaID(9)])
        #expect(!script.node.knowsFormerLives)
    }

    @Test func aloneEverythingIsStable() throws {
        let script = try PeerScript(members: ["me"])
        try script.store.issue(5)
        script.sync()
        script.advance(300)
        #expect(script.node.stable == StreamVector([position(1, 5)]) && script.node.ownSecured == 5)
    }

    @Test func aWipedMemberStartsFromNothing() throws {
        let script = try PeerScript(members: ["me", "a"])
        try script.store.issue(5)
        script.sync()
        _ = script.establish("a", 2, .outgoing, durable: [position(1, 5)])
        script.advance(300)
        #expect(script.node.retain == StreamVector([position(1, 5)]))
        _ = script.establish("a", 77, .outgoing)
        script.advance(300)
        #expect(script.node.retain.isEmpty && script.node.ownSecured == 0)
        #expect(script.node.count { if case .replaced = $0 { true } else { false } } == 1)
    }

    @Test func aMemberThatSaysThroughOthersThatItWasWipedStartsFromNothing() throws {
        let script = try PeerScript(members: ["me", "a"])
        try script.store.issue(5)
        script.sync()
        let link = script.establish("a", 2, .outgoing, durable: [position(1, 5)])
        script.advance(300)
        script.close(link)
        let identity = MemberIdentity(name: "a", replica: ReplicaID(77))
        script.node.machine.groupChanged(script.group, announced: [identity], now: script.now)
        script.advance(300)
        #expect(script.node.retain.isEmpty && script.peer("a").replica == ReplicaID(77))
    }

    /// Found by the simulation (seed 915): one that read the log from the beginning appended to a mailbox of which it had not read yet that it was deleted, when
    /// others had forgotten that it ever was.
    @Test func aWipedMemberGetsByASnapshotWhatOthersMayHaveForgotten() throws {
        let script = try PeerScript(members: ["me", "a"])
        try script.store.issue(5)
        script.sync()
        _ = script.establish("a", 2, .outgoing, durable: [position(1, 5)])
        script.advance(300)
        #expect(script.node.stable == StreamVector([position(1, 5)]))
        // It asks before it can know that the log does not serve it.
        let link = script.establish("a", 77, .outgoing)
        script.clear()
        script.feed(.subscribe([position(1, 1)]), link)
        script.advance(300)
        #expect(script.frames(link).isEmpty)
        let starts = script.messages.compactMap { message -> [StreamPosition]? in
            if case .presence(let presence) = message { presence.logStart } else { nil }
        }
        #expect(starts.last == [position(1, 5)])
        // Whoever is asked answers it at once.
        _ = script.establish("a", 77, .incoming)
        guard
            case .welcome(let welcome)? = script.messages.last(where: { if case .welcome = $0 { true } else { false } })
        else {
            Issue.record("no answer: \(script.messages)")
            return
        }
        #expect(welcome.presence.logStart == [position(1, 5)])
        // After the snapshot the log goes on behind it.
        try script.store.issue(2)
        script.sync()
        script.feed(.subscribe([position(1, 6)]), link)
        script.advance(300)
        #expect(script.frames(link) == [6...6, 7...7])
        script.feed(.acknowledge(consumed: UInt64(script.frameBytes(link)), durable: [position(1, 7)]), link)
        script.advance(600)
        guard
            case .presence(let last)? = script.messages.last(where: { if case .presence = $0 { true } else { false } })
        else { return }
        #expect(last.logStart.isEmpty)
    }

    @Test func aMemberThatIsWipedTwiceBeforeItHeardAnythingStillGetsASnapshot() throws {
        let script = try PeerScript(members: ["me", "a"])
        try script.store.issue(5)
        script.sync()
        let first = script.establish("a", 2, .outgoing, durable: [position(1, 5)])
        script.advance(300)
        script.close(first)
        let second = script.establish("a", 77, .outgoing)
        script.close(second)
        let link = script.establish("a", 78, .outgoing)
        script.feed(.subscribe([position(1, 1)]), link)
        script.advance(300)
        #expect(script.frames(link).isEmpty)
    }

    /// Two nodes have two links, whose greetings may cross what was acknowledged on the other one.
    @Test func aGreetingThatIsOlderThanAnAcknowledgementDoesNotMakeABeginner() throws {
        let script = try PeerScript(members: ["me", "a"])
        try script.store.issue(5)
        script.sync()
        let first = script.establish("a", 2, .outgoing)
        script.feed(.subscribe([position(1, 1)]), first)
        script.advance(300)
        let consumed = UInt64(script.frameBytes(first))
        script.feed(.acknowledge(consumed: consumed, durable: [position(1, 5)]), first)
        script.advance(300)
        #expect(script.node.stable == StreamVector([position(1, 5)]))
        script.clear()
        _ = script.establish("a", 2, .incoming, durable: [position(2, 1)])
        script.advance(300)
        for message in script.messages {
            if case .welcome(let greeting) = message { #expect(greeting.presence.logStart.isEmpty) }
            if case .presence(let presence) = message { #expect(presence.logStart.isEmpty) }
        }
    }

    @Test func theMembersOfANewGroupReadTheLog() throws {
        let script = try PeerScript()
        try script.store.issue(5)
        script.sync()
        let link = script.establish("a", 2, .outgoing, durable: [position(2, 1)])
        script.feed(.subscribe([position(1, 1)]), link)
        script.advance(300)
        #expect(script.frames(link) == [1...1, 2...2, 3...3, 4...4, 5...5])
    }

    @Test func lagIsToldInOperationsBytesAndTime() throws {
        let script = try PeerScript()
        let link = script.establish("a", 2, .outgoing)
        script.feed(.subscribe([position(1, 1)]), link)
        try script.store.issue(5)
        script.sync()
        script.advance(400)
        let lag = script.peer("a")
        #expect(lag.sendLagOperations == 5 && lag.sendLagBytes == script.store.end.rawValue)
        #expect((200...400).contains(lag.sendLagMilliseconds))
        script.feed(.acknowledge(consumed: script.store.end.rawValue, durable: [position(1, 5)]), link)
        let none = script.peer("a")
        #expect(none.sendLagOperations == 0 && none.sendLagBytes == 0 && none.sendLagMilliseconds == 0)
    }

    @Test func lagOfReceptionIsToldByTimestamps() throws {
        let script = try PeerScript()
        let origin = try ToyStore(2)
        origin.wall = script.now.wallMilliseconds
        try origin.issue(1)
        let link = script.establish("a", 2, .incoming)
        script.feed(origin.log, link)
        script.sync()
        var presence = script.presence([position(2, 4)])
        presence.newestOwnTimestamp = HybridTimestamp(milliseconds: origin.wall + 750)
        presence.backlogBytes = 99
        script.feed(.presence(presence), link)
        let lag = script.peer("a")
        #expect(lag.receiveLagOperations == 3 && lag.receiveLagBytes == 99 && lag.receiveLagMilliseconds == 750)
    }
}
