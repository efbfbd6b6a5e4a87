// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import Testing

@Suite struct FrameEnvelopeTests {
    static func frame(_ payload: [UInt8], kind: FrameKind = .operations) -> [UInt8] {
        var bytes: [UInt8] = []
        let span = payload.span
        FrameEnvelope.append(kind: kind, payload: span.bytes, to: &bytes)
        return bytes
    }

    static func read(
        _ bytes: [UInt8], at offset: Int = 0, limits: FrameEnvelope.Limits = FrameEnvelope.Limits()
    ) -> FrameReadResult {
        let span = bytes.span
        return FrameEnvelope.read(span.bytes, at: offset, limits: limits)
    }

    @Test func hasTheDocumentedBytes() {
        let bytes = Self.frame([0xAA, 0xBB], kind: .bodyChunk)
        #expect(bytes.prefix(4) == [4, 0, 0, 0])
        #expect(bytes.suffix(4) == [1, 2, 0xAA, 0xBB])
        let covered = Array(bytes[8...])
        let span = covered.span
        let check = CRC32C.checksum(span.bytes)
        #expect(Array(bytes[4..<8]) == (0..<4).map { UInt8(truncatingIfNeeded: check >> (8 * UInt32($0))) })
    }

    @Test func readsBackWhatWasAppendedAndWhatWasBuiltInPlace() {
        var bytes: [UInt8] = [9, 9, 9]
        let start = FrameEnvelope.begin(kind: .bodyEnd, in: &bytes)
        bytes.append(contentsOf: [1, 2, 3])
        FrameEnvelope.finish(start, in: &bytes)
        let second = bytes.count
        bytes += Self.frame([])
        #expect(Self.read(bytes, at: 3) == .frame(kind: .bodyEnd, version: 1, payload: 13..<16, end: 16))
        #expect(
            Self.read(bytes, at: second)
                == .frame(kind: .operations, version: 1, payload: bytes.count..<bytes.count, end: bytes.count))
    }

    @Test func saysHowManyBytesAreMissingAtEveryCut() {
        let bytes = Self.frame([1, 2, 3, 4, 5])
        for cut in 0..<bytes.count {
            guard case .incomplete(let needed) = Self.read(Array(bytes[..<cut])) else {
                Issue.record("cut at \(cut) is not incomplete")
                continue
            }
            #expect(needed >= 1)
            #expect(needed <= bytes.count - cut)
            if cut >= 4 { #expect(needed == bytes.count - cut) }
        }
    }

    @Test func neverReadsAFrameWithAFlippedBit() {
        let bytes = Self.frame(Array("a payload of some bytes".utf8)) + Self.frame([7])
        let first = bytes.count - 11
        for bit in 0..<(first * 8) {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            if case .frame = Self.read(damaged) { Issue.record("bit \(bit) went unnoticed") }
        }
    }

    @Test func refusesLengthsOutsideTheLimits() {
        func code(_ result: FrameReadResult) -> FrameFault.Code? {
            if case .malformed(let fault) = result { fault.code } else { nil }
        }
        let limits = FrameEnvelope.Limits(maximumFrameBytes: 20)
        #expect(code(Self.read(Self.frame([UInt8](repeating: 1, count: 10)), limits: limits)) == nil)
        #expect(code(Self.read(Self.frame([UInt8](repeating: 1, count: 11)), limits: limits)) == .lengthTooLarge)
        #expect(code(Self.read([0xFF, 0xFF, 0xFF, 0xFF])) == .lengthTooLarge)
        #expect(code(Self.read([0, 0, 0, 0])) == .lengthTooSmall)
        #expect(code(Self.read([1, 0, 0, 0])) == .lengthTooSmall)
    }

    @Test func tellsAnUnknownVersionFromDamage() {
        var bytes = Self.frame([1, 2, 3])
        bytes[8] = 2
        guard case .malformed(let damaged) = Self.read(bytes) else { return #expect(Bool(false)) }
        #expect(damaged.code == .checksumMismatch)
        FrameEnvelope.finish(0, in: &bytes)
        guard case .malformed(let newer) = Self.read(bytes) else { return #expect(Bool(false)) }
        #expect(newer.code == .unsupportedVersion)
    }
}
