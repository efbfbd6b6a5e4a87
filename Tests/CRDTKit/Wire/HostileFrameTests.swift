// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing
import TestSupport

@testable import CRDTKit

/// Bytes that are no frame: an error, bounded memory, no change, never a trap.
@Suite struct HostileFrameTests {
    private struct Sample {
        /// What the reader has before the frame arrives.
        let before: [[UInt8]]
        let payload: [UInt8]
    }

    /// Frames with every kind of operation, definition and dependency, each with what must come before it.
    private static let samples: [Sample] = {
        do {
            var generator = SeededGenerator(seed: 42)
            let (one, two) = (try TestNode(1), try TestNode(2))
            var sent: [[UInt8]] = []
            var samples: [Sample] = []
            for step in 0..<16 {
                let (source, target) = step % 3 == 0 ? (two, one) : (one, two)
                for payload in try source.issueRandom(5, using: &generator) {
                    if step % 4 == 3 { samples.append(Sample(before: sent, payload: payload)) }
                    sent.append(payload)
                    try target.receive(payload)
                }
            }
            return samples
        } catch {
            Issue.record("\(error)")
            return []
        }
    }()

    private func reader(_ sample: Sample) throws -> TestNode {
        let reader = try TestNode(99)
        for payload in sample.before { try reader.receive(payload) }
        return reader
    }

    @Test func everyTruncationIsATypedErrorAndChangesNothing() throws {
        for sample in Self.samples {
            let reader = try reader(sample)
            let before = reader.replica.checkpoint(.everything)
            for length in 0..<sample.payload.count {
                let found = code { try reader.receive(Array(sample.payload[..<length])) }
                if found == nil { Issue.record("cut at \(length) of \(sample.payload.count) was taken") }
            }
            #expect(reader.replica.checkpoint(.everything) == before)
            #expect(reader.replica.waitingFrames == 0)
            let verdict = Verdict(try reader.receive(sample.payload))
            #expect(verdict == .delivered(5))
        }
    }

    @Test func everyBitFlipIsATypedErrorOrABoundedFrame() throws {
        for sample in Self.samples.prefix(3) {
            for bit in 0..<sample.payload.count * 8 {
                var payload = sample.payload
                payload[bit / 8] ^= 1 << UInt8(bit % 8)
                let reader = try reader(sample)
                let before = reader.replica.checkpoint(.everything)
                do {
                    let result = try reader.receive(payload)
                    if case .delivered(let frames, _) = result { check(frames, reader) }
                } catch {
                    #expect(error is CRDTError)
                    if reader.replica.checkpoint(.everything) != before { Issue.record("bit \(bit) changed something") }
                }
                try reader.replica.checkInvariants()
            }
        }
    }

    private func check(_ frames: [DecodedFrame], _ reader: TestNode) {
        for operation in frames.flatMap(\.operations) {
            #expect(Int(operation.account.rawValue) < reader.replica.symbols.accountCount)
            #expect(reader.replica.delivered.contains(operation.dot))
        }
    }

    /// Some look like the header of a frame that came too early, which nobody can tell yet; even of those a bounded
    /// number is held.
    @Test func randomBytesDeliverNothing() throws {
        var generator = SeededGenerator(seed: 1)
        var limits = ReplicaLimits()
        limits.maximumStrangers = 4
        let reader = try TestNode(99, limits: limits)
        let before = reader.replica.delivered
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0..<64, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            if !bytes.isEmpty && Bool.random(using: &generator) { bytes[0] = OperationFrame.format }
            if bytes.count > 1 && Bool.random(using: &generator) { bytes[1] = 7 }
            let result = try? reader.replica.receive(bytes, nowMilliseconds: reader.now)  // an error is as good
            if case .delivered = result { Issue.record("\(bytes) was delivered") }
        }
        try reader.replica.checkInvariants()
        let (strangers, held) = (reader.replica.replicas.count - 1, reader.replica.waitingFrames)
        #expect(strangers == held && held == limits.maximumStrangers)
        #expect(reader.replica.symbols.accountCount == 0 && reader.replica.delivered == before)
    }

    /// Random bytes where the operations are, behind a header that is right: what a decoder sees from a faulty peer.
    @Test func randomOperationsNeverTrap() throws {
        var generator = SeededGenerator(seed: 2)
        let sample = try #require(Self.samples.last)
        var reader = try reader(sample)
        for _ in 0..<3_000 {
            var payload = sample.payload
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let position = Int.random(in: 20..<payload.count, using: &generator)
                payload[position] = UInt8.random(in: 0...255, using: &generator)
            }
            let wasTaken = code(of: { try reader.receive(payload) }) == nil
            try reader.replica.checkInvariants()
            if wasTaken { reader = try self.reader(sample) }
        }
    }

    /// 2^60 operations, definitions or dependencies in a frame of a few bytes.
    @Test func claimedCountsAreNotBelieved() throws {
        let huge: [UInt8] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]
        let limit: [UInt8] = [0x80, 0x80, 0x04]
        let origin: [UInt8] = [OperationFrame.format, 7, 5, 0, 0, 0, 0, 0, 0, 0, 1, 1]
        let time: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0]
        let reader = try TestNode(99)
        let frames: [[UInt8]] = [
            origin + huge + time + [0, 0],
            origin + [1] + time + huge,
            origin + [1] + time + [0] + huge,
            origin + limit + time + [0, 0],
            origin + limit + time + limit + [0],
        ]
        for frame in frames {
            let found = code { try reader.receive(frame) }
            #expect(found == .malformed || found == .limitExceeded, "\(frame)")
        }
        #expect(reader.replica.replicas.count == 1)
    }

    @Test func oversizedFramesAreRefused() throws {
        let reader = try TestNode(99)
        let payload = try TestNode(1).issue() + [UInt8](repeating: 0, count: OperationFrame.maximumBytes)
        let found = code { try reader.receive(payload) }
        #expect(found == .limitExceeded)
    }

    /// The checksum is what finds damage on the way: no flipped bit reaches the decoder.
    @Test func theEnvelopeDetectsEveryBitFlip() throws {
        for sample in Self.samples {
            var frame: [UInt8] = []
            FrameEnvelope.append(kind: .operations, payload: sample.payload.span.bytes, to: &frame)
            for bit in 0..<frame.count * 8 {
                var damaged = frame
                damaged[bit / 8] ^= 1 << UInt8(bit % 8)
                if case .frame = FrameEnvelope.read(damaged.span.bytes, at: 0) {
                    Issue.record("bit \(bit) was not noticed")
                }
            }
            guard case .frame(let kind, _, let range, _) = FrameEnvelope.read(frame.span.bytes, at: 0) else {
                Issue.record("a good frame was refused")
                continue
            }
            let reader = try reader(sample)
            let verdict = Verdict(
                try reader.replica.receive(frame.span.bytes.extracting(range), nowMilliseconds: reader.now))
            #expect(kind == .operations && verdict == .delivered(5))
        }
    }
}
