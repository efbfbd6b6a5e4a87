// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// What must hold of the log's scanner whatever stands in a segment.
///
/// The bytes of an input are scanned as they are; then they are a script for a segment that was written well and damaged at
/// one place: cut (two bytes), place (two bytes), mask (one byte), and blocks that become frames.
package enum LogProperty {
    private static let base = LogPosition(rawValue: 1_000)

    /// Checks one segment as it is and one that the input describes.
    ///
    /// - Parameter input: the bytes.
    /// - Returns: what is wrong; nil when all is well.
    package static func violation(in input: [UInt8]) -> String? {
        for isLast in [true, false] {
            let whole = scan(input, isLast: isLast, window: .max)
            for window in [1, 7, 61] where scan(input, isLast: isLast, window: window) != whole {
                return "a window of \(window) bytes changes what is found"
            }
        }
        return damageViolation(input)
    }

    private static func damageViolation(_ input: [UInt8]) -> String? {
        var script = PropertyInput(input)
        let (cut, place, mask) = (script.number(), script.number(), script.byte())
        let header = LogSegmentHeader(number: 3, base: base, firstBatch: 7, salt: 0x1122_3344_5566_7788)
        var bytes = header.encoded()
        var frames: [[UInt8]] = []
        var ends: [Int] = []
        var batch: UInt64 = 7
        while !script.isEmpty {
            if script.byte() & 1 == 0 || frames.isEmpty {
                LogBatchMark(number: batch, position: base.advanced(by: bytes.count), salt: header.salt).append(
                    to: &bytes)
                batch += 1
            }
            let payload = script.block()
            FrameEnvelope.append(kind: .operations, payload: payload.span.bytes, to: &bytes)
            frames.append(payload)
            ends.append(bytes.count)
        }
        let whole = scan(bytes, isLast: false, window: .max)
        guard whole.frames == frames, whole.result == .clean(end: base.advanced(by: bytes.count)) else {
            return "a good segment is not read: \(whole.result)"
        }
        let torn = scan(Array(bytes.prefix(cut)), isLast: true, window: 32)
        guard torn.frames == Array(frames.prefix(ends.count { $0 <= cut })) else {
            return "a cut loses or makes frames"
        }
        if case .corrupt(_, let reason) = torn.result { return "a cut at \(cut) looks like corruption: \(reason)" }
        guard mask != 0, place < bytes.count else { return nil }
        bytes[place] ^= mask
        let damaged = scan(bytes, isLast: false, window: .max)
        guard damaged.frames == Array(frames.prefix(ends.count { $0 <= place })) else {
            return "damage at \(place) changes another frame"
        }
        if case .corrupt = damaged.result { return nil }
        return "damage at \(place) is not reported: \(damaged.result)"
    }

    private struct Finding: Equatable {
        var frames: [[UInt8]] = []
        var result: LogScanResult
        var offset: Int
    }

    private static func scan(_ bytes: [UInt8], isLast: Bool, window: Int) -> Finding {
        var scanner = LogScanner(base: base, isLast: isLast, lastBatch: isLast ? nil : 6)
        var frames: [[UInt8]] = []
        var range = 0..<min(window, bytes.count)
        while true {
            let piece = Array(bytes[range])
            let step = scanner.next(
                in: piece.span.bytes, startingAt: range.lowerBound, reachesEnd: range.upperBound == bytes.count)
            switch step {
            case .header, .batch: break
            case .frame(let frame): frames.append(Array(piece[frame.payload]))
            case .needsBytes(let from, let count):
                let upper = from + min(max(count, window), max(0, bytes.count - from))
                range = min(from, upper)..<upper
            case .finished(let result): return Finding(frames: frames, result: result, offset: scanner.offset)
            }
        }
    }
}
