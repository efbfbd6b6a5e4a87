// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// From whom a node receives, and what it acknowledges.
@Suite struct PeerSubscriptionTests {
    @Test func asksTheOriginItselfAtOnce() throws {
        let script = try PeerScript()
        let link = script.establish("a", 2, .incoming)
        #expect(script.subscriptions(link) == [[position(2, 1)]])
    }

    @Test func asksOnePeerForAnAbsentOrigin() throws {
        let script = try PeerScript()
        let first = script.establish("a", 2, .incoming, durable: [position(2, 1), position(9, 5)])
        let second = script.establish("b", 3, .incoming, durable: [position(9, 7)])
        #expect(script.subscriptions(first) == [[position(2, 1), position(9, 1)]])
        #expect(script.subscriptions(second) == [[position(3, 1)]])
        // The relay goes: the other one takes over.
        script.close(first)
        #expect(script.subscriptions(second).last == [position(9, 1)])
        // The origin itself comes back: it is preferred, and the relay is told to stop.
        script.clear()
        let replaced = script.establish("a", 9, .incoming, durable: [position(9, 8)])
        #expect(script.subscriptions(replaced) == [[position(9, 1)]])
        #expect(script.subscriptions(second) == [[position(9, 0)]])
    }

    @Test func asksNobodyForWhatNobodyHasMoreOf() throws {
        let script = try PeerScript()
        let link = script.establish("a", 2, .incoming)
        script.feed(.presence(script.presence([position(2, 3)])), link)
        #expect(script.subscriptions(link).count == 1)
    }

    @Test func movesOnWhenARelayFallsBehindForAWhile() throws {
        let script = try PeerScript()
        let slow = script.establish("a", 2, .incoming, durable: [position(9, 2)])
        let fast = script.establish("b", 3, .incoming, durable: [position(9, 1)])
        let origin = try ToyStore(9)
        try origin.issue(4)
        script.feed(Array(origin.log[..<2]), slow)
        script.clear()
        script.feed(.presence(script.presence([position(9, 4)])), fast)
        #expect(script.subscriptions(fast).isEmpty)
        script.advance(600)
        #expect(script.subscriptions(fast) == [[position(9, 3)]])
        #expect(script.subscriptions(slow).last == [position(9, 0)])
    }

    @Test func asksForTheOriginThatAFrameDependsOn() throws {
        let script = try PeerScript()
        let first = try ToyStore(2)
        let second = try ToyStore(3)
        try second.issue(1)
        _ = first.receive([.operations(Array(second.log[0].envelope[FrameEnvelope.headerBytes...]))])
        try first.issue(1)
        let link = script.establish("a", 2, .incoming, durable: [position(2, 1)])
        script.clear()
        script.feed(Array(first.log[1...]), link)
        #expect(script.store.names.isEmpty)
        // Nobody said that he has it, and still it is asked for as soon as somebody does.
        script.feed(.presence(script.presence([position(2, 1), position(3, 1)])), link)
        #expect(script.subscriptions(link) == [[position(3, 1)]])
        script.feed(Array(second.log), link)
        #expect(script.store.names == [position(3, 1), position(2, 1)])
    }

    @Test func asksAgainWhenTheBufferHadNoRoom() throws {
        var replicaLimits = ReplicaLimits()
        replicaLimits.buffer.maximumFrames = 1
        let script = try PeerScript(replicaLimits: replicaLimits)
        let link = script.establish("a", 2, .incoming, durable: [position(2, 4)])
        let origin = try ToyStore(2)
        try origin.issue(4)
        script.clear()
        script.feed(Array(origin.log[1...]), link)
        #expect(script.subscriptions(link) == [[position(2, 0)]])
        script.advance(250)
        #expect(script.subscriptions(link).last == [position(2, 1)])
        #expect(script.node.count { if case .overflow = $0 { true } else { false } } >= 1)
        #expect(script.closed.isEmpty)
    }

    @Test func aStreamThatStandsStillIsAskedForAgain() throws {
        let script = try PeerScript()
        let link = script.establish("a", 2, .incoming, durable: [position(2, 4)])
        script.clear()
        for _ in 0..<20 {
            script.advance(250)
            script.feed(.presence(script.presence([position(2, 4)])), link)
        }
        #expect(script.subscriptions(link) == [[position(2, 1)]])
    }

    @Test func aSourceThatHasNotWhatItSaysIsLeft() throws {
        let script = try PeerScript()
        let link = script.establish("a", 2, .incoming, durable: [position(2, 4)])
        for _ in 0..<80 {
            script.advance(250)
            script.feed(.presence(script.presence([position(2, 4)])), link)
        }
        // Nobody else has it either: a snapshot is asked for.
        #expect(script.subscriptions(link).count { $0 == [position(2, 1)] } == 5)
        #expect(script.node.imports.count == 1)
    }

