// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// The defects that the original shows under load or faults, each of which a machine must not have.
@Suite struct PeerRegressionTests {
    private func frames(_ count: Int, _ name: UInt64 = 2) throws -> [LoggedFrame] {
        let store = try ToyStore(name)
        try store.issue(count)
        return store.log
    }

    /// The original asked for a batch again and again when a part of it came twice: messages [1, 2, 1, 3].
    @Test func aDuplicateBatchDoesNotLiveLock() throws {
        let script = try PeerScript()
        let link = script.establish("a", 2, .incoming, durable: [position(2, 3)])
        let log = try frames(3)
        script.clear()
        script.feed([log[0], log[1], log[0], log[2]], link)
        script.sync()
        #expect(script.store.names == [position(2, 1), position(2, 2), position(2, 3)])
        let directives = script.node.directives
        script.advance(400)
        #expect(script.subscriptions(link).isEmpty && script.closed.isEmpty)
        #expect(script.node.directives - directives < 20)
    }

    /// The original re-sent for ever when a message came before its predecessor: messages [2, 1, 3].
    @Test func anEarlyMessageDoesNotLiveLock() throws {
        let script = try PeerScript()
        let link = script.establish("a", 2, .incoming, durable: [position(2, 3)])
        let log = try frames(3)
        script.clear()
        script.feed([log[1], log[0], log[2]], link)
        script.sync()
        #expect(script.store.names == [position(2, 1), position(2, 2), position(2, 3)])
        let directives = script.node.directives
        script.advance(400)
        #expect(script.subscriptions(link).isEmpty && script.closed.isEmpty)
        #expect(script.node.directives - directives < 20)
    }

    /// D4: one dead peer made the original retry without pause, and no batch went to any other peer.
    @Test func oneDeadPeerStarvesNobody() throws {
        let cluster = try ToyCluster(3, seed: 11)
        try cluster.run(milliseconds: 200)
        cluster.isolate(2)
        cluster.isRunning[2] = false
        let before = cluster.nodes[0].directives
        try cluster.nodes[0].store.issue(200)
        let isDone = try cluster.run(atMost: 1_000) { cluster.nodes[1].store.durable[ReplicaID(100)] == 200 }
        #expect(isDone)
        try cluster.run(milliseconds: 4_000)
        // Signs of life to the one that lives, and nothing that grows with the dead one's backlog.
        #expect(cluster.nodes[0].directives - before < 400)
        #expect(cluster.nodes[0].unreachable == [ReplicaID(102)])
    }

    /// A peer that stands still with its window full holds nobody up and costs one window at most.
    @Test func aStuckPeerStarvesNobody() throws {
        var limits = ReplicationLimits()
        limits.windowBytes = 4_000
        limits.batchBytes = 1_000
        limits.readBytes = 2_000
        let script = try PeerScript(limits: limits)
        let stuck = script.establish("a", 2, .outgoing)
        let lively = script.establish("b", 3, .outgoing)
        script.feed(.subscribe([position(1, 1)]), stuck)
        script.feed(.subscribe([position(1, 1)]), lively)
        var consumed: UInt64 = 0
        for _ in 0..<100 {
            try script.store.issue(10)
            script.sync()
            consumed = UInt64(script.frameBytes(lively))
            script.feed(.acknowledge(consumed: consumed, durable: []), lively)
            try script.node.machine.checkInvariants()
        }
        #expect(script.frames(lively).count == 1_000)
        #expect(script.frameBytes(stuck) <= 4_000)
        #expect(script.peer("a").windowBytesInUse <= 4_000)
        #expect(script.peer("a").sendLagOperations == 1_000)
    }

    /// The original could not start when a peer was down.
    @Test func startsAndGoesOnWithAllPeersDown() throws {
        let script = try PeerScript()
        try script.store.issue(100)
        script.sync()
        script.advance(10_000)
        #expect(script.node.directives < 20)
        #expect(script.closed.isEmpty)
        // The first that comes gets everything.
        let link = script.establish("a", 2, .outgoing)
        script.feed(.subscribe([position(1, 1)]), link)
        #expect(script.frames(link).count == 100)
    }

    /// The original read its whole log again whenever something was to be sent.
    @Test func neverReadsTheWholeLogAgain() throws {
        let script = try PeerScript()
        let link = script.establish("a", 2, .outgoing)
        script.feed(.subscribe([position(1, 1)]), link)
        for _ in 0..<200 {
            try script.store.issue(5)
            script.sync()
            script.feed(.acknowledge(consumed: UInt64(script.frameBytes(link)), durable: []), link)
        }
        let size = Int(script.store.end.rawValue)
        #expect(script.store.bytesRead == size)
        // A link that comes back is found through the marks.
        script.close(link)
        let again = script.establish("a", 2, .outgoing, durable: [position(1, 1_000)])
        script.feed(.subscribe([position(1, 1_001)]), again)
        try script.store.issue(1)
        script.sync()
        #expect(script.frames(again) == [1_001...1_001])
        #expect(script.store.bytesRead - size < 3_000)
    }

    /// A store that brings nothing is not asked again before it says that it has more.
    @Test func doesNotSpinOnAReadThatBringsNothing() throws {
        let script = try PeerScript()
        script.answers = false
        let link = script.establish("a", 2, .outgoing)
        script.feed(.subscribe([position(1, 1)]), link)
        try script.store.issue(1)
        script.store.sync()
        let end = script.store.status
        script.node.machine.storeAdvanced(end, now: script.now)
        script.drain()
        script.node.answers = []
        script.node.machine.located(link, .start, now: script.now)
        script.drain()
        let before = script.node.directives
        for _ in 0..<50 {
            script.node.machine.logRead(link, LogRead(frames: [], next: .start), now: script.now)
            script.drain()
        }
        #expect(script.node.directives - before == 0)
    }

    /// A frame that a store refuses closes the link and rests the origin, longer each time.
    @Test func aPoisonedStreamDoesNotSpin() throws {
        let script = try PeerScript()
        let log = try frames(1)
        script.store.refuses = CRDTError(.fork, "two frames claim one counter")
        var pauses: [UInt64] = []
        for _ in 0..<60 {
            let link = script.establish("a", 2, .incoming, durable: [position(2, 1)])
            if script.subscriptions(link).isEmpty {
                script.close(link)
            } else {
                script.feed(log, link)
                #expect(script.closed.last?.reason.code == .fork)
            }
            for case .deliveryFailed(_, _, _, let pause) in script.node.events { pauses.append(pause) }
            script.clear()
            script.advance(500)
        }
        #expect(pauses == [1_000, 2_000, 4_000, 8_000, 16_000])
        // What heals is taken again.
        script.store.refuses = nil
        script.advance(20_000)
        let link = script.establish("a", 2, .incoming, durable: [position(2, 1)])
        script.feed(log, link)
        #expect(script.store.names == [position(2, 1)])
    }
}
