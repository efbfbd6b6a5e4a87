// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

import CRDTKit
import TestSupport
import Testing

@Suite struct CRC32CTests {
    /// The vectors of RFC 3720 appendix B.4, and the usual check string.
    static let vectors: [(bytes: [UInt8], checksum: UInt32)] = [
        ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        (Array(0..<32), 0x46DD_794E),
        (Array((0..<32).reversed()), 0x113F_DB5C),
        (
            [
                0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0,
                0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
            ], 0xD996_3A56
        ),
        (Array("123456789".utf8), 0xE306_9283),
        ([], 0),
    ]

    @Test(arguments: vectors.indices)
    func givesTheChecksumsOfTheStandard(_ index: Int) {
        let (bytes, checksum) = Self.vectors[index]
        let span = bytes.span
        #expect(CRC32C.checksum(span.bytes) == checksum)
    }

    @Test func givesTheSameForEverySplit() {
        let bytes = (0..<100).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let span = bytes.span
        let whole = CRC32C.checksum(span.bytes)
        for split in 0...bytes.count {
            let first = CRC32C.checksum(span.bytes.extracting(0..<split))
            #expect(CRC32C.checksum(span.bytes.extracting(split..<bytes.count), continuing: first) == whole)
            var check = CRC32C()
            check.update(span.bytes.extracting(0..<split))
            check.update(span.bytes.extracting(split..<bytes.count))
            #expect(check.checksum == whole)
        }
    }

    @Test func equalsTheBitwiseDefinitionAtEveryLengthAndAlignment() {
        var random = SeededGenerator(seed: 0xC3C)
        let bytes = (0..<80).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let span = bytes.span
        for start in 0..<9 {
            for end in start...bytes.count {
                let expected = Self.bitwise(bytes[start..<end])
                #expect(CRC32C.checksum(span.bytes.extracting(start..<end)) == expected)
            }
        }
    }

    private static func bitwise(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var register = UInt32.max
        for byte in bytes {
            register ^= UInt32(byte)
            for _ in 0..<8 { register = register & 1 == 1 ? (register >> 1) ^ 0x82F6_3B78 : register >> 1 }
        }
        return ~register
    }
}