    @Test func aSourceThatWasLeftServesAgainOnceTheStreamMoved() throws {
        let script = try PeerScript()
        let link = script.establish("a", 2, .incoming, durable: [position(2, 4)])
        for _ in 0..<80 {
            script.advance(250)
            script.feed(.presence(script.presence([position(2, 4)])), link)
        }
        let origin = try ToyStore(2)
        try origin.issue(4)
        script.clear()
        script.feed(origin.log, link)
        script.feed(.presence(script.presence([position(2, 6)])), link)
        #expect(script.subscriptions(link) == [[position(2, 5)]])
    }

    @Test func aSourceIsNotBlamedForFramesThatWaitForAnotherOrigin() throws {
        let (first, second) = (try ToyStore(2), try ToyStore(3))
        try second.issue(1)
        _ = first.receive([.operations(Array(second.log[0].envelope[FrameEnvelope.headerBytes...]))])
        try first.issue(1)
        let script = try PeerScript()
        let link = script.establish("a", 2, .incoming, durable: [position(2, 1)])
        script.clear()
        var asked = 1
        for _ in 0..<200 {
            if asked > 0 { script.feed(Array(first.log[1...]), link) }
            script.clear()
            script.advance(250)
            script.feed(.presence(script.presence([position(2, 1)])), link)
            asked = script.subscriptions(link).count { $0.contains(position(2, 1)) }
        }
        #expect(script.node.imports.isEmpty)
        script.feed(.presence(script.presence([position(2, 1), position(3, 1)])), link)
        script.feed(Array(second.log), link)
        #expect(script.store.names == [position(3, 1), position(2, 1)])
    }

    @Test func acknowledgesWhatIsDurableOnly() throws {
        let script = try PeerScript()
        let link = script.establish("a", 2, .incoming)
        let origin = try ToyStore(2)
        try origin.issue(2)
        script.clear()
        script.feed(origin.log, link)
        #expect(script.messages.isEmpty)
        script.sync()
        let bytes = UInt64(origin.end.rawValue)
        #expect(script.messages == [.acknowledge(consumed: bytes, durable: [position(2, 2)])])
    }

    @Test func givesSignsOfLifeOnBothKindsOfLinks() throws {
        let script = try PeerScript()
        let outgoing = script.establish("a", 2, .outgoing)
        let incoming = script.establish("a", 2, .incoming)
        script.clear()
        for _ in 0..<30 {
            script.advance(100)
            script.feed(.acknowledge(consumed: 0, durable: []), outgoing)
            script.feed(.presence(script.presence([])), incoming)
        }
        let presences = script.sent.count { $0.link == outgoing }
        let acknowledgements = script.sent.count { $0.link == incoming }
        #expect((3...6).contains(presences) && (3...6).contains(acknowledgements))
    }

    @Test func unreachableMembersAreNamedAfterAWhile() throws {
        let script = try PeerScript()
        let link = script.establish("a", 2, .incoming)
        _ = script.establish("b", 3, .incoming)
        for _ in 0..<40 {
            script.advance(100)
            script.feed(.presence(script.presence([])), link)
        }
        #expect(script.node.unreachable == [ReplicaID(3)])
        #expect(script.peer("a").isReachable && !script.peer("b").isReachable)
        _ = script.establish("b", 3, .outgoing)
        #expect(script.node.unreachable.isEmpty)
        let changes = script.node.count { if case .unreachable = $0 { true } else { false } }
        #expect(changes == 1)
    }

    @Test func refusesWhatExceedsTheWindow() throws {
        var limits = ReplicationLimits()
        limits.windowBytes = 1_000
        let script = try PeerScript(limits: limits)
        script.answers = false
        let link = script.establish("a", 2, .incoming)
        let origin = try ToyStore(2)
        try origin.issueLarge(900_000)
        for _ in 0..<3 where script.closed.isEmpty { script.feed(origin.log, link) }
        #expect(script.closed.last?.reason.code == .protocolViolation)
    }

    @Test func refusesDamagedFrames() throws {
        let origin = try ToyStore(2)
        try origin.issue(1)
        try origin.append([1, 2, 3])
        let good = origin.log[0].envelope
        for position in good.indices {
            let script = try PeerScript()
            let link = script.establish("a", 2, .incoming)
            var bytes = good
            bytes[position] ^= 0x40
            script.feed(.frames(bytes), link)
            #expect(script.closed.count == 1 && script.store.names.isEmpty)
        }
        let script = try PeerScript()
        let link = script.establish("a", 2, .incoming)
        // A frame of another kind, and a piece that follows nothing.
        script.feed(.frames(origin.log[1].envelope), link)
        #expect(script.closed.last?.reason.code == .malformed)
        let other = script.establish("a", 2, .incoming)
        script.feed(.framePiece(size: 100, offset: 10, bytes: [1]), other)
        #expect(script.closed.last?.reason.code == .malformed)
    }
}
