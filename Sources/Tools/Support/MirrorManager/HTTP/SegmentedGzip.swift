// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

internal import CZlib
internal import NIOCore

/// A gzip file (RFC 1952) of a JSON array whose chunks are compressed one by one.
///
/// Each chunk is a run of deflate blocks (RFC 1951) that ends at a byte and refers to nothing before it, so the runs can be put
/// one behind the other in one file; brackets and commas between them are stored blocks, and the check values are combined.
struct SegmentedGzip {
    private struct Segment {
        let bytes: [UInt8]
        let check: UInt
        let length: Int
    }

    private var segments: [UInt64: Segment] = [:]
    private var generation: UInt64?
    private var document = ByteBuffer()

    /// The document of a snapshot; nothing when zlib fails, which it does only without memory.
    mutating func document(_ snapshot: RowTable.Snapshot) -> ByteBuffer? {
        if generation == snapshot.generation { return document }
        var current: [UInt64: Segment] = [:]
        for chunk in snapshot.chunks {
            guard let segment = segments[chunk.id] ?? Self.compress(chunk.rows) else { return nil }
            current[chunk.id] = segment
        }
        segments = current
        document = assemble(snapshot.chunks)
        generation = snapshot.generation
        return document
    }

    private func assemble(_ chunks: [RowTable.Chunk]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(64 + chunks.reduce(0) { $0 + 6 + (segments[$1.id]?.bytes.count ?? 0) })
        // Magic, deflate, no flags, no time, no extra flags, unknown system.
        buffer.writeBytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])
        var check = crc32(0, nil, 0)
        var length = 0
        Self.store(UInt8(ascii: "["), in: &buffer, &check, &length)
        var isFirst = true
        for chunk in chunks {
            guard let segment = segments[chunk.id] else { continue }
            if !isFirst { Self.store(UInt8(ascii: ","), in: &buffer, &check, &length) }
            isFirst = false
            buffer.writeBytes(segment.bytes)
            check = crc32_combine(check, segment.check, segment.length)
            length += segment.length
        }
        Self.store(UInt8(ascii: "]"), in: &buffer, &check, &length)
        // An empty last block with fixed codes.
        buffer.writeBytes([0x03, 0x00])
        buffer.writeInteger(UInt32(truncatingIfNeeded: check), endianness: .little)
        buffer.writeInteger(UInt32(truncatingIfNeeded: length), endianness: .little)
        return buffer
    }

    private static func store(_ byte: UInt8, in buffer: inout ByteBuffer, _ check: inout UInt, _ length: inout Int) {
        buffer.writeBytes([0x00, 0x01, 0x00, 0xFE, 0xFF, byte])
        check = withUnsafeBytes(of: byte) { crc32(check, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), 1) }
        length += 1
    }

    private static func compress(_ rows: [[UInt8]]) -> Segment? {
        var text: [UInt8] = []
        text.reserveCapacity(rows.reduce(0) { $0 + $1.count + 1 })
        for row in rows {
            if !text.isEmpty { text.append(UInt8(ascii: ",")) }
            text += row
        }
        var stream = z_stream()
        // Negative window bits leave out zlib's own header and check.
        guard
            deflateInit2_(
                &stream, 5, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
                == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        let count = text.count
        var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(count))) + 64)
        let (status, check) = text.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(target.count)
                let status = deflate(&stream, Z_FULL_FLUSH)
                return (status, crc32(crc32(0, nil, 0), source.baseAddress, UInt32(count)))
            }
        }
        guard status == Z_OK, stream.avail_in == 0, stream.avail_out > 0 else { return nil }
        output.removeLast(Int(stream.avail_out))
        return Segment(bytes: output, check: check, length: count)
    }
}
