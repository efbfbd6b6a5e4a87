// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing
import TestSupport

@testable import CRDTKit

/// The causal buffer's bounds, its work and what it refuses.
@Suite struct BufferBoundsTests {
    @Test func overflowNamesWhereToAskAgainAndAskingAgainHeals() throws {
        var limits = ReplicaLimits()
        limits.buffer.maximumFrames = 4
        let origin = try TestNode(1)
        let peer = try TestNode(2, limits: limits)
        let frames = try (0..<10).map { _ in try origin.issue() }
        var overflows: [StreamPosition] = []
        for frame in frames.dropFirst() {
            if case .overflow(let from) = try peer.receive(frame) { overflows.append(from) }
        }
        #expect(overflows == Array(repeating: StreamPosition(origin: ReplicaID(1), counter: 1), count: 5))
        #expect(peer.replica.waitingFrames == 4)
        for (first, payload) in origin.sent where first >= overflows[0].counter { try peer.receive(payload) }
        #expect(peer.names == origin.names)
        #expect(peer.replica.waitingFrames == 0)
    }

    @Test func bytesAreBoundedToo() throws {
        var limits = ReplicaLimits()
        limits.buffer.maximumBytes = 3 * CausalBuffer.frameOverheadBytes
        let origin = try TestNode(1)
        let peer = try TestNode(2, limits: limits)
        let frames = try (0..<6).map { _ in try origin.issue() }
        for frame in frames.dropFirst() { try peer.receive(frame) }
        #expect(peer.replica.waitingFrames == 2)
        #expect(peer.replica.waitingBytes <= limits.buffer.maximumBytes)
    }

    @Test func aFullBufferStillDeliversWhatIsReady() throws {
        var limits = ReplicaLimits()
        limits.buffer.maximumFrames = 1
        let (first, second) = (try TestNode(1), try TestNode(2))
        let peer = try TestNode(3, limits: limits)
        let frames = try (0..<3).map { _ in try first.issue() }
        let other = try second.issue()
        let verdicts = try [frames[2], frames[1], other, frames[0]].map { Verdict(try peer.receive($0)) }
        #expect(verdicts == [.waiting, .overflow, .delivered(1), .delivered(1)])
        let again = try frames.map { Verdict(try peer.receive($0)) }
        #expect(again == [.duplicate, .delivered(2), .duplicate])
    }

    /// The work per frame is the same for a hundred waiting frames and for a hundred thousand.
    @Test(arguments: [100, 1_000, 10_000, 100_000])
    func workPerFrameDoesNotGrowWithTheWindow(window: Int) throws {
        var buffer = CausalBuffer()
        var generator = SeededGenerator(seed: 5)
        let origins = 8
        for item in Array(0..<window).shuffled(using: &generator) {
            let origin = ReplicaIndex(UInt16(item % origins + 1))
            let counter = UInt64(item / origins + 2)
            // Every other frame waits for the origin's own stream, the rest for that of a neighbour.
            let awaited = item % 2 == 0 ? origin : ReplicaIndex(UInt16((item + 1) % origins + 1))
            let held = CausalBuffer.Held(
                origin: origin, firstCounter: counter, operationCount: 1, payload: [UInt8(truncatingIfNeeded: item)],
                missing: [])
            let outcome = try buffer.hold(held, awaiting: Dot(awaited, counter - 1))
            guard outcome == .held else {
                Issue.record("frame \(item) came to \(outcome)")
                return
            }
        }
        var released = 0
        for counter in 1...UInt64(window / origins + 1) {
            for origin in 1...origins {
                released += buffer.releaseCount(ReplicaIndex(UInt16(origin)), counter...counter)
            }
        }
        try buffer.checkInvariants()
        let (work, left) = (buffer.work, buffer.frameCount)
        #expect(released == window && left == 0)
        #expect(work <= UInt64(6 * window + 2 * origins))
    }

    /// The same through a replica: one missing frame that comes last releases all.
    @Test(arguments: [100, 1_000, 5_000])
    func oneLateFrameReleasesAShuffledWindow(window: Int) throws {
        var generator = SeededGenerator(seed: 6)
        let origin = try TestNode(1)
        var peer = try Replica(partition: TestNode.partition, id: ReplicaID(2))
        let frames = try (0..<window).map { _ in try origin.issue() }
        for frame in frames.dropFirst().shuffled(using: &generator) {
            _ = try peer.receive(frame, nowMilliseconds: origin.now)
        }
        let verdict = Verdict(try peer.receive(frames[0], nowMilliseconds: origin.now))
        let work = peer.bufferWork
        #expect(verdict == .delivered(window))
        #expect(work <= UInt64(8 * window))
    }

    @Test func releasingALongRangeLooksAtWaitersOnly() throws {
        var buffer = CausalBuffer()
        let held = CausalBuffer.Held(
            origin: ReplicaIndex(2), firstCounter: 9, operationCount: 1, payload: [1], missing: [])
        _ = try buffer.hold(held, awaiting: Dot(ReplicaIndex(1), 40_000))
        let before = buffer.work
        let released = buffer.releaseCount(ReplicaIndex(1), 1...65_000)
        let work = buffer.work - before
        #expect(released == 1)
        #expect(work < 10)
    }

    @Test func twoDifferentFramesWithTheSameCountersAreAFork() throws {
        let peer = try TestNode(9)
        let (one, other) = (try TestNode(1), try TestNode(1))
        try one.issue()
        try other.issue()
        let mine = try one.issue([.subscribe(name: "mine")])[0]
        let theirs = try other.issue([.subscribe(name: "theirs")])[0]
        let first = Verdict(try peer.receive(mine))
        let found = code { try peer.receive(theirs) }
        #expect(first == .waiting && found == .fork)
        #expect(peer.replica.waitingFrames == 1)
    }

    @Test func aLongerFrameTakesThePlaceOfAShorterOne() throws {
        let peer = try TestNode(9)
        let (one, other) = (try TestNode(1), try TestNode(1))
        let first = try one.issue()
        try other.issue()
        let short = try one.issue(count: 1)
        let long = try other.issue(count: 2)
        let verdicts = try [short, long, short, first].map { Verdict(try peer.receive($0)) }
        #expect(verdicts == [.waiting, .waiting, .duplicate, .delivered(3)])
        #expect(peer.replica.waitingFrames == 0 && peer.replica.waitingBytes == 0)
    }

    @Test func aWaitingFrameThatTurnsOutInvalidIsRefusedAndTheRestGoesOn() throws {
        let (origin, peer) = (try TestNode(1), try TestNode(2))
        let frames = try (0..<2).map { _ in try origin.issue() }
        var broken = frames[1]
        broken[broken.count - 1] = 0xff
        let early = Verdict(try peer.receive(broken))
        let ready = Verdict(try peer.receive(frames[0]))
        #expect(early == .waiting && ready == .delivered(1))
        #expect(peer.refused.map(\.position) == [StreamPosition(origin: ReplicaID(1), counter: 2)])
        #expect(peer.refused.map(\.error.code) == [.malformed])
        let good = Verdict(try peer.receive(frames[1]))
        #expect(good == .delivered(1) && peer.replica.waitingFrames == 0)
    }
}

extension CausalBuffer {
    /// Releases and counts.
    mutating func releaseCount(_ replica: ReplicaIndex, _ counters: ClosedRange<UInt64>) -> Int {
        var queue: [Held] = []
        release(replica, counters, into: &queue)
        return queue.count
    }
}
