// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import TestSupport
import Testing

@Suite struct LogScannerTests {
    /// A segment as its writer leaves it, and what is in it.
    struct Segment {
        static let salt: UInt64 = 0x5A17_5A17_1234_5678
        var bytes: [UInt8]
        let base: LogPosition
        var frames: [[UInt8]] = []
        var frameEnds: [Int] = []
        /// Where each batch begins.
        var batchStarts: [Int] = []

        init(base: UInt64 = 1000, number: UInt64 = 3, firstBatch: UInt64 = 7, batches: [[[UInt8]]]) {
            self.base = LogPosition(rawValue: base)
            bytes = LogSegmentHeader(
                number: number, base: LogPosition(rawValue: base), firstBatch: firstBatch, salt: Self.salt
            ).encoded()
            for (index, batch) in batches.enumerated() {
                batchStarts.append(bytes.count)
                LogBatchMark(
                    number: firstBatch + UInt64(index), position: self.base.advanced(by: bytes.count), salt: Self.salt
                ).append(to: &bytes)
                for payload in batch {
                    let span = payload.span
                    FrameEnvelope.append(kind: .operations, payload: span.bytes, to: &bytes)
                    frames.append(payload)
                    frameEnds.append(bytes.count)
                }
            }
        }

        /// Where a good structure ends: the only cuts that look clean.
        var boundaries: Set<Int> {
            Set([LogSegmentHeader.byteCount] + frameEnds + batchStarts.map { $0 + LogBatchMark.frameBytes })
        }
    }

    static let small = Segment(batches: [
        [Array("one".utf8), Array("two".utf8)], [Array("three".utf8)], [Array("four".utf8), [], Array("six".utf8)],
    ])

    /// Scans bytes through windows of at least a size.
    static func scan(
        _ bytes: [UInt8], base: LogPosition = LogPosition(rawValue: 1000), isLast: Bool = true, window: Int = .max,
        lastBatch: UInt64? = nil
    ) -> (frames: [[UInt8]], result: LogScanResult, lastBatch: UInt64?) {
        var scanner = LogScanner(base: base, isLast: isLast, lastBatch: lastBatch)
        var frames: [[UInt8]] = []
        var range = 0..<min(window, bytes.count)
        while true {
            let piece = Array(bytes[range])
            let span = piece.span
            let step = scanner.next(
                in: span.bytes, startingAt: range.lowerBound, reachesEnd: range.upperBound == bytes.count)
            switch step {
            case .header, .batch: break
            case .frame(let frame): frames.append(Array(piece[frame.payload]))
            case .needsBytes(let from, let count):
                let upper = min(from + max(count, min(window, bytes.count)), bytes.count)
                range = min(from, upper)..<upper
            case .finished(let result): return (frames, result, scanner.lastBatch)
            }
        }
    }

    @Test(arguments: [1, 7, 64, 1000])
    func readsAWholeSegmentThroughAnyWindow(_ window: Int) {
        let segment = Self.small
        let (frames, result, lastBatch) = Self.scan(segment.bytes, window: window)
        #expect(frames == segment.frames)
        #expect(result == .clean(end: segment.base.advanced(by: segment.bytes.count)))
        #expect(lastBatch == 9)
    }

    @Test(arguments: [7, Int.max])
    func recoversAPrefixAtEveryCut(_ window: Int) {
        let segment = Self.small
        for cut in 0..<segment.bytes.count {
            let whole = segment.frameEnds.count { $0 <= cut }
            let (frames, result, _) = Self.scan(Array(segment.bytes[..<cut]), window: window)
            #expect(frames == Array(segment.frames.prefix(whole)), "cut at \(cut)")
            if segment.boundaries.contains(cut) {
                #expect(result == .clean(end: segment.base.advanced(by: cut)), "cut at \(cut)")
            } else if case .tornTail(let position, _) = result {
                let sound = segment.boundaries.filter { $0 <= cut }.max() ?? 0
                #expect(position == segment.base.advanced(by: sound), "cut at \(cut)")
            } else {
                Issue.record("cut at \(cut): \(result)")
            }
        }
    }

    @Test func reportsEveryCutInASegmentThatIsNotTheLast() {
        let segment = Self.small
        for cut in 0..<segment.bytes.count where !segment.boundaries.contains(cut) {
            let (_, result, _) = Self.scan(Array(segment.bytes[..<cut]), isLast: false)
            guard case .corrupt = result else {
                Issue.record("cut at \(cut): \(result)")
                continue
            }
        }
    }

