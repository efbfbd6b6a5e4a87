// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing
import TestSupport

@testable import CRDTKit

/// Exactly once, in causal order, whatever the network does.
@Suite struct DeliveryTests {
    /// The seed system looped for ever on a message that was not next: it never stepped over what was not yet ready, so
    /// with the log [2, 1, 3] nothing was applied.
    @Test func reorderedFramesOneThreeTwoAllApply() throws {
        let (origin, peer) = (try TestNode(1), try TestNode(2))
        let frames = try (0..<3).map { _ in try origin.issue() }
        let first = Verdict(try peer.receive(frames[1]))
        let second = Verdict(try peer.receive(frames[0]))
        let third = Verdict(try peer.receive(frames[2]))
        #expect([first, second, third] == [.waiting, .delivered(2), .delivered(1)])
        #expect(peer.names == origin.names)
        #expect(peer.replica.waitingFrames == 0)
    }

    /// The seed system recognised a duplicate of the latest message only: with [1, 2, 1, 3] it looped on the old one
    /// and never applied 3.
    @Test func oldDuplicateDoesNotStallTheStream() throws {
        let (origin, peer) = (try TestNode(1), try TestNode(2))
        let frames = try (0..<3).map { _ in try origin.issue() }
        let verdicts = try [0, 1, 0, 2].map { Verdict(try peer.receive(frames[$0])) }
        #expect(verdicts == [.delivered(1), .delivered(1), .duplicate, .delivered(1)])
        #expect(peer.names == origin.names)
    }

    /// The seed system sent a whole batch again after a lost acknowledgement, whose first message then stalled its
    /// receiver for ever.
    @Test func resentBatchOfTwoIsExactlyOnce() throws {
        let (origin, peer) = (try TestNode(1), try TestNode(2))
        let batch = try origin.issue(count: 2)
        let next = try origin.issue()
        let verdicts = try [batch, batch, next, batch].map { Verdict(try peer.receive($0)) }
        #expect(verdicts == [.delivered(2), .duplicate, .delivered(1), .duplicate])
        #expect(peer.names == origin.names)
    }

    /// A batch that repeats one delivered operation and brings another delivers only the other.
    @Test func partOfABatchThatIsNewIsDelivered() throws {
        let peer = try TestNode(2)
        let alone = try TestNode(1)
        let single = try alone.issue(count: 1)
        let both = try TestNode(1).issue(count: 2)
        let verdicts = [Verdict(try peer.receive(single)), Verdict(try peer.receive(both))]
        #expect(verdicts == [.delivered(1), .delivered(1)])
        #expect(peer.names.map(\.counter) == [1, 2])
        let last = try #require(peer.events.last)
        #expect(last.past == [ReplicaID(1): 1])
        #expect(last.text.contains("box2"))
    }

    /// In the seed system an operation of a third replica that overtook what it depends on stopped its receiver, so
    /// causal delivery held with two writers only.
    @Test func earlyFrameOfAThirdReplicaWaitsAndIsApplied() throws {
        let (first, second, third) = (try TestNode(1), try TestNode(2), try TestNode(3))
        let cause = try first.issue()
        try third.receive(cause)
        let effect = try third.issue()
        let early = try second.receive(effect)
        guard case .waiting(let missing) = early else {
            Issue.record("the effect was not held: \(early)")
            return
        }
        #expect(missing == StreamPosition(origin: ReplicaID(1), counter: 1))
        let repeated = Verdict(try second.receive(effect))
        let released = Verdict(try second.receive(cause))
        #expect([repeated, released] == [.duplicate, .delivered(2)])
        #expect(second.names == [first.names[0], third.names[1]])
        #expect(second.replica.waitingFrames == 0 && second.replica.waitingBytes == 0)
    }

    /// Every order of every frame sent twice.
    @Test(arguments: [2, 3, 4, 5])
    func everyOrderWithDuplicatesDeliversOnceInCausalOrder(origins: Int) throws {
        for seed in 0..<6 {
            var generator = SeededGenerator(seed: UInt64(seed * 100 + origins))
            let frames = try history(origins, frames: max(4, origins), using: &generator)
            // Each order once more, with a duplicate put where the seed says.
            try permutations(of: Array(frames.indices)) { order in
                var schedule = order
                for _ in 0..<3 {
                    let frame = Int.random(in: 0..<frames.count, using: &generator)
                    schedule.insert(frame, at: Int.random(in: 0...schedule.count, using: &generator))
                }
                try check(schedule, frames, "seed \(seed)")
            }
        }
    }

    private struct Sent {
        let payload: [UInt8]
        let events: [TestNode.Event]
    }

    /// A small causal history: each step some node issues, and some others hear of it.
    private func history(
        _ origins: Int, frames: Int, using generator: inout SeededGenerator
    ) throws -> [Sent] {
        let nodes = try (1...origins).map { try TestNode(UInt64($0)) }
        var sent: [Sent] = []
        for step in 0..<frames {
            let node = step < origins ? nodes[step] : nodes.randomElement(using: &generator)!
            let before = node.events.count
            let payload = try node.issue(count: Int.random(in: 1...2, using: &generator))
            sent.append(Sent(payload: payload, events: Array(node.events[before...])))
            for other in nodes where other !== node && Int.random(in: 0..<3, using: &generator) > 0 {
                for frame in sent { try other.receive(frame.payload) }
            }
        }
        return sent
    }

    private func check(_ schedule: [Int], _ frames: [Sent], _ context: String) throws {
        let peer = try TestNode(99)
        for frame in schedule { try peer.receive(frames[frame].payload) }
        let expected = Set(frames.flatMap(\.events))
        guard Set(peer.events) == expected && peer.events.count == expected.count else {
            Issue.record("\(context), order \(schedule): \(peer.names) delivered")
            return
        }
        var seen: TestNode.GlobalVector = [:]
        for event in peer.events {
            for (origin, counter) in event.past where seen[origin, default: 0] < counter {
                Issue.record("\(context), order \(schedule): \(event.name) before its past")
            }
            seen[event.name.origin] = event.name.counter
        }
        #expect(peer.replica.waitingFrames == 0 && peer.refused.isEmpty)
    }

    private func permutations(of items: [Int], _ body: ([Int]) throws -> Void) rethrows {
        func extend(_ prefix: [Int], _ rest: [Int]) throws {
            if rest.isEmpty { return try body(prefix) }
            for position in rest.indices {
                var others = rest
                let item = others.remove(at: position)
                try extend(prefix + [item], others)
            }
        }
        try extend([], items)
    }
}
