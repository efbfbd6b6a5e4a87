// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import TestSupport
import Testing

@testable import CRDTKit

/// Frames whose mailboxes are not in memory are postponed, and nothing is lost or changed.
@Suite struct ReplicaAdmissionTests {
    private func receive(_ node: TestNode, _ payload: [UInt8], _ admits: (DecodedFrame) -> Bool) throws -> Verdict {
        let result = try node.replica.receive(payload, nowMilliseconds: node.now, admitting: admits)
        try node.replica.checkInvariants()
        return Verdict(result)
    }

    @Test func aFrameThatIsNotAdmittedChangesNothing() throws {
        let (origin, peer) = (try TestNode(1), try TestNode(2))
        let first = try origin.issue(count: 3)
        #expect(try receive(peer, first) { _ in false } == .deferred)
        #expect(peer.replica.deliveredPositions.isEmpty && peer.replica.symbols.accountCount == 0)
        #expect(peer.replica.waitingFrames == 0)
        #expect(try receive(peer, first) { _ in true } == .delivered(3))
        #expect(try receive(peer, first) { _ in false } == .duplicate)
        #expect(peer.replica.deliveredPositions == [StreamPosition(origin: ReplicaID(1), counter: 3)])
    }

    @Test func whatFollowsAPostponedFrameWaitsForIt() throws {
        let (origin, peer) = (try TestNode(1), try TestNode(2))
        let frames = try (0..<3).map { _ in try origin.issue() }
        #expect(try receive(peer, frames[0]) { _ in false } == .deferred)
        #expect(try receive(peer, frames[1]) { _ in true } == .waiting)
        #expect(try receive(peer, frames[2]) { _ in true } == .waiting)
        #expect(try receive(peer, frames[0]) { _ in true } == .delivered(3))
    }

    @Test func aFrameThatHadWaitedStaysUntilItIsAdmitted() throws {
        let (origin, peer) = (try TestNode(1), try TestNode(2))
        let frames = try (0..<3).map { _ in try origin.issue() }
        #expect(try receive(peer, frames[1]) { _ in true } == .waiting)
        #expect(try receive(peer, frames[2]) { _ in true } == .waiting)
        #expect(try receive(peer, frames[0]) { $0.counters.lowerBound == 1 } == .delivered(1))
        #expect(peer.replica.deferredFrames == 1 && peer.replica.waitingFrames == 2)
        let none = peer.replica.resumeDeferred { _ in false }
        #expect(none.delivered.isEmpty && peer.replica.deferredFrames == 1)
        try peer.replica.checkInvariants()
        let rest = peer.replica.resumeDeferred { _ in true }
        #expect(rest.delivered.map(\.counters) == [2...2, 3...3] && rest.refused.isEmpty)
        // They give out their bytes for the log.
        #expect(rest.delivered.map(\.heldPayload) == [frames[1], frames[2]])
        #expect(peer.replica.waitingFrames == 0 && peer.replica.waitingBytes == 0)
        try peer.replica.checkInvariants()
    }

    @Test func aPostponedFrameThatComesAgainIsDeliveredOnce() throws {
        let (origin, peer) = (try TestNode(1), try TestNode(2))
        let frames = try (0..<2).map { _ in try origin.issue() }
        #expect(try receive(peer, frames[1]) { _ in true } == .waiting)
        #expect(try receive(peer, frames[0]) { $0.counters.lowerBound == 1 } == .delivered(1))
        #expect(try receive(peer, frames[1]) { _ in true } == .delivered(1))
        let rest = peer.replica.resumeDeferred { _ in true }
        #expect(rest.delivered.isEmpty && peer.replica.waitingFrames == 0)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func randomRefusalsDoNotChangeWhatIsDelivered(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let origins = try [TestNode(1), TestNode(2)]
        let (plain, picky) = (try TestNode(8), try TestNode(9))
        var frames: [[UInt8]] = []
        for _ in 0..<40 {
            let index = Int.random(in: 0..<2, using: &generator)
            for payload in try origins[index].issueRandom(3, using: &generator) {
                frames.append(payload)
                if Bool.random(using: &generator) { try origins[1 - index].receive(payload) }
            }
        }
        frames.shuffle(using: &generator)
        for frame in frames { try plain.receive(frame) }
        var count = 0
        var pending = frames
        while !pending.isEmpty || picky.replica.deferredFrames > 0 {
            var again: [[UInt8]] = []
            for frame in pending {
                let result = try picky.replica.receive(frame, nowMilliseconds: picky.now) { _ in
                    Int.random(in: 0..<3, using: &generator) > 0
                }
                if case .delivered(let delivered, _) = result {
                    count += delivered.reduce(0) { $0 + $1.operations.count }
                }
                if case .deferred = result { again.append(frame) }
            }
            let resumed = picky.replica.resumeDeferred { _ in Bool.random(using: &generator) }
            count += resumed.delivered.reduce(0) { $0 + $1.operations.count }
            #expect(resumed.refused.isEmpty, "seed \(seed)")
            pending = again
            try picky.replica.checkInvariants()
        }
        #expect(count == plain.events.count, "seed \(seed)")
        #expect(Set(picky.replica.deliveredPositions) == Set(plain.replica.deliveredPositions), "seed \(seed)")
    }
}
