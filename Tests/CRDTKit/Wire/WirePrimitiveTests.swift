// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import Testing
import TestSupport

@testable import CRDTKit

/// Integers and texts of the wire.
@Suite struct WirePrimitiveTests {
    @Test func integersRoundTripInTheirShortestForm() throws {
        var generator = SeededGenerator(seed: 9)
        var values: [UInt64] = [0, 1, 127, 128, 16_383, 16_384, UInt64.max, UInt64.max - 1, 1 << 63]
        for _ in 0..<2_000 { values.append(generator.next() >> UInt64.random(in: 0..<64, using: &generator)) }
        for value in values {
            var bytes: [UInt8] = []
            WireWriter.put(value, into: &bytes)
            let significant = max(1, 64 - value.leadingZeroBitCount)
            #expect(bytes.count == (significant + 6) / 7)
            var offset = 0
            let read = try WireReader.varint(bytes.span.bytes, &offset)
            #expect(read == value && offset == bytes.count)
            let signed = Int64(bitPattern: value)
            #expect(WireReader.unzigzag(WireWriter.zigzag(signed)) == signed)
        }
    }

    @Test(
        arguments: [
            [], [0x80], [0xff, 0xff], [0x80, 0x00], [0xff, 0x80, 0x00],
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
            [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
        ] as [[UInt8]])
    func rejectsIntegersThatAreCutOverlongOrTooLarge(bytes: [UInt8]) {
        let found = code {
            var offset = 0
            _ = try WireReader.varint(bytes.span.bytes, &offset)
        }
        #expect(found == .malformed)
    }

    @Test(arguments: [[], [0], [2, 0x41], [1, 0xff], [2, 0xc3, 0x28], [5, 1, 1, 1, 1, 1]] as [[UInt8]])
    func rejectsTextsThatAreEmptyCutNotTextOrTooLong(bytes: [UInt8]) {
        let found = code {
            var offset = 0
            _ = try WireReader.text(bytes.span.bytes, &offset, atMost: 4, "a text")
        }
        #expect(found == .malformed || found == .limitExceeded)
    }
}