    @Test(arguments: [true, false])
    func neverYieldsAFrameThatWasNotWrittenWhenABitFlips(_ isLast: Bool) {
        let segment = Self.small
        let lastBatchStart = segment.batchStarts.last ?? 0
        for bit in 0..<(segment.bytes.count * 8) {
            var bytes = segment.bytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let (frames, result, _) = Self.scan(bytes, isLast: isLast)
            #expect(frames == Array(segment.frames.prefix(frames.count)), "bit \(bit)")
            switch result {
            case .clean:
                Issue.record("bit \(bit) went unnoticed")
            case .tornTail(let position, _):
                #expect(isLast && bit / 8 >= lastBatchStart, "bit \(bit) before the last batch passed for a torn tail")
                #expect(position <= segment.base.advanced(by: bit / 8))
            case .corrupt(let position, _):
                #expect(position <= segment.base.advanced(by: bit / 8), "bit \(bit)")
            }
        }
    }

    @Test func anEmptyBatchBehindTheLastOneProtectsItToo() {
        let segment = Segment(batches: [[Array("one".utf8)], [Array("two".utf8)], []])
        for bit in (segment.batchStarts[1] * 8)..<(segment.batchStarts[2] * 8) {
            var bytes = segment.bytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            guard case .corrupt = Self.scan(bytes).result else {
                Issue.record("bit \(bit) passed for a torn tail")
                continue
            }
        }
    }

    @Test(arguments: [1, 33, 34, 4096])
    func takesAZeroFilledTailForTorn(_ zeros: Int) {
        let segment = Self.small
        let (frames, result, _) = Self.scan(segment.bytes + [UInt8](repeating: 0, count: zeros))
        #expect(frames == segment.frames)
        guard case .tornTail(let position, _) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(position == segment.base.advanced(by: segment.bytes.count))
    }

    @Test func findsTheProvingMarkThroughSmallWindows() {
        let segment = Self.small
        var bytes = segment.bytes
        bytes[segment.batchStarts[0] + LogBatchMark.frameBytes + 11] ^= 0x40
        for window in [1, 34, 35, 50] {
            guard case .corrupt(let position, _) = Self.scan(bytes, window: window).result else {
                Issue.record("window \(window)")
                continue
            }
            #expect(position == segment.base.advanced(by: segment.batchStarts[0] + LogBatchMark.frameBytes))
        }
    }

    @Test func aMarkInsideAMailProvesNothing() {
        // A sender who knows everything but the salt puts a mark into a body, and the machine stops within that body's frame.
        var forged: [UInt8] = []
        let base = LogPosition(rawValue: 1000)
        let place = LogSegmentHeader.byteCount + LogBatchMark.frameBytes + FrameEnvelope.headerBytes
        LogBatchMark(number: 99, position: base.advanced(by: place), salt: 1).append(to: &forged)
        let segment = Segment(batches: [[forged + [UInt8](repeating: 1, count: 50)]])
        guard case .tornTail = Self.scan(Array(segment.bytes.dropLast(3))).result else {
            Issue.record("a forged mark passed for a real one")
            return
        }
    }

    @Test func reportsASegmentThatDoesNotFollowTheLast() {
        let segment = Self.small
        guard case .clean = Self.scan(segment.bytes, lastBatch: 6).result else { return #expect(Bool(false)) }
        guard case .corrupt = Self.scan(segment.bytes, lastBatch: 5).result else { return #expect(Bool(false)) }
        guard case .corrupt = Self.scan(segment.bytes, base: LogPosition(rawValue: 999)).result else {
            return #expect(Bool(false))
        }
    }

    @Test func reportsFramesOfANewerVersionInsteadOfCuttingThem() {
        var bytes = Self.small.bytes
        let start = bytes.count
        bytes += FrameEnvelopeTests.frame([1, 2, 3])
        bytes[start + 8] = 9
        FrameEnvelope.finish(start, in: &bytes)
        guard case .corrupt(_, let reason) = Self.scan(bytes).result else { return #expect(Bool(false)) }
        #expect(reason.code == .unsupportedVersion)
    }

    @Test func survivesRandomBytes() {
        let seed: UInt64 = 0xBAD
        var random = SeededGenerator(seed: seed)
        for round in 0..<2000 {
            var bytes = Self.small.bytes
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            }
            let (frames, _, _) = Self.scan(bytes, window: Int.random(in: 1...300, using: &random))
            #expect(frames == Array(Self.small.frames.prefix(frames.count)), "seed \(seed) round \(round)")
        }
    }
}
