// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

@testable import CRDTKit

/// A mutant's view of a frame: one that depends on nothing.
enum HastyFrame {
    static func withoutDependencies(_ payload: [UInt8]) -> [UInt8] {
        do throws(CRDTError) {
            let bytes = payload.span.bytes
            var offset = 0
            _ = try FrameHeader(bytes, &offset)
            for _ in 0..<(try WireReader.varint(bytes, &offset)) {
                let kind = try WireReader.byte(bytes, &offset)
                _ = try WireReader.varint(bytes, &offset)
                if kind == DefinitionKind.replica.rawValue {
                    _ = try WireReader.fixed64(bytes, &offset)
                    _ = try WireReader.varint(bytes, &offset)
                } else {
                    _ = try WireReader.text(bytes, &offset, atMost: 1_024, "a name")
                }
            }
            let start = offset
            for _ in 0..<2 * (try WireReader.varint(bytes, &offset)) { _ = try WireReader.varint(bytes, &offset) }
            return payload[..<start] + [0] + payload[offset...]
        } catch {
            return payload
        }
    }
}
