// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CRDTKit

/// The payloads of the log's two body frames; `docs/log.md` has the layout.
///
/// A message's bytes go to the log in chunks, under the number of their upload, while they arrive; the end names them by their digest. Chunks without
/// an end belong to an upload that was given up and count for nothing.
enum BodyFrames {
    /// The octets before a chunk's bytes: upload and offset.
    static let chunkHeaderBytes = 16

    /// Adds a chunk's frame; its bytes begin at the result.
    ///
    /// - Returns: the offset of the first byte of `bytes` in `unit`.
    static func appendChunk(upload: UInt64, offset: UInt64, _ bytes: ArraySlice<UInt8>, to unit: inout [UInt8]) -> Int {
        let start = FrameEnvelope.begin(kind: .bodyChunk, in: &unit)
        append(upload, to: &unit)
        append(offset, to: &unit)
        let position = unit.count
        unit.append(contentsOf: bytes)
        FrameEnvelope.finish(start, in: &unit)
        return position
    }

    /// Adds the frame that ends an upload.
    static func appendEnd(upload: UInt64, size: UInt64, digest: BodyDigest, to unit: inout [UInt8]) {
        let start = FrameEnvelope.begin(kind: .bodyEnd, in: &unit)
        append(upload, to: &unit)
        append(size, to: &unit)
        unit.append(contentsOf: digest.bytes)
        FrameEnvelope.finish(start, in: &unit)
    }

    /// What the head of a chunk says, or nil when the payload is too short.
    static func readChunk(_ payload: borrowing RawSpan) -> (upload: UInt64, offset: UInt64)? {
        guard payload.byteCount >= chunkHeaderBytes else { return nil }
        return (readInteger(payload, at: 0), readInteger(payload, at: 8))
    }

    /// What an end says, or nil when the payload is not an end.
    static func readEnd(_ payload: borrowing RawSpan) -> (upload: UInt64, size: UInt64, digest: BodyDigest)? {
        guard payload.byteCount == 48 else { return nil }
        var bytes: [UInt8] = []
        for index in 16..<48 { bytes.append(payload.unsafeLoad(fromByteOffset: index, as: UInt8.self)) }
        guard let digest = BodyDigest(bytes) else { return nil }
        return (readInteger(payload, at: 0), readInteger(payload, at: 8), digest)
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }

    private static func readInteger(_ payload: borrowing RawSpan, at offset: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in (0..<8).reversed() {
            value = value << 8 | UInt64(payload.unsafeLoad(fromByteOffset: offset + index, as: UInt8.self))
        }
        return value
    }
}
