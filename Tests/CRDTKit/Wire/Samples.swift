// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// Values that several suites use.
enum Samples {
    static func facts(_ number: UInt64) -> MessageFacts {
        let words = (0..<4).map { StableHash.mix(number &* 4 &+ UInt64($0)) }
        return MessageFacts(
            body: BodyDigest(words: (words[0], words[1], words[2], words[3])), size: 1_000 + number % 50_000,
            internalDateSeconds: 1_700_000_000, internalDateZoneMinutes: 60)
    }

    /// Where a payload's first counter stands: after format, partition, origin and incarnation.
    static func firstCounterOffset(of payload: [UInt8]) -> Int? {
        let bytes = payload.span.bytes
        var offset = 1
        do {
            _ = try WireReader.varint(bytes, &offset)
            offset += 8
            _ = try WireReader.varint(bytes, &offset)
            return offset
        } catch {
            return nil
        }
    }
}
