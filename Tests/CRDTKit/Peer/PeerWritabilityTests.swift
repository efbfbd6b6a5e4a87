// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing

@testable import CRDTKit

/// A member whose disk is full is heard, and yet cannot look after its mailboxes.
@Suite struct PeerWritabilityTests {
    /// Lets a member be heard for a while, saying that it can write or cannot.
    private func hear(_ script: PeerScript, _ link: LinkID, isWritable: Bool, for milliseconds: UInt64) {
        for _ in 0..<(milliseconds / 100) {
            script.feed(.presence(script.presence([], isWritable: isWritable)), link)
            script.advance(100)
        }
    }

    private func events(_ script: PeerScript) -> [String] {
        script.node.events.compactMap { event in
            switch event {
            case .unwritable(let peer): "unwritable \(peer)"
            case .writable(let peer): "writable \(peer)"
            default: nil
            }
        }
    }

    @Test func aMemberThatCannotWriteCountsAsUnableAfterAWhile() throws {
        let script = try PeerScript()
        let a = script.establish("a", 2, .incoming)
        let b = script.establish("b", 3, .incoming)
        hear(script, a, isWritable: true, for: 4_000)
        script.feed(.presence(script.presence([])), b)
        for _ in 0..<29 {
            hear(script, a, isWritable: false, for: 100)
            script.feed(.presence(script.presence([])), b)
        }
        #expect(script.node.unreachable.isEmpty)
        #expect(!script.peer("a").isWritable && script.peer("b").isWritable)
        for _ in 0..<5 {
            hear(script, a, isWritable: false, for: 100)
            script.feed(.presence(script.presence([])), b)
        }
        #expect(script.node.unreachable == [ReplicaID(2)])
        // It is heard all the same, and gets what there is.
        #expect(script.peer("a").isReachable)
        #expect(events(script) == ["unwritable a"])

        // When it can write again that counts at once.
        script.feed(.presence(script.presence([])), a)
        #expect(script.node.unreachable.isEmpty && script.peer("a").isWritable)
        #expect(events(script) == ["unwritable a", "writable a"])
    }

    @Test func aMemberThatMakesRoomInTimeIsLeftAlone() throws {
        let script = try PeerScript(members: ["me", "a"])
        let link = script.establish("a", 2, .incoming)
        for _ in 0..<5 {
            hear(script, link, isWritable: false, for: 2_500)
            hear(script, link, isWritable: true, for: 100)
            #expect(script.node.unreachable.isEmpty)
        }
        #expect(events(script).isEmpty)
    }

    /// A full disk breaks links: its node refuses what it cannot take.
    @Test(arguments: [LinkDirection.incoming, .outgoing])
    func theWordOfAMemberOutlivesItsLinks(direction: LinkDirection) throws {
        let script = try PeerScript(members: ["me", "a"])
        for _ in 0..<35 {
            var greeting = script.greeting("a", 2)
            greeting.presence.isWritable = false
            let link = script.open("a", direction, greeting)
            script.advance(100)
            script.close(link)
        }
        #expect(script.peer("a").isReachable && script.node.unreachable == [ReplicaID(2)])
        _ = script.establish("a", 2, direction)
        #expect(script.node.unreachable.isEmpty)
        #expect(events(script) == ["unwritable a", "writable a"])
    }

    @Test func aMemberThatComesBackWithANewDiskBeginsAnew() throws {
        let script = try PeerScript(members: ["me", "a"])
        hear(script, script.establish("a", 2, .incoming), isWritable: false, for: 3_500)
        #expect(script.node.unreachable == [ReplicaID(2)])
        _ = script.establish("a", 7, .incoming)
        #expect(!script.node.unreachable.contains(ReplicaID(7)))
    }

    @Test func aNodeSaysAtOnceThatItCannotWriteAndThatItCanAgain() throws {
        let script = try PeerScript(members: ["me", "a"])
        let link = script.establish("a", 2, .outgoing)
        script.advance(100)
        for isWritable in [false, true] {
            script.clear()
            script.store.isWritable = isWritable
            script.sync()
            let said = script.sent.filter { $0.link == link }.compactMap {
                if case .presence(let presence) = $0.message { presence.isWritable } else { nil }
            }
            #expect(said == [isWritable])
            #expect(script.status.isWritable == isWritable)
            script.advance(100)
        }
    }

    @Test func aNodeThatHasRoomAgainAsksAtOnceForWhatItCouldNotTake() throws {
        let script = try PeerScript(members: ["me", "a"])
        let origin = try ToyStore(2)
        try origin.issue(3)
        script.store.isWritable = false
        script.store.refuses = CRDTError(.unavailable, "the disk is full")
        script.sync()
        var link = script.establish("a", 2, .incoming, durable: [position(2, 3)])
        for _ in 0..<4 {
            script.feed(origin.log, link)
            #expect(script.closed.last?.link == link)
            link = script.establish("a", 2, .incoming, durable: [position(2, 3)])
        }
        script.clear()
        script.advance(100)
        #expect(script.subscriptions(link).isEmpty)
        script.store.isWritable = true
        script.store.refuses = nil
        script.sync()
        #expect(script.subscriptions(link) == [[position(2, 1)]])
    }

    @Test func allOthersLearnWhoseDiskIsFull() throws {
        let cluster = try ToyCluster(3, seed: 5)
        try cluster.run(milliseconds: 4_000)
        let full = cluster.nodes[0]
        full.store.isWritable = false
        full.machine.storeAdvanced(full.store.status, now: cluster.now)
        cluster.drain(0)
        try cluster.run(milliseconds: 2_500)
        #expect(cluster.nodes.allSatisfy { $0.unreachable.isEmpty })
        try cluster.run(milliseconds: 1_500)
        #expect(cluster.nodes[1...].allSatisfy { $0.unreachable == [full.store.id] })
        // What it thinks of the others has not changed.
        #expect(full.unreachable.isEmpty)
        full.store.isWritable = true
        full.machine.storeAdvanced(full.store.status, now: cluster.now)
        cluster.drain(0)
        try cluster.run(milliseconds: 200)
        #expect(cluster.nodes.allSatisfy { $0.unreachable.isEmpty })
    }
}
